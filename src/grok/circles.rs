//! Definitions of one's own that lead back to themselves, whether an expression uses them or not.

use std::collections::{HashMap, HashSet};

use super::fault::Fault;
use super::patterns::Patterns;
use super::reference::{Read, read};

/// A definition on the way to a circle.
struct Step<'p> {
    name: &'p str,
    /// What of it was not looked at yet.
    rest: &'p str,
    /// What it defines on the spot, so that later references mean something else.
    on_the_spot: Vec<&'p str>,
}

/// The circles, each told once.
pub(super) fn circles(patterns: &Patterns) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut settled = HashSet::new();
    for name in patterns.own_names() {
        if let Some(circle) = circle(patterns, name, &mut settled) {
            let what = format!("circular reference detected: {}", circle.join("->"));
            faults.push(patterns.fault_in(name, 0, what, None));
        }
    }
    faults
}

/// The first circle that a definition leads to, of those that do not lead to settled ones.
fn circle<'p>(patterns: &'p Patterns, name: &'p str, settled: &mut HashSet<&'p str>) -> Option<Vec<&'p str>> {
    // The way so far. As long as there are definitions at most, so it is no recursion.
    let mut path: Vec<Step<'p>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut next = Some(name);
    loop {
        if let Some(name) = next.take().filter(|name| !settled.contains(name)) {
            if let Some(from) = places.get(name) {
                let names = path.iter().map(|step| step.name);
                settled.extend(names.clone());
                return Some(names.skip(*from).chain([name]).collect());
            }
            // Shipped definitions know of one's own only by name, and can be part of a circle with them.
            if let Some(definition) = patterns.get(name) {
                places.insert(name, path.len());
                path.push(Step { name, rest: definition, on_the_spot: Vec::new() });
            }
        }
        let step = path.last_mut()?;
        next = step.next_reference();
        if next.is_none() {
            places.remove(step.name);
            settled.insert(step.name);
            path.pop();
        }
    }
}

impl<'p> Step<'p> {
    /// The next reference to a definition; what comes after it is left.
    fn next_reference(&mut self) -> Option<&'p str> {
        while let Some((_, inner)) = self.rest.split_once("%{") {
            self.rest = inner;
            if let Read::Reference(reference, length) = read(inner) {
                self.rest = &inner[length..];
                if reference.inline.is_some() {
                    self.on_the_spot.push(reference.name);
                } else if !self.on_the_spot.contains(&reference.name) {
                    return Some(reference.name);
                }
            }
        }
        None
    }
}
