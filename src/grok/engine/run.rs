//! Runs a program at one position of a text: backtracking, with a stack of its own.
//!
//! One loop runs both kinds of code. What it needs to go back is on the stack as small frames; an atomic group or look-around puts a
//! barrier there, to which it cuts the stack when it is decided. Frames that restore a capture outlive the cut.

use super::Slot;
use super::bytes::Wide;
use super::bytes::{before, decode};
use super::dfa::Scan;
use super::memo::Memo;
use super::program::{Choice, Code, NOWHERE, Op, Place, SEVERAL, Set, Span};
use super::scan::run_end;
use super::tree::Assertion;
use super::unicode::is_word;

/// How many frames the stack may have: 16 bytes each.
const MOST_FRAMES: usize = 1 << 24;
/// With more than these, the stack is given back after the run.
const KEPT_FRAMES: usize = 1 << 18;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Matched,
    Failed,
    /// The steps were used up.
    TooLong,
}

/// What is done when a way fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Frame {
    /// Goes on there.
    Branch {
        place: Place,
        at: u32,
    },
    /// A capture was this.
    Start {
        group: u32,
        old: u32,
    },
    End {
        group: u32,
        old: u32,
    },
    /// A round of a loop had begun there.
    Register {
        register: u32,
        old: u32,
    },
    /// An atomic group or look-around began (at the operation `enter`).
    Barrier {
        enter: Place,
        at: u32,
        previous: u32,
    },
    /// Everything from this state on has failed.
    Key {
        key: u32,
        at: u32,
    },
    /// A run of characters, at the operation `place`, can be shorter: down to `low`.
    Star {
        place: Place,
        low: u32,
        high: u32,
    },
    /// A greedy run can end before `high`, down to `low`.
    Greedy {
        place: Place,
        low: u32,
        high: u32,
    },
    /// A lazy run can go on.
    Lazy {
        place: Place,
        at: u32,
    },
    /// A look-behind can begin still further back.
    Back {
        place: Place,
        at: u32,
        more: u32,
    },
}

/// What a run needs besides the program: kept between runs, so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Stack {
    pub(super) frames: Vec<Frame>,
    pub(super) registers: Vec<u32>,
    pub(super) memo: Memo,
    /// Steps that are left.
    pub(super) steps: u64,
}

/// No barrier.
const NONE: u32 = u32::MAX;

/// A text and where the search in it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'t> {
    pub(super) text: &'t [u8],
    pub(super) origin: usize,
}

/// Tries the code at one position. Captures are in `slots`, the whole match first.
pub(super) fn run(code: &Code, input: Input<'_>, start: usize, stack: &mut Stack, slots: &mut [Slot]) -> Verdict {
    stack.frames.clear();
    stack.registers.resize(code.registers as usize, NONE);
    slots[0].start = start as u32;
    let frames = std::mem::take(&mut stack.frames);
    let mut run = Run { code, input, stack, frames, slots, barrier: NONE };
    let verdict = run.go(start);
    if run.frames.capacity() <= KEPT_FRAMES {
        run.stack.frames = run.frames;
    }
    verdict
}

struct Run<'r, 't> {
    code: &'r Code,
    input: Input<'t>,
    stack: &'r mut Stack,
    /// The stack's frames, taken out of it for the run.
    frames: Vec<Frame>,
    slots: &'r mut [Slot],
    /// The newest barrier's place in the stack.
    barrier: u32,
}

/// Where to go on: an operation and a position.
type State = (usize, usize);

impl Run<'_, '_> {
    /// Every arm goes on by itself; what falls out of the match has failed.
    fn go(&mut self, start: usize) -> Verdict {
        let text = self.input.text;
        let code = self.code;
        let ops = code.ops.as_slice();
        let (mut place, mut at) = (0_usize, start);
        loop {
            match ops[place] {
                Op::Match => {
                    self.slots[0].end = at as u32;
                    return Verdict::Matched;
                }
                Op::Fail => {}
                Op::Jump(target) => {
                    place = target as usize;
                    continue;
                }
                Op::Split { other } => {
                    self.frames.push(Frame::Branch { place: other, at: at as u32 });
                    place += 1;
                    continue;
                }
                Op::SplitLater { other } => {
                    self.frames.push(Frame::Branch { place: place as u32 + 1, at: at as u32 });
                    place = other as usize;
                    continue;
                }
                Op::Byte(byte) => {
                    if text.get(at) == Some(&byte) {
                        (place, at) = (place + 1, at + 1);
                        continue;
                    }
                }
                Op::Bytes { from, length } => {
                    if let Some(end) = literal(code, from, length, text, at) {
                        (place, at) = (place + 1, end);
                        continue;
                    }
                }
                Op::Set(set) => {
                    if let Some(end) = one(&code.sets[set as usize], text, at) {
                        (place, at) = (place + 1, end);
                        continue;
                    }
                }
                Op::Save { slot } => {
                    self.save(slot, at);
                    place += 1;
                    continue;
                }
                Op::SaveOnce { slot } => {
                    *half(self.slots, slot) = at as u32;
                    place += 1;
                    continue;
                }
                Op::Gap { end, start, from, length } => {
                    self.save_either(end, at);
                    if let Some(next) = literal(code, from, length, text, at) {
                        at = next;
                        self.save_either(start, at);
                        place += 3;
                        continue;
                    }
                }
                Op::Field { slot, span } => {
                    self.save_either(slot, at);
                    if let Some(end) = self.span(span, at) {
                        at = end;
                        self.save_either(slot + 2, at);
                        place += 3;
                        continue;
                    }
                }
                Op::Span(span) => {
                    if let Some(end) = self.span(span, at) {
                        (place, at) = (place + 1, end);
                        continue;
                    }
                }
                Op::Fork { fork, exit } => {
                    let fork = &code.forks[fork as usize];
                    match fork.table[next_byte(text, at)] {
                        0 => {}
                        1 => {
                            place += 1;
                            continue;
                        }
                        2 => {
                            place = exit as usize;
                            continue;
                        }
                        _ => {
                            let body = place as u32 + 1;
                            let (now, later) = if fork.greedy { (body, exit) } else { (exit, body) };
                            self.frames.push(Frame::Branch { place: later, at: at as u32 });
                            place = now as usize;
                            continue;
                        }
                    }
                }
                Op::Choice(choice) => {
                    let choice = &code.choices[choice as usize];
                    match choice.places[usize::from(choice.table[next_byte(text, at)])] {
                        NOWHERE => {}
                        SEVERAL => {
                            place = self.choose(choice, at);
                            continue;
                        }
                        only => {
                            place = only as usize;
                            continue;
                        }
                    }
                }
                Op::Token { token, next } => {
                    let token = &code.tokens[token as usize];
                    let (scan, read) = code.dfas[token.dfa as usize].scan(text, at, &token.follow);
                    self.charge(read - at);
                    match scan {
                        Scan::Nowhere => {}
                        Scan::End(end) => {
                            (place, at) = (next as usize, end);
                            continue;
                        }
                        Scan::Unsure => {
                            place += 1;
                            continue;
                        }
                    }
                }
                Op::Word { negative, ascii } => {
                    if at_boundary(text, at, ascii) != negative {
                        place += 1;
                        continue;
                    }
                }
                Op::Before(side) => {
                    let before = if at == 0 { 256 } else { usize::from(text[at - 1]) };
                    if code.sides[side as usize][before] {
                        place += 1;
                        continue;
                    }
                }
                Op::After(side) => {
                    if code.sides[side as usize][next_byte(text, at)] {
                        place += 1;
                        continue;
                    }
                }
                other => {
                    if let Some(state) = self.rare(other, place, at) {
                        (place, at) = state;
                        continue;
                    }
                }
            }
            match self.go_back() {
                Ok(state) => (place, at) = state,
                Err(verdict) => return verdict,
            }
        }
    }

    /// The operations that are met less often.
    #[inline(never)]
    fn rare(&mut self, op: Op, place: usize, at: usize) -> Option<State> {
        let code = self.code;
        match op {
            Op::Greedy(span) => self.greedy(place, span, at),
            Op::Lazy(span) => self.lazy(place, span, at),
            Op::Star { set, point } => self.star(place, set, point, at),
            Op::Assert(assertion) => {
                holds(code.assertions[assertion as usize], self.input, at).then_some((place + 1, at))
            }
            Op::Enter { .. } => {
                let frame = Frame::Barrier { enter: place as u32, at: at as u32, previous: self.barrier };
                self.barrier = self.frames.len() as u32;
                self.frames.push(frame);
                Some((place + 1, at))
            }
            Op::StepBack { least, most } => self.step_back(place, at, least, most),
            Op::AtEntry => (self.entry().1 == at).then_some((place + 1, at)),
            Op::Commit => {
                self.cut(at);
                Some((place + 1, at))
            }
            Op::Seen { negative } => {
                let (_, entry) = self.entry();
                if negative {
                    self.undo(at);
                    return None;
                }
                self.cut(at);
                Some((place + 1, entry))
            }
            Op::Back(back) => self.back(back, at).map(|next| (place + 1, next)),
            Op::Round { register } => {
                let old = std::mem::replace(&mut self.stack.registers[register as usize], at as u32);
                self.frames.push(Frame::Register { register, old });
                Some((place + 1, at))
            }
            Op::Progress { register, exit } => {
                let empty = self.stack.registers[register as usize] == at as u32;
                Some((if empty { exit as usize } else { place + 1 }, at))
            }
            Op::Point(point) => self.point(place, point, at),
            _ => None,
        }
    }

    /// The first of several alternatives; the others later.
    fn choose(&mut self, choice: &Choice, at: usize) -> usize {
        let list = &choice.lists[usize::from(choice.table[next_byte(self.input.text, at)])];
        for place in list[1..].iter().rev() {
            self.frames.push(Frame::Branch { place: *place, at: at as u32 });
        }
        list[0] as usize
    }

    /// To the newest frame that has something left to try.
    fn go_back(&mut self) -> Result<State, Verdict> {
        loop {
            if self.stack.steps == 0 || self.frames.len() > MOST_FRAMES {
                return Err(Verdict::TooLong);
            }
            self.stack.steps -= 1;
            match self.frames.pop() {
                None => return Err(Verdict::Failed),
                Some(Frame::Branch { place, at }) => return Ok((place as usize, at as usize)),
                Some(Frame::Start { group, old }) => self.slots[group as usize].start = old,
                Some(Frame::End { group, old }) => self.slots[group as usize].end = old,
                Some(Frame::Register { register, old }) => self.stack.registers[register as usize] = old,
                Some(Frame::Barrier { enter, at, previous }) => {
                    self.barrier = previous;
                    if let Op::Enter { end, negative: true } = self.code.ops[enter as usize] {
                        return Ok((end as usize + 1, at as usize));
                    }
                }
                Some(Frame::Key { key, at }) => self.stack.memo.failed(key, at),
                Some(Frame::Star { place, low, high }) => {
                    if let Op::Star { point, .. } = self.code.ops[place as usize] {
                        let key = self.key(point, high as usize);
                        self.stack.memo.failed(key, high);
                    }
                    if high > low {
                        let high = before(self.input.text, high as usize);
                        self.frames.push(Frame::Star { place, low, high: high as u32 });
                        return Ok((place as usize + 1, high));
                    }
                }
                Some(Frame::Greedy { place, low, high }) => {
                    if let Some(state) = self.shorter(place as usize, low as usize, high as usize) {
                        return Ok(state);
                    }
                }
                Some(Frame::Lazy { place, at }) => {
                    if let Some(state) = self.longer(place as usize, at as usize) {
                        return Ok(state);
                    }
                }
                Some(Frame::Back { place, at, more }) => {
                    if let Some(state) = self.further_back(place as usize, at as usize, more) {
                        return Ok(state);
                    }
                }
            }
        }
    }

    /// A slot as [`Op::Gap`] has it: shifted by one, with a bit that says whether the old value comes back.
    #[inline(always)]
    fn save_either(&mut self, slot: u16, at: usize) {
        if slot & 1 == 0 {
            *half(self.slots, u32::from(slot >> 1)) = at as u32;
        } else {
            self.save(u32::from(slot >> 1), at);
        }
    }

    #[inline(always)]
    fn save(&mut self, slot: u32, at: usize) {
        let group = slot >> 1;
        let old = std::mem::replace(half(self.slots, slot), at as u32);
        if self.frames.is_empty() {
            // Nothing is left to try, so nobody will ask for the old value.
            return;
        }
        let frame = if slot & 1 == 0 { Frame::Start { group, old } } else { Frame::End { group, old } };
        self.frames.push(frame);
    }

    /// Where the newest barrier was put up: the operation and the position.
    fn entry(&self) -> State {
        match self.frames[self.barrier as usize] {
            Frame::Barrier { enter, at, .. } => (enter as usize, at as usize),
            _ => unreachable!("a barrier is where the run says"),
        }
    }

    /// What is inside the newest barrier will not be tried again; it led to `end`.
    fn cut(&mut self, end: usize) {
        let from = self.barrier as usize;
        let Frame::Barrier { previous, .. } = self.frames[from] else { unreachable!("a barrier is there") };
        let mut kept = from;
        for index in from + 1..self.frames.len() {
            let frame = self.frames[index];
            match frame {
                Frame::Start { .. } | Frame::End { .. } | Frame::Register { .. } => {
                    self.frames[kept] = frame;
                    kept += 1;
                }
                other => self.remember(other, end),
            }
        }
        self.frames.truncate(kept);
        self.barrier = previous;
    }

    /// A negative look-around matched, so it does not hold: everything in it is undone.
    fn undo(&mut self, end: usize) {
        while self.frames.len() > self.barrier as usize + 1 {
            match self.frames.pop() {
                Some(Frame::Start { group, old }) => self.slots[group as usize].start = old,
                Some(Frame::End { group, old }) => self.slots[group as usize].end = old,
                Some(Frame::Register { register, old }) => self.stack.registers[register as usize] = old,
                Some(other) => self.remember(other, end),
                None => {}
            }
        }
        if let Some(Frame::Barrier { previous, .. }) = self.frames.pop() {
            self.barrier = previous;
        }
    }

    /// Remembers where a state inside an atomic group or look-around led.
    fn remember(&mut self, frame: Frame, end: usize) {
        match frame {
            Frame::Key { key, at } => self.stack.memo.succeeded(key, at, end as u32),
            Frame::Star { place, low, high } => {
                let Op::Star { point, .. } = self.code.ops[place as usize] else { return };
                let mut at = low as usize;
                while at <= high as usize {
                    let key = self.key(point, at);
                    self.stack.memo.succeeded(key, at as u32, end as u32);
                    if at == high as usize {
                        break;
                    }
                    at += decode(self.input.text, at).1;
                }
            }
            _ => {}
        }
    }

    /// A point with what the loops around it still allow: whether each has moved since its round began.
    fn key(&self, point: u32, at: usize) -> u32 {
        let (first, registers) = &self.code.points[point as usize];
        let still = |register: &u32| self.stack.registers[*register as usize] == at as u32;
        first + registers.iter().enumerate().map(|(bit, register)| u32::from(still(register)) << bit).sum::<u32>()
    }

    fn point(&mut self, place: usize, point: u32, at: usize) -> Option<State> {
        let key = self.key(point, at);
        if self.stack.memo.has_failed(key, at as u32) {
            return None;
        }
        if let Some(known) = self.known(key, at) {
            return known;
        }
        self.frames.push(Frame::Key { key, at: at as u32 });
        Some((place + 1, at))
    }

    /// What is known of a state inside an atomic group or look-around that once led to its end.
    fn known(&mut self, key: u32, at: usize) -> Option<Option<State>> {
        if self.barrier == NONE {
            return None;
        }
        let end = self.stack.memo.end(key, at as u32)? as usize;
        let (enter, entry) = self.entry();
        let Op::Enter { end: decided, negative } = self.code.ops[enter] else { return None };
        let decided = decided as usize;
        let captures =
            self.code.ops[enter..decided].iter().any(|op| matches!(op, Op::Save { .. } | Op::SaveOnce { .. }));
        if !captures || negative {
            return Some(Some((decided, end)));
        }
        // The way has to be gone again for its captures, unless it is known to lead nowhere.
        let after = if matches!(self.code.ops[decided], Op::Commit) { end } else { entry };
        if let Some(Op::Point(point)) = self.code.ops.get(decided + 1).copied() {
            let key = self.key(point, after);
            if self.stack.memo.has_failed(key, after as u32) {
                self.undo(end);
                return Some(None);
            }
        }
        None
    }

    /// As many characters as there are.
    #[inline(always)]
    fn span(&mut self, span: u32, at: usize) -> Option<usize> {
        let span = &self.code.spans[span as usize];
        let text = self.input.text;
        if !span.simple {
            return self.counted(span, at);
        }
        let mut end = run_end(text, at, &span.set.table, span.ranges.as_ref());
        if span.set.wide == Wide::Some {
            // Beyond ASCII a byte does not decide.
            while text.get(end).is_some_and(|byte| *byte >= 0x80)
                && let Some(next) = one(&span.set, text, end)
            {
                end = run_end(text, next, &span.set.table, span.ranges.as_ref());
            }
        }
        self.charge(end - at);
        let count = (end - at).min(u32::MAX as usize) as u32;
        (count >= span.least).then(|| if count > span.most { at + span.most as usize } else { end })
    }

    /// The same, where characters have to be counted.
    #[inline(never)]
    fn counted(&mut self, span: &Span, at: usize) -> Option<usize> {
        let (mut end, mut count) = (at, 0);
        while count < span.most
            && let Some(next) = one(&span.set, self.input.text, end)
        {
            end = next;
            count += 1;
        }
        self.charge(end - at);
        (count >= span.least).then_some(end)
    }

    /// Long runs cost steps, too, as these would not be bounded otherwise.
    #[inline(always)]
    fn charge(&mut self, bytes: usize) {
        self.stack.steps = self.stack.steps.saturating_sub((bytes >> 5) as u64);
    }

    fn greedy(&mut self, place: usize, index: u32, at: usize) -> Option<State> {
        let span = &self.code.spans[index as usize];
        let high = self.span(index, at)?;
        let mut low = at;
        for _ in 0..span.least {
            low += decode(self.input.text, low).1;
        }
        if span.follow.table[next_byte(self.input.text, high)] {
            if high > low {
                self.frames.push(Frame::Greedy { place: place as u32, low: low as u32, high: high as u32 });
            }
            return Some((place + 1, high));
        }
        self.shorter(place, low, high)
    }

    /// The next shorter end of a run after which things can go on.
    fn shorter(&mut self, place: usize, low: usize, high: usize) -> Option<State> {
        let Op::Greedy(span) = self.code.ops[place] else { return None };
        let follow = &self.code.spans[span as usize].follow.table;
        let text = self.input.text;
        let end = (low..high).rev().find(|end| follow[usize::from(text[*end])] && text[*end] & 0xC0 != 0x80);
        self.charge(high - end.unwrap_or(low));
        let end = end?;
        if end > low {
            self.frames.push(Frame::Greedy { place: place as u32, low: low as u32, high: end as u32 });
        }
        Some((place + 1, end))
    }

    fn lazy(&mut self, place: usize, index: u32, at: usize) -> Option<State> {
        let span = &self.code.spans[index as usize];
        if span.follow.table[next_byte(self.input.text, at)] {
            self.frames.push(Frame::Lazy { place: place as u32, at: at as u32 });
            return Some((place + 1, at));
        }
        self.longer(place, at)
    }

    /// The next longer end of a lazy run after which things can go on.
    fn longer(&mut self, place: usize, at: usize) -> Option<State> {
        let Op::Lazy(span) = self.code.ops[place] else { return None };
        let span = &self.code.spans[span as usize];
        let text = self.input.text;
        let mut end = at;
        let mut next = one(&span.set, text, at);
        while let Some(from) = next {
            end = run_end(text, from, &span.skip, span.skip_ranges.as_ref());
            next = if text.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                Some(end + 1)
            } else if span.follow.table[next_byte(text, end)] {
                break;
            } else {
                one(&span.set, text, end)
            };
        }
        self.charge(end - at);
        next?;
        self.frames.push(Frame::Lazy { place: place as u32, at: end as u32 });
        Some((place + 1, end))
    }

    fn star(&mut self, place: usize, set: u32, point: u32, at: usize) -> Option<State> {
        let set = &self.code.sets[set as usize];
        let mut high = at;
        let key = self.key(point, at);
        if self.stack.memo.has_failed(key, at as u32) {
            return None;
        }
        if let Some(known) = self.known(key, at) {
            return known;
        }
        while let Some(next) = one(set, self.input.text, high) {
            let key = self.key(point, next);
            if self.stack.memo.has_failed(key, next as u32) {
                break;
            }
            high = next;
        }
        self.frames.push(Frame::Star { place: place as u32, low: at as u32, high: high as u32 });
        Some((place + 1, high))
    }

    fn step_back(&mut self, place: usize, at: usize, least: u32, most: u32) -> Option<State> {
        let mut back = at;
        for _ in 0..least {
            if back == 0 {
                return None;
            }
            back = before(self.input.text, back);
        }
        if most > least {
            self.frames.push(Frame::Back { place: place as u32, at: back as u32, more: most - least });
        }
        Some((place + 1, back))
    }

    fn further_back(&mut self, place: usize, at: usize, more: u32) -> Option<State> {
        if at == 0 {
            return None;
        }
        let back = before(self.input.text, at);
        if more > 1 {
            self.frames.push(Frame::Back { place: place as u32, at: back as u32, more: more - 1 });
        }
        Some((place + 1, back))
    }

    fn back(&mut self, back: u32, at: usize) -> Option<usize> {
        let reference = &self.code.backs[back as usize];
        let text = self.input.text;
        let slot = |group: &u32| self.slots[*group as usize];
        reference.groups.iter().map(slot).filter(|slot| slot.is_some() && slot.start <= slot.end).find_map(|slot| {
            let wanted = &text[slot.start as usize..slot.end as usize];
            if text[at..].starts_with(wanted) {
                return Some(at + wanted.len());
            }
            reference.fold.then(|| same_but_for_case(wanted, text, at)).flatten()
        })
    }
}

/// Where a literal ends, if it is there.
#[inline(always)]
fn literal(code: &Code, from: u32, length: u32, text: &[u8], at: usize) -> Option<usize> {
    let wanted = &code.literals[from as usize..(from + length) as usize];
    let there = text.get(at..at + wanted.len())?;
    // Short ones are not worth a call.
    let same = if wanted.len() <= 4 { wanted.iter().zip(there).all(|(a, b)| a == b) } else { wanted == there };
    same.then_some(at + wanted.len())
}

#[inline(always)]
fn half(slots: &mut [Slot], slot: u32) -> &mut u32 {
    let group = &mut slots[slot as usize >> 1];
    if slot & 1 == 0 { &mut group.start } else { &mut group.end }
}

/// Takes one character of the set.
#[inline(always)]
pub(super) fn one(set: &Set, text: &[u8], at: usize) -> Option<usize> {
    let byte = *text.get(at)?;
    match set.table[usize::from(byte)] {
        0 => None,
        1 if byte < 0x80 => Some(at + 1),
        kind => {
            let (character, length) = decode(text, at);
            (kind == 1 || set.class.contains(character)).then_some(at + length)
        }
    }
}

fn same_but_for_case(wanted: &[u8], text: &[u8], mut at: usize) -> Option<usize> {
    let mut index = 0;
    while index < wanted.len() {
        let (character, length) = decode(wanted, index);
        text.get(at)?;
        let (other, other_length) = decode(text, at);
        if character != other && !character.to_lowercase().eq(other.to_lowercase()) {
            return None;
        }
        index += length;
        at += other_length;
    }
    Some(at)
}

/// Whether a condition holds at a position.
#[inline]
pub(super) fn holds(assertion: Assertion, input: Input<'_>, at: usize) -> bool {
    let text = input.text;
    match assertion {
        Assertion::TextStart => at == 0,
        Assertion::TextEnd => at == text.len(),
        Assertion::LastLineEnd => at == text.len() || at + 1 == text.len() && text[at] == b'\n',
        Assertion::LineStart => at == 0 || at < text.len() && text[at - 1] == b'\n',
        Assertion::LineEnd => at == text.len() || text[at] == b'\n',
        Assertion::SearchStart => at == input.origin,
        Assertion::Word { negative, ascii } => at_boundary(text, at, ascii) != negative,
        Assertion::Before { set, edge } => match at.checked_sub(1).and_then(|before| text.get(before)) {
            Some(byte) => set.contains(*byte),
            None => edge,
        },
        Assertion::After { set, edge } => text.get(at).map_or(edge, |byte| set.contains(*byte)),
    }
}

/// Whether a word begins or ends at a position.
#[inline]
fn at_boundary(text: &[u8], at: usize, ascii: bool) -> bool {
    let left = at > 0 && word_before(text, at, ascii);
    let right = at < text.len() && word_at(text, at, ascii);
    left != right
}

/// The byte at a position; 256 at the end.
#[inline(always)]
fn next_byte(text: &[u8], at: usize) -> usize {
    text.get(at).map_or(256, |byte| usize::from(*byte))
}

#[inline]
fn word_before(text: &[u8], at: usize, ascii: bool) -> bool {
    let byte = text[at - 1];
    if byte < 0x80 {
        return byte.is_ascii_alphanumeric() || byte == b'_';
    }
    !ascii && is_word(decode(text, before(text, at)).0, false)
}

#[inline]
fn word_at(text: &[u8], at: usize, ascii: bool) -> bool {
    let byte = text[at];
    if byte < 0x80 {
        return byte.is_ascii_alphanumeric() || byte == b'_';
    }
    !ascii && is_word(decode(text, at).0, false)
}
