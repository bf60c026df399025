//! Steps over runs of characters, and how they are taken in another way.

use super::super::bytes::{Wide, decode};
use super::super::program::{Set, Span, Step};
use super::super::scan::run_end;
use super::{Frame, Run, State, next_byte};

impl Run<'_, '_> {
    /// As many characters as there are.
    #[inline(never)]
    pub(super) fn span(&mut self, span: u32, at: usize) -> Option<usize> {
        let span = &self.code.spans[span as usize];
        let text = self.input.text;
        if !span.simple {
            return self.counted(span, at);
        }
        let mut end = run_end(text, at, &span.run);
        if span.set.wide == Wide::Some {
            // Beyond ASCII a byte does not decide.
            while text.get(end).is_some_and(|byte| *byte >= 0x80)
                && let Some(next) = one(&span.set, text, end)
            {
                end = run_end(text, next, &span.run);
            }
        }
        self.charge(end - at);
        let count = (end - at).min(u32::MAX as usize) as u32;
        (count >= span.least).then(|| if count > span.most { at + span.most as usize } else { end })
    }

    /// The same, where characters have to be counted.
    #[inline(never)]
    fn counted(&mut self, span: &Span, at: usize) -> Option<usize> {
        let (_, end) = count(&span.set, self.input.text, at, span.least, span.most)?;
        self.charge(end - at);
        Some(end)
    }

    /// What an automaton finds that may have to be built first.
    #[inline(never)]
    pub(super) fn late(&mut self, place: usize, step: u32, at: usize) -> Option<State> {
        let step = &self.code.steps[step as usize];
        let by_hand = (place + 1, at);
        let Some(dfa) = self.code.lates[step.index as usize].get() else { return Some(by_hand) };
        let scan = dfa.scan(self.input.text, at, true);
        self.charge(scan.read() - at);
        let Some(end) = scan.end() else { return scan.is_unsure().then_some(by_hand) };
        let Some(next) = step.tail.end(self.input.text, end) else { return scan.has_others().then_some(by_hand) };
        if scan.has_others() {
            self.later(place as u32 + 1, at, step.clear);
        }
        self.capture(step, at, end);
        Some((step.next as usize, next))
    }

    #[inline(never)]
    pub(super) fn greedy(&mut self, place: usize, step: &Step, at: usize) -> Option<usize> {
        let span = &self.code.spans[step.index as usize];
        let text = self.input.text;
        let high = self.span(step.index, at)?;
        let mut low = at;
        for _ in 0..span.least {
            low += decode(text, low).1;
        }
        self.slots[step.before as usize] = at as u32;
        if span.follow[next_byte(text, high)]
            && let Some(next) = step.tail.end(text, high)
        {
            if high > low {
                self.push(Frame::Greedy { place: place as u32, low: low as u32, high: high as u32 });
            }
            self.slots[step.after as usize] = high as u32;
            return Some(next);
        }
        self.shorter(place, step, low, high)
    }

    /// The next shorter end of a run after which things can go on.
    pub(super) fn shorter(&mut self, place: usize, step: &Step, low: usize, high: usize) -> Option<usize> {
        let follow = &self.code.spans[step.index as usize].follow;
        let text = self.input.text;
        let found = (low..high).rev().find_map(|end| {
            let byte = text[end];
            if !follow[usize::from(byte)] || byte & 0xC0 == 0x80 {
                return None;
            }
            step.tail.end(text, end).map(|next| (end, next))
        });
        self.charge(high - found.map_or(low, |(end, _)| end));
        let (end, next) = found?;
        if end > low {
            self.push(Frame::Greedy { place: place as u32, low: low as u32, high: end as u32 });
        }
        self.slots[step.after as usize] = end as u32;
        Some(next)
    }

    #[inline(never)]
    pub(super) fn lazy(&mut self, place: usize, step: &Step, at: usize) -> Option<usize> {
        let text = self.input.text;
        self.slots[step.before as usize] = at as u32;
        if self.code.spans[step.index as usize].follow[next_byte(text, at)]
            && let Some(next) = step.tail.end(text, at)
        {
            self.push(Frame::Lazy { place: place as u32, at: at as u32 });
            self.slots[step.after as usize] = at as u32;
            return Some(next);
        }
        self.longer(place, step, at)
    }

    /// The next longer end of a lazy run after which things can go on.
    pub(super) fn longer(&mut self, place: usize, step: &Step, at: usize) -> Option<usize> {
        let span = &self.code.spans[step.index as usize];
        let text = self.input.text;
        let mut end = at;
        let mut from = one(&span.set, text, at);
        let mut found = None;
        while let Some(next) = from {
            end = run_end(text, next, &span.skip);
            if text.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                from = Some(end + 1);
                continue;
            }
            if span.follow[next_byte(text, end)] {
                found = step.tail.end(text, end);
                if found.is_some() {
                    break;
                }
            }
            from = one(&span.set, text, end);
        }
        self.charge(end - at);
        let next = found?;
        self.push(Frame::Lazy { place: place as u32, at: end as u32 });
        self.slots[step.after as usize] = end as u32;
        Some(next)
    }
}

/// Where the least and the most characters of a set end, of those that there are.
pub(super) fn count(set: &Set, text: &[u8], at: usize, least: u32, most: u32) -> Option<(usize, usize)> {
    let (mut low, mut end, mut count) = (at, at, 0);
    while count < most
        && let Some(next) = one(set, text, end)
    {
        end = next;
        count += 1;
        if count == least {
            low = end;
        }
    }
    (count >= least).then_some((low, end))
}

/// Takes one character of the set.
#[inline(always)]
pub(in super::super) fn one(set: &Set, text: &[u8], at: usize) -> Option<usize> {
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
