//! Randomised histories of the three cores: from a seed, a group of processes lives through rebalances, crashes and a
//! faulty Elasticsearch, and the promise is checked all along.
//!
//! Only the edges are played. The cores are the real ones, each message between them rides on an event queue that keeps
//! the order of a channel and nothing else, and all chance comes from the seed: so a history that fails is told by one number.
//! That the check can fail is shown by faults that are planted in the edges, each of which has to be found.
//!
//! `KELP_SIM_SEED=n` runs that history alone, with its trace; `KELP_SIM_HISTORIES=n` runs that many, from `KELP_SIM_FROM` on,
//! so that long runs can be divided and add up.

mod broker;
mod dispatch_edge;
mod edges;
mod life;
mod mutant;
mod oracle;
mod plan;
mod reader_edge;
mod script;
mod search;
mod world;

use crate::planted::plant;
use mutant::{IN_CORES, Mutant};
use plan::Plan;
use world::World;

/// Histories of a normal test run.
const HISTORIES: u64 = 250;

/// Runs one history. The error says what was broken, where, and how to see it again.
fn history(seed: u64, mutant: Option<Mutant>, traced: bool) -> Result<world::Totals, String> {
    let mut world = World::new(Plan::new(seed), seed, mutant, traced);
    world.run().map_err(|broken| {
        let trace = world.trace().join("\n");
        format!("seed {seed}: {broken}\nrun it again with KELP_SIM_SEED={seed}\n{trace}")
    })
}

/// Runs a history again with its trace if it fails.
fn told(seed: u64) -> world::Totals {
    history(seed, None, false).unwrap_or_else(|_| match history(seed, None, true) {
        Err(told) => panic!("{told}"),
        Ok(_) => panic!("seed {seed} failed once and not again: a history must depend on its seed alone"),
    })
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

#[test]
fn histories_keep_the_promise() {
    if let Some(seed) = number_from("KELP_SIM_SEED") {
        history(seed, None, true).map(drop).unwrap_or_else(|told| panic!("{told}"));
        return;
    }
    let histories = number_from("KELP_SIM_HISTORIES").unwrap_or(HISTORIES);
    let from = number_from("KELP_SIM_FROM").unwrap_or(0);
    let mut totals = world::Totals::default();
    for seed in from..from + histories {
        totals.add(&told(seed));
    }
    println!("{histories} histories: {totals:?}");
    // A simulator in which nothing happens proves nothing.
    if histories >= HISTORIES {
        for (what, number) in totals.by_name() {
            assert!(number > 0, "no history had any {what}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 0..5 {
        assert_eq!(told(seed), told(seed));
    }
}

/// Another process, with other addresses and other seeds of its hash maps, has to live through the same histories.
#[test]
fn the_same_seed_gives_the_same_history_in_another_process() {
    const ASKED: &str = "KELP_SIM_TELL";
    let mine: Vec<String> = (0..20).map(|seed| format!("{:?}", told(seed))).collect();
    let mine = mine.join("\n");
    if let Some(file) = std::env::var_os(ASKED) {
        std::fs::write(file, mine).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let this = "simulation::the_same_seed_gives_the_same_history_in_another_process";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([this, "--exact"])
        .env(ASKED, &file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), mine);
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
        let ran = std::panic::catch_unwind(|| history(seed, mutant, false));
        plant("");
        ran.map_or(true, |ran| ran.is_err())
    }
}

#[test]
fn planted_faults_are_found() {
    const WITHIN: u64 = 1000;
    let edges = Mutant::ALL.iter().map(|mutant| (format!("{mutant:?}"), Planted::Edge(*mutant)));
    let cores = IN_CORES.iter().map(|(name, what)| (format!("{name}: {what}"), Planted::Core(name)));
    let mut missed = Vec::new();
    println!("| planted | found by history |\n|---|---|");
    for (name, planted) in edges.chain(cores) {
        let found = (0..WITHIN).find(|seed| planted.fails(*seed) && history(*seed, None, false).is_ok());
        println!("| {name} | {} |", found.map_or("not found".to_owned(), |seed| format!("{}", seed + 1)));
        missed.extend(found.is_none().then_some(name));
    }
    assert!(missed.is_empty(), "not found within {WITHIN} histories: {missed:?}");
}
