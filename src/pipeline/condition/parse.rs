//! From the text of a condition to its tree: a hand-written descent, one function a level of precedence.

mod primary;

use std::cmp::Ordering;

use super::compute::{Kind, Operator};
use super::method::{Known, METHODS};
use super::tokens::{Parsed, Tokens};
use super::{ConditionError, Expr};
use crate::event::Value;
use crate::pipeline::regex::Regex;
use crate::yaml::nearest;

/// How deep parentheses, negations and the like may be nested.
const MAX_DEPTH: usize = 64;
/// How many parts a condition may have.
const MAX_PARTS: usize = 2000;
const KNOWN: &str =
    "known: ctx fields, literals, == != < <= > >= =~ ==~ instanceof && || ! ? : + - * / %, methods, ( )";

pub(super) fn parse(text: &str) -> Parsed<Expr> {
    let mut parser = Parser { tokens: Tokens::new(text), depth: 0, parts: 0 };
    parser.tokens.take_word("return");
    let expr = parser.choice()?;
    parser.tokens.blanks();
    let end = parser.tokens.at;
    let statement = parser.take(";");
    parser.tokens.blanks();
    match parser.tokens.peek() {
        None => Ok(expr),
        Some(_) if statement => {
            let hint = "a condition is one expression, without ;";
            Err(parser.tokens.error_at(end, "a script of several statements", hint))
        }
        Some(c) => {
            let word = parser.tokens.word();
            let (what, hint) = match in_words(&word) {
                Some(hint) => (format!("unexpected {word:?}"), hint),
                None => (format!("unexpected {c:?}"), KNOWN),
            };
            Err(parser.tokens.error_at(end, &what, hint))
        }
    }
}

/// What is written here for an operator that other languages have as a word.
fn in_words(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "and" => "write && for and",
        "or" => "write || for or",
        "not" => "write ! for not",
        "in" => "write ['a', 'b'].contains(ctx.field)",
        "is" | "eq" | "equals" => "== compares",
        "ne" => "!= compares",
        "matches" | "like" => "write ctx.field =~ /pattern/",
        "contains" => "write ctx.field.contains('part')",
        _ => return None,
    })
}

struct Parser {
    tokens: Tokens,
    depth: usize,
    parts: usize,
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

impl Parser {
    fn error(&self, what: &str, hint: &str) -> ConditionError {
        self.tokens.error(what, hint)
    }

    fn take(&mut self, token: &str) -> bool {
        self.tokens.take(token)
    }

    /// Runs one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply", ""));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Counts a part, which bounds how deep a tree of equal rank can be.
    fn part(&mut self) -> Parsed<()> {
        self.parts += 1;
        if self.parts > MAX_PARTS { Err(self.error("a condition of too many parts", "split it")) } else { Ok(()) }
    }

    /// `a ? b : c` and `a ?: b`.
    fn choice(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            let test = parser.any()?;
            if parser.take("?:") {
                let other = boxed(parser.choice()?);
                return Ok(Expr::Else { of: boxed(test), other });
            }
            if !parser.take("?") {
                return Ok(test);
            }
            let yes = boxed(parser.choice()?);
            if !parser.take(":") {
                return Err(parser.error("a ? without its :", ""));
            }
            Ok(Expr::Choose { test: boxed(test), yes, no: boxed(parser.choice()?) })
        })
    }

    fn any(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) })
    }

    fn all(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.equality()?];
        while self.take("&&") {
            parts.push(self.equality()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::All(parts) })
    }

    fn equality(&mut self) -> Parsed<Expr> {
        let mut left = self.relation()?;
        loop {
            let negated = match () {
                () if self.take("==~") => {
                    left = self.matches(left, true)?;
                    continue;
                }
                () if self.take("=~") => {
                    left = self.matches(left, false)?;
                    continue;
                }
                () if self.take("===") || self.take("==") => false,
                () if self.take("!==") || self.take("!=") => true,
                () => {
                    self.tokens.blanks();
                    if self.tokens.peek() == Some('=') {
                        return Err(self.error("a single =", "== compares"));
                    }
                    return Ok(left);
                }
            };
            self.part()?;
            left = Expr::Equal { left: boxed(left), right: boxed(self.relation()?), negated };
        }
    }

    fn matches(&mut self, of: Expr, whole: bool) -> Parsed<Expr> {
        self.part()?;
        self.tokens.blanks();
        let start = self.tokens.at;
        if self.tokens.peek() != Some('/') {
            return Err(self.error("a regular expression is expected", "write it between slashes: /^a.*/"));
        }
        let (pattern, flags) = self.tokens.regex()?;
        if let Some(flag) = flags.chars().find(|c| !"imsx".contains(*c)) {
            return Err(self.tokens.error_at(start, &format!("the flag {flag:?} is not supported"), "known: i m s x"));
        }
        let pattern = if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") };
        let regex = if whole { Regex::compile_whole(&pattern) } else { Regex::compile(&pattern) };
        match regex {
            Ok(regex) => Ok(Expr::Matches { of: boxed(of), regex: Box::new(regex) }),
            Err(cause) => Err(self.tokens.error_at(start, &format!("no regular expression: {cause}"), "")),
        }
    }

    fn relation(&mut self) -> Parsed<Expr> {
        let mut left = self.sum()?;
        loop {
            let orders: &'static [Ordering] = match () {
                () if self.take("<=") => &[Ordering::Less, Ordering::Equal],
                () if self.take(">=") => &[Ordering::Greater, Ordering::Equal],
                () if self.take("<") => &[Ordering::Less],
                () if self.take(">") => &[Ordering::Greater],
                () if self.tokens.take_word("instanceof") => {
                    self.part()?;
                    let kind = self.kind()?;
                    left = Expr::Is { of: boxed(left), kind };
                    continue;
                }
                () => return Ok(left),
            };
            self.part()?;
            left = Expr::Order { left: boxed(left), right: boxed(self.sum()?), orders };
        }
    }

    fn kind(&mut self) -> Parsed<Kind> {
        self.tokens.blanks();
        let start = self.tokens.at;
        let name = self.tokens.word();
        Kind::named(&name).ok_or_else(|| {
            let known = "known: String, List, Map, Number, Integer, Long, Float, Double, Boolean, Object";
            self.tokens.error_at(start, &format!("the type {name:?} is not known"), known)
        })
    }

    fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let operator = match () {
                () if self.take("+") => Operator::Add,
                () if self.take("-") => Operator::Subtract,
                () => return Ok(left),
            };
            self.part()?;
            left = Expr::Compute { operator, left: boxed(left), right: boxed(self.product()?) };
        }
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match () {
                () if self.take("*") => Operator::Multiply,
                () if self.take("/") => Operator::Divide,
                () if self.take("%") => Operator::Remainder,
                () => return Ok(left),
            };
            self.part()?;
            left = Expr::Compute { operator, left: boxed(left), right: boxed(self.unary()?) };
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.tokens.blanks();
        match (self.tokens.peek(), self.tokens.peek_at(1)) {
            (Some('!'), next) if next != Some('=') => {
                self.tokens.at += 1;
                Ok(Expr::Not(boxed(self.deeper(Self::unary)?)))
            }
            (Some('-'), _) => {
                self.tokens.at += 1;
                let (operator, zero) = (Operator::Subtract, boxed(Expr::Literal(Value::Int(0))));
                match self.deeper(Self::unary)? {
                    Expr::Literal(Value::Int(number)) => Ok(Expr::Literal(Value::Int(-number))),
                    Expr::Literal(Value::Float(number)) => Ok(Expr::Literal(Value::Float(-number))),
                    expr => Ok(Expr::Compute { operator, left: zero, right: boxed(expr) }),
                }
            }
            (Some('('), _) => match self.cast() {
                Some(to) => Ok(Expr::Cast { of: boxed(self.deeper(Self::unary)?), to }),
                None => self.postfix(),
            },
            _ => self.postfix(),
        }
    }

    /// `(int)`, if that comes next.
    fn cast(&mut self) -> Option<Kind> {
        let start = self.tokens.at;
        self.tokens.at += 1;
        self.tokens.blanks();
        let kind = Kind::named(&self.tokens.word());
        if kind.is_some() && self.take(")") {
            return kind;
        }
        self.tokens.at = start;
        None
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let mut of = self.primary()?;
        loop {
            let start = self.tokens.at;
            if self.take("?:") {
                self.tokens.at = start;
                return Ok(of);
            }
            if self.take("?.") || self.take(".") {
                self.part()?;
                self.tokens.blanks();
                let at = self.tokens.at;
                let name = self.tokens.word();
                if name.is_empty() {
                    return Err(self.error("a name is expected after the dot", ""));
                }
                of = match self.take("(") {
                    true => self.call(of, &name, at)?,
                    false => Expr::Member { of: boxed(of), name },
                };
            } else if self.take("[") {
                self.part()?;
                let at = boxed(self.choice()?);
                if !self.take("]") {
                    return Err(self.error("a [ without its ]", ""));
                }
                of = Expr::Index { of: boxed(of), at };
            } else {
                return Ok(of);
            }
        }
    }

    fn call(&mut self, of: Expr, name: &str, at: usize) -> Parsed<Expr> {
        let Some(known) = METHODS.iter().find(|known| known.name == name) else {
            let names = METHODS.iter().map(|known| known.name);
            let hint = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("supported: {}", names.collect::<Vec<_>>().join(", ")),
            };
            return Err(self.tokens.error_at(at, &format!("the method {name:?} is not supported"), &hint));
        };
        let arguments = self.arguments(known, at)?;
        Ok(Expr::Call { of: boxed(of), method: known.method, arguments })
    }

    /// The arguments of a call, whose parenthesis is open.
    fn arguments(&mut self, known: &Known, at: usize) -> Parsed<Vec<Expr>> {
        let arguments = self.items(")", "a ( without its )")?;
        let (least, most) = known.arguments;
        if !(least..=most).contains(&arguments.len()) {
            let what = format!("{} has {} arguments, where {least} is expected", known.name, arguments.len());
            return Err(self.tokens.error_at(at, &what, ""));
        }
        Ok(arguments)
    }

    fn items(&mut self, end: &str, unclosed: &str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        if self.take(end) {
            return Ok(items);
        }
        loop {
            items.push(self.choice()?);
            if self.take(end) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(self.error(unclosed, ""));
            }
        }
    }
}
