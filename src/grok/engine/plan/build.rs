//! From the operations of the quick code to steps: each becomes one, but for jumps, which become none.
//!
//! What is seldom needed and long is left to the run, and so is what the walk does not know.

use super::super::bytes::Wide;
use super::super::dfa::Dfa;
use super::super::program::{self, Code, Op};
use super::*;

/// How many steps a plan may have.
const MOST_STEPS: usize = 400;
/// What is done where an automaton cannot decide is in the plan if it is no more operations than this.
const MOST_BY_HAND: u32 = 24;

/// Makes the plan of a code, if its first step is one.
pub(in super::super) fn build(code: &Code) -> Option<Plan> {
    if code.groups as usize > MOST_GROUPS {
        return None;
    }
    let mut builder =
        Builder { code, steps: vec![Step::Fail, Step::GiveUp], known: vec![FAIL; code.ops.len()], open: Vec::new() };
    let first = builder.at(0);
    while let Some(place) = builder.open.pop() {
        let step = builder.step(place as usize);
        builder.steps[builder.known[place as usize] as usize] = step;
    }
    let gives_up = matches!(builder.steps[first as usize], Step::GiveUp);
    (!gives_up).then_some(Plan { steps: builder.steps, first })
}

struct Builder<'c> {
    code: &'c Code,
    steps: Vec<Step>,
    /// The step of each operation, if it has one.
    known: Vec<Place>,
    /// Operations whose steps are still to be made.
    open: Vec<Place>,
}

impl Builder<'_> {
    /// The step of an operation.
    fn at(&mut self, place: Place) -> Place {
        let mut place = place as usize;
        while let Op::Jump(target) = self.code.ops[place] {
            place = target as usize;
        }
        if self.known[place] == FAIL {
            if self.steps.len() >= MOST_STEPS {
                return GIVE_UP;
            }
            self.known[place] = self.push(Step::GiveUp);
            self.open.push(place as Place);
        }
        self.known[place]
    }

    fn push(&mut self, step: Step) -> Place {
        self.steps.push(step);
        self.steps.len() as Place - 1
    }

    /// The group of a slot for a beginning or an end.
    fn group(&self, slot: u32) -> u32 {
        if slot == self.code.nobody() { NOBODY } else { slot / 2 }
    }

    fn step(&mut self, place: usize) -> Step {
        let code = self.code;
        let after = place as Place + 1;
        match code.ops[place] {
            Op::Match => Step::Match,
            Op::Fail => Step::Fail,
            Op::Literal(step) => {
                let step = &code.steps[step as usize];
                if step.before != code.nobody() {
                    // A run of nothing that is captured.
                    return self.span(step, None, after).map_or(Step::GiveUp, |made| Step::Span(Box::new(made)));
                }
                Step::Literal(Box::new(Literal { tail: step.tail, next: self.at(after) }))
            }
            Op::Span(step) | Op::Greedy(step) | Op::Lazy(step) => {
                let step = &code.steps[step as usize];
                let span = &code.spans[step.index as usize];
                let Some(made) = self.span(step, Some(span), after) else { return Step::GiveUp };
                match code.ops[place] {
                    Op::Greedy(_) => self.several(made, span, false),
                    Op::Lazy(_) => self.several(made, span, true),
                    // What begins here and ends elsewhere.
                    _ if self.group(step.before) != NOBODY && made.group == NOBODY => {
                        let Ok(group) = u8::try_from(step.before / 2) else { return Step::GiveUp };
                        Step::Begin(Mark { group, next: self.push(Step::Span(Box::new(made))) })
                    }
                    _ => Step::Span(Box::new(made)),
                }
            }
            Op::Lead(step) => self.lead(&code.steps[step as usize], after).unwrap_or(Step::GiveUp),
            Op::Token(step) => self.token(&code.steps[step as usize], after),
            Op::Fork { fork, exit } => {
                let program::Fork { table, greedy, clear } = code.forks[fork as usize];
                let (body, exit) = (self.at(after), self.at(exit));
                Step::Fork(Box::new(Fork { table, body, exit, greedy, clear }))
            }
            Op::Choice(choice) => {
                let choice = &code.choices[choice as usize];
                let lists =
                    choice.lists.iter().map(|list| list.iter().map(|place| self.at(*place)).collect()).collect();
                Step::Choice(Box::new(Choice { table: choice.table, lists, clear: choice.clear }))
            }
            Op::Set(set) => {
                let set = code.sets[set as usize].clone();
                Step::Set(Box::new(One { set, next: self.at(after) }))
            }
            Op::Mark { slot } | Op::Save { slot } => {
                let anew = matches!(code.ops[place], Op::Save { .. });
                let (Ok(group), true) = (u8::try_from(slot / 2), slot > 1) else { return Step::GiveUp };
                let mark = Mark { group, next: self.at(after) };
                match (slot % 2, anew) {
                    (0, false) => Step::Begin(mark),
                    (0, true) => Step::BeginAnew(mark),
                    (_, false) => Step::End(mark),
                    (_, true) => Step::EndAnew(mark),
                }
            }
            Op::Word { negative, ascii } => Step::Word(Box::new(Word { negative, ascii, next: self.at(after) })),
            Op::Before(side) => Step::Before(Box::new(Side { table: code.sides[side as usize], next: self.at(after) })),
            Op::After(side) => Step::After(Box::new(Side { table: code.sides[side as usize], next: self.at(after) })),
            _ => Step::GiveUp,
        }
    }

    /// A run of characters, or of nothing.
    fn span(&mut self, step: &program::Step, span: Option<&program::Span>, after: Place) -> Option<Span> {
        if span.is_some_and(|span| !span.simple || span.set.wide == Wide::Some) {
            return None;
        }
        Some(Span {
            bytes: span.map_or_else(|| Bytes::new(ByteSet::EMPTY), |span| Bytes::new(span.run.set()))?,
            tail: step.tail,
            least: span.map_or(0, |span| span.least),
            most: span.map_or(0, |span| span.most),
            group: self.group(step.after),
            begun: step.before == self.code.nobody(),
            next: self.at(after),
            again: FAIL,
            clear: step.clear,
            ends: None,
        })
    }

    /// A run that may be shorter, or a lazy one that may be longer.
    fn several(&mut self, mut made: Span, span: &program::Span, lazy: bool) -> Step {
        let skip = if lazy { Bytes::new(span.skip.set()) } else { Some(made.bytes.clone()) };
        let Some(bytes) = skip.filter(|_| lazy || !made.begun || made.group == NOBODY) else { return Step::GiveUp };
        let all = std::mem::replace(&mut made.bytes, bytes);
        made.ends = Some(Box::new(Ends { follow: span.follow, all }));
        made.again = self.push(Step::Fail);
        let (again, made) = (made.again, Arc::new(made));
        let (now, later) = match lazy {
            true => (Step::Lazy(Arc::clone(&made)), Step::Longer(made)),
            false => (Step::Greedy(Arc::clone(&made)), Step::Shorter(made)),
        };
        self.steps[again as usize] = later;
        now
    }

    fn lead(&mut self, step: &program::Step, after: Place) -> Option<Step> {
        let dfa = &self.code.dfas[step.index as usize];
        let parts = dfa.lead_parts(step.literal_tells)?;
        let bytes = Bytes::new(parts.run)?;
        let more = (parts.quotes.is_some() || parts.heads.is_some() || parts.ends.is_some()).then(|| {
            let (heads, ends) = (parts.heads.unwrap_or(parts.run), parts.ends.unwrap_or([true; 257]));
            Box::new(More { quotes: parts.quotes, heads, ends })
        });
        Some(Step::Lead(Box::new(Lead {
            bytes,
            tail: step.tail,
            most: u32::try_from(parts.most).unwrap_or(u32::MAX),
            group: self.group(step.after),
            next: self.at(step.next),
            otherwise: self.at(after),
            more,
        })))
    }

    fn token(&mut self, step: &program::Step, after: Place) -> Step {
        let Dfa { doubts, several, .. } = self.code.dfas[step.index as usize];
        let long = step.next - after > MOST_BY_HAND;
        let by_hand = match (doubts || several, long) {
            (false, _) => FAIL,
            (true, true) => GIVE_UP,
            (true, false) => self.at(after),
        };
        Step::Token(Box::new(Token {
            dfa: step.index,
            tail: step.tail,
            group: self.group(step.after),
            leads: !step.led,
            next: self.at(step.next),
            by_hand,
            clear: step.clear,
        }))
    }
}
