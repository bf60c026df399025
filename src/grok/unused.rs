//! What is wrong with definitions of one's own that no expression leads to.
//!
//! Elasticsearch and Logstash never look at them, so that it is no fault. They are compiled all the same: whoever uses one later, or
//! has misspelled its name, should know.

use super::fault::Fault;
use super::gather;
use super::options::Options;
use super::patterns::Patterns;

/// Faults of definitions that none of the expressions leads to, in the order of their places. The expressions have to be right.
pub fn unused(expressions: &[&str], patterns: &Patterns, options: Options) -> Vec<Fault> {
    let references: Vec<String> = patterns.unused(expressions).into_iter().map(|name| format!("%{{{name}}}")).collect();
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    let gathered = gather(&references, patterns, options);
    let mut told: Vec<Fault> = Vec::new();
    for mut fault in gathered.faults.into_iter().chain(gathered.warnings).chain(gathered.untyped) {
        // One may lead to another, and a name may be none that can be referred to.
        let known = |known: &Fault| known.definition == fault.definition && known.what == fault.what;
        if fault.definition.is_some() && !told.iter().any(known) {
            fault.hint.get_or_insert_with(|| "no expression uses the definition".to_owned());
            told.push(fault);
        }
    }
    told.sort_by(|a, b| a.place.cmp(&b.place));
    told
}
