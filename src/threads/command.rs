//! The command line of the program `threads`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{PLANTED, Schedules, explore};

const USAGE: &str = "usage: threads [NUMBER [SEED]] | threads planted FAULT | threads replay FILE [FAULT]";
/// Schedules of each kind, unless another number is given.
const NUMBER: usize = 500;
/// In how many schedules a planted fault has to be found.
const WITHIN: usize = 1000;

/// Does what the arguments say: explores, then looks whether every planted fault is found; or looks for one of them; or plays a schedule
/// again that failed. The exit code is 0 if nothing failed and every fault was found; 1 if not; 64 for arguments that say nothing.
pub fn command(arguments: &[String]) -> ExitCode {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let good = match arguments {
        [] => run(NUMBER, clock),
        [number] | [number, _] if number.parse::<usize>().is_ok() => {
            let seed = arguments.get(1).map_or(Ok(clock), |seed| seed.parse());
            match (number.parse(), seed) {
                (Ok(number), Ok(seed)) => run(number, seed),
                _ => return usage(),
            }
        }
        [planted, fault] if planted == "planted" => match known(fault) {
            Some((fault, what)) => is_found(fault, what),
            None => return usage(),
        },
        [replay, file] if replay == "replay" => again(Path::new(file), ""),
        [replay, file, fault] if replay == "replay" => match known(fault) {
            Some((fault, _)) => again(Path::new(file), fault),
            None => return usage(),
        },
        _ => return usage(),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(64)
}

fn known(fault: &str) -> Option<(&'static str, &'static str)> {
    PLANTED.iter().copied().find(|(name, _)| *name == fault)
}

fn run(number: usize, fresh: u64) -> bool {
    let Some(folder) = folder() else { return false };
    let started = Instant::now();
    let kinds =
        [(Schedules::Random, 1), (Schedules::Random, fresh), (Schedules::Pct(3), 2), (Schedules::Pct(5), fresh)];
    for (schedules, seed) in kinds {
        if let Err(why) = explore(schedules, (seed, number), "", Some(&folder)) {
            let file = written(&folder).unwrap_or_default();
            println!("{schedules:?} from seed {seed}: {why}\nagain: threads replay {}", file.display());
            return false;
        }
    }
    println!("4 times {number} schedules, half of them from seed {fresh}, kept the promise in {:?}", started.elapsed());
    remove(&folder);
    PLANTED.iter().all(|(fault, _)| is_found_silently(fault))
}

/// A folder for the schedules that fail.
fn folder() -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("kelp-threads-{}", std::process::id()));
    match fs::create_dir_all(&folder) {
        Ok(()) => Some(folder),
        Err(error) => {
            println!("{}: {error}", folder.display());
            None
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        println!("{} is left: {error}", folder.display());
    }
}

/// Looks for a planted fault in a process of its own, so that the panic that has to come does not look like one that must not.
fn is_found_silently(fault: &str) -> bool {
    let looked = std::env::current_exe()
        .and_then(|program| Command::new(program).args(["planted", fault]).stderr(Stdio::null()).status());
    match looked {
        Ok(status) if status.success() => true,
        Ok(_) => {
            println!("more of it: threads planted {fault}");
            false
        }
        Err(error) => {
            println!("{fault}: cannot look for it: {error}");
            false
        }
    }
}

/// The one schedule that was written into the folder.
fn written(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.find_map(|entry| Some(entry.ok()?.path()))
}

/// A planted fault is found, and found again in the schedule that was written down.
fn is_found(fault: &'static str, what: &str) -> bool {
    let Some(folder) = folder() else { return false };
    let found = is_found_in(&folder, fault, what);
    remove(&folder);
    found
}

fn is_found_in(folder: &Path, fault: &'static str, what: &str) -> bool {
    let started = Instant::now();
    let kinds = [Schedules::Random, Schedules::Pct(3)];
    let found = kinds.into_iter().find_map(|schedules| explore(schedules, (7, WITHIN), fault, Some(folder)).err());
    let Some(found) = found else {
        println!("{fault}: {what}: NOT FOUND within {WITHIN} schedules of each kind");
        return false;
    };
    let Some(file) = written(folder) else {
        println!("{fault}: the schedule was not written down");
        return false;
    };
    let replayed = explore(Schedules::Replay(&file), (0, 1), fault, None);
    let same = replayed.as_ref().is_err_and(|again| first_line(again) == first_line(&found));
    println!("{fault}: {what}: found in {:?}: {}", started.elapsed(), first_line(&found));
    if !same {
        println!("{fault}: another thing happens in the schedule that was written down: {replayed:?}");
    }
    same
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn again(file: &Path, fault: &'static str) -> bool {
    let replayed = explore(Schedules::Replay(file), (0, 1), fault, None);
    println!("{}", replayed.as_ref().err().map_or("it keeps the promise", String::as_str));
    replayed.is_ok()
}
