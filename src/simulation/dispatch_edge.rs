//! The dispatch's edge, with Elasticsearch behind it, and the sink of the dead letters.

use std::sync::Arc;

use super::agenda::{Channel, Event};
use super::broker::LifeId;
use super::edges::Checked;
use super::life::Core;
use super::mutant::Mutant;
use super::search::{self, Reaction};
use super::world::World;
use crate::bulk::{Item, Settlement};
use crate::dead_letter::Letter;
use crate::dispatch::{self, Found, Outcome};
use crate::record::{HoldingId, RecordBatch};
use crate::worker;

impl World {
    pub(super) fn dispatch(&mut self, life: LifeId, mut input: dispatch::Input) -> Checked {
        if !self.lives[life].alive {
            return Ok(());
        }
        if self.has(Mutant::ForgetEnd) && matches!(input, dispatch::Input::End(_)) {
            self.lives[life].note_dispatch(&input);
            return Ok(());
        }
        if let dispatch::Input::Answered(_, outcome) = &mut input {
            self.plant(outcome);
        }
        self.note(|| format!("p{life} dispatch <- {}", brief(&input)));
        let mut effects = std::mem::take(&mut self.effects.dispatch);
        let this = &mut self.lives[life];
        this.note_dispatch(&input);
        this.step_dispatch(self.now, input, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                dispatch::Effect::Prepare => self.later(100, Event::Prepare(life)),
                dispatch::Effect::Check(index) => self.later(100, Event::Check(life, index)),
                dispatch::Effect::Send { request, index, body, documents } => {
                    let ids: Vec<&str> = search::parse(&body).into_iter().map(|line| line.id).collect();
                    self.note(|| format!("p{life} dispatch -> send {request} to {index}: {ids:?}"));
                    self.tally("bulk requests", 1);
                    if ids.len() != documents {
                        return Err(format!("a request of {} documents says that it has {documents}", ids.len()));
                    }
                    self.lives[life].check_send(&index, &ids)?;
                    self.lives[life].check_request(request)?;
                    self.later(100, Event::Bulk(life, request, index, body));
                }
                dispatch::Effect::LookUp { request, index, ids } => {
                    self.tally("look-ups", 1);
                    self.lives[life].check_request(request)?;
                    let ids = ids.into_iter().map(|(id, _)| id).collect();
                    self.later(100, Event::LookUp(life, request, index, ids));
                }
                dispatch::Effect::Settle(worker, settlements) => self.settle(life, worker, settlements)?,
                dispatch::Effect::Letter(letter) => {
                    let gives_up = letter.rejection.reason.starts_with("the index has refused");
                    if gives_up && !self.plan.dispatch.blocked.dead_letter {
                        return Err(format!("{} is given up: {}", letter.id(), letter.rejection.reason));
                    }
                    self.tally("letters of held indices", gives_up.into());
                    let taken = letter.rejection.reason.starts_with("id_conflict");
                    self.tally("ids that others have taken", taken.into());
                    self.send_letter(life, letter);
                }
                dispatch::Effect::Tell(notice) => self.note(|| format!("p{life} dispatch -> {notice:?}")),
                dispatch::Effect::Judged(..) => {}
            }
        }
        self.effects.dispatch = effects;
        self.arrange(life, Core::Dispatch);
        Ok(())
    }

    fn plant(&self, outcome: &mut Outcome) {
        if let Outcome::Answer(answer) = outcome
            && self.has(Mutant::NoopIsDone)
        {
            for item in answer.items.iter_mut().filter(|item| item.noop) {
                *item = Item { status: 201, ..Item::default() };
            }
        }
        if let Outcome::Answer(answer) = outcome
            && self.has(Mutant::RetryIsDone)
        {
            for item in answer.items.iter_mut().filter(|item| item.status == 429 || item.status == 503) {
                *item = Item { status: 201, ..Item::default() };
            }
        }
    }

    fn settle(&mut self, life: LifeId, worker: usize, mut settlements: Vec<Settlement>) -> Checked {
        if self.has(Mutant::SettleOnSend) {
            return Ok(());
        }
        self.lives[life].check_fates(&settlements)?;
        if self.has(Mutant::SettleTwice) && self.chance.hits(1, 20) {
            settlements.extend_from_within(..);
        }
        if self.has(Mutant::SettleStale) {
            for settlement in &mut settlements {
                settlement.holding = self.lives[life].latest(settlement.holding);
            }
        }
        self.note(|| format!("p{life} dispatch -> settle {settlements:?}"));
        let input = worker::Input::Settled(settlements);
        self.send(life, Channel::DispatchWorker(worker), self.now, Event::Worker(life, worker, input));
        Ok(())
    }

    pub(super) fn look_up(&mut self, life: LifeId, request: dispatch::RequestId, index: &str, ids: &[String]) {
        let failing = self.failing();
        let mut found = self.search.look_up(index, ids, failing, &mut self.chance);
        if let (true, Ok(found)) = (self.has(Mutant::ConflictIsOurs), &mut found) {
            for (id, found) in ids.iter().zip(found) {
                let Some(expected) = self.oracle.expected.get(id) else { continue };
                let mut batch = RecordBatch::with_capacity(
                    Arc::new(crate::record::Origin {
                        holding: HoldingId(0),
                        partition: expected.partition.clone(),
                        incarnation: "i1".into(),
                        route: Arc::default(),
                    }),
                    1,
                    0,
                );
                batch.push(expected.offset, expected.timestamp, None, None);
                *found = Found::Origin(crate::bulk::origin_json(&batch.get(0)));
            }
        }
        self.later(100, Event::Dispatch(life, dispatch::Input::LookedUp(request, found)));
    }

    pub(super) fn bulk(&mut self, life: LifeId, request: dispatch::RequestId, index: Arc<str>, body: bytes::Bytes) {
        let failing = self.failing();
        let Reaction { mut outcome, applied_late, documents } =
            self.search.arrive(&index, &body, failing, &mut self.chance);
        self.tally_answer(&outcome, documents);
        let done = || Item { status: 201, ..Item::default() };
        match &mut outcome {
            Outcome::Answer(answer) if self.has(Mutant::FillShortAnswers) => {
                answer.items.resize_with(documents, done);
            }
            Outcome::Unknown(_) if self.has(Mutant::SilenceIsDone) => {
                let items = (0..documents).map(|_| done()).collect();
                outcome = Outcome::Answer(crate::bulk::Answer { items });
            }
            _ => {}
        }
        if applied_late {
            self.tally("late requests", 1);
            self.later(20_000, Event::Late(index, body));
        }
        let most = match &outcome {
            Outcome::Unknown(why) if why == search::NO_SHARD => 30_000,
            Outcome::Unknown(_) => 5_000,
            _ => self.plan.answers,
        };
        self.later(most, Event::Dispatch(life, dispatch::Input::Answered(request, outcome)));
    }

    fn tally_answer(&mut self, outcome: &Outcome, documents: usize) {
        match outcome {
            Outcome::Answer(answer) => {
                let refused = answer.items.iter().filter(|item| matches!(item.status, 429 | 500..));
                let (refused, told) = (refused.count() as u64, answer.items.len());
                self.tally("items refused for now", refused);
                let limits =
                    |item: &&Item| item.error.as_ref().is_some_and(|error| error.reason.starts_with("Limit of"));
                let limits = answer.items.iter().filter(limits).count() as u64;
                self.tally("documents that an index has no fields for", limits);
                self.tally("short answers", (told < documents).into());
                self.tally("long answers", (told > documents).into());
            }
            Outcome::Unknown(why) => {
                for name in [search::LOST, search::ANSWER_LOST, search::NO_ANSWER, search::NO_SHARD] {
                    self.tally(name, why.starts_with(name).into());
                }
            }
            Outcome::Status(400, Some(cause)) if documents == 1 => {
                self.tally(
                    "documents refused for no known reason",
                    (cause.kind == "illegal_argument_exception").into(),
                );
            }
            Outcome::Status(..) | Outcome::NotSent(_) => {}
        }
    }

    pub(super) fn late(&mut self, index: &str, body: &[u8]) {
        let lines = search::parse(body);
        self.search.apply(index, &lines, 0, &mut self.chance);
    }

    // The sink of the dead letters.

    pub(super) fn send_letter(&mut self, life: LifeId, letter: Letter) {
        self.note(|| format!("p{life} letter {}: {}", letter.id(), letter.rejection.reason));
        if self.has(Mutant::SettleLettersEarly) {
            let input = worker::Input::Settled(vec![letter.settlement()]);
            self.later(1, Event::Worker(life, letter.worker, input));
            return self.later(20_000, Event::Letter(life, letter));
        }
        self.later(500, Event::Letter(life, letter));
    }

    pub(super) fn letter(&mut self, life: LifeId, letter: Letter) {
        let failing = self.failing();
        if self.letters_down || self.chance.hits(failing, 100) {
            // Undelivered, and tried again.
            return self.later(2_000, Event::Letter(life, letter));
        }
        // What waits is left to the next owner of the record.
        if self.lives[life].alive && !self.lives[life].fetches.contains_key(&letter.holding()) {
            return self.tally("letters left to the next owner", 1);
        }
        if !self.has(Mutant::LoseLetters) && (self.lives[life].alive || self.chance.hits(1, 2)) {
            self.tally("letters", 1);
            *self.oracle.letters.entry(letter.id()).or_default() += 1;
        }
        if !self.has(Mutant::SettleLettersEarly) {
            let input = worker::Input::Settled(vec![letter.settlement()]);
            self.later(100, Event::Worker(life, letter.worker, input));
        }
    }
}

fn brief(input: &dispatch::Input) -> String {
    match input {
        dispatch::Input::Submit(bulk) => format!("submit {} to {}", bulk.documents.len(), bulk.index),
        other => format!("{other:?}"),
    }
}
