use std::time::{SystemTime, UNIX_EPOCH};

use super::*;

/// Histories of a normal run, half of them always the same ones.
const HISTORIES: u64 = 20_000;

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

/// Whatever fails is told with its seed, a panic too.
fn expect(seed: u64) -> Totals {
    let lived = std::panic::catch_unwind(|| told(seed));
    lived.unwrap_or_else(|_| panic!("seed {seed} panics")).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn histories_keep_the_promise() {
    if let Some(seed) = number_from("KELP_SIM_SEED") {
        if let Some(failure) = replay(seed, &std::env::var("KELP_SIM_LESS").unwrap_or_default()) {
            panic!("{failure}");
        }
        return;
    }
    let histories = number_from("KELP_SIM_HISTORIES").unwrap_or(HISTORIES);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let fresh = number_from("KELP_SIM_FROM").unwrap_or((now % 1_000_000_000) << 20);
    println!("{histories} histories, half of them from {fresh}");
    let mut totals = Totals::default();
    (0..histories / 2).for_each(|seed| totals.add(&expect(seed)));
    (fresh..fresh + histories / 2).for_each(|seed| totals.add(&expect(seed)));
    println!("{totals:?}");
    // A simulator in which nothing happens proves nothing.
    if histories >= 500 {
        for (what, number) in totals.by_name() {
            assert!(number > 0, "no history had any {what}");
        }
    }
}

/// What is found is told by a history in which little else happens.
#[test]
fn a_failure_is_told_by_a_short_history() {
    let mutant = Some(Mutant::SettleStale);
    let long = |seed| Some((seed, Case::new(seed).fails(mutant, 0).filter(|whole| whole.steps > 2000)?));
    let (seed, whole) = (0..1000).find_map(long).expect("it is found");
    let (case, failure) = Case::new(seed).shortest(mutant);
    assert!(
        failure.steps < whole.steps && case.plan.without.len() > 3,
        "{} steps became {}: {}",
        whole.steps,
        failure.steps,
        case.told()
    );
    // What is told lives through the same.
    let again = Case::replayed(seed, &case.told()).unwrap().fails(mutant, 400).expect("it fails as it was told");
    assert_eq!((again.steps, again.broken, again.trace), (failure.steps, failure.broken, failure.trace));
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 0..5 {
        assert_eq!(expect(seed), expect(seed));
    }
}

/// Every build on every machine lives through the same histories. `simulate recorded` asks the same of a release build.
#[test]
fn the_histories_are_those_that_were_recorded() {
    let trace = recorded_trace().unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(trace, RECORDED, "the histories are others now: if they are meant to be, RECORDED is {trace:#x}");
}

/// Another process, with other addresses and other seeds of its hash maps, has to live through the same histories.
#[test]
fn the_same_seed_gives_the_same_history_in_another_process() {
    const ASKED: &str = "KELP_SIM_TELL";
    let mine: Vec<String> = (0..20).map(|seed| format!("{:?}", expect(seed))).collect();
    let mine = mine.join("\n");
    if let Some(file) = std::env::var_os(ASKED) {
        std::fs::write(file, mine).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let this = "simulation::tests::the_same_seed_gives_the_same_history_in_another_process";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([this, "--exact"])
        .env(ASKED, &file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), mine);
}

#[test]
fn planted_faults_are_found() {
    const WITHIN: u64 = 1000;
    let missed: Vec<String> =
        all_planted().filter(|(_, planted)| found_within(*planted, WITHIN).is_none()).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "not found within {WITHIN} histories: {missed:?}");
}
