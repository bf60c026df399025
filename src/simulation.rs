//! Randomised histories of the three cores: from a seed, a group of processes lives through rebalances, crashes and a
//! faulty Elasticsearch, and the promise is checked all along.
//!
//! Only the edges are played. The cores are the real ones, each message between them rides on an event queue that keeps
//! the order of a channel and nothing else, and all chance comes from the seed: so a history that fails is told by one number.
//! That the check can fail is shown by faults that are planted in the edges, each of which has to be found.
//!
//! `KELP_SIM_SEED=n` runs that history alone, with its trace, made simpler by what `KELP_SIM_LESS` names;
//! `KELP_SIM_HISTORIES=n` runs that many, from `KELP_SIM_FROM` on, so that long runs can be divided and add up.

mod agenda;
mod broker;
mod dispatch_edge;
mod edges;
mod life;
mod mischief;
mod mutant;
mod oracle;
mod plan;
mod reader_edge;
mod script;
mod search;
mod shrink;
mod totals;
mod world;

use crate::planted::plant;
use mutant::{IN_CORES, Mutant};
use plan::Plan;
use shrink::Case;
use totals::Totals;
use world::World;

/// Histories of a normal test run.
const HISTORIES: u64 = 250;
/// Lines of the trace of a history that is asked for.
const TRACE: usize = 150;

/// Lives through one history.
fn history(seed: u64, mutant: Option<Mutant>) -> Result<Totals, String> {
    World::new(Plan::new(seed), seed, mutant, 0).run()
}

/// Lives through a history; if it fails, tells the shortest way to a failure that is found from there.
fn told(seed: u64) -> Totals {
    history(seed, None).unwrap_or_else(|broken| {
        let (case, failure) = Case::new(seed).shortest(None);
        panic!(
            "seed {seed}: {broken}\nthe whole history: KELP_SIM_SEED={seed}\n\
             the shortest that fails, of {} steps: KELP_SIM_SEED={seed} KELP_SIM_LESS={}\n{}\n{}",
            failure.steps,
            case.told(),
            failure.trace.join("\n"),
            failure.broken,
        )
    })
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

#[test]
fn histories_keep_the_promise() {
    if let Some(seed) = number_from("KELP_SIM_SEED") {
        let case = Case::replayed(seed, &std::env::var("KELP_SIM_LESS").unwrap_or_default());
        if let Some(failure) = case.fails(None, TRACE) {
            panic!("seed {seed}, {} steps: {}\n{}", failure.steps, failure.broken, failure.trace.join("\n"));
        }
        return;
    }
    let histories = number_from("KELP_SIM_HISTORIES").unwrap_or(HISTORIES);
    let from = number_from("KELP_SIM_FROM").unwrap_or(0);
    let mut totals = Totals::default();
    for seed in from..from + histories {
        totals.add(&told(seed));
    }
    println!("{histories} histories from {from}: {totals:?}");
    // A simulator in which nothing happens proves nothing.
    if histories >= HISTORIES {
        for (what, number) in totals.by_name() {
            assert!(number > 0, "no history had any {what}");
        }
    }
}

/// What is found is told by a history in which little else happens.
#[test]
fn a_failure_is_told_by_a_short_history() {
    let mutant = Some(Mutant::SettleStale);
    let seed = (0..1000).find(|seed| history(*seed, mutant).is_err()).expect("it is found");
    let whole = Case::new(seed).fails(mutant, 0).expect("it fails as before");
    let (case, failure) = Case::new(seed).shortest(mutant);
    assert!(
        failure.steps < whole.steps && case.plan.without.len() > 3,
        "{} steps became {}: {}",
        whole.steps,
        failure.steps,
        case.told()
    );
    // What is told lives through the same.
    let again = Case::replayed(seed, &case.told()).fails(mutant, 400).expect("it fails as it was told");
    assert_eq!((again.steps, again.broken, again.trace), (failure.steps, failure.broken, failure.trace));
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 0..5 {
        assert_eq!(told(seed), told(seed));
    }
}

/// Debug and release builds, on every machine, live through the same histories: they all compare with this one number. It
/// changes with the cores and with the simulator; whoever means that change writes the new one here.
const RECORDED: u64 = 0x0ec6_1a2d_f78f_e9cb;

#[test]
fn the_histories_are_those_that_were_recorded() {
    let mut totals = Totals::default();
    (0..20).for_each(|seed| totals.add(&told(seed)));
    assert_eq!(
        totals.trace, RECORDED,
        "the histories are others now: if they are meant to be, RECORDED is {:#x}",
        totals.trace
    );
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
        let ran = std::panic::catch_unwind(|| history(seed, mutant));
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
        let found = (0..WITHIN).find(|seed| planted.fails(*seed) && history(*seed, None).is_ok());
        println!("| {name} | {} |", found.map_or("not found".to_owned(), |seed| format!("{}", seed + 1)));
        missed.extend(found.is_none().then_some(name));
    }
    assert!(missed.is_empty(), "not found within {WITHIN} histories: {missed:?}");
}
