//! To what was left to try.

use super::super::bytes::before;
use super::super::program::Op;
use super::frames::Frame;
use super::{NONE, Run, State, Verdict};

impl Run<'_, '_> {
    /// To the newest frame that has something left to try.
    pub(super) fn go_back(&mut self) -> Result<State, Verdict> {
        loop {
            if self.stack.steps == 0 {
                return Err(Verdict::TooLong);
            }
            self.stack.steps -= 1;
            match self.frames.pop() {
                None => return Err(Verdict::Failed),
                Some(Frame::Branch { place, at, clear }) => {
                    self.clear(clear);
                    return Ok((place as usize, at as usize));
                }
                Some(Frame::Slot { slot, old }) => self.slots[slot as usize] = old,
                Some(Frame::Register { register, old }) => self.stack.registers[register as usize] = old,
                Some(Frame::Barrier { enter, at, previous }) => {
                    self.barrier = previous;
                    if let Op::Enter { end, negative: true } = self.code.ops[enter as usize] {
                        return Ok((end as usize + 1, at as usize));
                    }
                }
                Some(Frame::Key { key, at }) => self.failed(key, at),
                Some(Frame::Star { place, low, high }) => {
                    if let Op::Star { point, .. } = self.code.ops[place as usize] {
                        let key = self.key(point, high as usize);
                        self.failed(key, high);
                    }
                    if high > low {
                        let high = before(self.input.text, high as usize);
                        self.push(Frame::Star { place, low, high: high as u32 });
                        return Ok((place as usize + 1, high));
                    }
                }
                Some(Frame::Counted { place, low, high }) => {
                    let high = before(self.input.text, high as usize);
                    if high > low as usize {
                        self.push(Frame::Counted { place, low, high: high as u32 });
                    }
                    return Ok((place as usize + 1, high));
                }
                Some(Frame::Greedy { place, low, high }) => {
                    if let Op::Greedy(step) = self.code.ops[place as usize] {
                        let step = &self.code.steps[step as usize];
                        self.clear(step.clear);
                        if let Some(next) = self.shorter(place as usize, step, low as usize, high as usize) {
                            return Ok((place as usize + 1, next));
                        }
                    }
                }
                Some(Frame::Lazy { place, at }) => {
                    if let Op::Lazy(step) = self.code.ops[place as usize] {
                        let step = &self.code.steps[step as usize];
                        self.clear(step.clear);
                        if let Some(next) = self.longer(place as usize, step, at as usize) {
                            return Ok((place as usize + 1, next));
                        }
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

    /// Groups from this one on have not matched.
    pub(super) fn clear(&mut self, group: u32) {
        let groups = self.code.groups as usize;
        if (group as usize) < groups {
            for [_, end] in self.slots[group as usize * 2..groups * 2].as_chunks_mut::<2>().0 {
                *end = NONE;
            }
        }
    }
}
