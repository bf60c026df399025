//! No secret is shown by a service that works and fails, however talkative its log. (Without servers: `secrets`.)

use super::{LONG, Scene};
use crate::lab::proxy::{Mode, Proxy};
use crate::lab::{servers, wait_until};

const PASSWORD: &str = "canary-password-8c41";
const PROPERTY: &str = "canary-property-e07d";

/// An Elasticsearch that refuses, and then takes everything.
#[test]
fn neither_log_nor_pages_show_a_secret() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-secrets", 2);
    scene.write_log(21, 500);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Refuse(401)).unwrap();
    let mut config = scene.config(&scene.web_access());
    config.elasticsearch = proxy.url();
    config.elastic.push("username: me".to_owned());
    config.elastic.push("password: \"${SECRET}\"".to_owned());
    for (name, value) in [
        ("SECRET", PASSWORD),
        ("KELP_KAFKA__PROPERTIES__SASL_PASSWORD", PROPERTY),
        ("KELP_KAFKA__PROPERTIES__DEBUG", "security,broker,conf"),
        ("KELP_LOG", "trace"),
    ] {
        config.variables.push((name.to_owned(), value.to_owned()));
    }
    let mut kelp = scene.start(&config, &["--until-caught-up"]);
    wait_until("some refusals", LONG, || Ok((proxy.applied() >= 3).then_some(()))).unwrap();
    let page = |path| reqwest::blocking::get(format!("{}{path}", kelp.admin())).unwrap().text().unwrap();
    let pages = page("/readyz") + &page("/metrics") + &page("/livez");
    assert!(pages.contains("401"), "the refusal is told:\n{pages}");
    proxy.set(Mode::Pass);
    kelp.expect_exit(0, LONG).unwrap();
    let log = kelp.output().unwrap();
    assert!(log.contains("401") && log.contains("TRACE"), "the log is not talkative:\n{log}");
    for (whence, text) in [("a page", pages), ("the log", log)] {
        for canary in [PASSWORD, PROPERTY] {
            // What is talkative quotes requests, too: base64 of me:…, as it goes over the wire.
            assert!(!text.contains(canary) && !text.contains("bWU6Y2FuYXJ5"), "{whence} shows {canary}");
        }
    }
    assert_eq!(scene.expect_good().produced, 500);
}
