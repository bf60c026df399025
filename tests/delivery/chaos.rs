//! The short form of the campaign (`scripts/chaos`): nine of its kinds of faults, in a round by a fixed seed and one by a fresh one; and
//! that it notices what is wrong. Other tests of this room have a broker or a cluster that is restarted, partitions that are taken over, pipelines
//! that are reloaded and topics that are made again under running processes; the long form has all at once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::lab::campaign::{self, Fault, Options, Planted, Protocol, Report, Search};
use crate::lab::{Servers, servers_alone};

fn options(seed: u64, faults: &[Fault], logs: &tempfile::TempDir) -> Options {
    Options {
        seed,
        rounds: 1,
        records: 9000,
        processes: 3,
        topics: 3,
        partitions: 4,
        steps: faults.len(),
        faults: faults.to_vec(),
        protocol: Protocol::Cooperative,
        keep_going: false,
        kelp: super::binary(),
        logs: logs.path().to_owned(),
        memory_limit: 64,
        memory_allowance: 64,
        patience: Duration::from_secs(180),
        debug: None,
        planted: None,
    }
}

fn play(options: &Options) -> Report {
    let mut servers = servers_alone();
    println!("seed {}", options.seed);
    let mut say = |line: &str| {
        println!("{line}");
        Ok(())
    };
    let Servers { kafka, elastic, .. } = &mut *servers;
    campaign::run(options, kafka, Search::Elastic(elastic), &mut say, &|| Ok(())).unwrap()
}

/// What held nothing is told with the seed; the faults were really there.
fn expect_good(options: &Options) {
    let report = play(options);
    assert!(report.is_good(), "seed {}: {:#?}", options.seed, report.violations());
    assert!(campaign::left_out(options, &report).is_empty(), "{}", report.markdown());
    assert!(!options.faults.contains(&Fault::Storm) || report.spoiled() > 0, "{}", report.markdown());
}

#[test]
fn a_short_campaign_holds() {
    let logs = tempfile::tempdir().unwrap();
    let processes = [Fault::Storm, Fault::Kill, Fault::Stop, Fault::RemakeDown, Fault::RetentionUp];
    expect_good(&options(1, &processes, &logs));
    let fresh = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 % 1_000_000_000;
    expect_good(&options(fresh, &[Fault::CoordinatorKill, Fault::ElasticKill, Fault::Refuse, Fault::KillAll], &logs));
}

#[test]
fn the_campaign_notices_a_document_that_is_gone_or_there_twice() {
    let logs = tempfile::tempdir().unwrap();
    for (seed, planted, sign) in [(3, Planted::Removed, "missing 1,"), (4, Planted::Copied, "duplicates 1,")] {
        let mut options = options(seed, &[Fault::Kill], &logs);
        options.records = 1500;
        options.planted = Some(planted);
        let report = play(&options);
        let violations = report.violations();
        assert!(!report.is_good());
        assert!(violations.iter().any(|one| one.contains(sign)), "{violations:#?}");
    }
}
