//! Definitions of one's own that lead back to themselves, whether an expression uses them or not.

use std::collections::{HashMap, HashSet};

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

/// The circles, each told once: at the last reference of the circle that is in a definition of one's own.
pub(super) fn circles(patterns: &Patterns) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut settled = HashSet::new();
    for name in patterns.own_names() {
        if let Some(circle) = circle(patterns, name, &mut settled) {
            let names: Vec<&str> = circle.iter().chain(circle.first()).map(|(name, _)| *name).collect();
            let what = format!("circular reference detected: {}", names.join("->"));
            // No shipped definition leads to itself, so that there is one of one's own.
            let own = circle.iter().rev().find(|(name, _)| patterns.is_own(name));
            let (name, at) = own.copied().unwrap_or((name, 0));
            faults.push(patterns.fault_in(name, at, what, None));
        }
    }
    faults
}

/// The first circle that a definition leads to, of those that do not lead to settled ones: its names, and where each leads to the next.
fn circle<'p>(patterns: &'p Patterns, name: &'p str, settled: &mut HashSet<&'p str>) -> Option<Vec<(&'p str, usize)>> {
    // The way so far. As long as there are definitions at most, so it is no recursion.
    let mut path: Vec<Step<'p>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut next = Some(name);
    loop {
        if let Some(name) = next.take().filter(|name| !settled.contains(name)) {
            if let Some(from) = places.get(name) {
                settled.extend(path.iter().map(|step| step.name));
                return Some(path[*from..].iter().map(|step| (step.name, step.at)).collect());
            }
            // Shipped definitions know of one's own only by name, and can be part of a circle with them.
            if let Some(definition) = patterns.get(name) {
                places.insert(name, path.len());
                path.push(Step { name, open: Box::new(leads_to(definition)), at: 0 });
            }
        }
        let step = path.last_mut()?;
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
