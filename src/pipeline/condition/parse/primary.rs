//! The innermost parts of a condition: literals, lists, fields, functions of classes.

use super::{KNOWN, Parser, boxed, in_words};
use crate::event::{Path, Value};
use crate::pipeline::condition::Expr;
use crate::pipeline::condition::method::FUNCTIONS;
use crate::pipeline::condition::tokens::Parsed;

impl Parser {
    /// A literal, a list, a field, a function of a class, or what is in parentheses.
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        self.tokens.blanks();
        let start = self.tokens.at;
        let literal = |value| Ok(Expr::Literal(value));
        match self.tokens.peek() {
            None => Err(self.error("the condition ends where a value is expected", KNOWN)),
            Some('\'' | '"') => literal(Value::String(self.tokens.string()?.into())),
            Some('(') => {
                self.tokens.at += 1;
                let inner = self.choice()?;
                if self.take(")") { Ok(inner) } else { Err(self.error("a ( without its )", "")) }
            }
            Some('[') => {
                self.tokens.at += 1;
                let items = self.items("]", "a [ without its ]")?;
                if items.iter().all(|item| matches!(item, Expr::Literal(_))) {
                    let values = items.into_iter().filter_map(|item| match item {
                        Expr::Literal(value) => Some(value),
                        _ => None,
                    });
                    return literal(Value::Array(values.collect()));
                }
                Ok(Expr::List(items))
            }
            Some(c) if c.is_ascii_digit() => literal(self.tokens.number()?),
            Some(c) if c.is_alphabetic() || c == '_' => match self.tokens.word().as_str() {
                "true" => literal(Value::Bool(true)),
                "false" => literal(Value::Bool(false)),
                "null" => literal(Value::Null),
                "ctx" => self.field(),
                class if FUNCTIONS.iter().any(|known| known.name.split('.').next() == Some(class)) => {
                    self.function(class, start)
                }
                word => {
                    let what = format!("{word:?} is not known here");
                    Err(self.tokens.error_at(
                        start,
                        &what,
                        in_words(word).unwrap_or("fields begin with ctx, as in ctx.status"),
                    ))
                }
            },
            Some(c) => Err(self.error(&format!("unexpected {c:?} where a value is expected"), KNOWN)),
        }
    }

    fn function(&mut self, class: &str, at: usize) -> Parsed<Expr> {
        let method = if self.take(".") { self.tokens.word() } else { String::new() };
        let name = format!("{class}.{method}");
        let Some(known) = FUNCTIONS.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = FUNCTIONS.iter().map(|known| known.name).collect();
            let what = format!("{name:?} is not supported");
            return Err(self.tokens.error_at(at, &what, &format!("supported: {}", names.join(", "))));
        };
        if !self.take("(") {
            return Err(self.error(&format!("{name} needs an argument in parentheses"), ""));
        }
        let of = boxed(self.arguments(known, at)?.remove(0));
        Ok(Expr::Call { of, method: known.method, arguments: Vec::new() })
    }

    /// What follows `ctx`: names as far as they are fixed; calls and the like are left to who asked.
    fn field(&mut self) -> Parsed<Expr> {
        let mut names: Vec<String> = Vec::new();
        let start = self.tokens.at;
        loop {
            let before = self.tokens.at;
            if !self.take("?:") && (self.take("?.") || self.take(".")) {
                self.tokens.blanks();
                let at = self.tokens.at;
                let name = self.tokens.word();
                if name.is_empty() {
                    return Err(self.error("a name is expected after the dot", ""));
                }
                self.tokens.blanks();
                if self.tokens.peek() == Some('(') {
                    if names.is_empty() {
                        self.tokens.at += 1;
                        return self.of_root(&name, at);
                    }
                    self.tokens.at = before;
                    return self.path(&names, start);
                }
                names.push(name);
                continue;
            }
            self.tokens.at = before;
            if self.take("[") {
                self.tokens.blanks();
                let name = match self.tokens.peek() {
                    Some('\'' | '"') => self.tokens.string()?,
                    Some(c) if c.is_ascii_digit() => self.tokens.word(),
                    _ => String::new(),
                };
                if !name.is_empty() && self.take("]") {
                    names.push(name);
                    continue;
                }
                self.tokens.at = before;
            }
            return self.path(&names, start);
        }
    }

    /// A method of `ctx` itself.
    fn of_root(&mut self, name: &str, at: usize) -> Parsed<Expr> {
        let mut arguments = self.items(")", "a ( without its )")?;
        match (name, arguments.len()) {
            ("containsKey", 1) => Ok(Expr::Has(boxed(arguments.remove(0)))),
            ("get", 1) => match arguments.remove(0) {
                Expr::Literal(Value::String(name)) => self.path(&[name.into_owned()], at),
                _ => Err(self.tokens.error_at(at, "ctx.get needs a name in quotes", "")),
            },
            _ => {
                let what = format!("the method {name:?} is not supported on ctx itself");
                Err(self.tokens.error_at(at, &what, "supported: containsKey, get"))
            }
        }
    }

    fn path(&self, names: &[String], at: usize) -> Parsed<Expr> {
        let compile = |names: &[String]| {
            Path::from_segments(names.iter().map(String::as_str))
                .map_err(|cause| self.tokens.error_at(at, &cause.to_string(), "fields are written ctx.name"))
        };
        let field = compile(names)?;
        match names {
            [list @ .., last] if last == "length" && !list.is_empty() => {
                Ok(Expr::Length { field, list: compile(list)? })
            }
            _ => Ok(Expr::Field(field)),
        }
    }
}
