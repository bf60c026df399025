//! What a running service writes down about itself can be lived through again.

use std::fs;
use std::io::BufReader;
use std::path::Path;

use kelp::trace::{Replayed, replay};

use super::{LONG, Scene, count, slow};
use crate::lab::proxy::{Mode, Proxy};
use crate::lab::{Message, servers, wait_until};

fn again(file: &Path) -> Result<Replayed, String> {
    replay(BufReader::new(fs::File::open(file).unwrap()))
}

/// A rebalance, refused requests and items, lost answers, dead letters, and an end by a signal: what came of it comes of it again.
#[test]
fn what_a_service_did_it_does_again_when_it_is_told_the_same() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-traced", 4);
    scene.write_log(61, 12_000);
    // Rejected by the codec, each with a text that no trace may have.
    scene.write(&[Message::new(0, "SECRET".repeat(2000)), Message::new(1, "SECRET".repeat(2000))]);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Pass).unwrap();
    let pipeline = scene.web_access();
    let text = fs::read_to_string(&pipeline).unwrap().replace("source:\n", "source:\n  max_payload: 8KiB\n");
    fs::write(&pipeline, text).unwrap();
    let mut config = scene.config(&pipeline);
    slow(&mut config);
    config.elasticsearch = proxy.url();
    config.more.push("threads: 2".into());
    let files: Vec<_> = (0..2).map(|number| scene.folder.path().join(format!("{number}.trace"))).collect();
    let start = |number: usize| scene.start(&config, &["--trace", files[number].to_str().unwrap()]);
    let mut first = start(0);
    first
        .wait_metrics("some documents", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") >= 500)
        .unwrap();
    for mode in [Mode::RefuseItems, Mode::Refuse(429), Mode::Lose] {
        proxy.set(mode);
        wait_until("faults", LONG, || Ok((proxy.applied() >= 2).then_some(()))).unwrap();
        proxy.set(Mode::Pass);
    }
    let mut second = start(1);
    second.wait_metrics("partitions", LONG, |metrics| count(metrics, "kelp_partitions_held") == 2).unwrap();
    wait_until("everything to be committed", LONG, || {
        first.process().expect_alive()?;
        second.process().expect_alive()?;
        // A busy broker may not answer in time.
        let committed = servers.kafka.committed(&scene.name, &scene.name, 4).unwrap_or_default();
        let ends: Vec<_> = servers.kafka.ends(&scene.name, 4)?.into_iter().map(Some).collect();
        Ok((committed == ends).then_some(()))
    })
    .unwrap();
    first.terminate().unwrap();
    first.expect_exit(0, LONG).unwrap();
    // The one that is left takes over, and is killed in the middle of whatever it does.
    second.wait_metrics("partitions", LONG, |metrics| count(metrics, "kelp_partitions_held") == 4).unwrap();
    second.kill().unwrap();

    let replayed = again(&files[0]).unwrap();
    assert!(replayed.records >= 500 && replayed.commits > 4 && !replayed.is_cut, "{replayed}");
    assert_eq!(replayed.steps.len(), 4, "{replayed}");
    again(&files[1]).unwrap();
    let text = fs::read_to_string(&files[0]).unwrap();
    for (what, shown) in
        [("SECRET", false), ("Mozilla", false), ("\"status\":429", true), ("look up", true), ("letter", true)]
    {
        assert_eq!(text.contains(what), shown, "{what}");
    }
    assert!(text.contains("Drain("), "no partition was given back");

    // An answer that was another, or a step that is missing, comes to light.
    let changed = scene.folder.path().join("changed.trace");
    let lines: Vec<&str> = text.lines().collect();
    let accepted =
        lines.iter().rposition(|line| line.contains("\"answered\"") && line.contains("\"status\":201")).unwrap();
    let refused = lines[accepted].replacen("\"status\":201", "\"status\":429", 1);
    let mut other = lines.clone();
    other[accepted] = &refused;
    fs::write(&changed, other.join("\n")).unwrap();
    let why = again(&changed).unwrap_err();
    assert!(why.starts_with(&format!("line {}: something else follows", accepted + 1)), "{why}");
    other.remove(accepted);
    fs::write(&changed, other.join("\n")).unwrap();
    let why = again(&changed).unwrap_err();
    assert!(why.contains("lines are missing"), "{why}");
    assert_eq!(scene.expect_good().dead_lettered, 2);
}

/// At its limit the trace ends, and nothing else does.
#[test]
fn a_trace_is_cut_at_its_limit() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-cut-trace", 2);
    scene.write_log(62, 3000);
    let file = scene.folder.path().join("cut.trace");
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    config.more.push(format!("trace: {{file: {:?}, limit: 64KiB}}", file.display().to_string()));
    let kelp = scene.catch_up(&config);
    assert!(kelp.output().unwrap().contains("the trace has reached its limit"));
    let size = fs::metadata(&file).unwrap().len();
    assert!((40 << 10..=64 << 10).contains(&size), "{size} bytes");
    let replayed = again(&file).unwrap();
    assert!(replayed.is_cut && replayed.records > 0, "{replayed}");
    assert_eq!(scene.expect_good().produced, 3000);
}
