//! The laboratory's own servers: stopped and started again they have what they had, on the same port.

use serde_json::json;

use crate::lab::{servers, servers_alone};

#[test]
fn elasticsearch_comes_back_with_its_documents_on_the_same_port() {
    let mut servers = servers_alone();
    servers.elastic.bulk("{\"create\":{\"_index\":\"comes-back\",\"_id\":\"1\"}}\n{\"a\":1}\n".into()).unwrap();
    servers.elastic.stop().unwrap();
    assert!(servers.elastic.get("/").is_err());
    servers.elastic.start_again().unwrap();
    assert_eq!(servers.elastic.document("comes-back", "1").unwrap(), json!({"a": 1}));
    servers.elastic.delete("/comes-back").unwrap();
}

#[test]
fn kafka_comes_back_with_its_topics_on_the_same_port() {
    let mut servers = servers_alone();
    servers.kafka.create_topic("comes-back", 3).unwrap();
    servers.kafka.stop().unwrap();
    servers.kafka.start_again().unwrap();
    assert!(servers.kafka.create_topic("comes-back", 3).unwrap_err().to_string().contains("Topic already exists"));
    servers.kafka.delete_topic("comes-back").unwrap();
}

#[test]
fn a_group_without_commits_has_none() {
    let servers = servers();
    servers.kafka.create_topic("no-commits", 2).unwrap();
    assert_eq!(servers.kafka.committed("nobody", "no-commits", 2).unwrap(), [None, None]);
}
