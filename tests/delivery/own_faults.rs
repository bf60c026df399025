//! Faults of Kelp's own, made by its fault points (`FAULT_POINT`): what is seen of them from outside, and that nothing is lost by them.

use super::{LONG, Scene, count, patient};
use crate::lab::kelp::Config;
use crate::lab::{Kelp, Message, Servers, servers, wait_until};

/// A release build has none.
fn has_fault_points() -> bool {
    let is_debug = std::env::var_os("LAB_KELP").is_none();
    if !is_debug {
        eprintln!("passed over: a release build has no fault points");
    }
    is_debug
}

/// Two partitions, each with a worker of its own (its records alone reach the fault point), and an end that does not take long.
fn two(servers: &Servers, name: &str) -> (Scene, Config) {
    let scene = Scene::new(servers, name, 2);
    let mut config = scene.heavy_config();
    patient(&mut config);
    config.more.push("threads: 2\nshutdown_timeout: 5s".into());
    (scene, config)
}

fn start_with(scene: &Scene, config: &Config, fault: &str) -> Kelp {
    let mut config = config.clone();
    config.variables.push(("FAULT_POINT".into(), fault.into()));
    scene.start(&config, &[])
}

fn write(scene: &Scene, partition: i32, records: i32) {
    scene.write(&(0..records).map(|n| Message::new(partition, format!("number {n}"))).collect::<Vec<_>>());
}

/// Starts again without the fault, and finds everything there once.
fn catch_up(scene: &Scene, servers: &Servers, config: &Config, written: u64) {
    scene.catch_up(config);
    assert_eq!(scene.expect_good().produced, written);
    scene.expect_all_committed(servers);
}

/// What is in flight is not what the ledger of one partition says: that partition commits nothing more, says so everywhere, and the
/// other one goes on.
#[test]
fn a_ledger_that_does_not_add_up_stops_its_partition_alone() {
    if !has_fault_points() {
        return;
    }
    let servers = servers();
    let (scene, config) = two(&servers, "delivery-ledger");
    let mut kelp = start_with(&scene, &config, "worker:150:occupy");
    write(&scene, 0, 100);
    write(&scene, 1, 100);
    kelp.wait_metrics("all to be committed", LONG, |metrics| count(metrics, "kelp_committed_offset") == 200).unwrap();
    assert_eq!((kelp.probe("/readyz").unwrap(), scene.committed(&servers)), (200, vec![100, 100]));
    write(&scene, 1, 100);
    let stopped = [("topic", &*scene.name), ("partition", "1"), ("reason", "ledger")];
    let metrics = kelp
        .wait_metrics("the partition to be stopped and settled", LONG, |metrics| {
            metrics.sum_where("kelp_partition_stopped", &stopped) == Some(1.0)
                && count(metrics, "kelp_documents_indexed_total") == 300
        })
        .unwrap();
    assert_eq!(metrics.sum("kelp_partition_stopped"), Some(1.0));
    write(&scene, 1, 100);
    write(&scene, 0, 40);
    let committed = |metrics: &crate::lab::kelp::Metrics, partition| {
        metrics.sum_where("kelp_committed_offset", &[("topic", &*scene.name), ("partition", partition)])
    };
    let metrics =
        kelp.wait_metrics("the other one to go on", LONG, |metrics| committed(metrics, "0") == Some(140.0)).unwrap();
    assert_eq!(committed(&metrics, "1"), Some(100.0));
    assert_eq!((kelp.probe("/readyz").unwrap(), kelp.probe("/livez").unwrap()), (503, 200));
    let body = kelp.body("/readyz").unwrap();
    let said = "{\"name\":\"ledger\",\"ok\":false,\"reason\":\"delivery-ledger-1: ";
    assert!(body.contains(said), "{body}");
    kelp.terminate().unwrap();
    kelp.expect_exit(75, LONG).unwrap();
    let output = kelp.output().unwrap();
    let told = output.lines().find(|line| line.contains("what is in flight is not what the ledger says"));
    assert!(told.is_some_and(|line| line.contains("ERROR") && line.contains("delivery-ledger-1")), "{output}");
    // All of it is there; the account says otherwise, and it is the account that is believed.
    assert_eq!(scene.committed(&servers), [140, 100]);
    catch_up(&scene, &servers, &config, 440);
}

/// A body that is lost inside: its partition is stuck, which `/livez` says, and the other one goes on.
#[test]
fn a_partition_that_is_stuck_inside_is_told_by_livez() {
    if !has_fault_points() {
        return;
    }
    let servers = servers();
    let (scene, mut config) = two(&servers, "delivery-stuck");
    config.elastic.push("request_timeout: 5s".into());
    config.variables.push(("KELP_ADMIN__STUCK_AFTER".into(), "10s".into()));
    let mut kelp = start_with(&scene, &config, "worker:150:lose");
    write(&scene, 1, 200);
    write(&scene, 0, 100);
    wait_until("/livez to say so", LONG, || Ok((kelp.probe("/livez").ok() == Some(503)).then_some(()))).unwrap();
    let body = kelp.body("/livez").unwrap();
    let at = body.find("\"stuck\":[{\"partition\":\"delivery-stuck-1\",\"reason\":\"what worker ");
    assert!(at.is_some() && !body.contains("delivery-stuck-0"), "{body}");
    write(&scene, 0, 40);
    wait_until("the other one to go on", LONG, || {
        kelp.process().expect_alive()?;
        Ok((scene.committed(&servers)[0] == 140).then_some(()))
    })
    .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(75, LONG).unwrap();
    assert!(kelp.output().unwrap().contains("a partition is stuck: its records do not settle"));
    assert!(scene.committed(&servers)[1] < 200);
    catch_up(&scene, &servers, &config, 340);
}

/// A thread that stands still: `/livez` and the log say which, and what a worker is at; the process ends at its deadline.
#[test]
fn a_thread_that_hangs_is_told_by_livez_and_in_the_log() {
    if !has_fault_points() {
        return;
    }
    let servers = servers();
    let hangs = [("worker:50:hang", "worker 0"), ("reader:50:hang", "reader"), ("dispatch:1:hang", "dispatch")];
    let mut running: Vec<_> = hangs
        .into_iter()
        .map(|(fault, thread)| {
            let (scene, mut config) = two(&servers, &format!("delivery-hangs-{}", &fault[..6]));
            config.variables.push(("KELP_ADMIN__HANG_AFTER".into(), "30s".into()));
            write(&scene, 0, 100);
            let kelp = start_with(&scene, &config, fault);
            (scene, config, kelp, thread)
        })
        .collect();
    for (scene, _, kelp, thread) in &mut running {
        wait_until("the log to say so", 2 * LONG, || {
            kelp.process().expect_alive()?;
            Ok(kelp.output()?.lines().any(|line| line.contains("a thread hangs: /livez answers 503")).then_some(()))
        })
        .unwrap();
        let output = kelp.output().unwrap();
        let told: Vec<_> = output.lines().filter(|line| line.contains("a thread hangs")).collect();
        assert!(told.len() == 1 && told[0].contains(&format!("\"thread\":\"{thread}\"")), "{told:?}");
        assert_eq!(kelp.probe("/livez").unwrap(), 503);
        let body = kelp.body("/livez").unwrap();
        let dead: Vec<&str> = body.split("{\"").filter(|heart| heart.contains("\"ok\":false")).collect();
        assert!(dead.len() == 1 && dead[0].contains(&format!("\"name\":\"{thread}\"")), "{body}");
        if thread.starts_with("worker") {
            let at = format!("\"at\":\"{}-0 from offset ", scene.name);
            assert!(body.contains(&at) && told[0].contains(&at), "{body} {told:?}");
        }
    }
    for (scene, config, kelp, _) in &mut running {
        kelp.terminate().unwrap();
        kelp.expect_exit(75, 2 * LONG).unwrap();
        catch_up(scene, &servers, config, 100);
    }
}
