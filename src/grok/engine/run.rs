//! Runs a program at one position of a text: backtracking, with a stack of its own.
//!
//! One loop runs both kinds of code. What it needs to go back is on the stack as small frames; an atomic group or look-around puts a
//! barrier there, to which it cuts the stack when it is decided. Frames that restore a capture outlive the cut.
//!
//! Most captures need no frame: outside of loops the groups begin in the order of the program, so a way that is taken up again
//! voids the captures of all groups that begin after it.

mod back;
mod frames;
mod rare;
mod steps;

use super::Slot;
use super::program::{Choice, Code, NOWHERE, Op, Place, SEVERAL, Step};
pub(super) use frames::Stack;
use frames::{Frame, KEPT_FRAMES, MOST_FRAMES};
pub(super) use rare::{at_boundary, holds};
pub(super) use steps::one;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Matched,
    Failed,
    /// The steps were used up.
    TooLong,
}

/// No barrier, no place in the text.
const NONE: u32 = u32::MAX;
/// No group is cleared.
const NO_GROUP: u32 = u32::MAX;

/// A text and where the search in it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'t> {
    pub(super) text: &'t [u8],
    pub(super) origin: usize,
}

/// Tries the code at one position. Captures are in `slots`, the whole match first, if there is a match.
pub(super) fn run(code: &Code, input: Input<'_>, start: usize, stack: &mut Stack, slots: &mut [Slot]) -> Verdict {
    let groups = code.groups as usize;
    stack.frames.clear();
    stack.registers.resize(code.registers as usize, NONE);
    stack.slots.clear();
    stack.slots.resize(groups * 2 + 1, NONE);
    stack.slots[0] = start as u32;
    let frames = std::mem::take(&mut stack.frames);
    let halves = std::mem::take(&mut stack.slots);
    let mut run = Run { code, input, stack, frames, slots: halves, barrier: NONE };
    let verdict = run.go(start);
    if verdict == Verdict::Matched {
        let (halves, _) = run.slots.as_chunks::<2>();
        for (slot, [start, end]) in slots.iter_mut().zip(halves) {
            // Of a group that has not matched the beginning may be there.
            *slot = Slot { start: if *end == NONE { NONE } else { *start }, end: *end };
        }
    }
    run.stack.slots = run.slots;
    if run.frames.capacity() <= KEPT_FRAMES {
        run.stack.frames = run.frames;
    }
    verdict
}

struct Run<'r, 't> {
    code: &'r Code,
    input: Input<'t>,
    stack: &'r mut Stack,
    /// The stack's frames and slots, taken out of it for the run.
    frames: Vec<Frame>,
    slots: Vec<u32>,
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
                Op::Lead(step) => {
                    let step = &code.steps[step as usize];
                    if let Some(end) = code.dfas[step.index as usize].lead_end(text, at, step.literal_tells)
                        && let Some(next) = step.tail.end(text, end)
                    {
                        self.charge(end - at);
                        self.capture(step, at, end);
                        (place, at) = (step.next as usize, next);
                    } else {
                        place += 1;
                    }
                    continue;
                }
                Op::Token(step) => {
                    let step = &code.steps[step as usize];
                    let scan = code.dfas[step.index as usize].scan(text, at, !step.led);
                    self.charge(scan.read() - at);
                    if let Some(end) = scan.end() {
                        if let Some(next) = step.tail.end(text, end) {
                            if scan.has_others() {
                                self.later(place as u32 + 1, at, step.clear);
                            }
                            self.capture(step, at, end);
                            (place, at) = (step.next as usize, next);
                            continue;
                        }
                        if scan.has_others() {
                            place += 1;
                            continue;
                        }
                    } else if scan.is_unsure() {
                        place += 1;
                        continue;
                    }
                }
                Op::Span(step) => {
                    let step = &code.steps[step as usize];
                    if let Some(end) = self.span(step.index, at)
                        && let Some(next) = step.tail.end(text, end)
                    {
                        self.capture(step, at, end);
                        (place, at) = (place + 1, next);
                        continue;
                    }
                }
                Op::Literal(step) => {
                    let step = &code.steps[step as usize];
                    if let Some(next) = step.tail.end(text, at) {
                        self.capture(step, at, at);
                        (place, at) = (place + 1, next);
                        continue;
                    }
                }
                Op::Greedy(step) => {
                    if let Some(next) = self.greedy(place, &code.steps[step as usize], at) {
                        (place, at) = (place + 1, next);
                        continue;
                    }
                }
                Op::Lazy(step) => {
                    if let Some(next) = self.lazy(place, &code.steps[step as usize], at) {
                        (place, at) = (place + 1, next);
                        continue;
                    }
                }
                Op::Match => {
                    self.slots[1] = at as u32;
                    return Verdict::Matched;
                }
                Op::Fail => {}
                Op::GiveUp => return Verdict::TooLong,
                Op::Jump(target) => {
                    // Rounds of a loop cost steps even if they leave no frames.
                    if target as usize <= place {
                        self.stack.spend(1);
                    }
                    place = target as usize;
                    continue;
                }
                Op::Split { other } => {
                    self.later(other, at, NO_GROUP);
                    place += 1;
                    continue;
                }
                Op::SplitLater { other } => {
                    self.later(place as u32 + 1, at, NO_GROUP);
                    place = other as usize;
                    continue;
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
                Op::Mark { slot } => {
                    self.slots[slot as usize] = at as u32;
                    place += 1;
                    continue;
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
                            self.later(later, at, fork.clear);
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
                Op::LateToken(step) => {
                    if let Some(state) = self.late(place, step, at) {
                        (place, at) = state;
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

    /// Leaves a frame. Where there are too many it is not left, and the steps are used up: who would have to go back gives up, who goes
    /// on to a match does not need it.
    #[inline(always)]
    fn push(&mut self, frame: Frame) {
        if self.frames.len() < MOST_FRAMES {
            self.frames.push(frame);
        } else {
            self.stack.steps = 0;
        }
    }

    /// Leaves a way to be tried later.
    #[inline(always)]
    fn later(&mut self, place: Place, at: usize, clear: u32) {
        self.push(Frame::Branch { place, at: at as u32, clear });
    }

    /// What a step took.
    #[inline(always)]
    fn capture(&mut self, step: &Step, start: usize, end: usize) {
        self.slots[step.before as usize] = start as u32;
        self.slots[step.after as usize] = end as u32;
    }

    /// The first of several alternatives; the others later.
    fn choose(&mut self, choice: &Choice, at: usize) -> usize {
        let list = &choice.lists[usize::from(choice.table[next_byte(self.input.text, at)])];
        for place in list[1..].iter().rev() {
            self.later(*place, at, choice.clear);
        }
        list[0] as usize
    }

    #[inline(always)]
    fn save(&mut self, slot: u32, at: usize) {
        let old = std::mem::replace(&mut self.slots[slot as usize], at as u32);
        // If nothing is left to try, nobody will ask for the old value.
        if !self.frames.is_empty() {
            self.push(Frame::Slot { slot, old });
        }
    }

    /// Long runs cost steps, too, as these would not be bounded otherwise.
    #[inline(always)]
    fn charge(&mut self, bytes: usize) {
        if bytes >> 5 != 0 {
            self.stack.spend((bytes >> 5) as u64);
        }
    }
}

/// The byte at a position; 256 at the end.
#[inline(always)]
pub(super) fn next_byte(text: &[u8], at: usize) -> usize {
    text.get(at).map_or(256, |byte| usize::from(*byte))
}
