//! Index templates: ours where there is none, never over another; none; one from a file.

use serde_json::{Value, json};

use saphyr::{LoadableYamlNode, Yaml};

use super::{LONG, Scene};
use crate::chart::json_of;
use crate::lab::home::project;
use crate::lab::proxy::{Mode, Proxy};
use crate::lab::{Message, servers, wait_until};

fn template(scene: &Scene, name: &str) -> Option<Value> {
    let found = scene.elastic.get(&format!("/_index_template/{name}")).ok()?;
    Some(found["index_templates"][0]["index_template"].clone())
}

/// What an index of the run is made of: its shards, its refresh, and the type of a field.
fn index(scene: &Scene, field: &str) -> (String, Value, Value) {
    let name = scene.elastic.indices(&format!("{}-*", scene.name)).unwrap().remove(0);
    let settings = scene.elastic.get(&format!("/{name}/_settings")).unwrap();
    let mapping = scene.elastic.get(&format!("/{name}/_mapping/field/{field}")).unwrap();
    let settings = &settings[&name]["settings"]["index"];
    let last = field.rsplit('.').next().unwrap();
    let kind = mapping[&name]["mappings"][field]["mapping"][last]["type"].clone();
    (settings["number_of_shards"].as_str().unwrap().to_owned(), settings["refresh_interval"].clone(), kind)
}

#[test]
fn ours_is_installed_where_there_is_none_and_is_never_put_over_another() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-template-auto", 1);
    scene.write_log(51, 50);
    scene.catch_up(&scene.config(&scene.web_access()));
    let ours = template(&scene, "kelp-delivery-template-auto").unwrap();
    assert_eq!(ours["index_patterns"], json!(["delivery-template-auto-*"]));
    assert!(ours["priority"].as_u64() > Some(102), "{ours}");
    assert_eq!(index(&scene, "kafka.offset"), ("1".into(), json!("30s"), json!("long")));
    assert_eq!(index(&scene, "clientip").2, "keyword");

    // Somebody's own, under our name: it stays as it is, and the indices are made by it.
    let scene = Scene::new(&servers, "delivery-template-theirs", 1);
    let theirs = json!({
        "index_patterns": ["delivery-template-theirs-*"],
        "priority": 400,
        "template": {"settings": {"index": {"number_of_shards": "2", "refresh_interval": "7s"}}},
    });
    let path = "/_index_template/kelp-delivery-template-theirs";
    scene.elastic.put(path, &theirs).unwrap();
    let before = template(&scene, "kelp-delivery-template-theirs");
    scene.write_log(52, 50);
    scene.catch_up(&scene.config(&scene.web_access()));
    assert_eq!(template(&scene, "kelp-delivery-template-theirs"), before);
    let (shards, refresh, _) = index(&scene, "kafka.offset");
    assert_eq!((shards.as_str(), refresh), ("2", json!("7s")));
    scene.elastic.delete(path).unwrap();
}

#[test]
fn none_is_installed_if_none_is_wanted_and_a_file_is_put_as_it_is() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-template-off", 1);
    scene.write_log(53, 50);
    let mut config = scene.config(&scene.web_access());
    config.elastic.push("template: off".into());
    scene.catch_up(&config);
    assert_eq!(template(&scene, "kelp-delivery-template-off"), None);
    assert_eq!(index(&scene, "clientip").2, "text");

    let scene = Scene::new(&servers, "delivery-template-file", 1);
    scene.write_log(54, 50);
    let own = json!({
        "index_patterns": ["delivery-template-file-*"],
        "priority": 300,
        "template": {
            "settings": {"index": {"number_of_shards": 3, "refresh_interval": "9s"}},
            "mappings": {"properties": {"clientip": {"type": "ip"}}},
        },
    });
    std::fs::write(scene.folder.path().join("my-own.json"), own.to_string()).unwrap();
    let mut config = scene.config(&scene.web_access());
    config.elastic.push("template: my-own.json".into());
    scene.catch_up(&config);
    assert_eq!(template(&scene, "kelp-delivery-template-file"), None);
    assert_eq!(index(&scene, "clientip"), ("3".into(), json!("9s"), json!("ip")));
    assert_eq!(scene.expect_good().produced, 50);

    // One that Elasticsearch refuses: nothing is indexed before it is mended.
    let scene = Scene::new(&servers, "delivery-template-wrong", 1);
    scene.write_log(55, 50);
    let wrong = json!({"index_patterns": ["delivery-template-wrong-*"], "nonsense": 1});
    std::fs::write(scene.folder.path().join("wrong.json"), wrong.to_string()).unwrap();
    let mut config = scene.config(&scene.web_access());
    config.elastic.push("template: wrong.json".into());
    let kelp = scene.start(&config, &[]);
    crate::lab::wait_until("the refusal", LONG, || {
        Ok(kelp.output()?.contains("the index template wrong is refused").then_some(()))
    })
    .unwrap();
    assert_eq!((kelp.probe("/readyz").unwrap(), scene.elastic.count("delivery-template-wrong-*").unwrap()), (503, 0));
}

/// Something else listens where Elasticsearch should, and says yes to everything.
#[test]
fn a_page_is_no_acknowledgement() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-template-page", 1);
    let proxy = Proxy::start(servers.elastic.url(), Mode::Page).unwrap();
    for (seed, mode) in [(55, "template: auto"), (56, "template: off")] {
        scene.write_log(seed, 50);
        proxy.set(Mode::Page);
        let mut config = scene.config(&scene.web_access());
        config.elasticsearch = proxy.url();
        config.elastic.push(mode.into());
        let mut kelp = scene.start(&config, &["--until-caught-up"]);
        wait_until("the page to be told", LONG, || {
            Ok(kelp.output()?.contains("is not answered as Elasticsearch does").then_some(()))
        })
        .unwrap();
        let (status, body) = (kelp.probe("/readyz").unwrap(), kelp.body("/readyz").unwrap());
        assert!(status == 503 && body.contains("Please log in"), "{status} {body}");
        proxy.set(Mode::Pass);
        kelp.expect_exit(0, LONG).unwrap();
        // The first time made the index by the template, which is there though the page has answered before.
        assert_eq!(index(&scene, "clientip").2, "keyword");
    }
    assert_eq!(scene.expect_good().produced, 100);
}

/// What the shipped pipelines make of the lines in their own tests fits the template: Elasticsearch takes every document.
#[test]
fn the_documents_of_the_shipped_pipelines_fit() {
    let servers = servers();
    let mut pipelines = 0;
    for file in std::fs::read_dir(project().join("pipelines")).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let scene = Scene::new(&servers, &format!("shipped-{}", file.file_stem().unwrap().display()), 1);
        let yaml = json_of(&Yaml::load_from_str(&text).unwrap()[0]);
        let own = |text: &str, pattern: &str| {
            let (before, rest) = text.split_once(pattern).expect(pattern);
            let end = rest.find([']', '%']).unwrap();
            let dash = if rest[end..].starts_with('%') { "-" } else { "" };
            format!("{before}{pattern}{}{dash}{}", scene.name, &rest[end..])
        };
        // Its tests name the indices that it was shipped with.
        let (whole, _) = text.split_once("\ntests:\n").unwrap();
        let pipeline = scene.folder.path().join("pipeline.yaml");
        std::fs::write(&pipeline, own(&own(&format!("{whole}\n"), "topics: ["), "index: \"")).unwrap();
        let tests = yaml["tests"].as_array().unwrap();
        let given = |test: &Value| test["given"].as_str().map_or_else(|| test["given"].to_string(), str::to_owned);
        scene.write(&tests.iter().map(|test| Message::new(0, given(test))).collect::<Vec<_>>());
        scene.catch_up(&scene.config(&pipeline));
        let dropped = tests.iter().filter(|test| test["expect"] == "dropped").count();
        let indexed = scene.elastic.count(&format!("{}-*", scene.name)).unwrap() as usize;
        assert_eq!(indexed, tests.len() - dropped, "{}: the others are dead letters", file.display());
        pipelines += 1;
    }
    assert!(pipelines >= 10, "{pipelines}");
}
