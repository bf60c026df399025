//! Which pipeline a topic belongs to. A topic that a pipeline names belongs to it, whatever patterns match; else it belongs
//! to the one pipeline whose pattern matches. Two patterns that match one topic are a mistake, which shows only once
//! there is such a topic: nobody reads it then.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::Pipeline;
use super::overlap::{Machine, common};
use crate::yaml::Place;

/// `source.topics_pattern`: a pattern for whole names of topics.
#[derive(Debug, Clone)]
pub struct TopicsPattern {
    text: String,
    pattern: regex_lite::Regex,
    place: Place,
}

impl TopicsPattern {
    /// # Errors
    /// It is no regular expression, in words for a person.
    pub(super) fn new(text: &str, place: Place) -> Result<Self, String> {
        // Wrapped, so that an alternative in it is part of the whole.
        let pattern = regex_lite::Regex::new(&format!("^(?:{text})$")).map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), pattern, place })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
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

/// Two patterns that some name of a topic would match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Such a name, which nothing else decides about.
    pub topic: String,
    /// The first pattern's place, as `file:line:column`.
    pub first: String,
    /// The other one's file.
    pub file: String,
    /// Its place there.
    pub place: Place,
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

    /// Patterns that would match one topic, each two of them with an example. There need not be such a topic.
    pub fn overlaps(&self) -> Vec<Overlap> {
        let machine = |pipeline: &Arc<Pipeline>| Machine::of(pipeline.topics_pattern()?.pattern.as_str());
        let machines: Vec<Option<Machine>> = self.patterns.iter().map(machine).collect();
        let mut overlaps = Vec::new();
        for (at, other) in self.patterns.iter().enumerate() {
            for (before, one) in self.patterns[..at].iter().enumerate() {
                let (Some(a), Some(b)) = (&machines[before], &machines[at]) else { continue };
                let matched = |pipeline: &Arc<Pipeline>, topic: &str| {
                    pipeline.topics_pattern().is_some_and(|pattern| pattern.matches(topic))
                };
                let fits = |topic: &str| {
                    !matches!(topic, "" | "." | "..")
                        && self.may_match(topic)
                        && !self.named.contains_key(topic)
                        && matched(one, topic)
                        && matched(other, topic)
                };
                if let Some(topic) = common(a, b, fits) {
                    let place = other.topics_pattern().map_or(Place { line: 0, column: 0 }, TopicsPattern::place);
                    overlaps.push(Overlap { topic, first: self::place(one), file: other.file().to_owned(), place });
                }
            }
        }
        overlaps
    }

    /// Kafka's own topics begin with `__`: offsets, states of transactions.
    fn may_match(&self, topic: &str) -> bool {
        !topic.starts_with("__") && !self.never.contains(topic)
    }

    fn matching(&self, topic: &str) -> impl Iterator<Item = &Arc<Pipeline>> {
        let may = self.may_match(topic);
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

    #[test]
    fn patterns_that_could_match_one_topic_are_told_with_an_example() {
        let overlaps = routes().overlaps();
        let told: Vec<_> = overlaps
            .iter()
            .map(|overlap| (overlap.topic.as_str(), overlap.first.as_str(), overlap.file.as_str(), overlap.place))
            .collect();
        assert_eq!(told, [("logs-two", "b.yaml:1:26", "c.yaml", Place { line: 1, column: 41 })]);
        // What is named, and what no pattern may match, is no example.
        let pipelines = [
            pipeline("a.yaml", "{topics: [ab]}"),
            pipeline("b.yaml", "{topics_pattern: 'a?b?|__x'}"),
            pipeline("c.yaml", "{topics_pattern: 'ab|b|__x'}"),
        ];
        assert_eq!(Routes::new(&pipelines, ["b".to_owned()]).overlaps(), []);
        assert_eq!(Routes::new(&pipelines, []).overlaps()[0].topic, "b");
    }
}
