//! Whether two patterns of topics can match one name, and such a name.
//!
//! That two patterns meet shows in a running service only once there is such a topic; whoever checks a configuration wants to
//! know before. The patterns become machines of states (Thompson's), which are walked through together, breadth first, so that the
//! name which is found is among the shortest. Assertions such as `\b` are passed over: whoever asks holds the name against the
//! patterns themselves. A pattern that is too large for this is not looked into.

use std::collections::{HashSet, VecDeque};

use regex_syntax::hir::{Class, Hir, HirKind};

/// What names of topics are made of, first what examples look best with.
const LETTERS: &[u8; 65] = b"abcdefghijklmnopqrstuvwxyz0123456789-_.ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const STATES: usize = 2_000;
const PAIRS: usize = 50_000;

/// A set of letters, a bit for each.
type Set = u128;

#[derive(Debug, Clone, Copy)]
enum State {
    /// One of these letters, and the state after it.
    Letter(Set, usize),
    Either(usize, usize),
    End,
}

/// A pattern as a machine.
#[derive(Debug)]
pub(super) struct Machine {
    states: Vec<State>,
    start: usize,
}

impl Machine {
    /// The machine of a regular expression; none if it is too large, or none that can be read here.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let hir = regex_syntax::Parser::new().parse(pattern).ok()?;
        let mut machine = Self { states: vec![State::End], start: 0 };
        machine.start = machine.add(&hir, 0)?;
        Some(machine)
    }

    fn push(&mut self, state: State) -> usize {
        self.states.push(state);
        self.states.len() - 1
    }

    /// Adds the states of a part that is followed by `next`; gives the first of them.
    fn add(&mut self, hir: &Hir, next: usize) -> Option<usize> {
        if self.states.len() > STATES {
            return None;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Some(next),
            HirKind::Literal(literal) => {
                let letters = literal.0.iter().rev();
                Some(letters.fold(next, |next, letter| self.push(State::Letter(set(|known| known == *letter), next))))
            }
            HirKind::Class(class) => Some(self.push(State::Letter(letters(class), next))),
            HirKind::Capture(group) => self.add(&group.sub, next),
            HirKind::Concat(parts) => parts.iter().rev().try_fold(next, |next, part| self.add(part, next)),
            HirKind::Alternation(ways) => {
                let (last, others) = ways.split_last()?;
                let last = self.add(last, next)?;
                others.iter().try_fold(last, |rest, way| {
                    let way = self.add(way, next)?;
                    Some(self.push(State::Either(way, rest)))
                })
            }
            HirKind::Repetition(repeated) => {
                let optional = match repeated.max {
                    Some(max) => (repeated.min..max).try_fold(next, |at, _| {
                        let once = self.add(&repeated.sub, at)?;
                        Some(self.push(State::Either(once, next)))
                    }),
                    None => {
                        let again = self.push(State::End);
                        let once = self.add(&repeated.sub, again)?;
                        self.states[again] = State::Either(once, next);
                        Some(again)
                    }
                };
                (0..repeated.min).try_fold(optional?, |at, _| self.add(&repeated.sub, at))
            }
        }
    }

    /// The states that wait for a letter, or are the end, and can be reached without one.
    fn reach(&self, from: usize) -> Vec<usize> {
        let (mut open, mut seen, mut found) = (vec![from], HashSet::new(), Vec::new());
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            match self.states[at] {
                State::Either(one, other) => open.extend([other, one]),
                State::Letter(..) | State::End => found.push(at),
            }
        }
        found
    }
}

/// The letters for which this holds.
fn set(holds: impl Fn(u8) -> bool) -> Set {
    let chosen = LETTERS.iter().enumerate().filter(|(_, letter)| holds(**letter));
    chosen.fold(0, |set, (bit, _)| set | 1 << bit)
}

fn letters(class: &Class) -> Set {
    set(|letter| match class {
        Class::Unicode(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&char::from(letter))),
        Class::Bytes(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&letter)),
    })
}

/// A name that both match and that fits, if one is found.
pub(super) fn common(one: &Machine, other: &Machine, fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut seen = HashSet::new();
    let mut open = VecDeque::new();
    let mut enter = |open: &mut VecDeque<_>, a: usize, b: usize, name: &str| {
        for a in one.reach(a) {
            for b in other.reach(b) {
                // Both at their ends: each way there is another name, and the first may be one that does not fit.
                if matches!((one.states[a], other.states[b]), (State::End, State::End)) || seen.insert((a, b)) {
                    open.push_back((a, b, name.to_owned()));
                }
            }
        }
        seen.len() <= PAIRS
    };
    enter(&mut open, one.start, other.start, "");
    while let Some((a, b, name)) = open.pop_front() {
        match (one.states[a], other.states[b]) {
            (State::End, State::End) if fits(&name) => return Some(name),
            (State::Letter(mine, a), State::Letter(theirs, b)) if mine & theirs != 0 => {
                let letter = LETTERS[(mine & theirs).trailing_zeros() as usize];
                if !enter(&mut open, a, b, &format!("{name}{}", char::from(letter))) {
                    return None;
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(one: &str, other: &str) -> Option<String> {
        let machine = |pattern: &str| Machine::of(&format!("^(?:{pattern})$")).unwrap();
        let matches =
            |pattern: &str, name: &str| regex_lite::Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(name);
        let name = common(&machine(one), &machine(other), |name| !name.is_empty())?;
        assert!(matches(one, &name) && matches(other, &name), "{one} {other}: {name}");
        Some(name)
    }

    #[test]
    fn a_name_that_both_match_is_found() {
        for (one, other, name) in [
            ("logs-.*", "logs-.*", "logs-"),
            ("logs-.*", ".*-web", "logs-web"),
            ("logs-.*", "logs-a.*", "logs-a"),
            ("(eu|us)-[a-z]+", r"us-\w{3,5}", "us-aaa"),
            ("a+b?", "a{3}|x", "aaa"),
            (r"app\.(one|two)", "(?i)APP.TWO", "app.two"),
            ("[^a]", ".", "b"),
            (".*", ".*", "a"),
        ] {
            assert_eq!(found(one, other).as_deref(), Some(name), "{one} {other}");
        }
    }

    #[test]
    fn where_no_name_is_common_none_is_found() {
        for (one, other) in [
            ("logs-.*", "app-.*"),
            ("a{2}", "a{3}"),
            ("[a-m]+", "[n-z]+"),
            (r"x\d", "x[a-z]"),
            ("größe", "größe"),
            ("ab", "a"),
        ] {
            assert_eq!(found(one, other), None, "{one} {other}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_looked_into() {
        assert!(Machine::of("(?:[a-z]{30}){90}").is_none());
        let many = |letters: &str| Machine::of(&format!("(?:{}){{0,9}}", vec![letters; 40].join("|"))).unwrap();
        assert!(common(&many("a?b?c?d?"), &many("a?b?c?d?"), |_| false).is_none());
    }
}
