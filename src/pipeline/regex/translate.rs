//! Java's expressions rewritten for the engine, character by character.
//!
//! What both read alike is passed through; the engine itself then refuses what is no expression.

use std::iter::Peekable;
use std::str::Chars;

/// An expression for the engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    /// With `$` at the very end only, and `\b` of all scripts.
    pub simple: String,
    /// With `$` also before a last line terminator and `\b` of ASCII, which takes look-around; none where that is the same.
    pub exact: Option<String>,
    pub has_end: bool,
    pub has_boundary: bool,
}

const TERMINATORS: &str = r"\n\r\x{85}\x{2028}\x{2029}";
/// The end, or before a last terminator.
const LINE_END: &str = r"(?=(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z)";

/// Where a letter, digit or underscore of ASCII begins or ends.
const BOUNDARY: &str = "(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))";

/// True for a text that Java's `$` matches within.
pub(super) fn ends_with_terminator(text: &str) -> bool {
    text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// The text that an expression stands for, if there is nothing special in it and it is not empty.
pub(super) fn as_plain_text(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                't' => text.push('\t'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                c if c.is_ascii_punctuation() || c == ' ' => text.push(c),
                _ => return None,
            },
            '.' | '^' | '$' | '|' | '?' | '*' | '+' | '(' | ')' | '[' | ']' | '{' | '}' => return None,
            c => text.push(c),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Rewrites an expression.
pub(super) fn translate(pattern: &str) -> Result<Translated, String> {
    let simple = Translator::new(pattern, false).run()?;
    let (has_end, has_boundary) = (simple.has_end, simple.has_boundary);
    let exact = match has_end || has_boundary {
        true => Some(Translator::new(pattern, true).run()?.out),
        false => None,
    };
    Ok(Translated { simple: simple.out, exact, has_end, has_boundary })
}

struct Translator<'p> {
    chars: Peekable<Chars<'p>>,
    exact: bool,
    out: String,
    /// How deep in brackets.
    class: usize,
    dot_all: bool,
    multi_line: bool,
    has_end: bool,
    has_boundary: bool,
}

impl<'p> Translator<'p> {
    fn new(pattern: &'p str, exact: bool) -> Self {
        Self {
            chars: pattern.chars().peekable(),
            exact,
            out: String::with_capacity(pattern.len() + 16),
            class: 0,
            dot_all: false,
            multi_line: false,
            has_end: false,
            has_boundary: false,
        }
    }

    fn run(mut self) -> Result<Self, String> {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape()?,
                '[' => {
                    self.class += 1;
                    self.out.push('[');
                    if self.chars.next_if_eq(&'^').is_some() {
                        self.out.push('^');
                    }
                    if self.chars.next_if_eq(&']').is_some() {
                        self.out.push_str(r"\]");
                    }
                }
                ']' if self.class > 0 => {
                    self.class -= 1;
                    self.out.push(']');
                }
                ']' => self.out.push_str(r"\]"),
                // The engine would take these for operations on classes.
                '-' if self.class > 0 && self.chars.peek() == Some(&'-') => self.out.push_str(r"\-"),
                '~' if self.class > 0 => self.out.push_str(r"\~"),
                '.' if self.class == 0 && !self.dot_all => {
                    self.out.push_str("[^");
                    self.out.push_str(TERMINATORS);
                    self.out.push(']');
                }
                '$' if self.class == 0 => {
                    if self.multi_line {
                        self.out.push('$');
                    } else {
                        self.has_end = true;
                        self.out.push_str(if self.exact { LINE_END } else { r"\z" });
                    }
                }
                '(' if self.class == 0 => {
                    self.out.push('(');
                    self.flags();
                }
                c => self.out.push(c),
            }
        }
        Ok(self)
    }

    /// Notes the flags of `(?s)` and the like; they hold from there on, which is where nearly everybody writes them.
    fn flags(&mut self) {
        let mut ahead = self.chars.clone();
        if ahead.next() != Some('?') {
            return;
        }
        let letters: String = ahead.take_while(char::is_ascii_alphabetic).collect();
        self.dot_all |= letters.contains('s');
        self.multi_line |= letters.contains('m');
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.chars.next() else { return Err("a \\ at the end".into()) };
        let class = |inner: &str, negated: bool, in_class: bool| match (negated, in_class) {
            (false, true) => inner.to_owned(),
            (false, false) => format!("[{inner}]"),
            (true, _) => format!("[^{inner}]"),
        };
        let inside = self.class > 0;
        let text = match c {
            'd' => class("0-9", false, inside),
            'D' => class("0-9", true, inside),
            'w' => class("a-zA-Z0-9_", false, inside),
            'W' => class("a-zA-Z0-9_", true, inside),
            's' => class(r" \t\n\x0B\x0C\r", false, inside),
            'S' => class(r" \t\n\x0B\x0C\r", true, inside),
            'h' => class(r" \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}", false, inside),
            'H' => class(r" \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}", true, inside),
            'v' => class(r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}", false, inside),
            'V' => class(r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}", true, inside),
            'R' if !inside => r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])".into(),
            'Z' if !inside => LINE_END.into(),
            'b' | 'B' if !inside => {
                self.has_boundary = true;
                match (self.exact, c) {
                    (false, _) => format!("\\{c}"),
                    (true, 'b') => BOUNDARY.into(),
                    (true, _) => format!("(?!{BOUNDARY})"),
                }
            }
            'A' | 'z' | 'G' if !inside => format!("\\{c}"),
            'k' if !inside => r"\k".into(),
            '1'..='9' if !inside => format!("\\{c}"),
            't' | 'n' | 'r' => format!("\\{c}"),
            'f' => r"\x0C".into(),
            'a' => r"\x07".into(),
            'e' => r"\x1B".into(),
            '0' => {
                let mut digits = String::new();
                while digits.len() < 3 {
                    let Some(digit) = self.chars.next_if(|c| c.is_digit(8)) else { break };
                    digits.push(digit);
                }
                let number = u32::from_str_radix(&digits, 8).map_err(|_| "\\0 without octal digits")?;
                format!("\\x{{{number:x}}}")
            }
            'x' if self.chars.peek() == Some(&'{') => r"\x".into(),
            'x' => format!("\\x{{{}}}", self.hex(2)?),
            'u' => format!("\\x{{{}}}", self.hex(4)?),
            'c' => match self.chars.next() {
                Some(c) if c.is_ascii() => format!("\\x{{{:x}}}", u32::from(c) ^ 64),
                _ => return Err("\\c without a character".into()),
            },
            'Q' => {
                let mut quoted = String::new();
                while let Some(c) = self.chars.next() {
                    if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                        break;
                    }
                    push_literal(&mut quoted, c);
                }
                quoted
            }
            'E' => String::new(),
            'p' | 'P' => self.property(c == 'P', inside)?,
            c if c.is_ascii_alphabetic() => return Err(format!("the escape \\{c} is not known")),
            c => {
                let mut text = String::new();
                push_literal(&mut text, c);
                text
            }
        };
        self.out.push_str(&text);
        Ok(())
    }

    fn hex(&mut self, count: usize) -> Result<String, String> {
        let digits: String = self.chars.by_ref().take(count).collect();
        let fine = digits.len() == count && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if fine { Ok(digits) } else { Err(format!("{count} hexadecimal digits are expected after \\x or \\u")) }
    }

    fn property(&mut self, negated: bool, inside: bool) -> Result<String, String> {
        let name = match self.chars.next() {
            Some('{') => self.chars.by_ref().take_while(|c| *c != '}').collect::<String>(),
            Some(c) => c.to_string(),
            None => return Err("\\p without the name of a class".into()),
        };
        let ascii = match name.as_str() {
            "Lower" => Some("a-z"),
            "Upper" => Some("A-Z"),
            "ASCII" => Some(r"\x00-\x7F"),
            "Alpha" => Some("a-zA-Z"),
            "Digit" => Some("0-9"),
            "Alnum" => Some("a-zA-Z0-9"),
            "Punct" => Some(r"!-/:-@\[-`\{-\~"),
            "Graph" => Some(r"!-\~"),
            "Print" => Some(r" -\~"),
            "Blank" => Some(r" \t"),
            "Cntrl" => Some(r"\x00-\x1F\x7F"),
            "XDigit" => Some("0-9a-fA-F"),
            "Space" => Some(r" \t\n\x0B\x0C\r"),
            _ => None,
        };
        if let Some(inner) = ascii {
            return Ok(match (negated, inside) {
                (false, true) => inner.to_owned(),
                (false, false) => format!("[{inner}]"),
                (true, _) => format!("[^{inner}]"),
            });
        }
        let bare = name.strip_prefix("Is").or_else(|| name.strip_prefix("script=")).unwrap_or(&name);
        let bare = match bare {
            "javaLowerCase" => "Lowercase",
            "javaUpperCase" => "Uppercase",
            "javaWhitespace" => "White_Space",
            "javaLetter" => "L",
            "javaDigit" => "Nd",
            bare => bare,
        };
        Ok(format!("\\{}{{{bare}}}", if negated { 'P' } else { 'p' }))
    }
}

/// Appends a character that stands for itself, in a class or out of it.
fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation()
        && !matches!(c, '<' | '>' | '_' | '"' | '\'' | '%' | ',' | '/' | ':' | ';' | '=' | '@' | '`' | '!')
    {
        out.push('\\');
    }
    out.push(c);
}
