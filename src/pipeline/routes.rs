//! Which pipeline a topic belongs to. A topic that a pipeline names belongs to it, whatever patterns match; else it belongs
//! to the one pipeline whose pattern matches. Two patterns that match one topic are a mistake, which shows only once
//! there is such a topic: nobody reads it then.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::Pipeline;
use crate::yaml::Place;

/// `source.topics_pattern`: a pattern for whole names of topics.
#[derive(Debug, Clone)]
pub struct TopicsPattern {
    pattern: regex_lite::Regex,
    place: Place,
}

impl TopicsPattern {
    /// # Errors
    /// It is no regular expression, in words for a person.
    pub(super) fn new(text: &str, place: Place) -> Result<Self, String> {
        // Wrapped, so that an alternative in it is part of the whole.
        let pattern = regex_lite::Regex::new(&format!("^(?:{text})$")).map_err(|error| error.to_string())?;
        Ok(Self { pattern, place })
    }

    /// Where it stands in its file.
    pub fn place(&self) -> Place {
        self.place
    }

    fn matches(&self, topic: &str) -> bool {
        self.pattern.is_match(topic)
    }
}

/// Topics and patterns of all pipelines.
#[derive(Clone, Default)]
pub struct Routes {
    named: HashMap<Arc<str>, Arc<Pipeline>>,
    patterns: Vec<Arc<Pipeline>>,
    /// Topics that no pattern matches.
    never: BTreeSet<String>,
}

/// A topic that two patterns match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The topic.
    pub topic: String,
    /// The patterns' places, as `file:line:column`.
    pub places: [String; 2],
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, places: [one, other] } = self;
        write!(
            f,
            "the topic {topic:?} is matched by the patterns at {one} and {other}: a topic belongs to one pipeline"
        )
    }
}

impl Routes {
    /// `never` are topics that no pattern may match: those of the dead letters, whose letters would come back as records.
    pub fn new(pipelines: &[Arc<Pipeline>], never: impl IntoIterator<Item = String>) -> Self {
        let named = pipelines.iter().flat_map(|pipeline| {
            pipeline.topics().iter().map(|topic| (Arc::from(topic.as_str()), Arc::clone(pipeline)))
        });
        Self {
            named: named.collect(),
            patterns: pipelines.iter().filter(|pipeline| pipeline.topics_pattern().is_some()).cloned().collect(),
            never: never.into_iter().collect(),
        }
    }

    /// The topics that are named, by name.
    pub fn named(&self) -> Vec<&str> {
        let mut named: Vec<&str> = self.named.keys().map(|topic| &**topic).collect();
        named.sort_unstable();
        named
    }

    /// True if there is a pattern.
    pub fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// The pipeline of a topic.
    pub fn of(&self, topic: &str) -> Option<&Arc<Pipeline>> {
        if let Some(pipeline) = self.named.get(topic) {
            return Some(pipeline);
        }
        let mut matching = self.matching(topic);
        let found = matching.next()?;
        matching.next().is_none().then_some(found)
    }

    /// Of the topics that there are, those that belong to a pipeline, and those that two patterns match. Topics that are named
    /// belong to theirs even if they are not there yet.
    pub fn claim<'a>(&'a self, there: impl IntoIterator<Item = &'a str>) -> (BTreeSet<&'a str>, BTreeSet<Conflict>) {
        let mut claimed: BTreeSet<&str> = self.named.keys().map(|topic| &**topic).collect();
        let mut conflicts = BTreeSet::new();
        for topic in there {
            if self.of(topic).is_some() {
                claimed.insert(topic);
                continue;
            }
            let mut matching = self.matching(topic).map(|pipeline| place(pipeline));
            if let (Some(one), Some(other)) = (matching.next(), matching.next()) {
                conflicts.insert(Conflict { topic: topic.to_owned(), places: [one, other] });
            }
        }
        (claimed, conflicts)
    }

    fn matching(&self, topic: &str) -> impl Iterator<Item = &Arc<Pipeline>> {
        // Kafka's own topics begin so: offsets, states of transactions.
        let may = !topic.starts_with("__") && !self.never.contains(topic);
        let matches = move |pipeline: &&Arc<Pipeline>| {
            may && pipeline.topics_pattern().is_some_and(|pattern| pattern.matches(topic))
        };
        self.patterns.iter().filter(matches)
    }
}

fn place(pipeline: &Pipeline) -> String {
    let place = pipeline.topics_pattern().map_or(Place { line: 0, column: 0 }, TopicsPattern::place);
    format!("{}:{}:{}", pipeline.file(), place.line, place.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(file: &str, source: &str) -> Arc<Pipeline> {
        let text = format!("source: {source}\nprocessors: []\ndestination: {{index: x}}\n");
        Arc::new(Pipeline::compile(file, &text).map_err(|problems| problems[0].to_string()).unwrap())
    }

    fn routes() -> Routes {
        let pipelines = [
            pipeline("a.yaml", "{topics: [logs-one]}"),
            pipeline("b.yaml", "{topics_pattern: 'logs-.*|other'}"),
            pipeline("c.yaml", "{topics: [own], topics_pattern: '.*-two'}"),
        ];
        Routes::new(&pipelines, ["logs-letters".to_owned()])
    }

    #[test]
    fn a_name_beats_a_pattern_and_a_pattern_is_for_the_whole_name() {
        let routes = routes();
        let of = |topic| routes.of(topic).map(|pipeline| pipeline.name().to_owned());
        assert_eq!(of("logs-one").as_deref(), Some("a"));
        assert_eq!(of("logs-three").as_deref(), Some("b"));
        assert_eq!(of("other").as_deref(), Some("b"));
        assert_eq!((of("own").as_deref(), of("x-two").as_deref()), (Some("c"), Some("c")));
        for topic in ["my-logs-three", "others", "logs", "__consumer_offsets", "logs-letters", "logs-two"] {
            assert_eq!(of(topic), None, "{topic}");
        }
    }

    #[test]
    fn two_patterns_on_one_topic_are_told_with_both_places() {
        let routes = routes();
        let (claimed, conflicts) = routes.claim(["logs-two", "logs-three", "logs-letters", "__x-two"]);
        assert_eq!(claimed.into_iter().collect::<Vec<_>>(), ["logs-one", "logs-three", "own"]);
        let told: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
        let expected = "the topic \"logs-two\" is matched by the patterns at b.yaml:1:26 and c.yaml:1:41: a topic belongs to one pipeline";
        assert_eq!(told, [expected]);
    }
}
