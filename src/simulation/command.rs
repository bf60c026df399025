//! The command line of the program `simulate`: many histories, one of them, the table of planted faults, or the trace of a service.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use super::many::{Histories, Lived};
use super::{RECORDED, all_planted, found_within, recorded_trace, replay, told};
use crate::trace;

const USAGE: &str = "usage: simulate histories FROM NUMBER [--threads NUMBER, else 1] | simulate replay SEED [LESS] | simulate planted [WITHIN] | simulate recorded | simulate trace FILE";

/// Does what the arguments say. The exit code is 0 if nothing failed, and every planted fault was found; 1 if not; 64 for
/// arguments that say nothing.
pub fn command(arguments: &[String]) -> ExitCode {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    let good = match (arguments.first().map(String::as_str), arguments.len()) {
        (Some("histories"), 3 | 5) => match histories(&arguments[1..]) {
            Some(histories) => run(histories),
            None => return usage(),
        },
        (Some("replay"), 2 | 3) => match number(1) {
            Some(seed) => play(seed, arguments.get(2).map_or("", String::as_str)),
            None => return usage(),
        },
        (Some("planted"), 1) => table(20_000),
        (Some("planted"), 2) => match number(1) {
            Some(within) => table(within),
            None => return usage(),
        },
        (Some("recorded"), 1) => compare(),
        (Some("trace"), 2) => live_again(&arguments[1]),
        _ => return usage(),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(64)
}

/// FROM NUMBER, and how many threads there are.
fn histories(arguments: &[String]) -> Option<Histories> {
    let (from, number) = (arguments.first()?.parse().ok()?, arguments.get(1)?.parse().ok()?);
    let threads = match arguments.get(2..)? {
        [] => 1,
        [name, threads] if name == "--threads" => threads.parse().ok().filter(|threads| *threads > 0)?,
        _ => return None,
    };
    Some(Histories { from, number, threads })
}

/// Lives through histories up to the first that fails.
fn run(histories: Histories) -> bool {
    let Histories { from, threads, .. } = histories;
    let tell = |lived: &Lived| {
        let (kept, rate) = (lived.kept, lived.rate());
        println!("{kept} histories from {from} in {:.0?}: {rate} a second", lived.took);
    };
    let lived = histories.live(tell);
    if let Some((seed, why)) = &lived.broken {
        // What panics cannot be made shorter.
        let shortest = std::panic::catch_unwind(|| told(*seed)).ok().and_then(Result::err);
        let failure = shortest.unwrap_or_else(|| format!("seed {seed}: {why}"));
        println!("{} histories from {from} kept the promise; then:\n{failure}", lived.kept);
        return false;
    }
    lived.totals.by_name().for_each(|(what, number)| println!("{number:>12} {what}"));
    println!("trace {:#018x}", lived.totals.trace);
    let (kept, rate, upto) = (lived.kept, lived.rate(), from + lived.kept);
    println!(
        "{kept} histories, seeds from {from} to below {upto}, kept the promise, in {:.1?} with {threads} threads: {rate} a second",
        lived.took
    );
    true
}

/// Whether this build lives through the histories that were recorded.
fn compare() -> bool {
    let trace = recorded_trace();
    match &trace {
        Ok(trace) => println!("lived through {trace:#018x}, recorded is {RECORDED:#018x}"),
        Err(failure) => println!("{failure}"),
    }
    trace == Ok(RECORDED)
}

/// Whether a service did what its cores do again, and kept the promise.
fn live_again(file: &str) -> bool {
    let replayed =
        File::open(file).map_err(|error| error.to_string()).and_then(|open| trace::replay(BufReader::new(open)));
    match &replayed {
        Ok(replayed) => println!("{replayed}"),
        Err(why) => println!("{file}: {why}"),
    }
    replayed.is_ok()
}

fn play(seed: u64, less: &str) -> bool {
    let failure = replay(seed, less);
    println!("{}", failure.as_deref().unwrap_or("it keeps the promise"));
    failure.is_none()
}

/// Prints the number of the first history that finds each planted fault.
fn table(within: u64) -> bool {
    println!("| planted | found by history |\n|---|---|");
    let mut missed = 0;
    for (name, planted) in all_planted() {
        let found = found_within(planted, within);
        println!("| {name} | {} |", found.map_or("not found".to_owned(), |seed| seed.to_string()));
        missed += u64::from(found.is_none());
    }
    missed == 0
}
