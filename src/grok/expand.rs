//! From a grok expression to one regular expression.
//!
//! Groups get names of our own (`k0000`, `k0001` …): engines refuse most of what a field may be called, and treat
//! repeated names in ways of their own. What a group is for stands in the list of fields.

use std::fmt::Write as _;

use super::Field;
use super::engine::{bracket_head, unescaped};
use super::fault::{Fault, nearest};
use super::options::{Dialect, Options};
use super::patterns::Patterns;
use super::reference::{Read, Reference, named_group, read};
use super::value::Type;

/// How deep references may go; circles are told as such before.
const MAX_DEPTH: usize = 64;
/// How long an expression may become, in bytes.
const MAX_LENGTH: usize = 1 << 20;
/// After so many faults the rest is not looked at.
const MAX_FAULTS: usize = 20;

/// An expression without references.
#[derive(Debug)]
pub(super) struct Expanded {
    pub regex: String,
    /// By the number in the group's name.
    pub fields: Vec<Field>,
    /// What of the regex comes from the shipped set.
    pub shipped: Vec<(usize, usize)>,
    pub warnings: Vec<Fault>,
}

/// The name of a field's group.
pub(super) fn group_name(number: usize) -> String {
    format!("k{number:04}")
}

/// Expands an expression.
pub(super) fn expand<'p>(text: &'p str, patterns: &'p Patterns, options: Options) -> Result<Expanded, Vec<Fault>> {
    let mut expander = Expander {
        patterns,
        options,
        regex: String::new(),
        groups: Vec::new(),
        fields: Vec::new(),
        path: Vec::new(),
        extended: vec![false],
        inline: Vec::new(),
        offset: 0,
        shipped: false,
        ranges: Vec::new(),
        stopped: false,
        warnings: Vec::new(),
        faults: Vec::new(),
    };
    expander.text(text);
    let Expander { regex, fields, ranges: shipped, warnings, faults, .. } = expander;
    if faults.is_empty() { Ok(Expanded { regex, fields, shipped, warnings }) } else { Err(faults) }
}

struct Expander<'p> {
    patterns: &'p Patterns,
    options: Options,
    regex: String,
    /// What the groups are called where they are written, for references back to them.
    groups: Vec<String>,
    fields: Vec<Field>,
    /// The definitions that are being expanded, outermost first.
    path: Vec<&'p str>,
    /// Of each parenthesis that is open, whether blanks and comments are passed over in it (`(?x)`); the first is the whole.
    extended: Vec<bool>,
    /// Definitions on the spot, which later references may use.
    inline: Vec<(&'p str, &'p str)>,
    /// Where in the outermost expression.
    offset: usize,
    /// Whether what is being expanded is of the shipped set.
    shipped: bool,
    ranges: Vec<(usize, usize)>,
    stopped: bool,
    warnings: Vec<Fault>,
    faults: Vec<Fault>,
}

impl<'p> Expander<'p> {
    fn text(&mut self, text: &'p str) {
        let mut at = 0;
        let mut in_class = 0_u32;
        while let Some(c) = text[at..].chars().next() {
            if self.path.is_empty() {
                self.offset = at;
            }
            if self.stopped || self.faults.len() >= MAX_FAULTS {
                return;
            }
            let rest = &text[at..];
            if in_class == 0
                && let Some(comment) = self.comment(rest)
            {
                self.regex.push_str(&rest[..comment]);
                at += comment;
                continue;
            }
            if let Some(inner) = rest.strip_prefix("%{") {
                at += 2 + self.reference(inner);
                continue;
            }
            let mut length = c.len_utf8();
            match c {
                '\\' => {
                    if let Some(read) = self.back_reference(rest) {
                        at += read;
                        continue;
                    }
                    if let Some(inner) = rest.strip_prefix("\\%{")
                        && let Read::Reference(_, length) = read(inner)
                    {
                        self.warn(format!("\\%{{{} is no reference and stands for itself", &inner[..length]));
                    }
                    length += rest[1..].chars().next().map_or(0, char::len_utf8);
                }
                '[' => {
                    in_class += 1;
                    length += bracket_head(&rest[1..]);
                }
                ']' => in_class = in_class.saturating_sub(1),
                ')' if in_class == 0 => self.close(),
                '(' if in_class == 0 => {
                    if let Some(read) = self.condition(rest) {
                        self.open(rest);
                        at += read;
                        continue;
                    }
                    if let Some((name, read)) = named_group(rest) {
                        let mut parts = name.split(':');
                        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
                        let kind = parts.next().filter(|_| parts.next().is_none());
                        let field = if second == Some("") { name } else { second.unwrap_or(first) };
                        self.open_group(name, field, kind);
                        at += read;
                        continue;
                    }
                    self.open(rest);
                }
                _ => {}
            }
            self.regex.push_str(&rest[..length]);
            at += length;
        }
    }

    /// Expands what comes after `%{`; gives how much of it was read.
    fn reference(&mut self, inner: &'p str) -> usize {
        let (reference, read) = match read(inner) {
            Read::Reference(reference, read) => (reference, read),
            Read::Other(read) => {
                let written = format!("%{{{}", &inner[..read]);
                self.warn(format!("{written} is no reference and stands for itself"));
                self.regex.push_str("%{");
                return 0;
            }
            Read::Unclosed => {
                self.warn("a %{ without its } stands for itself".to_owned());
                self.regex.push_str("%{");
                return 0;
            }
        };
        let Reference { name, field, inline } = reference;
        if let Some(definition) = inline {
            self.inline.push((name, definition));
        }
        let Some((definition, shipped)) = self.definition(name) else { return read };
        if let Some(from) = self.path.iter().position(|known| *known == name) {
            let circle: Vec<&str> = self.path[from..].iter().copied().chain([name]).collect();
            self.fail(format!("circular reference detected: {}", circle.join("->")), None);
            return read;
        }
        if self.path.len() >= MAX_DEPTH || self.regex.len() > MAX_LENGTH {
            self.fail("the pattern becomes too large when its references are expanded".to_owned(), None);
            // What else there is would say the same.
            self.stopped = true;
            return read;
        }
        match field {
            Some(field) => {
                let mut parts = field.split(':');
                let (named, kind) = (parts.next().unwrap_or_default(), parts.next());
                // What is after the type has no meaning in Logstash; in Elasticsearch there is no type then.
                let alone = self.options.dialect == Dialect::Logstash || parts.next().is_none();
                let kind = kind.filter(|_| alone);
                if named.is_empty() { self.open_plain() } else { self.open_group(named, named, kind) }
            }
            None if self.options.capture_unnamed => self.open_group(name, name, None),
            None => self.open_plain(),
        }
        let start = self.regex.len();
        let around = std::mem::replace(&mut self.shipped, shipped);
        self.path.push(name);
        self.text(definition);
        self.path.pop();
        self.shipped = around;
        if shipped && !around {
            self.ranges.push((start, self.regex.len()));
        }
        self.regex.push(')');
        self.close();
        read
    }

    /// How long the comment is that the text begins with, if it does: `(?#…)`, or after `(?x)` from a `#` to the end of the line.
    fn comment(&self, text: &str) -> Option<usize> {
        if let Some(inside) = text.strip_prefix("(?#") {
            let end = unescaped(inside).find(|(_, c)| *c == ')');
            return end.map(|(end, _)| "(?#".len() + end + 1);
        }
        let extended = self.extended.last() == Some(&true);
        (extended && text.starts_with('#')).then(|| text.find('\n').unwrap_or(text.len()))
    }

    /// A parenthesis is opened that has no name.
    fn open(&mut self, text: &str) {
        let around = self.extended.last() == Some(&true);
        let mut within = around;
        if let Some(flags) = text.strip_prefix("(?") {
            let end = flags.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(flags.len());
            let (on, off) = flags[..end].split_once('-').unwrap_or((&flags[..end], ""));
            if flags[end..].starts_with([':', ')']) {
                within = (around || on.contains('x')) && !off.contains('x');
            }
            // Without a colon it holds for the rest of what is around.
            if flags[end..].starts_with(')')
                && let Some(around) = self.extended.last_mut()
            {
                *around = within;
            }
        }
        self.extended.push(within);
    }

    /// The same, of a group without a capture that is written here.
    fn open_plain(&mut self) {
        self.regex.push_str("(?:");
        self.open("(?:");
    }

    fn close(&mut self) {
        if self.extended.len() > 1 {
            self.extended.pop();
        }
    }

    /// Expands the beginning of a condition on a group that stands before, `(?(<name>)`, whose name is ours by now; gives how much of
    /// the text that was.
    fn condition(&mut self, text: &str) -> Option<usize> {
        let kind = text.get(..4).filter(|kind| matches!(*kind, "(?(<" | "(?('"))?;
        let close = if kind.ends_with('<') { ">)" } else { "')" };
        let (name, _) = text[4..].split_once(close)?;
        let group = self.groups.iter().rposition(|group| group == name)?;
        write!(self.regex, "(?(<{}>)", group_name(group)).expect("a string takes all");
        Some(4 + name.len() + close.len())
    }

    /// Expands `\k<name>` and `\g<name>` of a group that stands before, whose name is ours by now; gives how much of the
    /// text that was. Of several groups of the name the last that fits is meant.
    fn back_reference(&mut self, text: &str) -> Option<usize> {
        let kind = text.get(..3).filter(|kind| matches!(*kind, "\\k<" | "\\g<" | "\\k'" | "\\g'"))?;
        let close = if kind.ends_with('<') { '>' } else { '\'' };
        let (name, _) = text[3..].split_once(close)?;
        let named = |(number, group): (usize, &String)| (group == name).then_some(number);
        let groups: Vec<usize> = self.groups.iter().enumerate().filter_map(named).collect();
        let one = |number: &usize| format!("\\{}<{}>", &kind[1..2], group_name(*number));
        match groups.as_slice() {
            [] => return None,
            [group] => self.regex.push_str(&one(group)),
            [.., last] if kind.starts_with("\\g") => self.regex.push_str(&one(last)),
            several => {
                let all: Vec<String> = several.iter().rev().map(one).collect();
                write!(self.regex, "(?>{})", all.join("|")).expect("a string takes all");
            }
        }
        Some(3 + name.len() + 1)
    }

    /// The definition of a name, and whether it is of the shipped set.
    fn definition(&mut self, name: &str) -> Option<(&'p str, bool)> {
        let inline = self.inline.iter().rev().find(|(known, _)| *known == name);
        let found = inline.map(|(_, definition)| (*definition, false)).or_else(|| self.patterns.find(name));
        if found.is_none() {
            let known = self.patterns.names().chain(self.inline.iter().map(|(known, _)| *known));
            let hint = nearest(name, known).map(|near| format!("did you mean {near}?"));
            self.fail(format!("unable to find pattern [{name}] in Grok's pattern dictionary"), hint);
        }
        found
    }

    fn open_group(&mut self, written: &str, name: &str, kind: Option<&str>) {
        write!(self.regex, "(?<{}>", group_name(self.fields.len())).expect("a string takes all");
        self.open("(");
        let dialect = self.options.dialect;
        let kind = kind.map_or(Type::String, |kind| match kind {
            // The shipped sets have types of Elasticsearch's; Logstash has the same under fewer names.
            "long" if self.shipped && dialect == Dialect::Logstash => Type::Int,
            kind => Type::by_name(kind, dialect),
        });
        let path = if dialect == Dialect::Elasticsearch || self.shipped { dotted(name) } else { bracketed(name) };
        self.fields.push(Field { name: name.to_owned(), path, kind });
        self.groups.push(written.to_owned());
    }

    fn warn(&mut self, what: String) {
        let hint = Some(
            "a reference is %{NAME}, %{NAME:field} or %{NAME:field:type}; a % before a { is written \\x25".to_owned(),
        );
        let fault = self.fault(what, hint);
        self.warnings.push(fault);
    }

    fn fail(&mut self, what: String, hint: Option<String>) {
        let fault = self.fault(what, hint);
        self.faults.push(fault);
    }

    fn fault(&self, what: String, hint: Option<String>) -> Fault {
        let within = self.path.iter().map(|name| (*name).to_owned()).collect();
        Fault { expression: 0, offset: self.offset, within, what, hint }
    }
}

fn dotted(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

/// `[a][b]` is b in a; any other name is one whole.
fn bracketed(name: &str) -> Vec<String> {
    match name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.split("][").map(str::to_owned).collect(),
        None => vec![name.to_owned()],
    }
}
