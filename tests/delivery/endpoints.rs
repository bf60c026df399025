//! Several endpoints, and endpoints that ask who comes: through guards in front of the real server.

use super::{LONG, Scene, count, slow};
use crate::lab::authority::Authority;
use crate::lab::guard::{Guard, Rules};
use crate::lab::kelp::Config;
use crate::lab::{Kelp, Message, servers, wait_until};

fn plain(scene: &Scene) -> Guard {
    Guard::start(scene.elastic.url(), Rules::default()).unwrap()
}

/// One of three goes away in the middle, and comes back.
#[test]
fn a_dead_endpoint_is_left_out_until_it_answers_again() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-endpoints", 4);
    let mut guards = [plain(&scene), plain(&scene), plain(&scene)];
    let urls: Vec<_> = guards.iter().map(Guard::url).collect();
    let mut config = scene.config(&scene.web_access());
    slow(&mut config);
    config.elasticsearch = urls.join(",");
    scene.write_log(21, 4000);
    let mut kelp = scene.start(&config, &[]);
    let up = |kelp: &mut Kelp, url: &str, value: f64| {
        kelp.wait_metrics("the endpoint", LONG, |metrics| {
            metrics.sum_where("kelp_endpoint_up", &[("endpoint", url)]) == Some(value)
        })
        .unwrap();
    };
    wait_until("work for all", LONG, || Ok(guards.iter().all(|guard| guard.passed() >= 5).then_some(()))).unwrap();
    let passed: Vec<_> = guards.iter().map(Guard::passed).collect();
    assert!(passed.iter().max().unwrap() - passed.iter().min().unwrap() <= 5, "not shared alike: {passed:?}");
    guards[0].close();
    scene.write_log(22, 2000);
    up(&mut kelp, &urls[0], 0.0);
    kelp.wait_metrics("all without it", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 6000).unwrap();
    assert_eq!(kelp.probe("/readyz").unwrap(), 200);
    let before = guards[0].passed();
    guards[0].open().unwrap();
    let mut written = 6000;
    wait_until("it to be back", LONG, || {
        // Endpoints are probed while there is work.
        scene.write(&[Message::new(0, "a line")]);
        written += 1;
        Ok((guards[0].passed() > before + 3).then_some(()))
    })
    .unwrap();
    up(&mut kelp, &urls[0], 1.0);
    let settled = |metrics: &crate::lab::kelp::Metrics| count(metrics, "kelp_records_settled_total") == written;
    kelp.wait_metrics("all to be settled", LONG, settled).unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let output = kelp.output().unwrap();
    assert!(output.contains("an endpoint is left out") && output.contains("an endpoint is back"), "{output}");
    assert_eq!(scene.expect_good().produced, written);
}

/// Starts with what is wrong; gives what is logged once nothing works, and that nothing was committed or written.
fn held(scene: &Scene, config: &Config, committed: Vec<i64>) -> (Kelp, String) {
    let mut kelp = scene.start(config, &[]);
    wait_until("a refusal", LONG, || {
        kelp.process().expect_alive()?;
        Ok(kelp.output()?.contains("elasticsearch does not take requests").then_some(()))
    })
    .unwrap();
    wait_until("the partitions", LONG, || Ok((kelp.metrics()?.sum("kelp_partitions_held") > Some(0.0)).then_some(())))
        .unwrap();
    assert_eq!((kelp.probe("/livez").unwrap(), kelp.probe("/readyz").unwrap()), (200, 503));
    assert_eq!(committed, vec![0; committed.len()]);
    assert_eq!(scene.elastic.count(&format!("{}-*", scene.name)).unwrap(), 0);
    let output = kelp.output().unwrap();
    (kelp, output)
}

/// Wrong ones hold everything, and nothing is lost; right ones pass; neither is ever shown.
#[test]
fn credentials_pass_or_hold_and_are_never_shown() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-credentials", 2);
    scene.write_log(23, 300);
    // elastic:hunter2, and the key id:hunter3.
    let (basic, key) = ("Basic ZWxhc3RpYzpodW50ZXIy", "ApiKey aWQ6aHVudGVyMw==");
    let rules = Rules { authorization: Some(key.into()), ..Rules::default() };
    let guard = Guard::start(scene.elastic.url(), rules).unwrap();
    let mut config = scene.config(&scene.web_access());
    config.elasticsearch = guard.url_of("elastic:hunter2");
    let (mut kelp, output) = held(&scene, &config, scene.committed(&servers));
    assert!(output.contains("status 401") && output.contains("unable to authenticate"), "{output}");
    let shown = |kelp: &Kelp| {
        let metrics = reqwest::blocking::get(format!("{}/metrics", kelp.admin())).unwrap().text().unwrap();
        let ready = reqwest::blocking::get(format!("{}/readyz", kelp.admin())).unwrap().text().unwrap();
        [kelp.output().unwrap(), metrics, ready].concat()
    };
    guard.demand(Some(basic));
    kelp.wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 300)
        .unwrap();
    assert!(!shown(&kelp).contains("hunter2") && !shown(&kelp).contains("ZWxhc3RpYzpodW50ZXIy"));
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();

    guard.demand(Some(key));
    scene.write_log(24, 300);
    config.elasticsearch = guard.url();
    config.variables.push(("KELP_ELASTICSEARCH__API_KEY".into(), "id:hunter3".into()));
    config.variables.push(("KELP_LOG".into(), "debug".into()));
    let mut kelp = scene.start(&config, &[]);
    kelp.wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 300)
        .unwrap();
    assert!(!shown(&kelp).contains("hunter3") && !shown(&kelp).contains("aWQ6aHVudGVyMw"));
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    assert_eq!(scene.expect_good().produced, 600);
}

/// A password, then an API key, that are changed under the running service: first where they are asked for, then in the file.
#[test]
fn a_secret_that_is_changed_in_its_file_is_taken_without_a_restart() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-renewed", 2);
    let file = scene.folder.path().join("secret");
    // The headers are those of elastic:one, elastic:two, and of the keys id:one and id:two.
    let of_password = ["Basic ZWxhc3RpYzpvbmU=", "Basic ZWxhc3RpYzp0d28="];
    let of_key = ["ApiKey aWQ6b25l", "ApiKey aWQ6dHdv"];
    let password = ["username: elastic", "password_file: secret"].map(str::to_owned).to_vec();
    let key = vec!["api_key_file: secret".to_owned()];
    let mut written = 0;
    for (elastic, [before, after], secrets) in
        [(password, of_password, ["one\n", "two\n"]), (key, of_key, ["id:one", "id:two"])]
    {
        let rules = Rules { authorization: Some(before.into()), ..Rules::default() };
        let guard = Guard::start(scene.elastic.url(), rules).unwrap();
        std::fs::write(&file, secrets[0]).unwrap();
        let mut config = scene.config(&scene.web_access());
        config.elasticsearch = guard.url();
        config.elastic = elastic;
        let mut kelp = scene.start(&config, &[]);
        let mut settle = |kelp: &mut Kelp, settled: u64| {
            scene.write_log(31 + written, 100);
            written += 100;
            kelp.wait_metrics("all to be settled", LONG, |metrics| {
                count(metrics, "kelp_records_settled_total") == settled
            })
        };
        settle(&mut kelp, 100).unwrap();
        // The file may be ahead: what is in force is not thrown away for it.
        std::fs::write(&file, secrets[1]).unwrap();
        settle(&mut kelp, 200).unwrap();
        assert_eq!(guard.refused(), 0);
        guard.demand(Some(after));
        settle(&mut kelp, 300).unwrap();
        // Each request that was refused went again at once: nothing was held up.
        assert!(guard.refused() > 0 && !kelp.output().unwrap().contains("does not take requests"));
        // Or behind.
        guard.demand(Some(before));
        scene.write_log(31 + written, 100);
        written += 100;
        let before_that = guard.refused();
        wait_until("a refusal", LONG, || Ok((guard.refused() > before_that + 2).then_some(()))).unwrap();
        std::fs::write(&file, secrets[0]).unwrap();
        kelp.wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 400)
            .unwrap();
        kelp.terminate().unwrap();
        kelp.expect_exit(0, LONG).unwrap();
    }
    assert_eq!(scene.expect_good().produced, written);
}

/// An authority that nobody told of, then one that was told of while it runs; a certificate that has expired; one for us.
#[test]
fn tls_says_what_to_do_and_holds_until_it_is_done() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-tls", 2);
    scene.write_log(25, 300);
    let folder = scene.folder.path().to_owned();
    let (authority, other) = (Authority::new("lab").unwrap(), Authority::new("other").unwrap());
    let start =
        |tls, client| Guard::start(scene.elastic.url(), Rules { tls: Some(tls), client, authorization: None }).unwrap();
    let guard = start(authority.sign("server").unwrap(), None);
    let mut config = scene.config(&scene.web_access());
    let set = |config: &mut Config, guard: &Guard, tls: &str| {
        config.elasticsearch = guard.url();
        config.elastic = if tls.is_empty() { vec![] } else { vec![format!("tls: {{{tls}}}")] };
    };

    set(&mut config, &guard, "");
    let (kelp, output) = held(&scene, &config, scene.committed(&servers));
    assert!(output.contains("set elasticsearch.tls.ca_file"), "{output}");
    drop(kelp);
    // The file has another authority at first, and is replaced while the service runs.
    let ca_file = folder.join("ca.pem");
    std::fs::write(&ca_file, other.pem()).unwrap();
    set(&mut config, &guard, "ca_file: ca.pem");
    let (mut kelp, output) = held(&scene, &config, scene.committed(&servers));
    assert!(output.contains("set elasticsearch.tls.ca_file"), "{output}");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    kelp.wait_metrics("all to be settled", LONG, |metrics| count(metrics, "kelp_records_settled_total") == 300)
        .unwrap();
    assert!(kelp.output().unwrap().contains("the files of elasticsearch.tls have changed"));
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    assert_eq!(scene.expect_good().produced, 300);

    let scene = Scene::new(&servers, "delivery-tls-more", 2);
    scene.write_log(26, 300);
    let mut config = scene.config(&scene.web_access());
    let folder = scene.folder.path().to_owned();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let expired = start(authority.sign_until("server", 2020).unwrap(), None);
    set(&mut config, &expired, "ca_file: ca.pem");
    let (kelp, output) = held(&scene, &config, scene.committed(&servers));
    assert!(output.contains("its certificate has expired"), "{output}");
    drop(kelp);
    let demanding = start(authority.sign("server").unwrap(), Some(&other));
    set(&mut config, &demanding, "ca_file: ca.pem");
    let (kelp, output) = held(&scene, &config, scene.committed(&servers));
    assert!(output.contains("it wants a certificate of ours"), "{output}");
    drop(kelp);
    other.sign("kelp").unwrap().write(&folder, "client").unwrap();
    set(&mut config, &demanding, "ca_file: ca.pem, certificate_file: client.pem, key_file: client.key");
    scene.catch_up(&config);
    assert_eq!(scene.expect_good().produced, 300);

    // Whoever asks for it gets it, and is told what it means.
    scene.write_log(27, 300);
    set(&mut config, &expired, "verify: false");
    let kelp = scene.catch_up(&config);
    assert!(kelp.output().unwrap().contains("elasticsearch.tls.verify is false"));
    assert_eq!(scene.expect_good().produced, 600);
}

#[test]
fn compressed_requests_come_through() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-gzip", 2);
    scene.write_log(28, 3000);
    let guard = plain(&scene);
    let mut config = scene.config(&scene.web_access());
    config.elasticsearch = guard.url();
    config.elastic.push("compression: gzip".into());
    scene.catch_up(&config);
    assert!(guard.compressed() > 0 && guard.compressed() == guard.passed());
    assert_eq!(scene.expect_good().produced, 3000);
}
