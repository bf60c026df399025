//! The file of a pipeline: from its text to the compiled pipeline, telling all faults at once.

use super::calls;
use super::cases::{self, Case};
use super::compile::Compiler;
use super::destination::{Destination, compile_index};
use super::meter::StepInfo;
use super::routes::TopicsPattern;
use super::step::{Pipelines, Step};
use super::time::{Moment, Zone, parse_iso};
use crate::codec::Codec;
use crate::yaml::{self, Fields, Place, Problem, Problems, Spanned};

/// The largest payload that is read unless the source says otherwise.
const MAX_PAYLOAD: u64 = 16 << 20;
const DAY: i64 = 86_400_000;

/// What a file says, compiled.
pub(super) struct Spec {
    pub description: Option<String>,
    pub topics: Vec<String>,
    /// Where each of the topics is named.
    pub topic_places: Vec<Place>,
    pub topics_pattern: Option<TopicsPattern>,
    /// What is no fault and yet hardly meant.
    pub warnings: Vec<Problem>,
    pub codec: Codec,
    pub max_payload: usize,
    pub origin: String,
    pub uses_origin: bool,
    /// Every processor, by its number.
    pub steps: Vec<StepInfo>,
    pub processors: Vec<Step>,
    pub on_failure: Vec<Step>,
    pub pipelines: Pipelines,
    pub destination: Destination,
    pub cases: Vec<Case>,
}

/// Reads and compiles a file's text; `file` is how problems name it.
pub(super) fn compile(file: &str, text: &str) -> Result<Spec, Vec<Problem>> {
    let problems = Problems::new(file);
    let spec = yaml::parse(text, &problems).and_then(|root| read(&root, &problems));
    match spec {
        Some(spec) if problems.count() == 0 => Ok(spec),
        _ => Err(problems.into_vec()),
    }
}

fn read(root: &yaml::Node, problems: &Problems) -> Option<Spec> {
    let fields = Fields::new(root, "the pipeline", problems)?;
    let description = fields.string("description").map(|text| text.value.to_owned());
    let destination = fields.required("destination").and(fields.mapping("destination", "the destination"));
    let origin = destination.as_ref().and_then(|fields| fields.string("origin"));
    let origin = origin_field(origin, problems);
    let cx = Compiler::new(problems, &origin);

    let source = fields
        .required("source")
        .and(fields.mapping("source", "the source"))
        .and_then(|source| read_source(source, problems));
    calls::note(&fields, &cx);
    let processors = cx.steps(fields.list("processors").unwrap_or_default());
    let on_failure = cx.handlers(&fields);
    let pipelines = calls::compile(&fields, &cx);
    let destination = destination.and_then(|fields| read_destination(fields, &cx));
    let cases = cases::read(&fields);
    fields.finish();

    let uses_origin = cx.uses_origin();
    let (topics, topics_pattern, codec, max_payload) = source?;
    let (topics, topic_places) = topics.into_iter().unzip();
    let destination = destination?;
    Some(Spec {
        description,
        topics,
        topic_places,
        topics_pattern,
        warnings: problems.take_warnings(),
        codec,
        max_payload,
        uses_origin,
        steps: cx.found(),
        processors,
        on_failure,
        pipelines,
        destination,
        cases,
        origin,
    })
}

fn origin_field(given: Option<Spanned<&str>>, problems: &Problems) -> String {
    let Some(given) = given else { return "kafka".into() };
    if given.value.is_empty() || given.value.contains('.') || given.value.starts_with(['_', '@']) {
        problems.add(
            given.place,
            format!("{:?} can't be the name of the origin's field: a plain name without dots is expected", given.value),
        );
    }
    given.value.to_owned()
}

/// Topics, each with its place.
type Topics = Vec<(String, Place)>;

/// Topics, the pattern of topics, the codec, the largest payload.
type Source = (Topics, Option<TopicsPattern>, Codec, usize);

fn read_source(fields: Fields<'_, '_>, problems: &Problems) -> Option<Source> {
    let given = fields.string("topics_pattern");
    let pattern = given.and_then(|text| match TopicsPattern::new(text.value, text.place) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let hint = "a regular expression for whole names, such as logs-.*";
            problems.add_hint(text.place, format!("{:?} is no pattern for topics: {error}", text.value), hint);
            None
        }
    });
    let topics = if given.is_some() {
        fields.strings("topics")
    } else {
        fields.required("topics").and(fields.strings("topics"))
    };
    let mut names = Topics::new();
    for topic in topics.iter().flatten() {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if topic.value.is_empty()
            || topic.value.len() > 249
            || !topic.value.chars().all(legal)
            || matches!(topic.value, "." | "..")
        {
            let what = format!("{:?} can't be the name of a topic", topic.value);
            problems.add_hint(topic.place, what, "up to 249 letters, digits, dots, underscores and hyphens");
        } else if names.iter().any(|(name, _)| name == topic.value) {
            problems.add_hint(
                topic.place,
                format!("the topic {:?} is named twice", topic.value),
                "remove one of the two",
            );
        }
        names.push((topic.value.to_owned(), topic.place));
    }
    if topics.is_some_and(|topics| topics.is_empty()) {
        problems.add_hint(fields.place(), "the source has no topic", "name at least one");
    }
    let codec = match fields.string("codec") {
        None => Codec::Plain,
        Some(name) => match name.value {
            "plain" => Codec::Plain,
            "json" => Codec::Json,
            other => {
                problems.add_hint(name.place, format!("there is no codec {other:?}"), "plain or json");
                Codec::Plain
            }
        },
    };
    let max_payload = fields.byte_size("max_payload").map_or(MAX_PAYLOAD, |size| size.value);
    fields.finish();
    Some((names, pattern, codec, usize::try_from(max_payload).unwrap_or(usize::MAX)))
}

fn read_destination(fields: Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Destination> {
    let problems = cx.problems;
    let lowercase = fields.bool("lowercase").unwrap_or(false);
    let index = fields.required_string("index").and_then(|text| compile_index(text, lowercase, cx));
    let zone = match fields.string("timezone") {
        None => Zone::UTC,
        Some(text) => Zone::parse(text.value).unwrap_or_else(|| {
            let what = format!("there is no time zone {:?}", text.value);
            problems.add_hint(text.place, what, "an offset such as +02:00, or a name such as Europe/Amsterdam");
            Zone::UTC
        }),
    };
    let (mut before, mut after) = (7 * DAY, DAY);
    if let Some(window) = fields.mapping("window", "the destination's window") {
        let millis = |name| window.duration(name).map(|span| i64::try_from(span.value.as_millis()).unwrap_or(i64::MAX));
        before = millis("before").unwrap_or(before);
        after = millis("after").unwrap_or(after);
        window.finish();
    }
    let year = |text| parse_iso(text, &Zone::UTC).map_or(0, Moment::millis);
    let (mut from, mut to) = (year("2000"), year("2100"));
    if let Some(bounds) = fields.mapping("bounds", "the destination's bounds") {
        let date = |name| {
            let text = bounds.string(name)?;
            let moment = parse_iso(text.value, &Zone::UTC);
            if moment.is_none() {
                problems.add_hint(text.place, format!("{:?} is no date", text.value), "write it like 2000-01-01");
            }
            moment.map(Moment::millis)
        };
        from = date("from").unwrap_or(from);
        to = date("to").unwrap_or(to);
        if from >= to {
            problems.add_hint(
                bounds.place(),
                "the destination's bounds are empty: from is not before to",
                "exchange the two",
            );
        }
        bounds.finish();
    }
    fields.string("origin");
    fields.finish();
    Some(Destination { index: index?, zone, before, after, bounds: (from, to) })
}
