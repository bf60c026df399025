//! Where there are several ways: alternatives and loops.

use super::super::Refusal;
use super::super::analyse::{Ahead, ahead, can_be_empty};
use super::super::bytes::ByteSet;
use super::super::plain::counts;
use super::super::program::{Choice, Fork, NOWHERE, Op, Place, SEVERAL};
use super::super::tree::{Node, Repeat};
use super::steps::table;
use super::{Done, Emitter, last_group};

/// What makes forks differ: what the body and the exit begin with, the order, and the groups that are void.
pub(super) type ForkKey = (u32, bool, bool, bool, ByteSet, ByteSet);

impl Emitter {
    pub(super) fn alternate(&mut self, nodes: &[Node], then: Ahead) -> Done {
        let aheads: Vec<[bool; 257]> = nodes.iter().map(|node| table(ahead(node, then))).collect();
        let choice = self.code.choices.len();
        let (behind, clear) = (self.behind, self.next_group);
        self.push(Op::Choice(choice as u32))?;
        // Another choice may come to be within the alternatives.
        self.code.choices.push(Choice { places: Vec::new(), table: [0; 257], lists: Vec::new(), clear });
        let mut places = Vec::with_capacity(nodes.len());
        let mut jumps = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            places.push(self.here());
            self.behind = behind;
            self.node(node, then)?;
            if index + 1 < nodes.len() {
                jumps.push(self.push(Op::Jump(0))?);
            }
        }
        jumps.into_iter().for_each(|jump| self.land(jump));
        self.behind = ByteSet::FULL;
        let mut lists: Vec<Vec<Place>> = Vec::new();
        let mut by_byte = [0_u8; 257];
        for byte in 0..257 {
            // Most bytes are to all alternatives what the byte before them is.
            if byte > 0 && aheads.iter().all(|ahead| ahead[byte] == ahead[byte - 1]) {
                by_byte[byte] = by_byte[byte - 1];
                continue;
            }
            let list: Vec<Place> =
                places.iter().zip(&aheads).filter(|(_, ahead)| ahead[byte]).map(|(place, _)| *place).collect();
            let number = lists.iter().position(|known| *known == list).unwrap_or_else(|| {
                lists.push(list);
                lists.len() - 1
            });
            by_byte[byte] = u8::try_from(number).map_err(|_| Refusal::TooLarge)?;
        }
        self.leaves_frames(lists.iter().any(|list| list.len() > 1));
        let only = |list: &Vec<Place>| match list.as_slice() {
            [] => NOWHERE,
            [only] => *only,
            _ => SEVERAL,
        };
        let places = lists.iter().map(only).collect();
        self.code.choices[choice] = Choice { places, table: by_byte, lists, clear };
        Ok(())
    }

    pub(super) fn repeat(&mut self, repeat: &Repeat, then: Ahead) -> Done {
        let Repeat { node, min, max, greedy } = repeat;
        let may_be_empty = can_be_empty(node);
        let checked = may_be_empty && counts(node, *min, *max, *greedy);
        let again = Node::clone(node).repeat(0, *max, *greedy);
        let after = if *max == Some(*min) { ahead(&again, then) } else { ahead(&again, then).union(then) };
        // Another round has to come after those that have to be.
        let within = Ahead { sure: false, ..after };
        let looping = self.looping;
        if node.has_groups() && *max != Some(1) {
            self.looping = true;
            self.next_group = self.next_group.max(last_group(node) + 1);
        }
        let mut exits = Vec::new();
        for _ in 0..*min {
            self.round(node, checked, within, &mut exits)?;
        }
        match max {
            None => {
                let head = self.here();
                self.behind = ByteSet::FULL;
                exits.push(self.fork(node, *greedy, after, then)?);
                self.round(node, may_be_empty, after, &mut exits)?;
                self.push(Op::Jump(head))?;
            }
            Some(max) => {
                for _ in *min..*max {
                    exits.push(self.fork(node, *greedy, after, then)?);
                    self.round(node, checked, after, &mut exits)?;
                }
            }
        }
        exits.into_iter().for_each(|exit| self.land(exit));
        self.looping = looping;
        Ok(())
    }

    /// The way into the body or past it.
    fn fork(&mut self, node: &Node, greedy: bool, after: Ahead, then: Ahead) -> Result<Place, Refusal> {
        let body = ahead(node, after);
        let key = (self.next_group, greedy, body.end, then.end, body.set, then.set);
        let both = body.set.meets(then.set) || body.end && then.end;
        self.leaves_frames(both);
        let known = self.known_forks.iter().position(|known| *known == key).unwrap_or_else(|| {
            let (body, exit) = (table(body), table(then));
            let table = std::array::from_fn(|byte| u8::from(body[byte]) | u8::from(exit[byte]) << 1);
            self.code.forks.push(Fork { table, greedy, clear: self.next_group });
            self.known_forks.push(key);
            self.known_forks.len() - 1
        });
        let behind = self.behind;
        let place = self.push(Op::Fork { fork: known as u32, exit: 0 })?;
        self.behind = behind;
        Ok(place)
    }

    fn round(&mut self, node: &Node, checked: bool, after: Ahead, exits: &mut Vec<Place>) -> Done {
        if !checked {
            return self.node(node, after);
        }
        let register = self.code.registers;
        self.code.registers += 1;
        self.push(Op::Round { register })?;
        self.leaves_frames(true);
        self.node(node, after)?;
        exits.push(self.push(Op::Progress { register, exit: 0 })?);
        Ok(())
    }
}
