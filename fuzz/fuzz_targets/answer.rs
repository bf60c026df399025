//! Answers to bulk requests: whatever the body is, it is an answer or an error, and each item has a class.
#![no_main]

use kelp::bulk::{classify_item, parse_answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(answer) = parse_answer(data) {
        for item in &answer.items {
            std::hint::black_box(classify_item(item));
        }
    }
});
