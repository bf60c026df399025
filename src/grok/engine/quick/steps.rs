//! Runs of characters and automata, with the captures around them and the literal after them.

use super::super::Refusal;
use super::super::analyse::Ahead;
use super::super::bytes::{ByteSet, Wide};
use super::super::class::Class;
use super::super::dfa::{self, Dfa, Follow, Late};
use super::super::nfa;
use super::super::program::{Op, Set, Span, Tail};
use super::super::scan::Run;
use super::super::tree::{Assertion, Node, Repeat};
use super::super::unicode;
use super::{Emitter, MOST_TABLES};

/// What costs more than this is left to the plain code where its automaton cannot decide.
const MOST_BY_HAND: u32 = 400;

/// Where a step leaves its beginning and its end.
#[derive(Clone, Copy)]
pub(super) struct Slots {
    pub(super) before: u32,
    pub(super) after: u32,
}

/// What makes spans differ: the class, the bounds, and what follows.
pub(super) type SpanKey = (u32, u32, bool, ByteSet, Class);

impl Emitter {
    pub(super) fn no_slots(&self) -> Slots {
        Slots { before: self.code.nobody(), after: self.code.nobody() }
    }

    /// Makes one step of a node and the literal after it, if it can be one. `then` is what comes after the node.
    pub(super) fn step(&mut self, node: &Node, then: Ahead, tail: Tail) -> Result<bool, Refusal> {
        match node {
            Node::Group(number, inner) if !self.looping => {
                let next_group = self.next_group;
                self.next_group = next_group.max(number + 1);
                let slots = Slots { before: self.code.start_of(*number), after: self.code.end_of(*number) };
                let done = self.step_of(inner, then, slots, tail)?;
                if !done {
                    self.next_group = next_group;
                }
                Ok(done)
            }
            Node::Repeat(_) | Node::Alternate(_) | Node::Atomic(_) | Node::Concat(_) => {
                self.step_of(node, then, self.no_slots(), tail)
            }
            _ => Ok(false),
        }
    }

    fn step_of(&mut self, node: &Node, then: Ahead, slots: Slots, tail: Tail) -> Result<bool, Refusal> {
        match node {
            Node::Repeat(repeat) => match &repeat.node {
                Node::Class(class) if repeat.greedy || repeat.max.is_none() => {
                    self.run(class, repeat, then, slots, tail)?;
                    Ok(true)
                }
                _ => self.automaton(node, then, slots, tail),
            },
            Node::Concat(nodes) => {
                let mut from = 0;
                while from + 1 < nodes.len() && self.holds_already(&nodes[from], nodes.get(from + 1)) {
                    from += 1;
                }
                match &nodes[from..] {
                    [only] => self.step_of(only, then, slots, tail),
                    [Node::Repeat(repeat), end] if ends_itself(repeat, end, then) => {
                        let Node::Class(class) = &repeat.node else { return Ok(false) };
                        self.run(class, repeat, Ahead::DONE, slots, tail)?;
                        Ok(true)
                    }
                    rest if from > 0 => self.automaton(&Node::Concat(rest.to_vec()), then, slots, tail),
                    _ => self.automaton(node, then, slots, tail),
                }
            }
            Node::Atomic(inner) if matches!(**inner, Node::Repeat(_)) => match &**inner {
                Node::Repeat(repeat) if repeat.greedy && matches!(repeat.node, Node::Class(_)) => {
                    self.step_of(inner, Ahead::DONE, slots, tail)
                }
                _ => self.automaton(node, then, slots, tail),
            },
            Node::Alternate(_) | Node::Atomic(_) => self.automaton(node, then, slots, tail),
            _ => Ok(false),
        }
    }

    /// Makes an automaton of a node, if it is worth one and can be one. What that cannot decide is done by the operations after it.
    pub(super) fn automaton(&mut self, node: &Node, then: Ahead, slots: Slots, tail: Tail) -> Result<bool, Refusal> {
        let (body, after) = match node {
            Node::Atomic(body) => (&**body, Ahead::DONE),
            node => (node, then),
        };
        if !self.automata || !is_worth_it(body) {
            return Ok(false);
        }
        if self.late && nfa::cost(body) > MOST_BY_HAND && nfa::is_regular(body, true) {
            return self.late_automaton(body, Follow::new(after), slots, tail);
        }
        let Some(number) = self.dfa(body, Follow::new(after)) else { return Ok(false) };
        let Dfa { doubts, several, rough, .. } = self.code.dfas[number as usize];
        let step = self.new_step(number, slots, tail);
        if self.code.dfas[number as usize].leads_after(self.behind) {
            let tells = tail.first().is_some_and(|byte| self.code.dfas[number as usize].lead_before(byte));
            self.code.steps[step as usize].led = true;
            self.code.steps[step as usize].literal_tells = tells;
            self.push(Op::Lead(step))?;
        }
        self.push(Op::Token(step))?;
        if doubts || several {
            let done = if !rough && nfa::cost(body) > MOST_BY_HAND {
                self.push(Op::GiveUp).map(|_| ())
            } else {
                self.by_hand(node, then, slots, tail, rough)
            };
            self.automata = true;
            done?;
            self.leaves_frames(true);
        }
        self.code.steps[step as usize].next = self.here();
        self.behind = tail.last().map_or(ByteSet::FULL, ByteSet::one);
        Ok(true)
    }

    /// The same, of a node that is seldom asked and costs much: the automaton is built when it is needed.
    fn late_automaton(&mut self, body: &Node, follow: Follow, slots: Slots, tail: Tail) -> Result<bool, Refusal> {
        let known = self.code.lates.iter().position(|late| late.is_of(body, follow));
        let number = known.unwrap_or_else(|| {
            self.code.lates.push(Late::new(body.clone(), follow));
            self.code.lates.len() - 1
        });
        let step = self.new_step(number as u32, slots, tail);
        self.push(Op::LateToken(step))?;
        self.push(Op::GiveUp)?;
        self.leaves_frames(true);
        self.code.steps[step as usize].next = self.here();
        self.behind = tail.last().map_or(ByteSet::FULL, ByteSet::one);
        Ok(true)
    }

    /// What an automaton cannot decide.
    fn by_hand(&mut self, node: &Node, then: Ahead, slots: Slots, tail: Tail, rough: bool) -> Result<(), Refusal> {
        let nobody = self.code.nobody();
        if slots.before != nobody {
            self.push(Op::Mark { slot: slots.before })?;
        }
        self.behind = ByteSet::FULL;
        match node {
            // What was taken roughly may be exact by itself.
            Node::Alternate(nodes) if rough => {
                let late = std::mem::replace(&mut self.late, true);
                let done = self.alternate(nodes, then);
                self.late = late;
                done?;
            }
            _ => {
                self.automata = false;
                self.node(node, then)?;
            }
        }
        if slots.after != nobody {
            self.push(Op::Mark { slot: slots.after })?;
        }
        if !tail.is_empty() {
            let step = self.new_step(0, self.no_slots(), tail);
            self.push(Op::Literal(step))?;
        }
        Ok(())
    }

    fn dfa(&mut self, node: &Node, follow: Follow) -> Option<u32> {
        let ordered = nfa::is_regular(node, true);
        if !ordered && (follow.last || !nfa::is_regular(node, false)) {
            return None;
        }
        let key = match self.known_automata.find(node, follow) {
            Ok(known) => return known,
            Err(key) => key,
        };
        let room = MOST_TABLES.saturating_sub(self.code.dfas.iter().map(Dfa::size).sum());
        let built = dfa::build(node, follow, ordered, &mut self.work).filter(|dfa| dfa.size() <= room);
        let number = built.map(|dfa| {
            self.code.dfas.push(dfa);
            self.code.dfas.len() as u32 - 1
        });
        self.known_automata.insert(key, node, follow, number);
        number
    }

    /// A repeated class.
    fn run(&mut self, class: &Class, repeat: &Repeat, then: Ahead, slots: Slots, tail: Tail) -> Result<(), Refusal> {
        let (ascii, wide) = class.bytes();
        let bytes = if wide == Wide::None { ascii } else { ascii.union(ByteSet::WIDE) };
        let apart = !bytes.meets(then.set);
        let most = repeat.max.unwrap_or(u32::MAX);
        if repeat.greedy || apart {
            let final_end = apart || then.sure || repeat.max == Some(repeat.min);
            let span = self.span(class, repeat.min, most, then);
            let step = self.new_step(span, slots, tail);
            self.leaves_frames(!final_end);
            return self.push(if final_end { Op::Span(step) } else { Op::Greedy(step) }).map(|_| ());
        }
        // As few as there must be.
        if then.sure {
            let span = self.span(class, repeat.min, repeat.min, then);
            let step = self.new_step(span, slots, tail);
            return self.push(if repeat.min > 0 { Op::Span(step) } else { Op::Literal(step) }).map(|_| ());
        }
        let mut slots = slots;
        if repeat.min > 0 {
            let span = self.span(class, repeat.min, repeat.min, then);
            let before = Slots { before: slots.before, after: self.code.nobody() };
            let step = self.new_step(span, before, Tail::default());
            self.push(Op::Span(step))?;
            slots.before = self.code.nobody();
        }
        let span = self.span(class, 0, u32::MAX, then);
        let step = self.new_step(span, slots, tail);
        self.leaves_frames(true);
        self.push(Op::Lazy(step)).map(|_| ())
    }

    /// The number of a span; the same ones are kept once.
    fn span(&mut self, class: &Class, least: u32, most: u32, then: Ahead) -> u32 {
        let key = (least, most, then.end, then.set, class.clone());
        if let Some(known) = self.known_spans.iter().position(|known| *known == key) {
            return known as u32;
        }
        self.known_spans.push(key);
        let (ascii, wide) = class.bytes();
        // What a run takes without decoding.
        let plain = if wide == Wide::All { ascii.union(ByteSet::WIDE) } else { ascii };
        self.code.spans.push(Span {
            set: Set::new(class),
            run: Run::new(plain),
            least,
            most,
            simple: wide == Wide::None || least <= 1 && most == u32::MAX,
            follow: table(then),
            skip: Run::new(plain.intersection(then.set.negated())),
        });
        self.code.spans.len() as u32 - 1
    }

    /// Whether a condition is met because of what was taken before it.
    pub(super) fn holds_already(&self, node: &Node, next: Option<&Node>) -> bool {
        match node {
            Node::Assert(Assertion::Before { set, .. }) => {
                self.behind != ByteSet::FULL && !self.behind.meets(set.negated())
            }
            // The beginning of a word, after what is in no word.
            Node::Assert(Assertion::Word { negative: false, ascii: false }) => {
                !self.behind.meets(word_bytes()) && next.is_some_and(takes_word)
            }
            _ => false,
        }
    }
}

/// Whether a run takes all of a word that there is, so that what is asked after it only says that there is no more of it.
fn ends_itself(repeat: &Repeat, end: &Node, then: Ahead) -> bool {
    let Node::Assert(Assertion::Word { negative: false, ascii }) = end else { return false };
    let Node::Class(class) = &repeat.node else { return false };
    if !repeat.greedy || repeat.min == 0 || repeat.max.is_some() {
        return false;
    }
    let (bytes, wide) = class.bytes();
    let ascii_word = wide == Wide::None && !bytes.meets(word_bytes().negated());
    // Whatever can follow is in no word.
    let apart = !then.set.meets(word_bytes());
    !ascii && class == unicode::word() || ascii_word && apart
}

/// Whether operations would be slower than an automaton.
fn is_worth_it(node: &Node) -> bool {
    match node {
        Node::Repeat(repeat) => !matches!(repeat.node, Node::Class(_)) || !repeat.greedy && repeat.max.is_some(),
        Node::Alternate(_) => true,
        Node::Concat(nodes) => nodes.iter().any(|node| match node {
            Node::Class(class) => class.single().is_none(),
            Node::Repeat(_) | Node::Alternate(_) => true,
            _ => false,
        }),
        _ => false,
    }
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
        Node::Alternate(nodes) => nodes.iter().all(takes_word),
        Node::Group(_, node) | Node::Atomic(node) => takes_word(node),
        _ => false,
    }
}

/// As a table; 256 is the end of the text.
pub(super) fn table(ahead: Ahead) -> [bool; 257] {
    ahead.set.table_with(ahead.end)
}
