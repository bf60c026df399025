//! From a grok expression to one regular expression.
//!
//! Groups get names of our own (`k0000`, `k0001` …): engines refuse most of what a field may be called, and treat
//! repeated names in ways of their own. What a group is for stands in the list of fields.

mod groups;

use std::collections::HashSet;
use std::fmt::Write as _;

use super::Field;
use super::circles::circular;
use super::engine::bracket_head;
use super::fault::{Fault, nearest, shown};
use super::options::{Dialect, Options};
use super::patterns::Patterns;
use super::reference::{Braces, Read, Reference, named_group};
use super::value::Type;

/// How deep references may go; circles are told as such before.
const MAX_DEPTH: usize = 64;
/// How long an expression may become, in bytes.
const MAX_LENGTH: usize = 1 << 20;
/// After so many faults the rest is not looked at.
pub(super) const MAX_FAULTS: usize = 20;

/// An expression without references.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub regex: String,
    /// By the number in the group's name.
    pub fields: Vec<Field>,
    /// What of the regex comes from the shipped set.
    pub shipped: Vec<(usize, usize)>,
    pub warnings: Vec<Fault>,
    /// Types that there are not.
    pub untyped: Vec<Fault>,
}

/// Why an expression can't be expanded.
#[derive(Debug)]
pub(super) struct Unexpanded<'p> {
    /// What is wrong; what can be done about a name that there is not has to be asked for.
    pub faults: Vec<Fault>,
    /// Of faults that are about names that there are not: which fault, which name, and how many definitions on the spot there were.
    unknown: Vec<(usize, &'p str, usize)>,
    inline: Vec<&'p str>,
    /// The circles that it runs into: the names of the definitions, each leading to the next and the last to the first.
    pub circles: Vec<Vec<&'p str>>,
    /// It was given up, as it becomes too large.
    pub too_large: bool,
    /// What it had become.
    pub so_far: Expanded,
}

impl Unexpanded<'_> {
    /// What can be done about a fault. A name that there is not is compared with all that there are, which takes its time.
    pub fn hint(&self, fault: usize, patterns: &Patterns) -> Option<String> {
        let (_, name, inline) = self.unknown.iter().find(|(of, ..)| *of == fault)?;
        let known = patterns.names().chain(self.inline[..*inline].iter().copied());
        nearest(name, known).map(|near| format!("did you mean {near}?"))
    }

    /// The faults, with what can be done about them.
    pub fn told(&self, patterns: &Patterns) -> Vec<Fault> {
        let told = |(number, fault): (usize, &Fault)| Fault { hint: self.hint(number, patterns), ..fault.clone() };
        self.faults.iter().enumerate().map(told).collect()
    }
}

/// The name of a field's group.
pub(super) fn group_name(number: usize) -> String {
    format!("k{number:04}")
}

/// The number in the name of a field's group; `None` for any other name.
pub(super) fn group_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('k')?;
    let number = digits.parse().ok()?;
    (group_name(number) == name).then_some(number)
}

/// Expands an expression.
pub(super) fn expand<'p>(
    text: &'p str,
    patterns: &'p Patterns,
    options: Options,
) -> Result<Expanded, Box<Unexpanded<'p>>> {
    let mut expander = Expander {
        patterns,
        options,
        regex: String::new(),
        groups: Vec::new(),
        calls: Vec::new(),
        fields: Vec::new(),
        path: Vec::new(),
        extended: vec![false],
        inline: Vec::new(),
        offset: 0,
        shipped: false,
        ranges: Vec::new(),
        stopped: false,
        warnings: Vec::new(),
        warned: HashSet::new(),
        untyped: Vec::new(),
        faults: Vec::new(),
        unknown: Vec::new(),
        circles: Vec::new(),
    };
    expander.text(text);
    expander.resolve_calls();
    let Expander { regex, fields, ranges: shipped, warnings, untyped, faults, circles, .. } = expander;
    let expanded = Expanded { regex, fields, shipped, warnings, untyped };
    if faults.is_empty() {
        return Ok(expanded);
    }
    let inline = expander.inline.into_iter().map(|(name, _)| name).collect();
    let (unknown, too_large) = (expander.unknown, expander.stopped);
    Err(Box::new(Unexpanded { faults, unknown, inline, circles, too_large, so_far: expanded }))
}

struct Expander<'p> {
    patterns: &'p Patterns,
    options: Options,
    regex: String,
    /// What the groups are called where they are written, for references back to them.
    groups: Vec<String>,
    /// Calls of groups that did not stand before (`\g<name>`): where they stand in the regex, how long they are, and the name.
    calls: Vec<(usize, usize, String)>,
    fields: Vec<Field>,
    /// The definitions that are being expanded, outermost first.
    path: Vec<Step<'p>>,
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
    /// What was warned of, and in which definition.
    warned: HashSet<(Option<&'p str>, String)>,
    untyped: Vec<Fault>,
    faults: Vec<Fault>,
    unknown: Vec<(usize, &'p str, usize)>,
    circles: Vec<Vec<&'p str>>,
}

/// Whose a definition is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Own,
    OnTheSpot,
    Shipped,
}

/// A definition that is being expanded.
struct Step<'p> {
    name: &'p str,
    definition: &'p str,
    /// Whether it stands in the one around it.
    on_the_spot: bool,
    /// Where in it.
    at: usize,
}

impl<'p> Expander<'p> {
    fn text(&mut self, text: &'p str) {
        let mut at = 0;
        let mut in_class = 0_u32;
        let braces = Braces::new(text);
        while let Some(c) = text[at..].chars().next() {
            match self.path.last_mut() {
                None => self.offset = at,
                Some(step) => step.at = at,
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
                at += "%{".len() + self.reference(inner, braces.read(text, at));
                continue;
            }
            let mut length = c.len_utf8();
            match c {
                '\\' => {
                    if in_class == 0
                        && let Some(read) = self.back_reference(rest)
                    {
                        at += read;
                        continue;
                    }
                    if let Some(inner) = rest.strip_prefix("\\%{")
                        && let Read::Reference(_, length) = braces.read(text, at + 1)
                    {
                        self.warn(format!("\\%{{{} is no reference and stands for itself", shown(&inner[..length])));
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
                        let kind = self.kind(kind, || format!("(?<{name}>…)"));
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
    fn reference(&mut self, inner: &str, read: Read<'p>) -> usize {
        let (reference, read) = match read {
            Read::Reference(reference, read) => (reference, read),
            Read::Other(read) => {
                let written = format!("%{{{}", shown(&inner[..read]));
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
        let Some((definition, kind)) = self.definition(name) else { return read };
        // One on the spot may have the name of the one that it stands in.
        let again = |step: &Step<'_>| step.name == name && std::ptr::eq(step.definition, definition);
        if let Some(from) = self.path.iter().position(again) {
            let circle: Vec<&str> = self.path[from..].iter().map(|step| step.name).collect();
            self.fail(circular(&circle));
            self.circles.push(circle);
            return read;
        }
        if self.path.len() >= MAX_DEPTH || self.regex.len() > MAX_LENGTH {
            self.fail("the pattern becomes too large when its references are expanded".to_owned());
            // What else there is would say the same.
            self.stopped = true;
            return read;
        }
        match field {
            Some(field) => {
                let (named, kind) = field.split_once(':').map_or((field, None), |(named, kind)| (named, Some(kind)));
                // What is after the type has no meaning in Logstash; in Elasticsearch there is no such type then.
                let kind = match self.options.dialect {
                    Dialect::Logstash => kind.and_then(|kind| kind.split(':').next()),
                    Dialect::Elasticsearch => kind,
                };
                if named.is_empty() {
                    self.warn(format!("%{{{name}:{field}}} captures nothing: its field has no name"));
                    self.open_plain();
                } else {
                    let kind = self.kind(kind, || format!("%{{{name}:{field}}}"));
                    self.open_group(named, named, kind);
                }
            }
            None if self.options.capture_unnamed => self.open_group(name, name, Type::String),
            None => self.open_plain(),
        }
        let start = self.regex.len();
        let shipped = kind == Kind::Shipped;
        let around = std::mem::replace(&mut self.shipped, shipped);
        self.path.push(Step { name, definition, on_the_spot: kind == Kind::OnTheSpot, at: 0 });
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

    /// The definition of a name.
    fn definition(&mut self, name: &'p str) -> Option<(&'p str, Kind)> {
        let inline = self.inline.iter().rev().find(|(known, _)| *known == name);
        let found = inline.map(|(_, definition)| (*definition, Kind::OnTheSpot)).or_else(|| {
            let (definition, shipped) = self.patterns.find(name)?;
            Some((definition, if shipped { Kind::Shipped } else { Kind::Own }))
        });
        if found.is_none() {
            self.unknown.push((self.faults.len(), name, self.inline.len()));
            self.fail(format!("unable to find pattern [{name}] in Grok's pattern dictionary"));
        }
        found
    }

    /// The type of this name. The shipped sets have types of Elasticsearch's; Logstash has the same under fewer names.
    fn kind(&mut self, kind: Option<&str>, written: impl Fn() -> String) -> Type {
        let dialect = self.options.dialect;
        match kind {
            None => Type::String,
            Some("long") if self.shipped && dialect == Dialect::Logstash => Type::Int,
            Some(kind) => Type::by_name(kind, dialect).unwrap_or_else(|| {
                let what = format!("{} stays a text: there is no type {kind:?}", written());
                let fault = self.fault(what, Some(Type::meant_by(kind, dialect)));
                self.untyped.push(fault);
                Type::String
            }),
        }
    }

    fn open_group(&mut self, written: &str, name: &str, kind: Type) {
        write!(self.regex, "(?<{}>", group_name(self.fields.len())).expect("a string takes all");
        self.open("(");
        let dialect = self.options.dialect;
        let path = if dialect == Dialect::Elasticsearch || self.shipped { dotted(name) } else { bracketed(name) };
        self.fields.push(Field { name: name.to_owned(), path, kind });
        self.groups.push(written.to_owned());
    }

    /// Warns of what stands in what is being expanded; of several that are equal there the first is told.
    fn warn(&mut self, what: String) {
        let outer = self.path.iter().rev().find(|step| !step.on_the_spot).map(|step| step.name);
        if !self.warned.insert((outer, what.clone())) {
            return;
        }
        let hint = Some(
            "a reference is %{NAME}, %{NAME:field} or %{NAME:field:type}; a % before a { is written \\x25".to_owned(),
        );
        let fault = self.fault(what, hint);
        self.warnings.push(fault);
    }

    fn fail(&mut self, what: String) {
        let fault = self.fault(what, None);
        self.faults.push(fault);
    }

    fn fault(&self, what: String, hint: Option<String>) -> Fault {
        let within = self.path.iter().map(|step| step.name.to_owned()).collect();
        let outer = self.path.iter().rev().find(|step| !step.on_the_spot);
        let definition = outer.map(|step| (step.name.to_owned(), step.at));
        let place = outer.and_then(|step| self.patterns.place(step.name, step.at));
        Fault { expression: 0, offset: self.offset, within, definition, place, what, hint }
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
