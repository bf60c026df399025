//! What the processors did, brought from the threads' own counts into the families when these are asked for.

use std::sync::{Arc, Mutex, PoisonError};

use super::Metrics;
use crate::pipeline::{Counts, Pipeline, StepCount, StepInfo};

/// The counts that are watched.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<Vec<Watch>>);

#[derive(Debug)]
struct Watch {
    pipeline: String,
    steps: Vec<StepInfo>,
    counts: Arc<Counts>,
    /// What was shown of it already.
    shown: Vec<StepCount>,
}

impl Watched {
    pub(super) fn add(&self, pipeline: &Pipeline, counts: Arc<Counts>) {
        let steps = pipeline.steps().to_vec();
        let shown = vec![StepCount::default(); steps.len()];
        let watch = Watch { pipeline: pipeline.name().to_owned(), steps, counts, shown };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
    }

    /// Adds what is new since the last time. Counts whose writer is gone are added once more, then let go.
    pub(super) fn show(&self, metrics: &Metrics) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain_mut(|watch| {
            let alive = Arc::strong_count(&watch.counts) > 1;
            for ((step, now), shown) in watch.steps.iter().zip(watch.counts.read()).zip(&mut watch.shown) {
                let tag = step.tag.as_deref().unwrap_or_default();
                let labels = [watch.pipeline.as_str(), step.place.as_str(), step.kind, tag];
                let seconds = now.time.saturating_sub(shown.time).as_secs_f64();
                metrics.processor_runs.with_label_values(&labels).inc_by(now.runs - shown.runs);
                metrics.processor_failures.with_label_values(&labels).inc_by(now.failures - shown.failures);
                metrics.processor_seconds.with_label_values(&labels).inc_by(seconds);
                *shown = now;
            }
            alive
        });
    }
}
