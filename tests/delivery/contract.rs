//! What scripts may rely on: how configuration is refused and overridden.

use super::Scene;
use crate::lab::kelp::Config;
use crate::lab::servers;

#[test]
fn a_property_that_the_promise_depends_on_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = "source: {topics: [t]}\ndestination: {index: a}\n";
    std::fs::write(folder.path().join("pipeline.yaml"), pipeline).unwrap();
    let mut config =
        Config::new("127.0.0.1:1", "refused", "http://127.0.0.1:1", &[&folder.path().join("pipeline.yaml")]);
    config.kafka.push("properties: {enable.auto.commit: true, client.id: fine}".into());
    let mut kelp = crate::lab::Kelp::start(&super::binary(), folder.path(), &config, &[]).unwrap();
    kelp.expect_exit(64, super::LONG).unwrap();
    let output = kelp.output().unwrap();
    let place =
        ".yaml:4:16: kafka.properties.enable.auto.commit: is not for you to set (offsets are committed only when";
    assert!(output.lines().count() == 1 && output.contains(place), "{output}");
}

/// A mistake in a pipeline is told with its place, before anything is asked of a server.
#[test]
fn a_mistake_in_a_pipeline_ends_with_64() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = folder.path().join("web.yaml");
    std::fs::write(&pipeline, "source: {topics: [t]}\nprocessors:\n  - gork: {}\ndestination: {index: a}\n").unwrap();
    let config = Config::new("127.0.0.1:1", "mistake", "http://127.0.0.1:1", &[&pipeline]);
    let mut kelp = crate::lab::Kelp::start(&super::binary(), folder.path(), &config, &[]).unwrap();
    kelp.expect_exit(64, super::LONG).unwrap();
    let output = kelp.output().unwrap();
    assert!(output.contains("web.yaml:3:") && output.contains("gork"), "{output}");
}

/// The file's group is overridden by a variable, and that by a flag; the one that counts is the one that commits.
#[test]
fn flags_override_variables_override_the_file() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-contract", 1);
    scene.write_log(17, 50);
    let mut config = scene.config(&scene.web_access());
    config.variables.push(("KELP_KAFKA__GROUP_ID".into(), "delivery-contract-variable".into()));
    let committed = |group: &str| servers.kafka.committed(group, "delivery-contract", 1).unwrap()[0];
    scene.catch_up(&config);
    assert_eq!((committed("delivery-contract-variable"), committed(&scene.name)), (Some(50), None));
    let mut kelp = scene.start(&config, &["--until-caught-up", "--group-id", "delivery-contract-flag"]);
    kelp.expect_exit(0, super::LONG).unwrap();
    assert_eq!((committed("delivery-contract-flag"), committed(&scene.name)), (Some(50), None));
    scene.expect_good();
}
