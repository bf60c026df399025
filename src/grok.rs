//! Grok: named pieces of regular expressions that take a line apart into typed fields.
//!
//! [`Patterns`] are the definitions that expressions may refer to: one of the two shipped sets, and definitions of one's
//! own. [`Grok::compile`] makes one or more expressions ready to match, with every fault told at its place.
//! [`Grok::search`] says what became of one text: a [`Match`], no match, or one of two ends that are neither: the
//! engine's budget used up, the engine failed.
//!
//! Meaning is that of the grok of Elasticsearch or of Logstash, by [`Dialect`]; where they differ is in the documentation
//! (`docs/grok.md`). This room imports nothing else of the project, so that it could become a crate of its own.

mod blame;
mod circles;
mod definitions;
pub mod engine;
mod expand;
mod explain;
mod fault;
mod lint;
mod matcher;
mod options;
mod outcome;
mod patterns;
mod reference;
mod sets;
mod unused;
mod value;

pub use explain::{Explainer, Explanation, Level};
pub use fault::{Fault, Place, quoted};
pub use lint::{Finding, Growth, lint};
pub use matcher::Scratch;
pub use options::{Dialect, Options, Order};
pub use outcome::{Capture, Match, Outcome, Unparsable, Values};
pub use patterns::{DefinitionFault, Patterns};
pub use sets::Set;
pub use unused::unused;
pub use value::{Type, Value};

use std::collections::HashSet;

use expand::{Expanded, expand};
use matcher::{Matcher, Searched, Slot, Start};

/// A field that an expression captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as it was written.
    pub name: String,
    /// The objects on the way to the value, outermost first, and its own name.
    pub path: Vec<String>,
    /// What the capture is converted to.
    pub kind: Type,
}

impl Field {
    /// The path, joined by dots.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

/// One or more expressions, ready to match.
#[derive(Debug)]
pub struct Grok {
    expressions: Vec<Expression>,
    /// Which of them a text can match.
    set: engine::Set,
    warnings: Vec<Fault>,
    untyped: Vec<Fault>,
    options: Options,
}

/// Expressions of which some are wrong: all that there is to say of them, so that it can be mended in one go.
#[derive(Debug, Default)]
pub struct Refused {
    /// What is wrong; there is one at least.
    pub faults: Vec<Fault>,
    /// As [`Grok::warnings`], those of expressions that are wrong included.
    pub warnings: Vec<Fault>,
    /// As [`Grok::untyped`].
    pub untyped: Vec<Fault>,
    /// Of each expression the fields, as far as it could be expanded.
    pub fields: Vec<Vec<Field>>,
}

#[derive(Debug)]
struct Expression {
    matcher: Matcher,
    /// By the number of the group in the expanded expression.
    fields: Vec<Field>,
    /// The same, as a match reads them.
    groups: Vec<Group>,
    /// Those of which not every capture can be converted.
    may_fail: Vec<usize>,
    /// The expression without references.
    regex: String,
    /// What of it is of the shipped set.
    shipped: Vec<(usize, usize)>,
}

/// What a match has to know of a field.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// Where its capture is; no slot is that far for a group that there is not.
    slot: usize,
    kind: Type,
    /// The first of the same path.
    first: usize,
    /// There are several of the same path.
    repeated: bool,
    /// It is the only one of its path, and what it captures stays as it is.
    is_plain: bool,
}

impl Grok {
    /// Makes expressions ready to match.
    ///
    /// # Errors
    /// Every fault of every expression, and circles among one's own definitions, used or not.
    pub fn compile(expressions: &[&str], patterns: &Patterns, options: Options) -> Result<Self, Refused> {
        let (compiled, told) = gather(expressions, patterns, options);
        if !told.faults.is_empty() {
            return Err(told);
        }
        let Refused { warnings, untyped, .. } = told;
        let set = engine::Set::new(compiled.iter().map(|expression| expression.matcher.own()));
        Ok(Self { expressions: compiled, set, warnings, untyped, options })
    }

    /// What is not wrong, yet most probably not meant.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Types that there are not, each of a definition once. Such a capture stays a text.
    pub fn untyped(&self) -> &[Fault] {
        &self.untyped
    }

    /// How many expressions there are.
    pub fn len(&self) -> usize {
        self.expressions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// The fields of an expression, in the order of their groups; a repeated one is there more than once.
    pub fn fields(&self, expression: usize) -> &[Field] {
        self.expressions.get(expression).map_or(&[], |expression| &expression.fields)
    }

    /// An expression as one regular expression: its references expanded, its captures named by number.
    pub fn regex(&self, expression: usize) -> &str {
        self.expressions.get(expression).map_or("", |expression| &expression.regex)
    }

    /// Why an expression is left to the general engine; `None` if it is not.
    pub fn fallback(&self, expression: usize) -> Option<&str> {
        self.expressions.get(expression).and_then(|expression| expression.matcher.fallback())
    }

    /// What of an expression can take long in engines that try one way after the other.
    pub fn findings(&self, expression: usize) -> Vec<Finding> {
        self.expressions.get(expression).map_or(Vec::new(), |one| lint::of_regex(&one.regex, &one.fields, &one.shipped))
    }

    /// Searches a text. `scratch` is memory to be used again; it may have served any other expression before.
    pub fn search<'m, 't>(&'m self, text: &'t str, scratch: &'m mut Scratch) -> Outcome<'m, 't> {
        let Scratch { slots, best, candidates, memory } = scratch;
        // Where there is no choice the captures are where they are told from at once.
        if let [only] = self.expressions.as_slice() {
            return match only.matcher.search(text, None, memory, best) {
                Searched::At(_) => self.matched(0, text, best),
                Searched::Nowhere => Outcome::NoMatch,
                Searched::Exhausted => Outcome::Exhausted { expression: 0 },
                Searched::Failed(what) => Outcome::Failed { expression: 0, what },
            };
        }
        let mut found: Option<(usize, Start)> = None;
        for number in self.set.candidates(text, candidates) {
            let before = found.map(|(_, start)| start);
            match self.expressions[number].matcher.search(text, before, memory, slots) {
                Searched::At(start) => {
                    found = Some((number, start));
                    std::mem::swap(slots, best);
                    if start == 0 || self.options.order == Order::First {
                        break;
                    }
                }
                Searched::Nowhere => {}
                Searched::Exhausted => return Outcome::Exhausted { expression: number },
                Searched::Failed(what) => return Outcome::Failed { expression: number, what },
            }
        }
        match found {
            None => Outcome::NoMatch,
            Some((number, _)) => self.matched(number, text, best),
        }
    }

    fn matched<'m, 't>(&'m self, number: usize, text: &'t str, slots: &'m [Slot]) -> Outcome<'m, 't> {
        let (expression, options) = (&self.expressions[number], self.options);
        Outcome::Match(Match { index: number, text, expression, slots, options })
    }
}

/// Compiles each expression that is right, and gathers what there is to say of all.
fn gather(expressions: &[&str], patterns: &Patterns, options: Options) -> (Vec<Expression>, Refused) {
    let mut memory = blame::Memory::default();
    let mut compiled = Vec::new();
    let mut told = Refused::default();
    let mut circles = HashSet::new();
    for (number, text) in expressions.iter().enumerate() {
        let numbered = |fault: Fault| Fault { expression: number, ..fault };
        // Each expression is told what it leads to, though others lead there too.
        memory.forget_told();
        let expanded = match expand(text, patterns, options) {
            Ok(expanded) => {
                match Matcher::compile(&expanded, options) {
                    Ok(matcher) => compiled.push(Expression::new(matcher, &expanded, options.dialect)),
                    Err(words) => {
                        let faults = blame::blame(text, Some(&words), patterns, options, &mut memory);
                        told.faults.extend(faults.into_iter().map(numbered));
                    }
                }
                expanded
            }
            Err(failed) => {
                let others = match failed.too_large {
                    true => blame::of_itself(text, patterns, options),
                    false => blame::blame(text, None, patterns, options, &mut memory),
                };
                told.faults.extend(failed.told(patterns).into_iter().chain(others).map(numbered));
                circles.extend(failed.circles.into_iter().map(circles::turned));
                failed.so_far
            }
        };
        told.warnings.extend(expanded.warnings.into_iter().map(numbered));
        for fault in expanded.untyped.into_iter().map(numbered) {
            let known = |known: &Fault| known.definition == fault.definition && known.what == fault.what;
            if fault.definition.is_none() || !told.untyped.iter().any(known) {
                told.untyped.push(fault);
            }
        }
        told.fields.push(expanded.fields);
    }
    told.faults.extend(circles::circles(patterns, &circles));
    (compiled, told)
}

impl Expression {
    fn new(matcher: Matcher, expanded: &Expanded, dialect: Dialect) -> Self {
        let fields = expanded.fields.clone();
        let group = |(field, slot): (&Field, &Option<usize>)| {
            let mut of_path = (0..fields.len()).filter(|other| fields[*other].path == field.path);
            let first = of_path.next().unwrap_or_default();
            let (slot, kind, repeated) = (slot.unwrap_or(usize::MAX), field.kind, of_path.next().is_some());
            Group { slot, kind, first, repeated, is_plain: kind == Type::String && !repeated }
        };
        let groups: Vec<Group> = fields.iter().zip(matcher.fields()).map(group).collect();
        let may_fail = (0..fields.len()).filter(|number| fields[*number].kind.may_fail(dialect)).collect();
        let (regex, shipped) = (expanded.regex.clone(), expanded.shipped.clone());
        Self { matcher, fields, groups, may_fail, regex, shipped }
    }
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;
