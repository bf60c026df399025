//! The main job into OpenSearch 3, which takes no media type of a version and says so with a 406.

use super::{LONG, Scene, count};
use crate::lab::opensearch::OpenSearch;
use crate::lab::servers;

/// Template, indices, ids, look-ups after a kill: all as with Elasticsearch.
#[test]
fn the_main_job_works_with_opensearch() {
    let Some(opensearch) = OpenSearch::start().unwrap() else {
        assert!(std::env::var_os("CI").is_none(), "no JDK 21 or later, which OpenSearch needs");
        eprintln!("passed over: OpenSearch needs a JDK 21 or later");
        return;
    };
    let servers = servers();
    let mut scene = Scene::new(&servers, "delivery-opensearch", 4);
    scene.elastic = (*opensearch).clone();
    scene.write_log(31, 5000);
    let mut config = scene.config(&scene.web_access());
    config.elasticsearch = opensearch.url().into();
    config.elastic.extend(["compression: gzip".into(), "bulk: {max_documents: 50, linger: 20ms}".into()]);
    let mut kelp = scene.start(&config, &[]);
    kelp.wait_metrics("some documents", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") >= 500).unwrap();
    kelp.kill().unwrap();
    scene.catch_up(&config);
    scene.expect_all_committed(&servers);
    assert_eq!(scene.expect_good().produced, 5000);
    let template = opensearch.get("/_index_template/kelp-delivery-opensearch").unwrap();
    assert_eq!(template["index_templates"][0]["index_template"]["index_patterns"][0], "delivery-opensearch-*");
}
