//! From the text of a condition to its tree: a hand-written descent, one function a level of precedence.

use std::cmp::Ordering;

use super::{ConditionError, Expr, Method, Operand};
use crate::event::{Path, Value};

/// How deep parentheses and negations may be nested.
const MAX_DEPTH: usize = 64;
const KNOWN: &str = "known: ctx fields, literals, == != < <= > >= && || ! ( ), .contains(), .startsWith(), .endsWith()";

type Parsed<T> = Result<T, ConditionError>;

pub(super) fn parse(text: &str) -> Parsed<Expr> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, depth: 0 };
    let expr = parser.any()?;
    parser.blanks();
    match parser.peek() {
        None => Ok(expr),
        Some(';') => Err(parser.error("a script of several statements", "a condition is one expression, without ;")),
        Some('?') => Err(parser.error("?: is not supported", "write it with && and ||")),
        Some(c) => Err(parser.error(&format!("unexpected {c:?}"), KNOWN)),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes `token` if it comes next, blanks passed over.
    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let fits = token.chars().enumerate().all(|(index, c)| self.chars.get(self.at + index) == Some(&c));
        if fits {
            self.at += token.chars().count();
        }
        fits
    }

    fn error(&self, what: &str, hint: &str) -> ConditionError {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        ConditionError { at: self.at, what: what.to_owned(), hint }
    }

    fn any(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) })
    }

    fn all(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.not()?];
        while self.take("&&") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::All(parts) })
    }

    fn not(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("nested too deeply", ""));
        }
        self.blanks();
        let expr = if self.peek() == Some('!') && self.chars.get(self.at + 1) != Some(&'=') {
            self.at += 1;
            Expr::Not(Box::new(self.not()?))
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err(self.error("a ( without its )", ""));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let (left, method) = self.operand()?;
        if let Some((method, what)) = method {
            let ask = Expr::Ask { of: left, method, what };
            // `x.contains('a') == false` is how some write a negation.
            return Ok(match (self.equality(), self.take("true"), self.take("false")) {
                (None, ..) => ask,
                (Some(negated), true, _) => {
                    if negated {
                        Expr::Not(Box::new(ask))
                    } else {
                        ask
                    }
                }
                (Some(negated), false, true) => {
                    if negated {
                        ask
                    } else {
                        Expr::Not(Box::new(ask))
                    }
                }
                _ => return Err(self.error("what is asked is compared with something else than true or false", "")),
            });
        }
        if let Some(negated) = self.equality() {
            let right = self.plain_operand()?;
            return Ok(Expr::Equal { left, right, negated });
        }
        let orders: &[Ordering] = match () {
            () if self.take("<=") => &[Ordering::Less, Ordering::Equal],
            () if self.take(">=") => &[Ordering::Greater, Ordering::Equal],
            () if self.take("<") => &[Ordering::Less],
            () if self.take(">") => &[Ordering::Greater],
            () => {
                self.blanks();
                if self.peek() == Some('=') {
                    return Err(self.error("a single =", "== compares"));
                }
                return Ok(Expr::True(left));
            }
        };
        let right = self.plain_operand()?;
        Ok(Expr::Order { left, right, orders })
    }

    /// `==` or `!=`, also in Painless's forms for identity.
    fn equality(&mut self) -> Option<bool> {
        if self.take("===") || self.take("==") {
            Some(false)
        } else if self.take("!==") || self.take("!=") {
            Some(true)
        } else {
            None
        }
    }

    fn plain_operand(&mut self) -> Parsed<Operand> {
        match self.operand()? {
            (operand, None) => Ok(operand),
            _ => Err(self.error("a method on the right of a comparison", "put it on the left")),
        }
    }

    fn operand(&mut self) -> Parsed<(Operand, Option<(Method, Operand)>)> {
        self.blanks();
        let start = self.at;
        match self.peek() {
            None => Err(self.error("the condition ends where a value is expected", "")),
            Some('\'' | '"') => {
                let text = self.string()?;
                self.literal_with_method(Value::String(text.into()))
            }
            Some('[') => {
                let list = self.list()?;
                self.literal_with_method(Value::Array(list))
            }
            Some(c) if c.is_ascii_digit() || c == '-' => Ok((Operand::Literal(self.number()?), None)),
            Some(c) if c.is_alphabetic() || c == '_' => match self.word().as_str() {
                "true" => Ok((Operand::Literal(Value::Bool(true)), None)),
                "false" => Ok((Operand::Literal(Value::Bool(false)), None)),
                "null" => Ok((Operand::Literal(Value::Null), None)),
                "ctx" => self.field(),
                word => {
                    let what = format!("{word:?} is not known here");
                    self.at = start;
                    Err(self.error(&what, "fields begin with ctx, as in ctx.status"))
                }
            },
            Some(c) => Err(self.error(&format!("unexpected {c:?} where a value is expected"), KNOWN)),
        }
    }

    fn literal_with_method(&mut self, value: Value<'static>) -> Parsed<(Operand, Option<(Method, Operand)>)> {
        self.blanks();
        if self.peek() != Some('.') {
            return Ok((Operand::Literal(value), None));
        }
        self.at += 1;
        let name = self.word();
        let ask = self.method(&name)?;
        Ok((Operand::Literal(value), Some(ask)))
    }

    fn field(&mut self) -> Parsed<(Operand, Option<(Method, Operand)>)> {
        let mut names: Vec<String> = Vec::new();
        let start = self.at;
        loop {
            if self.take("?.") || self.take(".") {
                self.blanks();
                let name = self.word();
                if name.is_empty() {
                    return Err(self.error("a name is expected after the dot", ""));
                }
                self.blanks();
                if self.peek() == Some('(') {
                    let ask = self.method(&name)?;
                    return Ok((Operand::Field(self.path(&names, start)?), Some(ask)));
                }
                names.push(name);
            } else if self.take("[") {
                self.blanks();
                match self.peek() {
                    Some('\'' | '"') => names.push(self.string()?),
                    Some(c) if c.is_ascii_digit() => names.push(self.word()),
                    _ => return Err(self.error("a name in quotes or an index is expected after [", "")),
                }
                if !self.take("]") {
                    return Err(self.error("a [ without its ]", ""));
                }
            } else {
                return Ok((Operand::Field(self.path(&names, start)?), None));
            }
        }
    }

    fn path(&self, names: &[String], at: usize) -> Parsed<Path> {
        let error = |what: String| ConditionError { at, what, hint: Some("fields are written ctx.name".into()) };
        Path::from_segments(names.iter().map(String::as_str)).map_err(|cause| error(cause.to_string()))
    }

    fn method(&mut self, name: &str) -> Parsed<(Method, Operand)> {
        let method = match name {
            "contains" => Method::Contains,
            "startsWith" => Method::StartsWith,
            "endsWith" => Method::EndsWith,
            _ => {
                let what = format!("the method {name:?} is not supported");
                return Err(self.error(&what, "supported: contains, startsWith, endsWith"));
            }
        };
        if !self.take("(") {
            return Err(self.error(&format!("{name} needs an argument in parentheses"), ""));
        }
        let what = self.plain_operand()?;
        if !self.take(")") {
            return Err(self.error("a ( without its )", ""));
        }
        Ok((method, what))
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '@') {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => {
                    self.at = start;
                    return Err(self.error("a string without its closing quote", ""));
                }
                c if c == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                Some('\\') => {
                    self.at += 1;
                    text.push(match self.peek() {
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        Some(c @ ('\\' | '\'' | '"')) => c,
                        _ => return Err(self.error("an unknown escape in a string", r#"known: \\ \' \" \n \r \t"#)),
                    });
                    self.at += 1;
                }
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn list(&mut self) -> Parsed<Vec<Value<'static>>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(items);
        }
        loop {
            match self.plain_operand()? {
                Operand::Literal(Value::Array(_)) => return Err(self.error("a list within a list", "")),
                Operand::Literal(value) => items.push(value),
                Operand::Field(_) => return Err(self.error("a field within a list", "lists take literals only")),
            }
            if self.take("]") {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(self.error("a [ without its ]", ""));
            }
        }
    }

    fn number(&mut self) -> Parsed<Value<'static>> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some('-'));
        while self.peek().is_some_and(|c| c.is_ascii_digit() || c == '.') {
            self.at += 1;
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        self.at += usize::from(self.peek().is_some_and(|c| "lLfFdD".contains(c)));
        let value = match digits.parse() {
            Ok(whole) => Some(Value::Int(whole)),
            Err(_) => digits.parse().ok().map(Value::Float),
        };
        let ended = self.peek().is_none_or(|c| !c.is_alphanumeric());
        value.filter(|_| ended).ok_or_else(|| {
            self.at = start;
            self.error("not a number", "")
        })
    }
}
