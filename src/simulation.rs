//! Randomised histories of the three cores: from a seed, a group of processes lives through rebalances, crashes and a
//! faulty Elasticsearch, and the promise is checked all along.
//!
//! Only the edges are played. The cores are the real ones, each message between them rides on an event queue that keeps
//! the order of a channel and nothing else, and all chance comes from the seed: so a history that fails is told by one number.
//! That the check can fail is shown by faults that are planted in the edges and in the cores, each of which has to be found.
//!
//! It is part of the unit tests, and of the program `simulate` (feature `simulation`), which runs histories by the million.

mod agenda;
mod broker;
mod command;
mod dispatch_edge;
mod edges;
#[cfg(test)]
mod fakes_tests;
mod fetch;
mod life;
mod log;
mod many;
mod mischief;
mod mutant;
mod noted;
mod oracle;
mod plan;
mod reader_edge;
mod script;
mod search;
mod shrink;
mod totals;
mod world;

use crate::planted::plant;
pub use command::command;
use mutant::{IN_CORES, Mutant};
use plan::Plan;
use shrink::Case;
use totals::Totals;
use world::World;

/// Lines of the trace of a history that is asked for, at most: the whole of nearly every one.
const TRACE: usize = 100_000;

/// Lives through one history.
fn history(seed: u64, mutant: Option<Mutant>) -> Result<Totals, String> {
    World::new(Plan::new(seed), seed, mutant, 0).run()
}

/// Lives through a history; if it fails, tells the shortest way to a failure that is found from there.
fn told(seed: u64) -> Result<Totals, String> {
    history(seed, None).map_err(|broken| {
        let (case, failure) = Case::new(seed).shortest(None);
        format!(
            "seed {seed}: {broken}\nthe whole history: simulate replay {seed}\n\
             the shortest that fails, of {} steps: simulate replay {seed} {}\n{}\n{}",
            failure.steps,
            case.told(),
            failure.trace.join("\n"),
            failure.broken,
        )
    })
}

/// Debug and release builds, on every machine, live through the same histories: they all compare with this one number. It
/// changes with the cores and with the simulator; whoever means that change writes the new one here.
const RECORDED: u64 = 0x5638_67a9_e6d0_4808;

/// The hash of the histories that are compared with [`RECORDED`].
fn recorded_trace() -> Result<u64, String> {
    let mut totals = Totals::default();
    for seed in 0..20 {
        totals.add(&told(seed)?);
    }
    Ok(totals.trace)
}

/// Lives through one history, made simpler by what `less` names; if it fails, or there is no such name, tells how, with the end of its trace.
fn replay(seed: u64, less: &str) -> Option<String> {
    let case = match Case::replayed(seed, less) {
        Ok(case) => case,
        Err(why) => return Some(why),
    };
    let failure = case.fails(None, TRACE)?;
    let trace = failure.trace.join("\n");
    Some(format!("seed {seed}, {} steps: {}\n{trace}", failure.steps, failure.broken))
}

/// A fault planted in the edges, or in the cores.
#[derive(Clone, Copy)]
enum Planted {
    Edge(Mutant),
    Core(&'static str),
}

impl Planted {
    fn fails(self, seed: u64) -> bool {
        let mutant = match self {
            Self::Edge(mutant) => Some(mutant),
            Self::Core(name) => {
                plant(name);
                None
            }
        };
        // A panic ends the service before anything more is committed: that is found, too.
        let ran = std::panic::catch_unwind(|| history(seed, mutant));
        plant("");
        ran.map_or(true, |ran| ran.is_err())
    }
}

/// Every fault that is planted, with its name.
fn all_planted() -> impl Iterator<Item = (String, Planted)> {
    let edges = Mutant::ALL.iter().map(|mutant| (format!("{mutant:?}: {}", mutant.what()), Planted::Edge(*mutant)));
    edges.chain(IN_CORES.iter().map(|(name, what)| (format!("{name}: {what}"), Planted::Core(name))))
}

/// How many histories it takes to find a fault, from 1 on: the control, without the fault, must not fail.
fn found_within(planted: Planted, most: u64) -> Option<u64> {
    (0..most).find(|seed| planted.fails(*seed) && history(*seed, None).is_ok()).map(|seed| seed + 1)
}

#[cfg(test)]
mod tests;
