//! Elasticsearch that answers, but not as one would like.

use std::time::Duration;

use super::{LONG, Scene, count, count_where, slow};
use crate::lab::proxy::{Mode, Proxy};
use crate::lab::{servers, wait_until};

/// Requests refused as a whole, one status after the other: they are sent again until they are taken.
#[test]
fn refused_requests_are_sent_again() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-refused", 4);
    scene.write_log(13, 6000);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Refuse(429)).unwrap();
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    config.elasticsearch = proxy.url();
    let mut kelp = scene.start(&config, &["--until-caught-up"]);
    for status in [429, 503, 401] {
        proxy.set(Mode::Refuse(status));
        wait_until("some refusals", LONG, || Ok((proxy.applied() >= 3).then_some(()))).unwrap();
        assert_eq!(scene.elastic.count("delivery-refused-*").unwrap(), 0);
        assert_eq!((kelp.probe("/livez").unwrap(), kelp.probe("/readyz").unwrap()), (200, 503));
    }
    assert_eq!(scene.committed(&servers), [0; 4]);
    // Then in the middle of the work, too.
    proxy.set(Mode::Pass);
    wait_until("some answers", LONG, || Ok((proxy.applied() >= 5).then_some(()))).unwrap();
    proxy.set(Mode::Refuse(503));
    wait_until("some refusals", LONG, || Ok((proxy.applied() >= 2).then_some(()))).unwrap();
    proxy.set(Mode::Pass);
    kelp.expect_exit(0, LONG).unwrap();
    let told = kelp.output().unwrap().matches("elasticsearch does not take requests").count();
    assert!((1..=6).contains(&told), "told {told} times");
    assert_eq!(scene.expect_good().produced, 6000);
    scene.expect_all_committed(&servers);
}

/// Whether it is whole requests or items that Elasticsearch has too many of, fewer requests are under way at once then.
#[test]
fn what_is_refused_as_too_much_is_sent_by_fewer_requests_at_once() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-fewer", 4);
    scene.write_log(16, 2000);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Pass).unwrap();
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    config.elastic[0] = "concurrency: 4".into();
    config.elasticsearch = proxy.url();
    for mode in [Mode::Refuse(429), Mode::RefuseAllItems] {
        proxy.set(mode);
        let mut kelp = scene.start(&config, &[]);
        kelp.wait_metrics("fewer requests", LONG, |metrics| count(metrics, "kelp_bulk_concurrency") == 1).unwrap();
        proxy.set(Mode::Pass);
        kelp.kill().unwrap();
    }
    scene.catch_up(&config);
    assert_eq!(scene.expect_good().produced, 2000);
}

/// Some items of an answer are refused, others of the same answer are taken: the former alone are sent again.
#[test]
fn refused_items_are_sent_again_alone() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-some-refused", 4);
    scene.write_log(15, 6000);
    let proxy = Proxy::start(servers.elastic.url(), Mode::RefuseItems).unwrap();
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    config.elasticsearch = proxy.url();
    let mut kelp = scene.start(&config, &[]);
    let metrics = kelp
        .wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 6000)
        .unwrap();
    assert!(proxy.refused_items() > 1500, "only {} were refused", proxy.refused_items());
    assert_eq!(count_where(&metrics, "kelp_bulk_retries_total", "reason", "retry"), proxy.refused_items());
    // What had been taken was not sent again: nothing had to be verified.
    assert_eq!(count(&metrics, "kelp_documents_duplicate_total"), 0);
    assert_eq!(count_where(&metrics, "kelp_bulk_items_total", "class", "conflict"), 0);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, Duration::from_secs(30)).unwrap();
    assert_eq!(scene.expect_good().produced, 6000);
    scene.expect_all_committed(&servers);
}

/// Requests that were carried out and never answered: sent again, their documents are found to be there.
#[test]
fn lost_answers_double_nothing() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-lost", 4);
    scene.write_log(14, 6000);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Lose).unwrap();
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    config.elasticsearch = proxy.url();
    let mut kelp = scene.start(&config, &[]);
    for _ in 0..3 {
        proxy.set(Mode::Lose);
        wait_until("lost answers", LONG, || Ok((proxy.applied() >= 2).then_some(()))).unwrap();
        proxy.set(Mode::Pass);
        wait_until("answers", LONG, || Ok((proxy.applied() >= 5).then_some(()))).unwrap();
    }
    let metrics = kelp
        .wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 6000)
        .unwrap();
    assert!(count(&metrics, "kelp_documents_duplicate_total") > 0, "no answer was lost");
    assert_eq!(count(&metrics, "kelp_records_received_total"), 6000);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, Duration::from_secs(30)).unwrap();
    assert_eq!(scene.expect_good().produced, 6000);
    scene.expect_all_committed(&servers);
}
