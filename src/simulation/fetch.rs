//! The consumer of a process: it polls, and what it finds goes to the cores.

use std::sync::Arc;
use std::time::Duration;

use super::agenda::{Channel, Event};
use super::broker::LifeId;
use super::edges::Checked;
use super::mutant::Mutant;
use super::world::World;
use crate::passage::is_within_share;
use crate::record::{HoldingId, RecordBatch};
use crate::{reader, worker};

/// How long after everything else errors of partitions still come: they must not hold anything up.
const ERRORS_LAST: Duration = Duration::from_secs(10);

impl World {
    /// Reads a little of each partition.
    pub(super) fn poll(&mut self, life: LifeId) -> Checked {
        self.look();
        if !self.lives[life].alive {
            return Ok(());
        }
        let before = self.agenda.number();
        let mut holdings = std::mem::take(&mut self.polled);
        holdings.extend(self.lives[life].fetches.keys().copied());
        for holding in holdings.drain(..) {
            self.fetch(life, holding)?;
        }
        self.polled = holdings;
        // Whoever finds nothing looks less often.
        let most = if self.agenda.number() == before { 1_500 } else { 150 };
        if self.chance.hits(1, 3) {
            let believes = self.has(Mutant::BelieveMoved);
            let fetches = self.lives[life].fetches.values().filter(|fetch| believes || fetch.moved.is_none());
            let positions = fetches.map(|fetch| (fetch.origin.partition.clone(), fetch.position)).collect();
            self.reader(life, reader::Input::Positions(positions))?;
        }
        let next = self.now + Duration::from_millis(10) + self.delay(most);
        self.queue(next, Event::Poll(life));
        Ok(())
    }

    fn fetch(&mut self, life: LifeId, holding: HoldingId) -> Checked {
        let most = self.chance.below(9) as usize;
        let often = if self.chance.hits(1, 4) { 8 } else { 400 };
        let until = self.plan.calm + ERRORS_LAST;
        let fails = self.plan.failing > 0 && self.now < until && self.chance.hits(1, often);
        let stays = self.has(Mutant::StayMoved);
        let resets = self.has(Mutant::SilentReset);
        let is_back = self.chance.hits(3, 4);
        let passes_corrupt = self.has(Mutant::PassCorrupt);
        let reads_errors = self.has(Mutant::ErrorIsRecord);
        let ignores_limit = self.has(Mutant::IgnoreLimit);
        let this = &mut self.lives[life];
        let Some(fetch) = this.fetches.get_mut(&holding) else { return Ok(()) };
        if !fetch.intake || fetch.paused || this.workers[fetch.worker].in_flight() > 60 {
            return Ok(());
        }
        if !is_within_share(&this.budget, &fetch.part) && !ignores_limit {
            self.tally("full memories", 1);
            return Ok(());
        }
        if fetch.moved.is_some() {
            fetch.put_back(is_back);
            return Ok(());
        }
        // Mostly where there is something to be read yet: another error at the end would help the one before.
        let log = &self.broker.logs[&fetch.origin.partition];
        let something = log.end() > fetch.next;
        if fails && (something || self.chance.hits(1, 40)) {
            // An error comes in the place of the next record, and the client counts it as read.
            fetch.position = fetch.position.max(fetch.next + 1);
            if reads_errors {
                let offset = fetch.next;
                fetch.next = fetch.position;
                let mut records = RecordBatch::with_capacity(Arc::clone(&fetch.origin), 1, 64);
                records.push(offset, None, None, Some(b"d0: broker transport failure"));
                let input = worker::Input::Records { records, permit: None };
                let worker = fetch.worker;
                self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
                return Ok(());
            }
            fetch.moved = Some(fetch.next).filter(|_| !stays);
            fetch.put_back(is_back);
            let (what, number) = ("partitions that are put back late", u64::from(fetch.moved.is_some()));
            self.tally(what, number);
            self.tally("errors of partitions", 1);
            return Ok(());
        }
        let worker = fetch.worker;
        if self.broker.absent.contains(&fetch.origin.partition.topic) {
            return Ok(());
        }
        if !log.is_in_range(fetch.next) && resets {
            (fetch.next, fetch.position) = (log.low(), log.low());
        }
        if !log.is_in_range(fetch.next) {
            fetch.intake = false;
            let partition = fetch.origin.partition.clone();
            let stops = !self.plan.reader.restart_out_of_range;
            this.stopped |= stops;
            self.tally("out of range", 1);
            self.tally("partitions that stop where retention took what was to be read", stops.into());
            return self.reader(life, reader::Input::OutOfRange(partition));
        }
        let entries = log.read(fetch.next, most);
        let Some(last) = entries.last().map(|entry| entry.offset) else {
            if !log.read(fetch.next, 1).is_empty() {
                return Ok(());
            }
            // Past the last record the position goes on to the end.
            let end = log.end();
            fetch.next = fetch.next.max(end);
            fetch.position = fetch.position.max(end);
            return Ok(());
        };
        if this.corrupt {
            this.corrupt = false;
            if passes_corrupt {
                fetch.next = last + 1;
                fetch.position = fetch.next;
                return Ok(());
            }
            // The client has counted what cannot be read as read.
            fetch.intake = false;
            fetch.position = last + 1;
            this.stopped = true;
            let partition = fetch.origin.partition.clone();
            self.tally("records that cannot be read", 1);
            return self.reader(life, reader::Input::Corrupt(partition));
        }
        fetch.next = last + 1;
        fetch.position = fetch.next;
        fetch.received = fetch.next;
        let mut records = RecordBatch::with_capacity(Arc::clone(&fetch.origin), entries.len(), 64);
        for entry in entries {
            records.push(entry.offset, entry.timestamp, None, entry.payload.as_deref());
        }
        let permit = Some(fetch.part.take(records.footprint()));
        let took = reader::Input::Took { partition: fetch.origin.partition.clone(), records: records.len() as u64 };
        let input = worker::Input::Records { records, permit };
        self.send(life, Channel::ReaderWorker(worker), self.now, Event::Worker(life, worker, input));
        self.reader(life, took)
    }
}
