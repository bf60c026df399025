//! Nodes in a row: literals, parts that become one automaton, conditions that hold anyway.

use super::super::Refusal;
use super::super::analyse::{Ahead, ahead};
use super::super::class::Class;
use super::super::nfa;
use super::super::program::{Op, Tail};
use super::super::tree::Node;
use super::{Done, Emitter};

impl Emitter {
    pub(super) fn concat(&mut self, nodes: &[Node], then: Ahead) -> Done {
        // What comes after each node.
        let mut thens = vec![then; nodes.len()];
        for index in (1..nodes.len()).rev() {
            thens[index - 1] = ahead(&nodes[index], thens[index]);
        }
        let mut index = 0;
        // Up to there nothing in a row becomes an automaton.
        let mut tried = 0;
        while index < nodes.len() {
            let (bytes, count) = literal(&nodes[index..]);
            if count > 0 {
                self.literal(&bytes)?;
                index += count;
                continue;
            }
            if self.holds_already(&nodes[index], nodes.get(index + 1)) {
                index += 1;
                continue;
            }
            let end = part_end(nodes, index);
            if index >= tried && end > index + 1 {
                let part = Node::Concat(nodes[index..end].to_vec());
                let (bytes, count) = literal(&nodes[end..]);
                if self.automaton(&part, thens[end - 1], self.no_slots(), Tail::new(&bytes))? {
                    index = end + count;
                    continue;
                }
                tried = end;
            }
            let (bytes, count) = literal(&nodes[index + 1..]);
            if self.step(&nodes[index], thens[index], Tail::new(&bytes))? {
                index += 1 + count;
                continue;
            }
            self.node(&nodes[index], thens[index])?;
            index += 1;
        }
        Ok(())
    }

    fn literal(&mut self, bytes: &[u8]) -> Done {
        let step = self.new_step(0, self.no_slots(), Tail::new(bytes));
        self.push(Op::Literal(step)).map(|_| ())
    }

    pub(super) fn class(&mut self, class: &Class) -> Result<(), Refusal> {
        if let Some(character) = class.single() {
            return self.literal(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        let set = self.numbers.of(class, &mut self.code.sets);
        self.push(Op::Set(set)).map(|_| ())
    }
}

/// Where a part that is worth one automaton ends, or where it begins. It has no literal at its end.
fn part_end(nodes: &[Node], from: usize) -> usize {
    let mut end = from;
    let mut worth = 0;
    for (index, node) in nodes.iter().enumerate().skip(from).take_while(|(_, node)| suits(node)) {
        let more = match node {
            Node::Alternate(_) => 3,
            Node::Repeat(repeat) if !matches!(repeat.node, Node::Class(_)) || repeat.max.is_some() => 3,
            Node::Repeat(_) => 1,
            Node::Class(class) if class.single().is_none() => 1,
            _ => 0,
        };
        worth += more;
        if more > 0 {
            end = index + 1;
        }
    }
    if worth >= 3 { end } else { from }
}

/// Whether a node can be within an automaton of several nodes. Long runs are quicker by themselves.
fn suits(node: &Node) -> bool {
    let long = |node: &Node| match node {
        Node::Repeat(repeat) => {
            repeat.max.is_none() && matches!(&repeat.node, Node::Class(class) if class.bytes().0.len() > 64)
        }
        _ => false,
    };
    nfa::is_regular(node, true) && !node.any(&long)
}

/// The literal that the nodes begin with, as much of it as one step compares, and how many nodes it is.
fn literal(nodes: &[Node]) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut count = 0;
    for node in nodes {
        let Node::Class(class) = node else { break };
        let Some(character) = class.single() else { break };
        if bytes.len() + character.len_utf8() > Tail::MOST {
            break;
        }
        bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
        count += 1;
    }
    (bytes, count)
}
