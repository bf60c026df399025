//! What each processor did: how often it ran, how often it failed, and about how long it took.
//!
//! A [`Meter`] belongs to one thread, which alone writes to it: counting is a load and a store, no locked instruction. Who
//! shows the counts reads them from a [`Counts`] at any time. Reading a clock costs as much as a small processor, so only
//! one document in [`SAMPLE`] is timed, and its times count for all of these.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Moment;

/// One document in this many is timed: a prime, so that a source that repeats itself is not met at the same place.
pub const SAMPLE: u64 = 61;

/// A processor's place in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepInfo {
    /// Its numbers from 0: `2`, or `2.on_failure.0`, or `on_failure.0`.
    pub place: String,
    /// Its name, such as `grok`.
    pub kind: &'static str,
    /// Its tag.
    pub tag: Option<String>,
}

/// What one processor did on one thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepCount {
    /// How often it ran: its condition held.
    pub runs: u64,
    /// How often it failed, ignored or not.
    pub failures: u64,
    /// About how long it and its condition took, with what it ran inside.
    pub time: Duration,
}

#[derive(Debug, Default)]
struct Cells {
    runs: AtomicU64,
    failures: AtomicU64,
    nanos: AtomicU64,
}

/// The counts of a pipeline's processors on one thread, for reading.
#[derive(Debug)]
pub struct Counts(Box<[Cells]>);

impl Counts {
    /// What each processor did so far, in the order of `Pipeline::steps`.
    pub fn read(&self) -> impl Iterator<Item = StepCount> {
        self.0.iter().map(|cells| StepCount {
            runs: cells.runs.load(Ordering::Relaxed),
            failures: cells.failures.load(Ordering::Relaxed),
            time: Duration::from_nanos(cells.nanos.load(Ordering::Relaxed)),
        })
    }
}

/// Adds without a locked instruction: there is one writer.
fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

/// The one writer of some [`Counts`].
pub struct Meter {
    counts: Arc<Counts>,
    clock: Box<dyn Fn() -> Moment + Send>,
    documents: u64,
}

impl Meter {
    pub(super) fn new(steps: usize, clock: impl Fn() -> Moment + Send + 'static) -> Self {
        let counts = Arc::new(Counts((0..steps).map(|_| Cells::default()).collect()));
        Self { counts, clock: Box::new(clock), documents: 0 }
    }

    /// What it counts, for somebody else to read.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Begins a document. The first ones are never the timed ones, since they find everything cold.
    pub(super) fn document(&mut self) -> Probe<'_> {
        self.documents += 1;
        let timed = self.documents % SAMPLE == SAMPLE / 2;
        Probe(Some(Active { counts: &self.counts, clock: timed.then_some(&*self.clock) }))
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// The way from a document that is worked on to the meter; without one it does nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Probe<'a>(Option<Active<'a>>);

#[derive(Clone, Copy)]
struct Active<'a> {
    counts: &'a Counts,
    clock: Option<&'a (dyn Fn() -> Moment + Send)>,
}

impl Probe<'_> {
    /// The time, if this document is one of those that are timed.
    pub(super) fn start(&self) -> Option<Moment> {
        self.0.and_then(|active| active.clock).map(|clock| clock())
    }

    /// A step's condition did not hold.
    pub(super) fn passed_over(&self, step: usize, started: Option<Moment>) {
        if let Some(active) = self.0 {
            active.time(step, started);
        }
    }

    /// A step ran.
    pub(super) fn ran(&self, step: usize, started: Option<Moment>, failed: bool) {
        let Some(active) = self.0 else { return };
        let Some(cells) = active.counts.0.get(step) else { return };
        add(&cells.runs, 1);
        if failed {
            add(&cells.failures, 1);
        }
        active.time(step, started);
    }
}

impl Active<'_> {
    fn time(&self, step: usize, started: Option<Moment>) {
        if let (Some(clock), Some(started), Some(cells)) = (self.clock, started, self.counts.0.get(step)) {
            add(&cells.nanos, clock().since(started).as_nanos() as u64 * SAMPLE);
        }
    }
}

impl std::fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Probe").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::event::Event;
    use crate::pipeline::{Pipeline, Rejection, Scratch, Sink};
    use crate::record::{DropReason, Headers, Record};

    struct Nowhere;

    impl Sink for Nowhere {
        fn document(&mut self, _: u32, _: &str, _: &Event<'_>) {}
        fn dropped(&mut self, _: DropReason, _: u32) {}
        fn rejected(&mut self, _: u32, _: Rejection) {}
    }

    const PIPELINE: &str = r#"
source: {topics: [t]}
processors:
  - set: {field: a, value: b}
  - set: {field: c, value: d, if: "ctx.message == 'no'"}
  - rename: {field: missing, target_field: x, tag: mine, on_failure: [set: {field: failed, value: yes}]}
  - rename: {field: missing, target_field: x, ignore_failure: true}
  - remove: {field: missing}
on_failure:
  - set: {field: failed, value: again}
destination: {index: x}
"#;

    fn run(pipeline: &Pipeline, scratch: &mut Scratch, times: u64) {
        let payload = Some(&b"hello"[..]);
        let record = Record {
            topic: "t",
            partition: 0,
            offset: 0,
            timestamp: Some(0),
            key: None,
            payload,
            headers: Headers::default(),
        };
        for _ in 0..times {
            pipeline.run(scratch, &record, &mut Nowhere);
        }
    }

    #[test]
    fn every_processor_has_a_place_a_name_and_counts() {
        let pipeline = Pipeline::compile("p.yaml", PIPELINE).map_err(|problems| format!("{problems:?}")).unwrap();
        // Each look at the clock is a microsecond later than the one before.
        let looks = Cell::new(0);
        let meter = pipeline.meter(move || {
            looks.set(looks.get() + 1);
            Moment(Duration::from_micros(looks.get()))
        });
        let counts = meter.counts();
        let mut scratch = Scratch::counting(meter);
        run(&pipeline, &mut scratch, SAMPLE / 2 - 1);
        assert!(counts.read().all(|count| count.time.is_zero()), "none was timed yet");
        run(&pipeline, &mut scratch, 2 * SAMPLE);
        let runs = SAMPLE / 2 - 1 + 2 * SAMPLE;

        let places: Vec<_> = pipeline.steps().iter().map(|step| (step.place.as_str(), step.kind)).collect();
        let expected = [
            ("0", "set"),
            ("1", "set"),
            ("2", "rename"),
            ("2.on_failure.0", "set"),
            ("3", "rename"),
            ("4", "remove"),
            ("on_failure.0", "set"),
        ];
        assert_eq!(places, expected);
        assert_eq!(pipeline.steps()[2].tag.as_deref(), Some("mine"));
        let counted: Vec<_> = counts.read().map(|count| (count.runs, count.failures)).collect();
        let ok = (runs, 0);
        assert_eq!(counted, [ok, (0, 0), (runs, runs), ok, (runs, runs), (runs, runs), ok]);
        // Two documents of all of these were timed, and stand for them.
        let two = Duration::from_micros(2 * SAMPLE);
        assert!(counts.read().all(|count| count.time == two), "{:?}", counts.read().collect::<Vec<_>>());
    }
}
