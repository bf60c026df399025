use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::reader::Input;
use crate::record::TopicPartition;

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn chance() -> Chance {
    Chance::new(7)
}

fn settings() -> crate::dispatch::Settings {
    crate::dispatch::Settings::default()
}

#[test]
fn the_limit_is_kept_and_the_last_line_tells() {
    let file = File::default();
    let limit = 2000;
    let trace = Trace::new(Box::new(file.clone()), limit);
    let mut dispatch = trace.dispatch(&settings(), &chance());
    for step in 0..100 {
        dispatch.hears(Moment(Duration::from_millis(step)), &crate::dispatch::Input::Tick);
        dispatch.says(&[crate::dispatch::Effect::Prepare]);
    }
    let text = String::from_utf8(file.0.lock().unwrap().clone()).unwrap();
    assert!(text.len() as u64 <= limit, "{} bytes", text.len());
    let lines: Vec<Numbered> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().enumerate().all(|(n, line)| line.n == n as u64));
    assert!(matches!(lines.last().unwrap().line, Line::Cut { limit: 2000 }), "{text}");
    assert!(lines.len() > 10, "{text}");
    // After that nothing is even made.
    dispatch.hears(Moment::default(), &crate::dispatch::Input::Tick);
    assert!(!dispatch.0.has_heard());
}

#[test]
fn a_disk_that_is_full_ends_the_trace_alone() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let trace = Trace::new(Box::new(Full), 1 << 20);
    assert!(!trace.is_open());
    let mut dispatch = trace.dispatch(&settings(), &chance());
    dispatch.hears(Moment::default(), &crate::dispatch::Input::Tick);
    dispatch.says(&[]);
}

#[test]
fn a_step_is_one_line_with_all_that_a_replay_needs() {
    let file = File::default();
    let trace = Trace::new(Box::new(file.clone()), 1 << 20);
    let settings = crate::reader::Settings {
        workers: 2,
        drain_timeout: Duration::from_secs(3),
        commit_interval: Duration::from_secs(1),
        start_at_end: false,
        restart_out_of_range: false,
        until_caught_up: false,
        max_uncommitted: crate::reader::MaxUncommitted { records: 1000, age: Duration::from_secs(60) },
        watch_interval: Duration::from_secs(10),
        routes: crate::reader::Routes::from([("t".into(), Arc::default())]),
    };
    let mut reader = trace.reader(&settings, &chance());
    let partition = TopicPartition::new("t", 3);
    reader.hears(Moment(Duration::from_nanos(1_000_000_007)), &Input::Took { partition, records: 5 });
    reader.says(&[]);
    let text = String::from_utf8(file.0.lock().unwrap().clone()).unwrap();
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        r#"{"n":2,"reader":{"at":1000000007,"in":{"Took":{"partition":{"topic":"t","partition":3},"records":5}},"out":[]}}"#
    );
    let begins: Numbered = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let Line::ReaderBegins(Begins { settings: again, seed: 7 }) = begins.line else { panic!("{text}") };
    assert_eq!(format!("{again:?}"), format!("{settings:?}"));
}
