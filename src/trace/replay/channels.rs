//! What is heard was said: along each channel between two cores everything arrives, once, in order. What is still on its way when a
//! trace ends is no fault.

use std::collections::{BTreeMap, VecDeque};

use super::Checked;
use crate::bulk::Settlement;
use crate::promise::Owed;
use crate::record::{Fate, HoldingId, Stage};
use crate::trace::runs::show_submit;
use crate::trace::{DispatchHeard, WorkerHeard, documents};
use crate::{dispatch, reader, worker};

/// One channel, by what is on its way.
#[derive(Default)]
struct Channel(VecDeque<String>);

impl Channel {
    fn says(&mut self, what: String) {
        self.0.push_back(what);
    }

    fn hears(&mut self, who: &str, what: &str) -> Checked {
        match self.0.pop_front() {
            Some(said) if said == what => Ok(()),
            Some(said) => Err(format!("{who} hears {what:?}, and {said:?} is on its way before that")),
            None => Err(format!("{who} hears {what:?}, which nobody said")),
        }
    }
}

/// All channels between the cores.
#[derive(Default)]
pub(super) struct Channels {
    to_workers: BTreeMap<usize, Channel>,
    begins_and_ends: Channel,
    submits: BTreeMap<usize, Channel>,
    to_reader: BTreeMap<usize, Channel>,
    settlements: BTreeMap<usize, VecDeque<Vec<Settlement>>>,
    /// Dead letters that are on their way, by record and stage.
    letters: BTreeMap<(HoldingId, u64, Stage), u64>,
    owed: Owed,
    /// The worker of each holding that there was.
    workers: BTreeMap<HoldingId, usize>,
    /// Those that the reader has not ended.
    held: BTreeMap<HoldingId, usize>,
}

impl Channels {
    pub(super) fn reader_says(&mut self, effect: &reader::Effect) -> Checked {
        use reader::Effect;
        reader::answers(&mut self.owed, effect)?;
        match effect {
            Effect::Assign(starts) | Effect::Restart(starts) => starts.iter().for_each(|start| self.begins(start)),
            Effect::Renew(start) => self.begins(start),
            Effect::Position(holding, position) => {
                self.goes_to_worker(*holding, format!("position {holding} {position}"))
            }
            Effect::Drain(holding) => self.goes_to_worker(*holding, format!("drain {holding}")),
            Effect::End(holding) => {
                self.goes_to_worker(*holding, format!("end {holding}"));
                if self.held.remove(holding).is_none() {
                    return Err(format!("{holding} ends, and has not begun"));
                }
                self.begins_and_ends.says(format!("end {holding}"));
            }
            Effect::Resolve(..)
            | Effect::Watch(_)
            | Effect::Pause(_)
            | Effect::Resume(_)
            | Effect::Subscribe(_)
            | Effect::Unassign(_)
            | Effect::Commit(_)
            | Effect::Tell(_)
            | Effect::Leave(_) => {}
        }
        Ok(())
    }

    fn begins(&mut self, reader::Start { origin, position, worker, .. }: &reader::Start) {
        let holding = origin.holding;
        self.workers.insert(holding, *worker);
        self.held.insert(holding, *worker);
        self.begins_and_ends.says(format!("begin {holding}"));
        self.goes_to_worker(holding, format!("begin {holding} {position}"));
    }

    fn goes_to_worker(&mut self, holding: HoldingId, what: String) {
        // The edge sends nothing for a holding that is over.
        if let Some(worker) = self.held.get(&holding) {
            self.to_workers.entry(*worker).or_default().says(what);
        }
    }

    pub(super) fn worker_hears(&mut self, id: usize, input: &WorkerHeard) -> Checked {
        let what = match input {
            WorkerHeard::Begin { origin, position } => format!("begin {} {position}", origin.holding),
            WorkerHeard::Position { holding, position } => format!("position {holding} {position}"),
            WorkerHeard::Drain(holding) => format!("drain {holding}"),
            WorkerHeard::End(holding) => format!("end {holding}"),
            WorkerHeard::Settled(runs) => {
                return self.settled(id, &runs.iter().flat_map(|run| run.each()).collect::<Vec<_>>());
            }
            WorkerHeard::Records { .. } | WorkerHeard::Tick { .. } => return Ok(()),
        };
        self.to_workers.entry(id).or_default().hears(&format!("worker {id}"), &what)
    }

    /// Outcomes come from the dispatch, in order, or from a dead letter that was delivered.
    fn settled(&mut self, id: usize, settlements: &[Settlement]) -> Checked {
        let said = self.settlements.entry(id).or_default();
        if said.front().is_some_and(|first| *first == settlements) {
            said.pop_front();
            return Ok(());
        }
        if let [Settlement { holding, seq, fate: Fate::DeadLettered(stage) }] = settlements
            && let Some(letters) = self.letters.get_mut(&(*holding, *seq, *stage)).filter(|letters| **letters > 0)
        {
            *letters -= 1;
            if *letters == 0 {
                self.letters.remove(&(*holding, *seq, *stage));
            }
            return Ok(());
        }
        Err(format!("worker {id} hears {settlements:?}, and what it should hear next is {:?}", said.front()))
    }

    pub(super) fn worker_says(&mut self, id: usize, effect: &worker::Effect) {
        use worker::Effect;
        let to_reader = match effect {
            Effect::Submit(bulk) => {
                let what = show_submit(&bulk.index, bulk.body.len(), &documents(bulk));
                return self.submits.entry(id).or_default().says(what);
            }
            Effect::Letter(letter) => return self.letter(&letter.settlement()),
            Effect::Committable(moved) => format!("{moved:?}"),
            Effect::Drained(holding) => format!("drained {holding}"),
            Effect::Mismatch(holding, why) => format!("mismatch {holding} {why}"),
            Effect::Counted(_) | Effect::Forgotten { .. } | Effect::Fault(..) => return,
        };
        self.to_reader.entry(id).or_default().says(to_reader);
    }

    fn letter(&mut self, settlement: &Settlement) {
        if let Fate::DeadLettered(stage) = settlement.fate {
            *self.letters.entry((settlement.holding, settlement.seq, stage)).or_default() += 1;
        }
    }

    pub(super) fn reader_hears(&mut self, input: &reader::Input) -> Checked {
        reader::owes(&mut self.owed, input);
        let (holding, what) = match input {
            reader::Input::Committable(moved) => (moved.holding, format!("{moved:?}")),
            reader::Input::Drained(holding) => (*holding, format!("drained {holding}")),
            reader::Input::Mismatch(holding, why) => (*holding, format!("mismatch {holding} {why}")),
            _ => return Ok(()),
        };
        let worker = self.workers.get(&holding).ok_or(format!("the reader hears {what:?}, which nobody said"))?;
        self.to_reader.entry(*worker).or_default().hears("the reader", &what)
    }

    pub(super) fn dispatch_hears(&mut self, input: &DispatchHeard) -> Checked {
        match input {
            DispatchHeard::Begin(holding) => self.begins_and_ends.hears("the dispatch", &format!("begin {holding}")),
            DispatchHeard::End(holding) => self.begins_and_ends.hears("the dispatch", &format!("end {holding}")),
            DispatchHeard::Submit { worker, index, bytes, documents } => {
                let what = show_submit(index, *bytes, documents);
                self.submits.entry(*worker).or_default().hears("the dispatch", &what)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn dispatch_says(&mut self, effect: &dispatch::Effect) {
        match effect {
            dispatch::Effect::Settle(worker, settlements) => {
                self.settlements.entry(*worker).or_default().push_back(settlements.clone());
            }
            dispatch::Effect::Letter(letter) => self.letter(&letter.settlement()),
            _ => {}
        }
    }
}
