//! Goes along a plan at one position of a text.

use super::super::Slot;
use super::super::program::Code;
use super::super::run::{at_boundary, one};
use super::super::scan::{Lanes, Narrow, Text};
use super::*;

/// What a walk is given.
#[derive(Debug)]
pub(in super::super) struct Walk<'w> {
    pub(in super::super) plan: &'w Plan,
    /// The code that the plan is of.
    pub(in super::super) code: &'w Code,
    pub(in super::super) text: &'w [u8],
    pub(in super::super) memory: &'w mut Memory,
    /// One for each group.
    pub(in super::super) slots: &'w mut [Slot],
}

impl Walk<'_> {
    /// Goes along the plan from a position.
    #[inline]
    pub(in super::super) fn go(&mut self, start: usize) -> Walked {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = super::super::scan::Wide::new() {
            return wide.call(
                #[inline(always)]
                |wide| self.go_with(wide, start),
            );
        }
        self.go_with(Narrow, start)
    }

    /// Every arm goes on by itself; what falls out of the match has failed.
    #[inline(always)]
    fn go_with(&mut self, lanes: impl Lanes, start: usize) -> Walked {
        let Walk { plan, code, text, memory, slots } = self;
        let (text, steps) = (Text::new(text), plan.steps.as_slice());
        let memory = &mut **memory;
        let slots = &mut **slots;
        slots.fill(Slot::NONE);
        let mut ways = Ways { newest: 0, oldest: 0, forgot: false };
        let (mut step, mut at) = (plan.first, start);
        loop {
            match &steps[step as usize] {
                Step::Literal(literal) => {
                    if let Some(end) = tail_end(&literal.tail, text, at) {
                        (step, at) = (literal.next, end);
                        continue;
                    }
                }
                Step::Lead(lead) => {
                    let Lead { bytes, tail, most, group, next, otherwise, more } = &**lead;
                    let end = match more {
                        None => {
                            let end = lanes.end(text, at, bytes);
                            // None is too few.
                            (end.wrapping_sub(at).wrapping_sub(1) < *most as usize).then_some(end)
                        }
                        Some(more) => more.end(lanes, text, at, lead),
                    };
                    if let Some(end) = end
                        && let Some(after) = tail_end(tail, text, end)
                    {
                        capture(slots, *group, at, end);
                        (step, at) = (*next, after);
                    } else {
                        step = *otherwise;
                    }
                    continue;
                }
                Step::Span(span) => {
                    let Span { bytes, tail, least, most, group, begun, next, .. } = &**span;
                    let end = lanes.end(text, at, bytes);
                    let count = end - at;
                    if count >= *least as usize {
                        let end = if count > *most as usize { at + *most as usize } else { end };
                        if let Some(after) = tail_end(tail, text, end) {
                            let start = if *begun { memory.start(*group) } else { at };
                            capture(slots, *group, start, end);
                            (step, at) = (*next, after);
                            continue;
                        }
                    }
                }
                Step::Token(token) => {
                    let Token { dfa, ref tail, group, leads, next, by_hand, clear } = **token;
                    let scan = code.dfas[dfa as usize].scan(text.bytes, at, leads);
                    if let Some(end) = scan.end() {
                        if let Some(after) = tail_end(tail, text, end) {
                            if scan.has_others() {
                                ways.open(memory, Open { step: by_hand, at: at as u32, low: 0, clear });
                            }
                            capture(slots, group, at, end);
                            (step, at) = (next, after);
                            continue;
                        }
                        if scan.has_others() {
                            step = by_hand;
                            continue;
                        }
                    } else if scan.is_unsure() {
                        step = by_hand;
                        continue;
                    }
                }
                Step::Greedy(span) => {
                    let end = lanes.end(text, at, &span.bytes);
                    let count = end - at;
                    if count >= span.least as usize {
                        let high = if count > span.most as usize { at + span.most as usize } else { end };
                        let low = at + span.least as usize;
                        ways.started(memory, span.group, at);
                        if let Some((end, after)) = span.now(text, high).or_else(|| span.shorter(text, low, high)) {
                            capture(slots, span.group, at, end);
                            if end > low {
                                let open =
                                    Open { step: span.again, at: end as u32, low: low as u32, clear: span.clear };
                                ways.open(memory, open);
                            }
                            (step, at) = (span.next, after);
                            continue;
                        }
                    }
                }
                Step::Shorter(span) => {
                    // The position is that of the last end; the lowest is where the way was.
                    let low = memory.open[ways.newest as usize % MOST_OPEN].low as usize;
                    if let Some((end, after)) = span.shorter(text, low, at) {
                        capture(slots, span.group, memory.start(span.group), end);
                        if end > low {
                            let open = Open { step, at: end as u32, low: low as u32, clear: span.clear };
                            ways.open(memory, open);
                        }
                        (step, at) = (span.next, after);
                        continue;
                    }
                }
                Step::Lazy(span) => {
                    if !span.begun {
                        ways.started(memory, span.group, at);
                    }
                    if let Some((end, after)) = span.now(text, at).or_else(|| span.longer(lanes, text, at)) {
                        capture(slots, span.group, memory.start(span.group), end);
                        ways.open(memory, Open { step: span.again, at: end as u32, low: 0, clear: span.clear });
                        (step, at) = (span.next, after);
                        continue;
                    }
                }
                Step::Longer(span) => {
                    if let Some((end, after)) = span.longer(lanes, text, at) {
                        capture(slots, span.group, memory.start(span.group), end);
                        ways.open(memory, Open { step, at: end as u32, low: 0, clear: span.clear });
                        (step, at) = (span.next, after);
                        continue;
                    }
                }
                Step::Fork(fork) => {
                    let Fork { body, exit, greedy, clear, .. } = **fork;
                    match fork.table[text.next(at)] {
                        0 => {}
                        1 => {
                            step = body;
                            continue;
                        }
                        2 => {
                            step = exit;
                            continue;
                        }
                        _ => {
                            let (now, later) = if greedy { (body, exit) } else { (exit, body) };
                            ways.open(memory, Open { step: later, at: at as u32, low: 0, clear });
                            step = now;
                            continue;
                        }
                    }
                }
                Step::Choice(choice) => {
                    let list = &choice.lists[usize::from(choice.table[text.next(at)])];
                    if let [first, others @ ..] = list.as_slice() {
                        for other in others.iter().rev() {
                            ways.open(memory, Open { step: *other, at: at as u32, low: 0, clear: choice.clear });
                        }
                        step = *first;
                        continue;
                    }
                }
                Step::Begin(mark) => {
                    memory.starts[usize::from(mark.group)] = at as u32;
                    step = mark.next;
                    continue;
                }
                Step::End(mark) => {
                    capture(slots, u32::from(mark.group), memory.starts[usize::from(mark.group)] as usize, at);
                    step = mark.next;
                    continue;
                }
                Step::BeginAnew(mark) => {
                    ways.forget();
                    memory.starts[usize::from(mark.group)] = at as u32;
                    step = mark.next;
                    continue;
                }
                Step::EndAnew(mark) => {
                    ways.forget();
                    capture(slots, u32::from(mark.group), memory.starts[usize::from(mark.group)] as usize, at);
                    step = mark.next;
                    continue;
                }
                Step::Set(set) => {
                    if let Some(end) = one(&set.set, text.bytes, at) {
                        (step, at) = (set.next, end);
                        continue;
                    }
                }
                Step::Before(side) => {
                    let before = if at == 0 { 256 } else { usize::from(text.bytes[at - 1]) };
                    if side.table[before] {
                        step = side.next;
                        continue;
                    }
                }
                Step::After(side) => {
                    if side.table[text.next(at)] {
                        step = side.next;
                        continue;
                    }
                }
                Step::Word(word) => {
                    if at_boundary(text.bytes, at, word.ascii) != word.negative {
                        step = word.next;
                        continue;
                    }
                }
                Step::Match => {
                    slots[0] = Slot { start: start as u32, end: at as u32 };
                    return Walked::Matched;
                }
                Step::Fail => {}
                Step::GiveUp => return Walked::GaveUp,
            }
            if memory.failures == 0 {
                return Walked::GaveUp;
            }
            memory.failures -= 1;
            match ways.last(memory) {
                Some(open) => {
                    if let Some(void) = slots.get_mut(open.clear as usize..) {
                        void.fill(Slot::NONE);
                    }
                    (step, at) = (open.step, open.at as usize);
                }
                None if ways.forgot => return Walked::GaveUp,
                None => return Walked::Failed,
            }
        }
    }
}

/// What is open, of which only the newest are remembered.
struct Ways {
    newest: u32,
    oldest: u32,
    forgot: bool,
}

impl Ways {
    #[inline(always)]
    fn open(&mut self, memory: &mut Memory, open: Open) {
        memory.open[self.newest as usize % MOST_OPEN] = open;
        self.newest += 1;
        if self.newest - self.oldest > MOST_OPEN as u32 {
            self.oldest += 1;
            self.forgot = true;
        }
    }

    /// Takes the newest.
    #[inline(always)]
    fn last(&mut self, memory: &Memory) -> Option<Open> {
        if self.newest == self.oldest {
            return None;
        }
        self.newest -= 1;
        Some(memory.open[self.newest as usize % MOST_OPEN])
    }

    /// Nothing before here can be gone back to.
    #[inline(always)]
    fn forget(&mut self) {
        self.forgot |= self.newest != self.oldest;
        self.oldest = self.newest;
    }

    #[inline(always)]
    fn started(&mut self, memory: &mut Memory, group: u32, at: usize) {
        if let Some(start) = memory.starts.get_mut(group as usize) {
            *start = at as u32;
        }
    }
}

impl Memory {
    /// Where a group began, if anybody asks for it.
    #[inline(always)]
    fn start(&self, group: u32) -> usize {
        self.starts.get(group as usize).map_or(0, |start| *start as usize)
    }
}

/// What a group took, if anybody asks for it.
#[inline(always)]
fn capture(slots: &mut [Slot], group: u32, start: usize, end: usize) {
    if let Some(slot) = slots.get_mut(group as usize) {
        *slot = Slot { start: start as u32, end: end as u32 };
    }
}

/// Where a literal ends, if it is there.
#[inline(always)]
fn tail_end(tail: &Tail, text: Text<'_>, at: usize) -> Option<usize> {
    match text.eight(at) {
        Some(bytes) => tail.begins(bytes).then_some(at + tail.len()),
        None => tail.end_at_the_end(text.bytes, at),
    }
}

impl More {
    /// Where the run ends, if all else holds, too.
    #[inline(always)]
    fn end(&self, lanes: impl Lanes, text: Text<'_>, at: usize, lead: &Lead) -> Option<usize> {
        let head = match self.quotes {
            Some((open, _)) if text.bytes.get(at) != Some(&open) => return None,
            Some(_) => at + 1,
            None => at,
        };
        if !self.heads.contains(*text.bytes.get(head)?) {
            return None;
        }
        let mut end = lanes.end(text, head + 1, &lead.bytes);
        if end - head > lead.most as usize {
            return None;
        }
        if let Some((_, close)) = self.quotes {
            if text.bytes.get(end) != Some(&close) {
                return None;
            }
            end += 1;
        }
        self.ends[text.next(end)].then_some(end)
    }
}

impl Span {
    /// What can follow.
    #[inline(always)]
    fn follows(&self, text: Text<'_>, at: usize) -> bool {
        self.ends.as_ref().is_some_and(|ends| ends.follow[text.next(at)])
    }

    /// The end here, if things can go on after it, and where.
    #[inline(always)]
    fn now(&self, text: Text<'_>, at: usize) -> Option<(usize, usize)> {
        if !self.follows(text, at) {
            return None;
        }
        tail_end(&self.tail, text, at).map(|after| (at, after))
    }

    /// The next end before `high`, and down to `low`, after which things can go on.
    #[inline(always)]
    fn shorter(&self, text: Text<'_>, low: usize, high: usize) -> Option<(usize, usize)> {
        let mut end = high;
        while end > low {
            end -= 1;
            let within = text.bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80);
            if !within && let Some(found) = self.now(text, end) {
                return Some(found);
            }
        }
        None
    }

    /// The next longer end of a lazy run after which things can go on.
    #[inline(always)]
    fn longer(&self, lanes: impl Lanes, text: Text<'_>, at: usize) -> Option<(usize, usize)> {
        let all = &self.ends.as_ref()?.all;
        let mut end = at;
        loop {
            // Past one character that cannot be the end, or is not to be.
            if !all.has(*text.bytes.get(end)?) {
                return None;
            }
            end = lanes.end(text, end + 1, &self.bytes);
            if text.bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                continue;
            }
            let found = self.now(text, end);
            if found.is_some() {
                return found;
            }
        }
    }
}
