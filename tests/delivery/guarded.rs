//! A broker that asks who comes: TLS with SASL/SCRAM, and TLS with certificates of clients.

use std::time::Duration;

use super::{LONG, Scene, count};
use crate::lab::authority::Authority;
use crate::lab::kafka::{Guarded, Kafka};
use crate::lab::kelp::Config;
use crate::lab::servers::RunFolder;
use crate::lab::{Kelp, Message, servers, wait_until};

/// Starts with what is wrong, and gives what is said about it.
fn told(scene: &Scene, config: &Config, expected: &str) -> Kelp {
    let mut kelp = scene.start(config, &[]);
    wait_until(expected, Duration::from_secs(60), || {
        kelp.process().expect_alive()?;
        Ok(kelp.output()?.contains(expected).then_some(()))
    })
    .map_err(|error| format!("{error}; {}", kelp.process().tail()))
    .unwrap();
    kelp
}

#[test]
fn tls_scram_and_certificates_pass_and_wrong_ones_are_told() {
    let servers = servers();
    let authority = Authority::new("lab").unwrap();
    let run = RunFolder::new().unwrap();
    let users = [("kelp", "hunter2")];
    let mut broker = Kafka::start_guarded(run.path(), &Guarded { authority: &authority, users: &users }).unwrap();
    broker.await_ready().unwrap();
    let [password, certificate] = broker.guarded().clone();

    let scene = Scene::of(broker.bootstrap(), &servers, "delivery-guarded", 2);
    scene.write_log(41, 500);
    // One that becomes a dead letter: their producer has to be let in, too.
    scene.write(&[Message::new(0, "x".repeat(2000))]);
    let folder = scene.folder.path().to_owned();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let (ours, key) = authority.sign("kelp").unwrap().write(&folder, "client").unwrap();
    let ca = folder.join("ca.pem").display().to_string();
    let pipeline = scene.pipeline(
        "source: {topics: [NAME], max_payload: 1KiB}\nprocessors: []\ndestination: {index: \"NAME-%{+yyyy}\"}\n",
    );
    let config = |address: &str, properties: &str| {
        let mut config = scene.config(&pipeline);
        config.bootstrap = address.into();
        *config.kafka.last_mut().unwrap() = format!("properties: {{broker.address.family: v4, {properties}}}");
        config
    };
    let scram = "security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-256, sasl.username: kelp";
    let unknown = config(&password, &format!("{scram}, sasl.password: hunter2"));
    drop(told(&scene, &unknown, "set ssl.ca.location in kafka.properties"));
    let wrong = config(&password, &format!("{scram}, sasl.password: hunter3, ssl.ca.location: {ca:?}"));
    let kelp = told(&scene, &wrong, "check sasl.username, sasl.password and sasl.mechanism");
    assert!(!kelp.output().unwrap().contains("hunter3"));
    drop(kelp);
    let plain = config(&password, "client.id: plain");
    drop(told(&scene, &plain, "security.protocol"));
    let nobody = config(&certificate, &format!("security.protocol: ssl, ssl.ca.location: {ca:?}"));
    drop(told(&scene, &nobody, "set ssl.certificate.location and ssl.key.location"));
    let committed = |broker: &Kafka| broker.committed(&scene.name, &scene.name, 2).unwrap();
    assert_eq!(committed(&broker), [None, None]);

    let right = config(&password, &format!("{scram}, sasl.password: hunter2, ssl.ca.location: {ca:?}"));
    let kelp = scene.catch_up(&right);
    assert!(!kelp.output().unwrap().contains("hunter2"));
    scene.write_log(42, 500);
    let properties = format!(
        "security.protocol: ssl, ssl.ca.location: {ca:?}, ssl.certificate.location: {:?}, ssl.key.location: {:?}",
        ours.display().to_string(),
        key.display().to_string()
    );
    scene.catch_up(&config(&certificate, &properties));
    let report = scene.expect_good();
    assert_eq!((report.produced, report.dead_lettered), (1001, 1), "{report}");
    let ends = broker.ends(&scene.name, 2).unwrap();
    assert_eq!(committed(&broker).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>(), ends);

    // A password that stands in a file, and stands there anew while the service runs.
    let file = folder.join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let mut renewed = config(&password, &format!("{scram}, ssl.ca.location: {ca:?}"));
    renewed.kafka.push(format!("properties_files: {{sasl.password: {:?}}}", file.display().to_string()));
    let mut kelp = scene.start(&renewed, &[]);
    let settled = |kelp: &mut Kelp, records| {
        kelp.wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == records)
    };
    scene.write_log(43, 100);
    settled(&mut kelp, 100).unwrap();
    let said = |kelp: &mut Kelp, what: &str, times: usize| {
        wait_until(what, LONG, || {
            kelp.process().expect_alive()?;
            Ok((kelp.output()?.matches(what).count() >= times).then_some(()))
        })
        .unwrap();
    };
    std::fs::write(&file, "hunter3\n").unwrap();
    said(&mut kelp, "has changed in its file", 1);
    broker.stop().unwrap();
    broker.start_again().unwrap();
    said(&mut kelp, "uthentication", 1);
    scene.write_log(44, 100);
    std::fs::write(&file, "hunter2\n").unwrap();
    said(&mut kelp, "has changed in its file", 2);
    settled(&mut kelp, 200).unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    assert!(!kelp.output().unwrap().contains("hunter"));
    assert_eq!(scene.expect_good().produced, 1201);
}
