//! Traces of the processes of a history, such as the service writes: so that replaying is tried on everything that can happen here.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::life::Life;
use crate::clock::Moment;
use crate::trace::{DispatchTrace, ReaderTrace, Trace, WorkerTrace};
use crate::{dispatch, reader, worker};

/// A file in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a life's cores write to.
pub(super) struct Noted {
    reader: ReaderTrace,
    workers: Vec<WorkerTrace>,
    dispatch: DispatchTrace,
}

impl Life {
    /// Notes every step from now on, which is before the first.
    pub(super) fn note(&mut self, plan: &super::plan::Plan, to: &Memory) {
        let trace = Trace::new(Box::new(to.clone()), u64::MAX);
        let [of_reader, of_dispatch] = &self.chances;
        self.workers.iter_mut().for_each(worker::Worker::note_made);
        self.noted = Some(Noted {
            reader: trace.reader(&plan.reader, of_reader),
            workers: (0..self.workers.len()).map(|id| trace.worker(id, &plan.limits)).collect(),
            dispatch: trace.dispatch(&plan.dispatch, of_dispatch),
        });
    }

    pub(super) fn step_reader(&mut self, now: Moment, input: reader::Input, effects: &mut Vec<reader::Effect>) {
        let Some(noted) = &mut self.noted else { return self.reader.step(now, input, effects) };
        noted.reader.hears(now, &input);
        self.reader.step(now, input, effects);
        noted.reader.says(effects);
    }

    pub(super) fn step_worker(
        &mut self,
        now: Moment,
        (id, input): (usize, worker::Input),
        effects: &mut Vec<worker::Effect>,
    ) {
        let worker = &mut self.workers[id];
        let Some(noted) = &mut self.noted else { return worker.step(now, input, effects) };
        noted.workers[id].hears(now, &input, true);
        worker.step(now, input, effects);
        noted.workers[id].says(worker.take_made(), effects);
    }

    pub(super) fn step_dispatch(&mut self, now: Moment, input: dispatch::Input, effects: &mut Vec<dispatch::Effect>) {
        let Some(noted) = &mut self.noted else { return self.dispatch.step(now, input, effects) };
        noted.dispatch.hears(now, &input);
        self.dispatch.step(now, input, effects);
        noted.dispatch.says(effects);
    }
}

#[cfg(test)]
mod tests;
