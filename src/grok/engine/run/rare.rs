//! What is met less often: atomic groups, look-around, back-references, conditions, and the memory of what failed.

use super::super::bytes::{before, decode};
use super::super::program::Op;
use super::super::tree::Assertion;
use super::super::unicode::is_word;
use super::steps::{count, one};
use super::{Frame, Input, NONE, Run, State};

/// How many steps are left for each byte of the text when there is no room to remember what failed.
const FORGETFUL_STEPS_A_BYTE: u64 = 8;

impl Run<'_, '_> {
    /// The operations that are met less often.
    #[inline(never)]
    pub(super) fn rare(&mut self, op: Op, place: usize, at: usize) -> Option<State> {
        let code = self.code;
        match op {
            Op::Star { set, point } => self.star(place, set, point, at),
            Op::Counted(counted) => self.counted_run(place, counted, at),
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
                if self.stack.onward == 0 {
                    self.stack.steps = 0;
                    return None;
                }
                Some((place + 1, entry))
            }
            Op::Back(back) => self.back(back, at).map(|next| (place + 1, next)),
            Op::Round { register } => {
                let old = std::mem::replace(&mut self.stack.registers[register as usize], at as u32);
                self.push(Frame::Register { register, old });
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
        self.charge((self.frames.len() - from) << 5);
        for index in from + 1..self.frames.len() {
            let frame = self.frames[index];
            match frame {
                Frame::Slot { .. } | Frame::Register { .. } => {
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
                Some(Frame::Slot { slot, old }) => self.slots[slot as usize] = old,
                Some(Frame::Register { register, old }) => self.stack.registers[register as usize] = old,
                Some(other) => self.remember(other, end),
                None => {}
            }
        }
        if let Some(Frame::Barrier { previous, .. }) = self.frames.pop() {
            self.barrier = previous;
        }
    }

    pub(super) fn failed(&mut self, key: u32, at: u32) {
        if !self.stack.memo.failed(key, at) {
            self.forgets();
        }
    }

    fn succeeded(&mut self, key: u32, at: u32, end: usize) {
        if !self.stack.memo.succeeded(key, at, end as u32) {
            self.forgets();
        }
    }

    /// From here on the same may be tried again and again.
    #[cold]
    fn forgets(&mut self) {
        let most = FORGETFUL_STEPS_A_BYTE * self.input.text.len() as u64;
        (self.stack.steps, self.stack.onward) = (self.stack.steps.min(most), self.stack.onward.min(most));
    }

    /// Remembers where a state inside an atomic group or look-around led.
    fn remember(&mut self, frame: Frame, end: usize) {
        match frame {
            Frame::Key { key, at } => self.succeeded(key, at, end),
            Frame::Star { place, low, high } => {
                let Op::Star { point, .. } = self.code.ops[place as usize] else { return };
                let mut at = low as usize;
                // Each is looked up in a table.
                self.charge(((high - low) as usize) << 4);
                while at <= high as usize {
                    let key = self.key(point, at);
                    self.succeeded(key, at as u32, end);
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
    pub(super) fn key(&self, point: u32, at: usize) -> u32 {
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
        if self.barrier == NONE {
            // It leads to a match, which ends everything, or has failed when anyone comes here again: a round that takes nothing
            // leaves its loop, so it is not on its way to itself.
            self.failed(key, at as u32);
        } else {
            self.push(Frame::Key { key, at: at as u32 });
        }
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
        let captures = self.code.ops[enter..decided].iter().any(|op| matches!(op, Op::Save { .. }));
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
        self.charge((high - at) << 2);
        self.push(Frame::Star { place: place as u32, low: at as u32, high: high as u32 });
        Some((place + 1, high))
    }

    fn counted_run(&mut self, place: usize, counted: u32, at: usize) -> Option<State> {
        let counted = &self.code.counted[counted as usize];
        let set = &self.code.sets[counted.set as usize];
        let (low, high) = count(set, self.input.text, at, counted.least, counted.most)?;
        self.charge(high - at);
        if high > low {
            self.push(Frame::Counted { place: place as u32, low: low as u32, high: high as u32 });
        }
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
            self.push(Frame::Back { place: place as u32, at: back as u32, more: most - least });
        }
        Some((place + 1, back))
    }

    pub(super) fn further_back(&mut self, place: usize, at: usize, more: u32) -> Option<State> {
        if at == 0 {
            return None;
        }
        let back = before(self.input.text, at);
        if more > 1 {
            self.push(Frame::Back { place: place as u32, at: back as u32, more: more - 1 });
        }
        Some((place + 1, back))
    }

    fn back(&mut self, back: u32, at: usize) -> Option<usize> {
        let reference = &self.code.backs[back as usize];
        let text = self.input.text;
        for group in &reference.groups {
            let (start, end) = (self.slots[*group as usize * 2], self.slots[*group as usize * 2 + 1]);
            if end == NONE || start > end {
                continue;
            }
            let wanted = &text[start as usize..end as usize];
            let same = same_bytes(wanted, &text[at..]);
            self.charge(same);
            if same == wanted.len() {
                return Some(at + same);
            }
            if reference.fold {
                let (compared, end) = same_but_for_case(wanted, text, at);
                // Each character is decoded.
                self.charge(compared << 5);
                if end.is_some() {
                    return end;
                }
            }
        }
        None
    }
}

/// How many bytes at the beginning are the same.
fn same_bytes(wanted: &[u8], text: &[u8]) -> usize {
    const STEP: usize = 64;
    let steps = wanted.chunks(STEP).zip(text.chunks(STEP)).take_while(|(one, other)| one == other);
    let whole = steps.map(|(one, _)| one.len()).sum::<usize>();
    let rest = wanted[whole..].iter().zip(&text[whole..]);
    whole + rest.take_while(|(one, other)| one == other).count()
}

/// How many bytes of what is wanted were compared, and where it ends in the text, if it is there in any case.
fn same_but_for_case(wanted: &[u8], text: &[u8], mut at: usize) -> (usize, Option<usize>) {
    let mut index = 0;
    while index < wanted.len() {
        if at >= text.len() {
            return (index, None);
        }
        let (character, length) = decode(wanted, index);
        let (other, other_length) = decode(text, at);
        if character != other && !character.to_lowercase().eq(other.to_lowercase()) {
            return (index, None);
        }
        index += length;
        at += other_length;
    }
    (index, Some(at))
}

/// Whether a condition holds at a position.
#[inline]
pub(in super::super) fn holds(assertion: Assertion, input: Input<'_>, at: usize) -> bool {
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
pub(in super::super) fn at_boundary(text: &[u8], at: usize, ascii: bool) -> bool {
    let left = at > 0 && word_before(text, at, ascii);
    let right = at < text.len() && word_at(text, at, ascii);
    left != right
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
