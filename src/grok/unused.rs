//! What is wrong with definitions of one's own that no expression leads to.
//!
//! Elasticsearch and Logstash never look at them, so that it is no fault. They are compiled all the same: whoever uses one later, or
//! has misspelled its name, should know. That is done at every start and every check, for nothing that runs, and so has to be cheap
//! whatever the definitions are: only those are expanded that no other one leads to, nothing is tried twice, and both the faults and
//! the letters that are looked at have a bound. What is beyond it is not told.

use std::collections::HashSet;

use super::blame;
use super::expand::{MAX_FAULTS, expand};
use super::fault::Fault;
use super::matcher::Matcher;
use super::options::Options;
use super::patterns::Patterns;
use super::reference::leads_to;

/// After so many bytes of expanded definitions the rest is not looked at.
const MAX_LENGTH: usize = 4 << 20;

/// Faults of definitions that none of the expressions leads to, in the order of their places: the first twenty that are found. The
/// expressions have to be right. Each fault is of a definition of one's own, or told where that leads to the one that has it.
pub fn unused(expressions: &[&str], patterns: &Patterns, options: Options) -> Vec<Fault> {
    let references: Vec<String> = patterns.unused(expressions).into_iter().map(|name| format!("%{{{name}}}")).collect();
    let mut memory = blame::Memory::default();
    let mut found = Found { patterns, known: HashSet::new(), told: Vec::new() };
    let mut length = 0;
    for reference in &references {
        if found.told.len() >= MAX_FAULTS || length > MAX_LENGTH {
            break;
        }
        match expand(reference, patterns, options) {
            Ok(expanded) => {
                length += expanded.regex.len();
                if let Err(words) = Matcher::check(&expanded, options) {
                    let faults = blame::blame(reference, Some(&words), patterns, options, &mut memory);
                    faults.into_iter().for_each(|fault| found.tell(fault, || None));
                }
                expanded.warnings.into_iter().chain(expanded.untyped).for_each(|fault| found.tell(fault, || None));
            }
            Err(failed) => {
                length += failed.so_far.regex.len();
                for (number, fault) in failed.faults.iter().enumerate() {
                    found.tell(fault.clone(), || failed.hint(number, patterns));
                }
                if !failed.too_large {
                    let faults = blame::blame(reference, None, patterns, options, &mut memory);
                    faults.into_iter().for_each(|fault| found.tell(fault, || None));
                }
            }
        }
    }
    let mut told = found.told;
    told.sort_by(|a, b| a.place.cmp(&b.place));
    told
}

/// The faults so far.
struct Found<'p> {
    patterns: &'p Patterns,
    /// In which definition, and what it is.
    known: HashSet<(Option<(String, usize)>, String)>,
    told: Vec<Fault>,
}

impl Found<'_> {
    /// Adds a fault that is not known by now, as several definitions may lead to one, and then asks what can be done about it.
    fn tell(&mut self, mut fault: Fault, hint: impl FnOnce() -> Option<String>) {
        if self.told.len() >= MAX_FAULTS {
            return;
        }
        self.place(&mut fault);
        // Without one it is about the reference that was made up here.
        if fault.definition.is_none() || !self.known.insert((fault.definition.clone(), fault.what.clone())) {
            return;
        }
        fault.hint = fault.hint.or_else(hint).or_else(|| Some("no expression uses the definition".to_owned()));
        self.told.push(fault);
    }

    /// Gives a fault within a shipped definition the place where one's own leads there.
    fn place(&self, fault: &mut Fault) {
        let Some((name, _)) = fault.definition.as_ref().filter(|(name, _)| !self.patterns.is_own(name)) else { return };
        let shipped = name.clone();
        let Some(from) = fault.within.iter().rposition(|name| self.patterns.is_own(name)) else { return };
        let own = &fault.within[from];
        let next = fault.within.get(from + 1).unwrap_or(&shipped);
        let references = self.patterns.get(own).into_iter().flat_map(leads_to);
        let at = references.into_iter().find(|(_, name)| name == next).map_or(0, |(at, _)| at);
        fault.place = self.patterns.place(own, at);
        fault.definition = Some((own.clone(), at));
    }
}
