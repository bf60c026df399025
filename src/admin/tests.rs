//! Over a real socket: status, content type and body of every path.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::clock::Moment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn health_at(clock: &Arc<AtomicU64>) -> Arc<Health> {
    let clock = Arc::clone(clock);
    Arc::new(Health::new(move || clock.load(Ordering::Relaxed)))
}

async fn ask(address: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: kelp\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn every_path_answers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(AtomicU64::new(1_000));
        let health = health_at(&clock);
        let metrics = Arc::new(Metrics::new());
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::clone(&metrics), Arc::clone(&health)));

        let heart = health.heart("reader", 500);
        let (status, head, body) = ask(address, "/livez").await;
        assert_eq!(status, 200, "{body}");
        assert!(head.contains("content-type: application/json"), "{head}");
        clock.store(2_000, Ordering::Relaxed);
        let (status, _, body) = ask(address, "/livez").await;
        assert_eq!(status, 503);
        assert_eq!(
            body.trim_end(),
            r#"{"hearts":[{"age_ms":1000,"limit_ms":500,"name":"reader","ok":false}],"live":false}"#
        );
        heart.beat(Moment(Duration::from_millis(1_900)));
        assert_eq!(ask(address, "/livez").await.0, 200);

        let (status, _, body) = ask(address, "/readyz").await;
        assert_eq!(status, 503);
        assert!(body.contains(r#""reason":"waiting for partitions from the group""#), "{body}");
        for condition in Condition::ALL {
            health.holds(condition);
        }
        assert_eq!(ask(address, "/readyz").await.0, 200);

        metrics.topic("web").received(2, 10);
        let (status, head, body) = ask(address, "/metrics").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        assert!(body.contains("kelp_records_received_total{topic=\"web\"} 2"), "{body}");

        let (status, head, body) = ask(address, "/").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-type: text/html"), "{head}");
        assert!(body.contains("/readyz"), "{body}");
        assert_eq!(ask(address, "/nothing").await.0, 404);
        server.abort();
    });
}

#[test]
fn each_condition_alone_makes_it_unready_and_says_why() {
    let health = health_at(&Arc::default());
    for condition in Condition::ALL {
        health.holds(condition);
    }
    assert!(health.readiness().0);
    for condition in Condition::ALL {
        health.fails(condition, "because");
        let (ready, body) = health.readiness();
        assert!(!ready);
        let failing: Vec<&serde_json::Value> =
            body["conditions"].as_array().unwrap().iter().filter(|shown| shown["ok"] == false).collect();
        assert_eq!(failing, [&serde_json::json!({"name": condition.as_str(), "ok": false, "reason": "because"})]);
        health.holds(condition);
    }
}

#[test]
fn a_heart_that_is_gone_no_longer_counts() {
    let health = health_at(&Arc::default());
    let (kept, dropped) = (health.heart("worker 0", 10), health.heart("worker 1", 10));
    kept.beat(Moment(Duration::from_millis(100)));
    assert!(!health.liveness(105).0);
    drop(dropped);
    assert!(health.liveness(105).0);
    kept.beat(Moment(Duration::from_millis(50)));
    assert!(health.liveness(110).0, "a beat that comes late does not turn time back");
    assert!(!health.liveness(111).0);
}
