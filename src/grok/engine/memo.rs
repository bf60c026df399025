//! Memory of what failed, so that nothing is tried twice.
//!
//! A state is a point of the program (with what its loops still allow) and a position in the text. What comes of it depends
//! on nothing else, so a state that failed once fails always. Inside an atomic group or look-around a state can also *succeed* and
//! fail later, outside; there the end that it leads to is remembered. Both memories have a budget. When that is used up
//! nothing more is remembered, and a small budget of steps decides.

use std::collections::HashMap;

/// How many blocks of 64 positions are remembered at most: 16 bytes each.
const MOST_BLOCKS: usize = 1 << 18;
/// How many ends are remembered at most: about 20 bytes each.
const MOST_ENDS: usize = 1 << 16;
/// With room for more than these, it is given back when all is forgotten.
const KEPT: usize = 1 << 13;

/// Both memories.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Open addressing: a key that is never 0, and a bit for each of 64 positions.
    blocks: Vec<(u64, u64)>,
    used: usize,
    ends: HashMap<(u32, u32), u32>,
}

impl Memo {
    /// Forgets everything; keeps what it occupies unless that is much.
    pub(super) fn clear(&mut self) {
        if self.used > 0 {
            if self.blocks.len() > KEPT {
                self.blocks = Vec::new();
            }
            self.blocks.fill((0, 0));
            self.used = 0;
        }
        self.ends.clear();
        self.ends.shrink_to(KEPT);
    }

    /// Bytes that it occupies, about.
    pub(super) fn size(&self) -> usize {
        self.blocks.capacity() * size_of::<(u64, u64)>() + self.ends.capacity() * 8 / 7 * (size_of::<[u32; 3]>() + 1)
    }

    fn key(point: u32, position: u32) -> u64 {
        (u64::from(point) + 1) << 32 | u64::from(position >> 6)
    }

    /// Where the key is, or belongs.
    fn place(&self, key: u64) -> usize {
        let mask = self.blocks.len() - 1;
        let mut place = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        while self.blocks[place].0 != key && self.blocks[place].0 != 0 {
            place = (place + 1) & mask;
        }
        place
    }

    #[inline]
    pub(super) fn has_failed(&self, point: u32, position: u32) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        let (_, bits) = self.blocks[self.place(Memo::key(point, position))];
        bits >> (position & 63) & 1 != 0
    }

    /// Says whether there was room for it.
    #[inline]
    pub(super) fn failed(&mut self, point: u32, position: u32) -> bool {
        if self.used * 2 >= self.blocks.len() && !self.grow() {
            return false;
        }
        let key = Memo::key(point, position);
        let place = self.place(key);
        let block = &mut self.blocks[place];
        self.used += usize::from(block.0 == 0);
        *block = (key, block.1 | 1 << (position & 63));
        true
    }

    /// Makes room. Says whether there is any.
    fn grow(&mut self) -> bool {
        let wanted = (self.blocks.len() * 2).max(256);
        if wanted > MOST_BLOCKS {
            return self.used < self.blocks.len() * 5 / 8;
        }
        let old = std::mem::replace(&mut self.blocks, vec![(0, 0); wanted]);
        for block in old.into_iter().filter(|block| block.0 != 0) {
            let place = self.place(block.0);
            self.blocks[place] = block;
        }
        true
    }

    /// Where the state leads, within its atomic group or look-around.
    pub(super) fn end(&self, point: u32, position: u32) -> Option<u32> {
        self.ends.get(&(point, position)).copied()
    }

    /// Says whether there was room for it.
    pub(super) fn succeeded(&mut self, point: u32, position: u32, end: u32) -> bool {
        let room = self.ends.len() < MOST_ENDS;
        if room {
            self.ends.insert((point, position), end);
        }
        room
    }
}
