//! Sets of characters, and which of a code's has which number.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::super::bytes::{ByteSet, Wide};
use super::super::class::Class;

/// A set of characters as the matcher asks for it.
#[derive(Clone, Debug)]
pub(in super::super) struct Set {
    /// By the first byte: 0 is no, 1 yes, 2 has to be decoded.
    pub(in super::super) table: [u8; 256],
    pub(in super::super) class: Class,
    pub(in super::super) wide: Wide,
}

impl Set {
    pub(in super::super) fn new(class: &Class) -> Set {
        let (ascii, wide) = class.bytes();
        let mut table = [0; 256];
        ascii.fill(&mut table, 1);
        let beyond = match wide {
            Wide::None => 0,
            Wide::All => 1,
            Wide::Some => 2,
        };
        ByteSet::WIDE.fill(&mut table, beyond);
        Set { table, class: class.clone(), wide }
    }

    pub(in super::super) fn size(&self) -> usize {
        size_of::<Set>() + self.class.ranges().len() * 8
    }
}

/// The numbers of the sets of a code that is being made.
#[derive(Debug, Default)]
pub(in super::super) struct Numbers(HashMap<Class, u32, FixedState>);

impl Numbers {
    /// The number of a class among the sets, to which it is added if it is new.
    pub(in super::super) fn of(&mut self, class: &Class, sets: &mut Vec<Set>) -> u32 {
        if let Some(known) = self.0.get(class) {
            return *known;
        }
        sets.push(Set::new(class));
        let number = sets.len() as u32 - 1;
        self.0.insert(class.clone(), number);
        number
    }
}
