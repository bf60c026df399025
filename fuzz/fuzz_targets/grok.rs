//! Grok expressions and texts: whatever they are, there is an answer, and soon; captures lie within the text.
//!
//! The first byte says how often the text is repeated (its low four bits) and in which dialect. Up to an empty line come expressions, one
//! a line, then the text.
#![no_main]

use std::sync::LazyLock;

use kelp::grok::{Dialect, Grok, Options, Outcome, Patterns, Scratch, Set, lint};
use libfuzzer_sys::fuzz_target;

/// How long a text may become by being repeated.
const LONGEST: usize = 200_000;

static PATTERNS: LazyLock<[Patterns; 2]> =
    LazyLock::new(|| [Dialect::Elasticsearch, Dialect::Logstash].map(|dialect| Patterns::new(Set::Legacy, dialect)));

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let rest = String::from_utf8_lossy(rest);
    let (expressions, text) = rest.split_once("\n\n").unwrap_or((&rest, ""));
    let expressions: Vec<&str> = expressions.trim_start_matches('\n').split('\n').take(5).collect();
    let text = text.repeat((1 << (first & 15)).min(LONGEST / text.len().max(1)));
    let logstash = first & 16 != 0;
    let dialect = if logstash { Dialect::Logstash } else { Dialect::Elasticsearch };
    let (patterns, options) = (&PATTERNS[usize::from(logstash)], Options::new(dialect));
    let Ok(grok) = Grok::compile(&expressions, patterns, options) else { return };
    if let Outcome::Match(found) = grok.search(&text, &mut Scratch::new()) {
        let (start, end) = found.span();
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end));
        for capture in found.captures() {
            assert!(text[capture.start..].starts_with(capture.text));
        }
        // Whether a value can be converted is another matter.
        if let Ok(values) = found.values() {
            assert!(values.count() <= grok.fields(found.index()).len());
        }
    }
    for expression in expressions {
        assert!(lint(expression, patterns, options).is_ok());
    }
});
