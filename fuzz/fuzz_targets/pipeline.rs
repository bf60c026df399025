//! Pipeline files: whatever the text is, it compiles or its faults are told; what compiles takes a record.
#![no_main]

use kelp::event::Event;
use kelp::pipeline::{Pipeline, Rejection, Scratch, Sink};
use kelp::record::{DropReason, Headers, Record};
use libfuzzer_sys::fuzz_target;

struct Nowhere;

impl Sink for Nowhere {
    fn document(&mut self, _: u32, _: &str, _: &Event<'_>) {}
    fn dropped(&mut self, _: DropReason, _: u32) {}
    fn rejected(&mut self, _: u32, _: Rejection) {}
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Pipeline::compile("fuzzed.yaml", text) {
        Err(problems) => assert!(!problems.is_empty()),
        Ok(pipeline) => {
            let payload = br#"{"message":"a=1 b=\"2\" 2026-11-20T01:02:03Z 203.0.113.9","n":1.5,"l":[1,{"x":null}]}"#;
            let (timestamp, payload) = (Some(1_795_000_000_000), Some(&payload[..]));
            let (key, headers) = (None, Headers::default());
            let record = Record { topic: "fuzz", partition: 0, offset: 7, timestamp, key, payload, headers };
            pipeline.run(&mut Scratch::new(), &record, &mut Nowhere);
        }
    }
});
