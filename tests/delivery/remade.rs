//! A topic that is deleted and made again under a running process, when the leaders of its partitions had changed before:
//! then the new topic's leader epochs are lower than those that librdkafka knows, and it would never fetch again.

use super::{LONG, Scene};
use crate::lab::kelp::Config;
use crate::lab::{Kelp, Message, Servers, servers_alone, wait_until};

const PARTITIONS: i32 = 4;

fn write(scene: &Scene, what: &str, records: i32) {
    let message = |n: i32| Message::new(n % PARTITIONS, format!("{what} number {n}"));
    scene.write(&(0..records).map(message).collect::<Vec<_>>());
}

/// Waits until the group has committed everything that is in the topic now.
fn committed(scene: &Scene, servers: &Servers, kelps: &mut [&mut Kelp]) {
    let ends = servers.kafka.ends(&scene.name, PARTITIONS).unwrap();
    wait_until("everything to be committed", LONG, || {
        kelps.iter_mut().try_for_each(|kelp| kelp.process().expect_alive())?;
        let committed = servers.kafka.committed(&scene.name, &scene.name, PARTITIONS)?;
        Ok((committed.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>() == ends).then_some(()))
    })
    .unwrap_or_else(|error| panic!("{error}: {}", kelps[0].output().unwrap()));
}

fn config(scene: &Scene, protocol: &str) -> Config {
    let text = "source: {topics: [NAME]}\nprocessors: []\ndestination: {index: NAME-all}\n";
    let mut config = scene.config(&scene.pipeline(text));
    *config.kafka.last_mut().unwrap() = format!("properties: {{{protocol}, topic.metadata.refresh.interval.ms: 1000}}");
    config
}

/// Deletes the topic and makes it again, which takes as long as the old one is on its way out.
fn remake(scene: &Scene, servers: &Servers) {
    servers.kafka.delete_topic(&scene.name).unwrap();
    wait_until("the topic to be made", LONG, || match servers.kafka.create_topic(&scene.name, PARTITIONS) {
        Err(error) if error.to_string().contains("already exists") => Ok(None),
        other => other.map(Some),
    })
    .unwrap();
}

fn goes_on(name: &str, protocol: &str, makings: &[&str]) {
    let mut servers = servers_alone();
    let scene = Scene::new(&servers, name, PARTITIONS);
    let config = config(&scene, protocol);
    let mut kelp = scene.start(&config, &[]);
    write(&scene, "old", 40);
    committed(&scene, &servers, &mut [&mut kelp]);
    // The partitions are without a leader for a while, and have one again: their leader epochs grow.
    servers.kafka.process().kill().unwrap();
    servers.kafka.start_again().unwrap();
    write(&scene, "later", 40);
    committed(&scene, &servers, &mut [&mut kelp]);
    for making in makings {
        remake(&scene, &servers);
        write(&scene, making, 120);
        committed(&scene, &servers, &mut [&mut kelp]);
    }
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    scene.elastic.refresh(&format!("{name}-*")).unwrap();
    let before = [("old", 40), ("later", 40)];
    for (making, records) in before.into_iter().chain(makings.iter().map(|making| (*making, 120))) {
        let found = scene.elastic.search(&format!("{name}-all"), &format!("message:{making}")).unwrap();
        let numbers: std::collections::BTreeSet<_> =
            found.iter().map(|hit| hit["message"].as_str().unwrap().to_owned()).collect();
        assert_eq!(numbers.len(), records, "{making}: {}", kelp.output().unwrap());
    }
}

#[test]
fn a_topic_made_again_is_read_though_its_leaders_had_changed() {
    goes_on("delivery-remade", "session.timeout.ms: 3000, heartbeat.interval.ms: 500", &["second", "third"]);
}

#[test]
fn so_it_is_where_the_broker_divides_the_partitions() {
    goes_on("delivery-remade-kip848", "group.protocol: consumer", &["second"]);
}
