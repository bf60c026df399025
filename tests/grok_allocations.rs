//! Matching a line takes no memory from the allocator, once such lines were matched before.
#![allow(unsafe_code, reason = "an allocator that counts is one that allocates")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kelp::grok::{Dialect, Grok, Options, Outcome, Patterns, Scratch, Set};

struct Counting;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may free and take memory when its counts are gone.
    TAKEN.try_with(|taken| taken.set(taken.get() + 1)).unwrap_or_default();
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's matter.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's matter.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's matter.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often memory was taken on this thread meanwhile.
fn taken<T>(what: impl FnOnce() -> T) -> (u64, T) {
    let before = TAKEN.get();
    let result = what();
    (TAKEN.get() - before, result)
}

#[test]
fn a_line_takes_no_memory() {
    assert_eq!(taken(|| vec![1_u8; 100]).0, 1, "it counts");
    let access =
        r#"203.0.113.9 - bob [20/Nov/2026:00:00:00 +0900] "GET /a/b?c=d HTTP/1.1" 200 512 "http://a.b/" "Mozilla/5.0""#;
    let cases: [(&[&str], &str); 6] = [
        (&["%{COMBINEDAPACHELOG}"], access),
        (&["%{INT:status:int} %{NUMBER:bytes:float} (?:(?<one>x)|(?<one>\"))"], access),
        (&["%{SYSLOGLINE}"], "Nov 20 01:02:03 host app[12]: something has happened"),
        (&["^%{INT:n:int} (?<rest>.*)$", "%{IP:ip} .* %{WORD:last}\"$", "%{NOTSPACE:a} %{GREEDYDATA:b}"], access),
        // It does not match, late and early; it goes back; it has to remember what failed.
        (&["%{COMBINEDAPACHELOG} %{INT:more}", "nothing like that"], access),
        (&[r"^(?<all>(?:\w+\s*)+)!$"], "a row of words that does not end in what it should end in"),
    ];
    for dialect in [Dialect::Elasticsearch, Dialect::Logstash] {
        let patterns = Patterns::new(Set::Legacy, dialect);
        for (expressions, line) in cases {
            let grok = Grok::compile(expressions, &patterns, Options::new(dialect)).unwrap();
            let mut scratch = Scratch::new();
            let mut search = || match grok.search(line, &mut scratch) {
                Outcome::Match(found) => {
                    let values = found.values().unwrap().count();
                    values + found.captures().map(|capture| capture.text.len()).sum::<usize>()
                }
                Outcome::NoMatch => 0,
                other => panic!("{other:?}"),
            };
            // There are two places for slots, which change.
            let (first, second) = (search(), search());
            assert_eq!(first, second);
            let (took, again) = taken(|| (0..100).map(|_| search()).sum::<usize>());
            assert_eq!((took, again), (0, 100 * first), "{expressions:?} on {line}");
        }
    }
}
