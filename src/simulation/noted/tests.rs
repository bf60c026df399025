use crate::planted::plant;
use crate::simulation::plan::Plan;
use crate::simulation::world::World;
use crate::trace::{FORMAT, Replayed, replay};

/// The traces of a history's processes, whatever comes of it.
fn traces(seed: u64) -> Vec<String> {
    let mut world = World::new(Plan::new(seed), seed, None, 0).noted();
    // A planted fault may be found by the history itself, too.
    drop(world.run());
    world.notes().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

fn again(trace: &str) -> Result<Replayed, String> {
    replay(trace.as_bytes())
}

/// Lines with their numbers made anew, as one would who does not want to be found out.
fn renumbered(lines: &[&str]) -> String {
    let line = |(n, line): (usize, &&str)| format!("{{\"n\":{n},{}\n", line.split_once(',').unwrap().1);
    lines.iter().enumerate().map(line).collect()
}

#[test]
fn what_processes_of_histories_did_they_do_again() {
    let mut totals = Replayed::default();
    for seed in 0..60 {
        for trace in traces(seed) {
            let replayed = again(&trace).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            totals.commits += replayed.commits;
            totals.records += replayed.records;
            for (core, steps) in replayed.steps {
                *totals.steps.entry(core).or_default() += steps;
            }
        }
    }
    println!("{totals}");
    assert!(totals.commits > 500 && totals.records > 3000 && totals.steps.len() >= 4, "{totals}");
}

/// A trace in which something happens between all cores.
fn busy() -> Vec<String> {
    let long = |seed| traces(seed).into_iter().max_by_key(String::len).filter(|trace| trace.lines().count() > 150);
    (0..100).filter_map(long).take(3).collect()
}

#[test]
fn a_line_that_is_missing_is_found() {
    for trace in busy() {
        let lines: Vec<&str> = trace.lines().collect();
        for missing in (0..lines.len() - 1).step_by(lines.len() / 10) {
            let mut left = lines.clone();
            left.remove(missing);
            let why = again(&left.join("\n")).unwrap_err();
            assert!(why.contains(&format!("line {}: ", missing + 1)), "{why}");
        }
        let mut twice = lines.clone();
        twice.insert(lines.len() / 2, lines[lines.len() / 2]);
        assert!(again(&twice.join("\n")).unwrap_err().contains("others were put in"));
    }
}

/// Even with its numbers mended: what was told then is needed for what followed.
#[test]
fn an_input_that_was_taken_out_is_missed() {
    let needed = ["\"submit\"", "\"settled\"", "\"Committable\"", "\"records\"", "\"answered\"", "\"Resolved\""];
    let mut tried = [0; 6];
    for trace in busy() {
        let lines: Vec<&str> = trace.lines().collect();
        // Of the last ones nobody may have heard before the end.
        for missing in 0..lines.len() * 3 / 4 {
            let input = lines[missing].split("\"out\":").next().unwrap();
            let Some(kind) = needed.iter().position(|kind| input.contains(kind)) else { continue };
            // What changed nothing then is not missed.
            if lines[missing].contains("\"out\":[]") || tried[kind] >= 8 {
                continue;
            }
            let mut left = lines.clone();
            left.remove(missing);
            let why = again(&renumbered(&left)).err();
            assert!(why.is_some(), "without line {}: {}", missing + 1, lines[missing]);
            tried[kind] += 1;
        }
    }
    assert!(tried.iter().all(|tried| *tried > 0), "{tried:?}");
}

#[test]
fn an_input_that_was_changed_is_seen() {
    let changes = [
        ("\"status\":201", "\"status\":429"),
        ("\"Indexed\"]", "\"Duplicate\"]"),
        ("\"records\":1,", "\"records\":2,"),
        ("\"position\":0}", "\"position\":1}"),
    ];
    for (from, to) in changes {
        let mut seen = 0;
        for trace in busy() {
            let lines: Vec<&str> = trace.lines().collect();
            for changed in 0..lines.len() * 3 / 4 {
                let (input, out) = lines[changed].split_once("\"out\":").unwrap_or((lines[changed], ""));
                // An answer of the wrong length is not looked into.
                let counts = !input.contains("answered") || out.contains("judged");
                let followed = !out.starts_with("[]") || input.contains("begin");
                if !input.contains(from) || !followed || !counts || seen >= 8 {
                    continue;
                }
                let line = lines[changed].replacen(from, to, 1);
                let mut changed_lines = lines.clone();
                changed_lines[changed] = &line;
                let why = again(&changed_lines.join("\n")).err();
                assert!(why.is_some(), "with line {} changed: {line}", changed + 1);
                seen += 1;
            }
        }
        assert!(seen > 0, "nothing has {from}");
    }
}

/// A core that does wrong does the same wrong again: what is checked beside it has to find it.
#[test]
fn a_promise_that_was_broken_is_seen_in_the_trace() {
    for fault in ["CommitHighest", "SettleByFirstUnit", "SendForOver"] {
        plant(fault);
        let broken = (0..300).find_map(|seed| traces(seed).iter().find_map(|trace| again(trace).err()));
        plant("");
        let broken = broken.unwrap_or_else(|| panic!("{fault} is not found"));
        assert!(!broken.contains("something else follows"), "{fault}: {broken}");
        println!("{fault}: {broken}");
    }
}

#[test]
fn what_is_no_trace_is_told() {
    let told = |text: &str| again(text).unwrap_err();
    assert_eq!(told(""), "there is nothing in it");
    assert!(told("what\n").starts_with("line 1: no line of a trace"));
    assert_eq!(told("{\"n\":0,\"cut\":{\"limit\":1}}\n"), "line 1: no trace begins like this");
    let other = "{\"n\":0,\"trace\":{\"format\":99,\"version\":\"9\"}}\n";
    assert_eq!(told(other), format!("line 1: a trace of format 99, and {FORMAT} is known here"));
    let [first, ..] = &busy()[..] else { panic!("no history is busy") };
    // Killed in the middle of a line.
    again(&first[..first.len() - 20]).unwrap();
    let torn = format!("{}\n{}", &first[..first.len() - 20], "{\"n\":99999,\"cut\":{\"limit\":1}}");
    assert!(told(&torn).contains("is torn"));
}
