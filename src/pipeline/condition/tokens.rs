//! The characters of a condition: blanks, comments, words, strings, numbers, and where each stands.

use super::ConditionError;
use crate::event::Value;

pub(super) type Parsed<T> = Result<T, ConditionError>;

/// A text that is read from left to right.
pub(super) struct Tokens {
    chars: Vec<char>,
    pub at: usize,
}

impl Tokens {
    pub(super) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    /// The character `ahead` places on.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Passes over blanks and comments.
    pub(super) fn blanks(&mut self) {
        loop {
            match (self.peek(), self.peek_at(1)) {
                (Some(c), _) if c.is_whitespace() => self.at += 1,
                (Some('/'), Some('/')) => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                (Some('/'), Some('*')) => {
                    self.at += 2;
                    while self.peek().is_some() && !(self.peek() == Some('*') && self.peek_at(1) == Some('/')) {
                        self.at += 1;
                    }
                    self.at += 2;
                }
                _ => return,
            }
        }
    }

    /// Takes `token` if it comes next, blanks passed over.
    pub(super) fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let fits = token.chars().enumerate().all(|(index, c)| self.peek_at(index) == Some(c));
        if fits {
            self.at += token.chars().count();
        }
        fits
    }

    /// Takes the word `word` if it comes next as a whole.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.blanks();
        let start = self.at;
        let fits = self.word() == word;
        if !fits {
            self.at = start;
        }
        fits
    }

    pub(super) fn error(&self, what: &str, hint: &str) -> ConditionError {
        self.error_at(self.at, what, hint)
    }

    pub(super) fn error_at(&self, at: usize, what: &str, hint: &str) -> ConditionError {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        ConditionError { at: at.min(self.chars.len()), what: what.to_owned(), hint }
    }

    /// Letters, digits, `_` and `@`; none if there are none.
    pub(super) fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '@') {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// A string in quotes, the first of which comes next.
    pub(super) fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.error_at(start, "a string without its closing quote", "")),
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

    /// A regular expression between slashes, with its flags.
    pub(super) fn regex(&mut self) -> Parsed<(String, String)> {
        let start = self.at;
        self.at += 1;
        let mut pattern = String::new();
        loop {
            match self.peek() {
                None | Some('\n') => {
                    return Err(self.error_at(start, "a regular expression without its closing /", ""));
                }
                Some('/') => break,
                Some('\\') if self.peek_at(1) == Some('/') => {
                    pattern.push('/');
                    self.at += 2;
                }
                Some('\\') => {
                    pattern.push('\\');
                    pattern.extend(self.peek_at(1));
                    self.at += 2;
                }
                Some(c) => {
                    pattern.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok((pattern, self.word()))
    }

    /// A number without a sign.
    pub(super) fn number(&mut self) -> Parsed<Value<'static>> {
        let start = self.at;
        if self.peek() == Some('0') && matches!(self.peek_at(1), Some('x' | 'X')) {
            self.at += 2;
            let digits = self.word();
            return match i64::from_str_radix(digits.trim_end_matches(['l', 'L']), 16) {
                Ok(number) => Ok(Value::Int(number)),
                Err(_) => Err(self.error_at(start, "not a number", "")),
            };
        }
        let digit_follows = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        while digit_follows(self.peek()) || self.peek() == Some('.') && digit_follows(self.peek_at(1)) {
            self.at += 1;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek_at(1), Some('+' | '-')));
            if digit_follows(self.peek_at(1 + sign)) {
                self.at += 1 + sign;
                while digit_follows(self.peek()) {
                    self.at += 1;
                }
            }
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        let suffix = self.peek().filter(|c| "lLfFdD".contains(*c));
        self.at += usize::from(suffix.is_some());
        let float = || digits.parse().ok().map(Value::Float);
        let value = match suffix {
            Some('f' | 'F' | 'd' | 'D') => float(),
            _ => digits.parse().ok().map(Value::Int).or_else(float),
        };
        let ended = self.peek().is_none_or(|c| !c.is_alphanumeric());
        value.filter(|_| ended).ok_or_else(|| self.error_at(start, "not a number", ""))
    }
}
