//! Goes along a plan at one position of a text.

use super::super::Slot;
use super::super::program::Code;
use super::super::run::{Input, at_boundary, holds, one};
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

/// Where to go on: a step and a position.
type State = (Place, usize);

impl Walk<'_> {
    /// Goes along the plan from a position.
    #[inline]
    pub(in super::super) fn go(&mut self, start: usize) -> Walked {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = self.plan.wide {
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
        memory.begin_anew();
        let (mut step, mut at) = (plan.first, start);
        loop {
            while let Step::Run(run) = &steps[step as usize] {
                let end = lanes.end(text, at, &run.bytes);
                if (end - at).wrapping_sub(run.least as usize) <= run.more as usize
                    && let Some(after) = tail_end(&run.tail, text, end)
                {
                    capture(slots, run.group, at, end);
                    (step, at) = (run.next, after);
                } else {
                    step = run.otherwise;
                }
            }
            match &steps[step as usize] {
                Step::Literal(literal) => {
                    if let Some(end) = tail_end(&literal.tail, text, at) {
                        (step, at) = (literal.next, end);
                        continue;
                    }
                }
                Step::Switch(switch) => {
                    let target = switch.table[text.next(at)];
                    if target < SEVERAL {
                        step = Place::from(target);
                    } else {
                        step = several(switch, target, at, memory);
                    }
                    continue;
                }
                Step::Lead(lead) => {
                    if let Some(end) = lead.end(lanes, text, at)
                        && let Some(after) = tail_end(&lead.tail, text, end)
                    {
                        capture(slots, lead.group, at, end);
                        (step, at) = (lead.next, after);
                    } else {
                        step = lead.otherwise;
                    }
                    continue;
                }
                Step::Token(token) => {
                    if let Some(usual) = token.usual
                        && let Some(end) = code.dfas[token.dfa as usize].only_end(text.bytes, at, usual)
                        && let Some(after) = tail_end(&token.tail, text, end)
                    {
                        capture(slots, token.group, at, end);
                        (step, at) = (token.next, after);
                        continue;
                    }
                    let scan = code.dfas[token.dfa as usize].scan(text.bytes, at, token.leads);
                    if let Some(end) = scan.end() {
                        if let Some(after) = tail_end(&token.tail, text, end) {
                            if scan.has_others() {
                                memory.open(Open { step: token.by_hand, at: at as u32, low: 0, clear: token.clear });
                            }
                            capture(slots, token.group, at, end);
                            (step, at) = (token.next, after);
                            continue;
                        }
                        if scan.has_others() {
                            step = token.by_hand;
                            continue;
                        }
                    } else if scan.is_unsure() {
                        step = token.by_hand;
                        continue;
                    }
                }
                Step::Greedy(span) => {
                    let end = lanes.end(text, at, &span.bytes);
                    let count = end - at;
                    if count >= span.least as usize {
                        let high = if count > span.most as usize { at + span.most as usize } else { end };
                        let low = at + span.least as usize;
                        memory.begin(span.group, at);
                        if let Some((end, after)) = span.now(text, high).or_else(|| span.shorter(text, low, high)) {
                            capture(slots, span.group, at, end);
                            if end > low {
                                let (at, low) = (end as u32, low as u32);
                                memory.open(Open { step: span.again, at, low, clear: span.clear });
                            }
                            (step, at) = (span.next, after);
                            continue;
                        }
                    }
                }
                Step::Lazy(span) => {
                    if !span.begun {
                        memory.begin(span.group, at);
                    }
                    if let Some((end, after)) = span.now(text, at).or_else(|| span.longer(lanes, text, at)) {
                        capture(slots, span.group, memory.start(span.group), end);
                        memory.open(Open { step: span.again, at: end as u32, low: 0, clear: span.clear });
                        (step, at) = (span.next, after);
                        continue;
                    }
                }
                Step::Begin(mark) => {
                    memory.begin(u32::from(mark.group), at);
                    step = mark.next;
                    continue;
                }
                Step::End(mark) => {
                    capture(slots, u32::from(mark.group), memory.start(u32::from(mark.group)), at);
                    step = mark.next;
                    continue;
                }
                Step::Bounded(span) => {
                    let end = lanes.end(text, at, &span.bytes);
                    if end - at >= span.least as usize {
                        let end = end.min(at + span.most as usize);
                        if let Some(after) = tail_end(&span.tail, text, end) {
                            capture(slots, span.group, at, end);
                            (step, at) = (span.next, after);
                            continue;
                        }
                    }
                }
                Step::Byte(side) => {
                    if side.table[text.next(at)] {
                        (step, at) = (side.next, at + 1);
                        continue;
                    }
                }
                Step::After(side) => {
                    if side.table[text.next(at)] {
                        step = side.next;
                        continue;
                    }
                }
                Step::Match => {
                    slots[0] = Slot { start: start as u32, end: at as u32 };
                    return Walked::Matched;
                }
                Step::GiveUp => return Walked::GaveUp,
                Step::Fail => {}
                other => {
                    if let Some(state) = other.rare(text, at, memory, slots) {
                        (step, at) = state;
                        continue;
                    }
                }
            }
            if memory.failures == 0 {
                return Walked::GaveUp;
            }
            memory.failures -= 1;
            match memory.last() {
                Some(open) => {
                    if let Some(void) = slots.get_mut(open.clear as usize..) {
                        void.fill(Slot::NONE);
                    }
                    (step, at) = (open.step, open.at as usize);
                }
                None if memory.forgot() => return Walked::GaveUp,
                None => return Walked::Failed,
            }
        }
    }
}

/// The first of several steps; the others later.
#[inline(never)]
fn several(switch: &Switch, target: u16, at: usize, memory: &mut Memory) -> Place {
    let [first, others @ ..] = switch.lists[usize::from(target & !SEVERAL)].as_slice() else { return FAIL };
    for other in others.iter().rev() {
        memory.open(Open { step: *other, at: at as u32, low: 0, clear: switch.clear });
    }
    *first
}

impl Step {
    /// Steps that few plans have.
    #[inline(never)]
    fn rare(&self, text: Text<'_>, at: usize, memory: &mut Memory, slots: &mut [Slot]) -> Option<State> {
        match self {
            Step::Shorter(span) => {
                // The position is that of the last end; the lowest is where the way was.
                let low = memory.lowest();
                let (end, after) = span.shorter(text, low, at)?;
                capture(slots, span.group, memory.start(span.group), end);
                if end > low {
                    memory.open(Open { step: span.again, at: end as u32, low: low as u32, clear: span.clear });
                }
                Some((span.next, after))
            }
            Step::Longer(span) => {
                let (end, after) = span.longer(Narrow, text, at)?;
                capture(slots, span.group, memory.start(span.group), end);
                memory.open(Open { step: span.again, at: end as u32, low: 0, clear: span.clear });
                Some((span.next, after))
            }
            Step::BeginAnew(mark) => {
                memory.forget();
                memory.begin(u32::from(mark.group), at);
                Some((mark.next, at))
            }
            Step::EndAnew(mark) => {
                memory.forget();
                capture(slots, u32::from(mark.group), memory.start(u32::from(mark.group)), at);
                Some((mark.next, at))
            }
            Step::Set(set) => one(&set.set, text.bytes, at).map(|end| (set.next, end)),
            Step::Before(side) => {
                let before = if at == 0 { 256 } else { usize::from(text.bytes[at - 1]) };
                side.table[before].then_some((side.next, at))
            }
            Step::Word(word) => (at_boundary(text.bytes, at, word.ascii) != word.negative).then_some((word.next, at)),
            Step::Assert(condition) => {
                let input = Input { text: text.bytes, origin: 0 };
                holds(condition.assertion, input, at).then_some((condition.next, at))
            }
            _ => None,
        }
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

impl Lead {
    /// Where the run ends, if all else holds, too.
    #[inline(always)]
    fn end(&self, lanes: impl Lanes, text: Text<'_>, at: usize) -> Option<usize> {
        let head = match self.quotes {
            Some((open, _)) if text.bytes.get(at) != Some(&open) => return None,
            Some(_) => at + 1,
            None => at,
        };
        if !self.heads.contains(*text.bytes.get(head)?) {
            return None;
        }
        let mut end = lanes.end(text, head + 1, &self.bytes);
        if end - head > self.most as usize {
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
    /// The end here, if things can go on after it, and where.
    #[inline(always)]
    fn now(&self, text: Text<'_>, at: usize) -> Option<(usize, usize)> {
        if !self.follow[text.next(at)] {
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
        let mut end = at;
        loop {
            // Past one character that cannot be the end, or is not to be.
            if !self.all.has(*text.bytes.get(end)?) {
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
