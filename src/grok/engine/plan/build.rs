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
    let steps = vec![Step::Fail, Step::GiveUp];
    let mut builder = Builder { code, steps, known: vec![FAIL; code.ops.len()], open: Vec::new() };
    let first = builder.at(0);
    while let Some(place) = builder.open.pop() {
        let step = builder.step(place as usize);
        builder.steps[builder.known[place as usize] as usize] = step;
    }
    let Builder { mut steps, .. } = builder;
    shorten_ways(&mut steps);
    let gives_up = matches!(steps[first as usize], Step::GiveUp);
    (!gives_up).then_some(Plan {
        steps,
        first,
        #[cfg(target_arch = "x86_64")]
        wide: super::super::scan::Wide::new(),
    })
}

/// Lets one switch lead to where the next one would for the same byte.
fn shorten_ways(steps: &mut [Step]) {
    for index in 0..steps.len() {
        let Step::Switch(switch) = &steps[index] else { continue };
        let mut table = switch.table;
        for (byte, target) in table.iter_mut().enumerate() {
            while *target < SEVERAL
                && let Step::Switch(further) = &steps[usize::from(*target)]
                && further.table[byte] < SEVERAL
            {
                *target = further.table[byte];
            }
        }
        if let Step::Switch(switch) = &mut steps[index] {
            switch.table = table;
        }
    }
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
                    // Nothing, which is captured.
                    return self.run(step, None, after).unwrap_or(Step::GiveUp);
                }
                Step::Literal(Box::new(Literal { tail: step.tail, next: self.at(after) }))
            }
            Op::Span(step) => {
                let step = &code.steps[step as usize];
                self.run(step, Some(&code.spans[step.index as usize]), after).unwrap_or(Step::GiveUp)
            }
            Op::Greedy(step) | Op::Lazy(step) => {
                let lazy = matches!(code.ops[place], Op::Lazy(_));
                self.several(&code.steps[step as usize], after, lazy).unwrap_or(Step::GiveUp)
            }
            Op::Lead(step) => self.lead(&code.steps[step as usize], after).unwrap_or(Step::GiveUp),
            Op::Token(step) => self.token(&code.steps[step as usize], after),
            Op::Fork { fork, exit } => {
                let program::Fork { table, greedy, clear } = code.forks[fork as usize];
                let (body, exit) = (self.at(after), self.at(exit));
                let both = if greedy { vec![body, exit] } else { vec![exit, body] };
                let targets = [FAIL as u16, body as u16, exit as u16, SEVERAL];
                let table = table.map(|which| targets[usize::from(which)]);
                Step::Switch(Box::new(Switch { table, lists: vec![both], clear }))
            }
            Op::Choice(choice) => {
                let choice = &code.choices[choice as usize];
                let mut list = |list: &Vec<Place>| list.iter().map(|place| self.at(*place)).collect();
                let lists: Vec<Vec<Place>> = choice.lists.iter().map(&mut list).collect();
                let target = |list: u8| match lists[usize::from(list)].as_slice() {
                    [] => FAIL as u16,
                    [only] => *only as u16,
                    _ => SEVERAL | u16::from(list),
                };
                Step::Switch(Box::new(Switch { table: choice.table.map(target), lists, clear: choice.clear }))
            }
            Op::Set(set) => {
                let set = code.sets[set as usize].clone();
                if set.wide == Wide::None {
                    let table = std::array::from_fn(|byte| set.table.get(byte) == Some(&1));
                    return Step::Byte(Box::new(Side { table, next: self.at(after) }));
                }
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
            Op::Assert(assertion) => {
                let assertion = code.assertions[assertion as usize];
                Step::Assert(Box::new(Condition { assertion, next: self.at(after) }))
            }
            Op::Before(side) => Step::Before(Box::new(Side { table: code.sides[side as usize], next: self.at(after) })),
            Op::After(side) => Step::After(Box::new(Side { table: code.sides[side as usize], next: self.at(after) })),
            _ => Step::GiveUp,
        }
    }

    /// A run of characters that is never given back, or of nothing.
    fn run(&mut self, step: &program::Step, span: Option<&program::Span>, after: Place) -> Option<Step> {
        let code = self.code;
        let (least, most) = span.map_or((0, 0), |span| (span.least, span.most));
        let group = self.group(step.after);
        let made = match span {
            // The one that a lazy run has to have.
            Some(span) if (least, most) == (1, 1) && group == NOBODY && step.tail.is_empty() => {
                Step::Set(Box::new(One { set: span.set.clone(), next: self.at(after) }))
            }
            Some(span) if most != u32::MAX => Step::Bounded(Box::new(self.span(step, span, after)?)),
            _ => {
                let bytes = match span {
                    Some(span) => bytes_of(span)?,
                    None => Bytes::new(ByteSet::EMPTY)?,
                };
                let (next, tail) = (self.at(after), step.tail);
                let more = most - least;
                Step::Run(Box::new(Run { bytes, tail, least, more, group, next, otherwise: FAIL }))
            }
        };
        if step.before == code.nobody() || group != NOBODY {
            return Some(made);
        }
        // It begins here and ends elsewhere.
        let group = u8::try_from(step.before / 2).ok()?;
        Some(Step::Begin(Mark { group, next: self.push(made) }))
    }

    fn span(&mut self, step: &program::Step, span: &program::Span, after: Place) -> Option<Span> {
        let bytes = bytes_of(span)?;
        Some(Span {
            all: bytes.clone(),
            bytes,
            tail: step.tail,
            least: span.least,
            most: span.most,
            group: self.group(step.after),
            begun: step.before == self.code.nobody(),
            next: self.at(after),
            again: FAIL,
            clear: step.clear,
            follow: span.follow,
        })
    }

    /// A run that may be shorter, or a lazy one that may be longer.
    fn several(&mut self, step: &program::Step, after: Place, lazy: bool) -> Option<Step> {
        let span = &self.code.spans[step.index as usize];
        let mut made = self.span(step, span, after)?;
        if lazy {
            made.bytes = Bytes::new(span.skip.set())?;
        } else if made.begun && made.group != NOBODY {
            return None;
        }
        made.again = self.push(Step::Fail);
        let (again, made) = (made.again, Arc::new(made));
        let (now, later) = match lazy {
            true => (Step::Lazy(Arc::clone(&made)), Step::Longer(made)),
            false => (Step::Greedy(Arc::clone(&made)), Step::Shorter(made)),
        };
        self.steps[again as usize] = later;
        Some(now)
    }

    fn lead(&mut self, step: &program::Step, after: Place) -> Option<Step> {
        let parts = self.code.dfas[step.index as usize].lead_parts(step.literal_tells)?;
        let (bytes, tail, group) = (Bytes::new(parts.run)?, step.tail, self.group(step.after));
        let most = u32::try_from(parts.most).unwrap_or(u32::MAX);
        let (next, otherwise) = (self.at(step.next), self.at(after));
        if parts.quotes.is_none() && parts.heads.is_none() && parts.ends.is_none() {
            return Some(Step::Run(Box::new(Run { bytes, tail, least: 1, more: most - 1, group, next, otherwise })));
        }
        let (heads, ends) = (parts.heads.unwrap_or(parts.run), parts.ends.unwrap_or([true; 257]));
        let quotes = parts.quotes;
        Some(Step::Lead(Box::new(Lead { bytes, tail, most, group, next, otherwise, quotes, heads, ends })))
    }

    fn token(&mut self, step: &program::Step, after: Place) -> Step {
        let dfa = &self.code.dfas[step.index as usize];
        let Dfa { doubts, several, .. } = *dfa;
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
            usual: dfa.usual(step.led),
            next: self.at(step.next),
            by_hand,
            clear: step.clear,
        }))
    }
}

/// The bytes of a span, if its characters need not be counted and a byte decides.
fn bytes_of(span: &program::Span) -> Option<Bytes> {
    if span.simple && span.set.wide != Wide::Some { Bytes::new(span.run.set()) } else { None }
}
