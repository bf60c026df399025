//! The quick way from a tree to operations: what can be decided by looking at the next byte is, and backtracking is left where it
//! is needed.
//!
//! Everything rests on one question, answered by `analyse`: which bytes can come after a part? A run of characters that shares
//! none with them is never given back. Alternatives and loops that begin with different bytes need no frame. A part without
//! captures that would need frames becomes an automaton, unless it is too large for one. What cannot be decided falls
//! back to frames, so the order in which ways are tried, and with it the meaning, is that of the plain code.

use super::Refusal;
use super::analyse::{Ahead, ahead, lengths, min_bytes};
use super::bytes::{ByteSet, Wide};
use super::class::Class;
use super::dfa::{Dfa, Follow};
use super::nfa;
use super::program::{BackReference, Choice, Code, Fork, NOWHERE, Op, Place, SEVERAL, Set, Span, Token};
use super::scan::Ranges;
use super::tree::{Assertion, Look, Node, Repeat};
use super::unicode;

/// How many operations an expression may become.
const MOST_OPS: usize = 20_000;
/// How many bytes all automata of a program may occupy.
const MOST_TABLES: usize = 300_000;

/// Compiles a tree that was simplified.
pub(super) fn compile(tree: &Node) -> Result<Code, Refusal> {
    // A reference may ask for a capture before it is set again.
    let always = !tree.any(&|node| matches!(node, Node::Back { .. }));
    let mut emitter = Emitter {
        code: Code::default(),
        frames: 0,
        possible: 0,
        automata: true,
        always,
        behind: ByteSet::FULL,
        after_span: false,
        known: Vec::new(),
    };
    emitter.node(tree, Ahead::DONE)?;
    emitter.push(Op::Match)?;
    fuse(&mut emitter.code);
    Ok(emitter.code)
}

/// Lets one operation do what two or three in a row do. These stay where they are, for those who jump to them.
fn fuse(code: &mut Code) {
    // A slot, and whether its old value comes back.
    let half = |op: Op| match op {
        Op::Save { slot } => u16::try_from(slot << 1 | 1).ok(),
        Op::SaveOnce { slot } => u16::try_from(slot << 1).ok(),
        _ => None,
    };
    for index in 0..code.ops.len().saturating_sub(2) {
        let (Some(first), Some(last)) = (half(code.ops[index]), half(code.ops[index + 2])) else { continue };
        code.ops[index] = match code.ops[index + 1] {
            Op::Span(span) if last == first + 2 => Op::Field { slot: first, span },
            Op::Bytes { from, length } => Op::Gap { end: first, start: last, from, length },
            Op::Byte(byte) => {
                code.literals.push(byte);
                Op::Gap { end: first, start: last, from: code.literals.len() as u32 - 1, length: 1 }
            }
            _ => continue,
        };
    }
    for index in 0..code.ops.len() {
        while let Op::Jump(place) = code.ops[index]
            && let Op::Jump(further) = code.ops[place as usize]
            && further != place
        {
            code.ops[index] = Op::Jump(further);
        }
    }
}

struct Emitter {
    code: Code,
    /// How many operations so far leave a frame at times.
    frames: u32,
    /// The same, with those that come to run only when an automaton could not say.
    possible: u32,
    /// Parts may become automata.
    automata: bool,
    /// What is written now is on every way, once.
    always: bool,
    /// The bytes that may be before here.
    behind: ByteSet,
    /// The last operation is what was done last, whichever way it was.
    after_span: bool,
    /// Automata that are there, or turned out to be too large.
    known: Vec<(Node, bool, Option<u32>)>,
}

/// Where the emitter was, to go back to.
struct Mark {
    ops: usize,
    frames: u32,
    possible: u32,
    /// The lengths of the tables.
    tables: [usize; 7],
    registers: u32,
    behind: ByteSet,
}

type Done = Result<(), Refusal>;

impl Emitter {
    fn here(&self) -> Place {
        self.code.ops.len() as Place
    }

    fn push(&mut self, op: Op) -> Result<Place, Refusal> {
        if self.code.ops.len() >= MOST_OPS {
            return Err(Refusal::TooLarge);
        }
        self.leaves_frames(matches!(op, Op::Greedy(_) | Op::Lazy(_)));
        self.after_span = matches!(op, Op::Span(_));
        self.behind = match op {
            Op::Byte(byte) => ByteSet::one(byte),
            Op::Bytes { from, length } => ByteSet::one(self.code.literals[(from + length) as usize - 1]),
            _ => ByteSet::FULL,
        };
        self.code.ops.push(op);
        Ok(self.here() - 1)
    }

    fn land(&mut self, from: Place) {
        let here = self.here();
        self.behind = ByteSet::FULL;
        self.after_span = false;
        match &mut self.code.ops[from as usize] {
            Op::Jump(place)
            | Op::Fork { exit: place, .. }
            | Op::Progress { exit: place, .. }
            | Op::Token { next: place, .. }
            | Op::Enter { end: place, .. } => *place = here,
            _ => {}
        }
    }

    fn mark(&self) -> Mark {
        let Code { literals, backs, assertions, sides, spans, forks, choices, .. } = &self.code;
        let tables =
            [literals.len(), backs.len(), assertions.len(), sides.len(), spans.len(), forks.len(), choices.len()];
        Mark {
            ops: self.code.ops.len(),
            frames: self.frames,
            possible: self.possible,
            tables,
            registers: self.code.registers,
            behind: self.behind,
        }
    }

    fn back_to(&mut self, mark: &Mark) {
        self.behind = mark.behind;
        self.after_span = false;
        let [literals, backs, assertions, sides, spans, forks, choices] = mark.tables;
        self.code.ops.truncate(mark.ops);
        self.code.literals.truncate(literals);
        self.code.backs.truncate(backs);
        self.code.assertions.truncate(assertions);
        self.code.sides.truncate(sides);
        self.code.spans.truncate(spans);
        self.code.forks.truncate(forks);
        self.code.choices.truncate(choices);
        self.code.registers = mark.registers;
        self.frames = mark.frames;
        self.possible = mark.possible;
    }

    /// The operations up to here leave frames, where `leaves`.
    fn leaves_frames(&mut self, leaves: bool) {
        self.frames += u32::from(leaves);
        self.possible += u32::from(leaves);
    }

    /// Whether the node would leave frames if it were no automaton.
    fn needs_frames(&mut self, node: &Node, then: Ahead) -> bool {
        let mark = self.mark();
        let automata = std::mem::replace(&mut self.automata, false);
        let done = self.node(node, then);
        self.automata = automata;
        let needs = done.is_err() || self.frames > mark.frames;
        self.back_to(&mark);
        needs
    }

    fn save(&mut self, slot: u32) -> Done {
        let behind = self.behind;
        self.push(if self.always { Op::SaveOnce { slot } } else { Op::Save { slot } })?;
        self.behind = behind;
        Ok(())
    }

    /// The node, which not every way comes by.
    fn sometimes(&mut self, node: &Node, then: Ahead) -> Done {
        let always = std::mem::replace(&mut self.always, false);
        let done = self.node(node, then);
        self.always = always;
        done
    }

    fn node(&mut self, node: &Node, then: Ahead) -> Done {
        match node {
            Node::Empty => Ok(()),
            Node::Fail => self.push(Op::Fail).map(|_| ()),
            Node::Class(class) => self.class(class),
            Node::Concat(nodes) => self.concat(nodes, then),
            Node::Alternate(nodes) => {
                if self.automaton(node, then)? {
                    return Ok(());
                }
                self.alternate(nodes, then)
            }
            Node::Repeat(repeat) => {
                if !matches!(repeat.node, Node::Class(_)) && self.automaton(node, then)? {
                    return Ok(());
                }
                self.repeat(repeat, then)
            }
            Node::Group(number, node) => {
                self.save(number * 2)?;
                self.node(node, then)?;
                self.save(number * 2 + 1)
            }
            Node::Atomic(inner) => self.atomic(inner, then),
            Node::Look(look) => self.look(look),
            Node::Assert(assertion) => {
                let op = self.code.assertion(*assertion);
                self.push(op).map(|_| ())
            }
            Node::Back { groups, fold } => {
                self.code.backs.push(BackReference { groups: groups.clone(), fold: *fold });
                self.push(Op::Back(self.code.backs.len() as u32 - 1)).map(|_| ())
            }
            Node::Keep => self.push(Op::Save { slot: 0 }).map(|_| ()),
        }
    }

    fn class(&mut self, class: &Class) -> Done {
        let op = match class.single() {
            Some(character) if character.is_ascii() => Op::Byte(character as u8),
            Some(character) => {
                let from = self.code.literals.len() as u32;
                let mut buffer = [0; 4];
                self.code.literals.extend(character.encode_utf8(&mut buffer).bytes());
                Op::Bytes { from, length: character.len_utf8() as u32 }
            }
            None => {
                let known = self.code.sets.iter().position(|set| set.class == *class);
                let set = known.unwrap_or_else(|| {
                    self.code.sets.push(Set::new(class));
                    self.code.sets.len() - 1
                });
                Op::Set(set as u32)
            }
        };
        self.push(op).map(|_| ())
    }

    fn concat(&mut self, nodes: &[Node], then: Ahead) -> Done {
        // What comes after each node.
        let mut thens = vec![then; nodes.len()];
        for index in (1..nodes.len()).rev() {
            thens[index - 1] = ahead(&nodes[index], thens[index]);
        }
        let mut index = 0;
        while index < nodes.len() {
            let literal = literal(&nodes[index..]);
            if literal.1 > 1 {
                self.bytes(&literal.0)?;
                index += literal.1;
                continue;
            }
            let end = self.part_end(nodes, &thens, index);
            if end > index + 1 {
                let part = Node::Concat(nodes[index..end].to_vec());
                if self.automaton(&part, thens[end - 1])? {
                    index = end;
                    continue;
                }
            }
            if !self.holds_already(&nodes[index], nodes.get(index + 1)) {
                self.node(&nodes[index], thens[index])?;
            }
            index += 1;
        }
        Ok(())
    }

    /// Whether a condition is met because of what was taken before it.
    fn holds_already(&self, node: &Node, next: Option<&Node>) -> bool {
        match node {
            Node::Assert(Assertion::Before { set, .. }) => {
                self.behind != ByteSet::FULL && !self.behind.meets(set.negated())
            }
            // The end of a word, after a run that took all of the word that there was; the beginning, after what is in no word.
            Node::Assert(Assertion::Word { negative: false, ascii: false }) => {
                let ended = match self.code.ops.last() {
                    Some(Op::Span(span)) => {
                        let span = &self.code.spans[*span as usize];
                        self.after_span && span.least > 0 && span.most == u32::MAX && span.set.class == *unicode::word()
                    }
                    _ => false,
                };
                ended || !self.behind.meets(word_bytes()) && next.is_some_and(takes_word)
            }
            _ => false,
        }
    }

    fn bytes(&mut self, literal: &[u8]) -> Done {
        if let [byte] = literal {
            return self.push(Op::Byte(*byte)).map(|_| ());
        }
        let from = self.code.literals.len() as u32;
        self.code.literals.extend(literal);
        self.push(Op::Bytes { from, length: literal.len() as u32 }).map(|_| ())
    }

    /// Where a part that is worth one automaton ends: it begins and ends with nodes that would leave frames.
    fn part_end(&mut self, nodes: &[Node], thens: &[Ahead], from: usize) -> usize {
        let mut end = from;
        if !self.automata || !suits(&nodes[from]) || !self.needs_frames(&nodes[from], thens[from]) {
            return end;
        }
        for index in from..nodes.len() {
            if !suits(&nodes[index]) {
                break;
            }
            if self.needs_frames(&nodes[index], thens[index]) {
                end = index + 1;
            }
        }
        end
    }

    /// Makes an automaton of the node, if it would leave frames and can be one. What it cannot decide is done by the operations
    /// after it.
    fn automaton(&mut self, node: &Node, then: Ahead) -> Result<bool, Refusal> {
        let (body, after) = match node {
            Node::Atomic(body) => (&**body, Ahead::DONE),
            node => (node, then),
        };
        let first = after.sure;
        if !self.automata || !nfa::is_regular(body, first) || !self.needs_frames(body, after) {
            return Ok(false);
        }
        let Some(dfa) = self.dfa(body, first) else { return Ok(false) };
        let follow = Follow { table: table(after), first };
        self.code.tokens.push(Token { dfa, follow });
        let token = self.push(Op::Token { token: self.code.tokens.len() as u32 - 1, next: 0 })?;
        // These are for what the automaton cannot decide, and leave frames then only.
        let frames = self.frames;
        self.automata = false;
        let done = self.node(node, then);
        self.automata = true;
        done?;
        self.frames = frames + u32::from(!first);
        self.land(token);
        Ok(true)
    }

    fn dfa(&mut self, node: &Node, ordered: bool) -> Option<u32> {
        if let Some((.., known)) = self.known.iter().find(|(known, order, _)| known == node && *order == ordered) {
            return *known;
        }
        let built = nfa::build(node).and_then(|states| Dfa::build(&states, ordered));
        let room = MOST_TABLES.saturating_sub(self.code.dfas.iter().map(Dfa::size).sum());
        let number = built.filter(|dfa| dfa.size() <= room).map(|dfa| {
            self.code.dfas.push(dfa);
            self.code.dfas.len() as u32 - 1
        });
        self.known.push((node.clone(), ordered, number));
        number
    }

    fn alternate(&mut self, nodes: &[Node], then: Ahead) -> Done {
        let aheads: Vec<[bool; 257]> = nodes.iter().map(|node| table(ahead(node, then))).collect();
        let choice = self.code.choices.len();
        let behind = self.behind;
        let op = self.push(Op::Choice(choice as u32))?;
        // Another choice may come to be within the alternatives.
        self.code.choices.push(Choice { places: Vec::new(), table: [0; 257], lists: Vec::new() });
        let mut places = Vec::with_capacity(nodes.len());
        let mut jumps = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            places.push(self.here());
            self.behind = behind;
            self.sometimes(node, then)?;
            if index + 1 < nodes.len() {
                jumps.push(self.push(Op::Jump(0))?);
            }
        }
        jumps.into_iter().for_each(|jump| self.land(jump));
        let mut lists: Vec<Vec<Place>> = Vec::new();
        let mut by_byte = [0_u8; 257];
        for (byte, entry) in by_byte.iter_mut().enumerate() {
            let list: Vec<Place> =
                places.iter().zip(&aheads).filter(|(_, ahead)| ahead[byte]).map(|(place, _)| *place).collect();
            let number = lists.iter().position(|known| *known == list).unwrap_or_else(|| {
                lists.push(list);
                lists.len() - 1
            });
            let Ok(number) = u8::try_from(number) else { return Err(Refusal::TooLarge) };
            *entry = number;
        }
        self.leaves_frames(lists.iter().any(|list| list.len() > 1));
        debug_assert!(matches!(self.code.ops[op as usize], Op::Choice(_)));
        let only = |list: &Vec<Place>| match list.as_slice() {
            [] => NOWHERE,
            [only] => *only,
            _ => SEVERAL,
        };
        let places = lists.iter().map(only).collect();
        self.code.choices[choice] = Choice { places, table: by_byte, lists };
        Ok(())
    }

    fn atomic(&mut self, inner: &Node, then: Ahead) -> Done {
        let whole = Node::Atomic(Box::new(inner.clone()));
        if self.automaton(&whole, then)? {
            return Ok(());
        }
        let mark = self.mark();
        let enter = self.push(Op::Enter { end: 0, negative: false })?;
        let possible = self.possible;
        self.node(inner, Ahead::DONE)?;
        if self.possible == possible {
            self.back_to(&mark);
            return self.node(inner, Ahead::DONE);
        }
        self.land(enter);
        self.push(Op::Commit)?;
        // What was left inside is cut.
        self.frames = mark.frames;
        self.possible = mark.possible;
        Ok(())
    }

    fn look(&mut self, look: &Look) -> Done {
        let negative = look.negative;
        let mark = self.mark();
        let enter = self.push(Op::Enter { end: 0, negative })?;
        if look.behind {
            let Some((least, most)) = lengths(&look.node) else { return Err(Refusal::TooLarge) };
            self.push(Op::StepBack { least, most })?;
            self.sometimes(&look.node, Ahead::ANYTHING)?;
            self.push(Op::AtEntry)?;
        } else {
            self.sometimes(&look.node, Ahead::DONE)?;
        }
        self.land(enter);
        self.push(Op::Seen { negative })?;
        self.frames = mark.frames;
        self.possible = mark.possible;
        Ok(())
    }

    fn repeat(&mut self, repeat: &Repeat, then: Ahead) -> Done {
        let Repeat { node, min, max, greedy } = repeat;
        if let Node::Class(class) = node
            && (*greedy || max.is_none())
        {
            return self.run(class, repeat, then);
        }
        let may_be_empty = min_bytes(node) == 0;
        let checked = may_be_empty && super::plain::counts(node, *min, *max, *greedy);
        let again = Node::clone(node).repeat(0, *max, *greedy);
        let after = if *max == Some(*min) { ahead(&again, then) } else { ahead(&again, then).union(then) };
        // Another round has to come after those that have to be.
        let within = Ahead { sure: false, ..after };
        let mut exits = Vec::new();
        for _ in 0..*min {
            self.round(node, checked, within, &mut exits)?;
        }
        match max {
            None => {
                let head = self.here();
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
        Ok(())
    }

    /// The way into the body or past it.
    fn fork(&mut self, node: &Node, greedy: bool, after: Ahead, then: Ahead) -> Result<Place, Refusal> {
        let body = table(ahead(node, after));
        let exit = table(then);
        let table: [u8; 257] = std::array::from_fn(|byte| u8::from(body[byte]) | u8::from(exit[byte]) << 1);
        self.leaves_frames(table.contains(&3));
        self.code.forks.push(Fork { table, greedy });
        self.push(Op::Fork { fork: self.code.forks.len() as u32 - 1, exit: 0 })
    }

    fn round(&mut self, node: &Node, checked: bool, after: Ahead, exits: &mut Vec<Place>) -> Done {
        if !checked {
            return self.sometimes(node, after);
        }
        let register = self.code.registers;
        self.code.registers += 1;
        self.push(Op::Round { register })?;
        self.leaves_frames(true);
        self.sometimes(node, after)?;
        exits.push(self.push(Op::Progress { register, exit: 0 })?);
        Ok(())
    }

    /// The number of a span; the same ones are kept once.
    fn span(&mut self, span: Span) -> u32 {
        let same = |known: &Span| {
            (known.least, known.most) == (span.least, span.most)
                && known.set.class == span.set.class
                && known.follow.table == span.follow.table
        };
        let known = self.code.spans.iter().position(same);
        known.unwrap_or_else(|| {
            self.code.spans.push(span);
            self.code.spans.len() - 1
        }) as u32
    }

    /// A repeated class.
    fn run(&mut self, class: &Class, repeat: &Repeat, then: Ahead) -> Done {
        let (ascii, wide) = class.bytes();
        let bytes = if wide == Wide::None { ascii } else { ascii.union(ByteSet::WIDE) };
        let apart = !bytes.meets(then.set);
        let most = repeat.max.unwrap_or(u32::MAX);
        // What a run takes without decoding.
        let plain = if wide == Wide::All { bytes } else { ascii };
        let skip = plain.intersection(then.set.negated());
        let span = |least: u32, most: u32| Span {
            set: Set::new(class),
            ranges: Ranges::of(plain),
            least,
            most,
            simple: wide == Wide::None || least <= 1 && most == u32::MAX,
            follow: Follow { table: table(then), first: false },
            skip: std::array::from_fn(|byte| u8::from(skip.contains(byte as u8))),
            skip_ranges: Ranges::of(skip),
        };
        if repeat.greedy {
            let op = if apart || then.sure || repeat.max == Some(repeat.min) { Op::Span } else { Op::Greedy };
            let number = self.span(span(repeat.min, most));
            return self.push(op(number)).map(|_| ());
        }
        if apart {
            // However lazy, it has to go on until something else comes.
            let number = self.span(span(repeat.min, most));
            return self.push(Op::Span(number)).map(|_| ());
        }
        if repeat.min > 0 {
            let number = self.span(span(repeat.min, repeat.min));
            self.push(Op::Span(number))?;
        }
        if then.sure {
            return Ok(());
        }
        let number = self.span(span(0, u32::MAX));
        self.push(Op::Lazy(number)).map(|_| ())
    }
}

/// Whether a node can be within an automaton of several nodes. Long runs are quicker by themselves.
fn suits(node: &Node) -> bool {
    let long = |repeat: &Repeat| {
        repeat.max.is_none() && matches!(&repeat.node, Node::Class(class) if class.bytes().0.len() > 64)
    };
    nfa::is_regular(node, true) && !node.any(&|node| matches!(node, Node::Repeat(repeat) if long(repeat)))
}

/// The literal that the nodes begin with, and how many of them it is.
fn literal(nodes: &[Node]) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut count = 0;
    for node in nodes {
        let Node::Class(class) = node else { break };
        let Some(character) = class.single() else { break };
        let mut buffer = [0; 4];
        bytes.extend(character.encode_utf8(&mut buffer).bytes());
        count += 1;
    }
    (bytes, count)
}

/// The bytes that words have, or may have.
fn word_bytes() -> ByteSet {
    unicode::word().bytes().0.union(ByteSet::WIDE)
}

/// Whether the node begins with a character of a word.
fn takes_word(node: &Node) -> bool {
    match node {
        Node::Class(class) => {
            class == unicode::word() || class.bytes().1 == Wide::None && !class.bytes().0.meets(word_bytes().negated())
        }
        Node::Repeat(repeat) => repeat.min > 0 && takes_word(&repeat.node),
        Node::Concat(nodes) => nodes.first().is_some_and(takes_word),
        Node::Group(_, node) | Node::Atomic(node) => takes_word(node),
        _ => false,
    }
}

/// As a table; 256 is the end of the text.
fn table(ahead: Ahead) -> [bool; 257] {
    std::array::from_fn(|byte| u8::try_from(byte).map_or(ahead.end, |byte| ahead.set.contains(byte)))
}
