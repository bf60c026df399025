//! The faults of a request, and the choice among them by a seed.

use std::collections::BTreeMap;

use crate::lab::generate::Random;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The port refuses connections for a while.
    Refused,
    /// The connection is reset before the body was read.
    ResetBefore,
    /// It is reset when a part of the body was read.
    ResetWithin,
    /// It is reset after the body, which is not passed on.
    ResetAfter,
    /// The request is carried out; its answer never comes, and the connection is reset.
    Lost,
    /// The request is carried out; its answer comes byte by byte.
    Slow,
    /// It is answered with a status, and not carried out.
    Status(u16),
    /// It is carried out; the answer ends in the middle, and so does the connection.
    Cut,
    /// It is carried out; the answer is whole, but no JSON, or half of it, or nothing.
    Garbled,
    /// It is carried out; items are missing from the answer.
    Short,
    /// Some items are refused with this status and not passed on.
    Items(u16),
    /// Some documents are refused as faulty, always the same ones.
    Poison,
}

impl Fault {
    /// All that may happen to a single request.
    pub const ALL: [Self; 18] = [
        Self::ResetBefore,
        Self::ResetWithin,
        Self::ResetAfter,
        Self::Lost,
        Self::Slow,
        Self::Status(429),
        Self::Status(413),
        Self::Status(500),
        Self::Status(502),
        Self::Status(503),
        Self::Status(504),
        Self::Cut,
        Self::Garbled,
        Self::Short,
        Self::Items(429),
        Self::Items(500),
        Self::Items(503),
        Self::Items(403),
    ];

    /// True if it says nothing unless there are items.
    pub fn is_of_bulks(self) -> bool {
        matches!(self, Self::Short | Self::Items(_) | Self::Status(413) | Self::Poison)
    }

    /// A short name for tables.
    pub fn name(self) -> String {
        match self {
            Self::Refused => "connection refused".into(),
            Self::ResetBefore => "reset before the body".into(),
            Self::ResetWithin => "reset in the body".into(),
            Self::ResetAfter => "reset after the body".into(),
            Self::Lost => "answer lost after indexing".into(),
            Self::Slow => "slow answer".into(),
            Self::Status(status) => format!("status {status}"),
            Self::Cut => "answer cut off".into(),
            Self::Garbled => "answer garbled".into(),
            Self::Short => "answer with items missing".into(),
            Self::Items(status) => format!("items with {status}"),
            Self::Poison => "document refused".into(),
        }
    }
}

/// How often which faults happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Weather {
    random: Random,
    /// In a thousand bulk requests.
    often: u64,
    kinds: Vec<Fault>,
}

impl Weather {
    /// Faults of these kinds, `often` in a thousand bulk requests and a third as often elsewhere.
    pub fn new(seed: u64, often: u64, kinds: &[Fault]) -> Self {
        Self { random: Random::new(seed), often, kinds: kinds.to_vec() }
    }

    /// The fault of the next request, if it has one, and a number for its details.
    pub fn next(&mut self, bulk: bool) -> Option<(Fault, u64)> {
        let often = if bulk { self.often } else { self.often / 3 };
        if self.kinds.is_empty() || !self.random.chance(often) {
            return None;
        }
        let fault = *self.random.pick(&self.kinds);
        let detail = self.random.below(u64::from(u32::MAX));
        // A block holds its index for up to half a minute: seldom is enough.
        let seldom = fault == Fault::Items(403) && !detail.is_multiple_of(4);
        (!seldom && (bulk || !fault.is_of_bulks())).then_some((fault, detail))
    }
}

/// How often each fault was carried out.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<Fault, u64>);

impl Counts {
    /// Counts one.
    pub fn add(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<Fault, u64> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_weather_with_every_fault_in_it() {
        let draw = |seed| {
            let mut weather = Weather::new(seed, 500, &Fault::ALL);
            (0..4000).map(|_| weather.next(true)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let met: std::collections::BTreeSet<_> = draw(1).into_iter().flatten().map(|(fault, _)| fault).collect();
        assert_eq!(met.into_iter().collect::<Vec<_>>(), {
            let mut all = Fault::ALL.to_vec();
            all.sort();
            all
        });
        let mut weather = Weather::new(3, 1000, &Fault::ALL);
        assert!((0..4000).filter_map(|_| weather.next(false)).all(|(fault, _)| !fault.is_of_bulks()));
    }
}
