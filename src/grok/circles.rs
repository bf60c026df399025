//! Definitions of one's own that lead back to themselves, whether an expression uses them or not.

use std::collections::{HashMap, HashSet};

use super::expand::MAX_FAULTS;
use super::fault::Fault;
use super::patterns::Patterns;
use super::reference::leads_to;

/// A definition on the way to a circle.
struct Step<'p> {
    name: &'p str,
    /// What of it was not looked at yet: where it leads to, and where that stands in it.
    open: Box<dyn Iterator<Item = (usize, &'p str)> + 'p>,
    /// Where the reference stands that was looked at last.
    at: usize,
}

/// What is told of a circle of these names.
pub(super) fn circular(names: &[&str]) -> String {
    let names: Vec<&str> = names.iter().chain(names.first()).copied().collect();
    format!("circular reference detected: {}", names.join("->"))
}

/// The circle as it reads from its first name by the alphabet on, wherever it was entered.
pub(super) fn turned(mut names: Vec<&str>) -> Vec<&str> {
    let first = (0..names.len()).min_by_key(|number| names[*number]).unwrap_or_default();
    names.rotate_left(first);
    names
}

/// The circles but those that were told, [`turned`]; the first twenty. Each is told once: at the last reference of the circle that is in
/// a definition of one's own.
pub(super) fn circles(patterns: &Patterns, told: &HashSet<Vec<&str>>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut settled = HashSet::new();
    for name in patterns.own_names() {
        walk(patterns, name, &mut settled, |circle| {
            if faults.len() >= MAX_FAULTS {
                return;
            }
            let names: Vec<&str> = circle.iter().map(|step| step.name).collect();
            if told.contains(&turned(names.clone())) {
                return;
            }
            // No shipped definition leads to itself, so that there is one of one's own.
            let own = circle.iter().rev().find(|step| patterns.is_own(step.name));
            let (name, at) = own.map_or((name, 0), |step| (step.name, step.at));
            faults.push(patterns.fault_in(name, at, circular(&names), None));
        });
    }
    faults
}

/// Finds the circles that a definition leads to, but for what is behind settled ones. One is found for each reference that leads back to
/// a definition on the way.
fn walk<'p>(patterns: &'p Patterns, name: &'p str, settled: &mut HashSet<&'p str>, mut found: impl FnMut(&[Step<'p>])) {
    // The way so far. As long as there are definitions at most, so it is no recursion.
    let mut path: Vec<Step<'p>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut back: HashSet<(&str, &str)> = HashSet::new();
    let mut next = Some(name);
    loop {
        if let Some(name) = next.take().filter(|name| !settled.contains(name)) {
            if let Some(from) = places.get(name) {
                if path.last().is_some_and(|step| back.insert((step.name, name))) {
                    found(&path[*from..]);
                }
            } else if let Some(definition) = patterns.get(name) {
                // Shipped definitions know of one's own only by name, and can be part of a circle with them.
                places.insert(name, path.len());
                path.push(Step { name, open: Box::new(leads_to(definition)), at: 0 });
            }
        }
        let Some(step) = path.last_mut() else { return };
        match step.open.next() {
            Some((at, name)) => {
                step.at = at;
                next = Some(name);
            }
            None => {
                places.remove(step.name);
                settled.insert(step.name);
                path.pop();
            }
        }
    }
}
