//! From the parser's events to the tree.
//!
//! Iterative, with the stack on the heap, so no nesting of the input overflows ours; the bounds are checked before
//! memory is taken.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::scalar::resolve;
use super::{Entry, Kind, Node, Place, Problems, Scalar, Style};

/// How many nodes a file may have once its aliases are expanded.
pub const MAX_NODES: usize = 100_000;
/// How deep lists and mappings may be nested.
pub const MAX_DEPTH: usize = 64;

/// Parses a file of one document. A fault of syntax ends the parsing, as what follows can't be trusted; duplicate
/// keys do not. An empty file is a null.
///
/// Returns `None` if there is no tree to walk; the reason is then in `problems`.
pub fn parse(text: &str, problems: &Problems) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        problems,
        source: Source { rest: text, at: 0 },
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let outcome = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let marker = *error.marker();
                Err((Place { line: marker.line(), column: marker.col() + 1 }, error.info().to_owned()))
            }
        };
        if let Err((place, what)) = outcome {
            match indentation(text, place, &what).or_else(|| syntax_hint(&what).map(str::to_owned)) {
                Some(hint) => problems.add_hint(place, what, hint),
                None => problems.add(place, what),
            }
            return None;
        }
    }
    Some(builder.root.unwrap_or_else(|| null(Place { line: 1, column: 1 })))
}

/// What makes `"%{IP:client}\\s+"` a fault.
const SINGLE_QUOTES: &str =
    "within \"…\" a backslash begins an escape: take single quotes, as for regular expressions and grok patterns";

/// Of a key that begins elsewhere than the one in the line before, with which the parser takes it for a part of that one's
/// value: that it does. `place` is where its colon is.
fn indentation(text: &str, place: Place, what: &str) -> Option<String> {
    if !what.contains("mapping values are not allowed") {
        return None;
    }
    let lines: Vec<&str> = text.lines().take(place.line).collect();
    let (line, before) = lines.split_last()?;
    let before = before.iter().rfind(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'))?;
    // The column in which the key of a line begins, dashes of lists passed over.
    let key = |line: &str| {
        let key = line.trim_start_matches([' ', '-']);
        let name: String = key.chars().take_while(|c| *c != ':' && *c != '#').collect();
        let column = line.chars().count() - key.chars().count() + 1;
        (name.len() < key.len() && !name.contains(['"', '\''])).then_some((column, column + name.chars().count()))
    };
    let ((column, colon), (other, _)) = (key(line)?, key(before)?);
    let hint = format!(
        "keys of one mapping begin in the same column: this one begins in column {column}, the one before in column {other}"
    );
    (colon == place.column && column != other).then_some(hint)
}

/// What to do about a mistake that the parser words in its own way.
fn syntax_hint(what: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 10] = [
        ("unknown escape character", SINGLE_QUOTES),
        ("hexadecimal number", SINGLE_QUOTES),
        ("a mapping as a key", "put a template in quotes: '{{…}}'"),
        ("tabs disallowed", "indent with spaces"),
        ("flow sequence", "close the [, and put texts with special characters in quotes"),
        ("flow mapping", "close the {, and put texts with special characters in quotes"),
        ("block mapping", "keys of one mapping begin in the same column"),
        (
            "mapping values are not allowed",
            "put a text with a colon in quotes, and begin each key on a line of its own",
        ),
        ("quoted scalar", "close the quote"),
        ("expected node content", "a value is missing here, or the end of a [ or { before"),
    ];
    HINTS.iter().find(|(part, _)| what.contains(part)).map(|(_, hint)| *hint)
}

fn null(place: Place) -> Node {
    let kind = Kind::Scalar { text: String::new(), style: Style::Plain, value: Scalar::Null, verbatim: Some(place) };
    Node { place, kind }
}

/// What of the file was not passed yet. Scalars come in its order, so that going there takes no longer than the file.
struct Source<'t> {
    rest: &'t str,
    /// How many characters were passed.
    at: usize,
}

impl Source<'_> {
    /// Where the text of a scalar begins, if the file has it letter by letter: in one line, or as a block. The scalar begins at
    /// `place`, which is character `start`: of a block that is its first letter.
    fn find(&mut self, place: Place, start: usize, text: &str, style: Style) -> Option<Place> {
        let skipped = start.checked_sub(self.at)?;
        let bytes = self.rest.char_indices().nth(skipped).map_or(self.rest.len(), |(bytes, _)| bytes);
        (self.rest, self.at) = (&self.rest[bytes..], start);
        let within = |quote: char| {
            let inner = self.rest.strip_prefix(quote).and_then(|inner| inner.strip_prefix(text));
            inner.is_some_and(|end| end.starts_with(quote))
        };
        let (found, quote) = match style {
            Style::Block => {
                let empty = text.len() - text.trim_start_matches('\n').len();
                let found = block_has(self.rest, text, place.column - 1);
                return found.then_some(Place { line: place.line.saturating_sub(empty), ..place });
            }
            Style::Plain => (self.rest.starts_with(text), 0),
            Style::Quoted => (within('\''), 1),
            Style::DoubleQuoted => (within('"'), 1),
        };
        (found && !text.contains('\n')).then_some(Place { column: place.column + quote, ..place })
    }
}

/// Whether a block has the lines of the text. `source` begins with the first that is not empty, behind its indentation.
fn block_has(source: &str, text: &str, indent: usize) -> bool {
    let mut written = source.lines();
    let mut lines = text.trim_matches('\n').split('\n');
    let is_indented = |written: &str, line: &str| {
        let blanks = written.strip_suffix(line).filter(|blanks| blanks.bytes().all(|b| b == b' '));
        blanks.is_some_and(|blanks| line.is_empty() || blanks.len() == indent)
    };
    written.next() == lines.next() && lines.all(|line| written.next().is_some_and(|written| is_indented(written, line)))
}

enum Open {
    List { place: Place, anchor: usize, items: Vec<Node> },
    Mapping { place: Place, anchor: usize, entries: Vec<Entry>, merged: Vec<Node>, key: Option<(String, Place)> },
}

struct Builder<'p> {
    problems: &'p Problems,
    source: Source<'p>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
}

type Fault = (Place, String);

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let place = Place { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err((place, "a second document in one file: make it a file of its own".into()))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err((place, "an alias that names no finished anchor".into()));
                };
                self.nodes += size;
                self.check_size(place)?;
                let node = node.clone();
                self.put(node, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.nodes += 1;
                self.check_size(place)?;
                let text = text.into_owned();
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Quoted,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let forced = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let value = if style == Style::Plain && !forced { resolve(&text) } else { Scalar::String };
                let verbatim = self.source.find(place, span.start.index(), &text, style);
                self.put(Node { place, kind: Kind::Scalar { text, style, value, verbatim } }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.start(Open::List { place, anchor, items: Vec::new() }, place),
            Event::MappingStart(anchor, _) => {
                self.start(Open::Mapping { place, anchor, entries: Vec::new(), merged: Vec::new(), key: None }, place)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { place, anchor, items }) => self.put(Node { place, kind: Kind::List(items) }, anchor),
                Some(Open::Mapping { place, anchor, mut entries, merged, .. }) => {
                    for source in merged {
                        merge(&mut entries, source)?;
                    }
                    self.put(Node { place, kind: Kind::Mapping(entries) }, anchor)
                }
                None => Err((place, "an end without a beginning".into())),
            },
        }
    }

    fn start(&mut self, open: Open, place: Place) -> Result<(), Fault> {
        self.nodes += 1;
        self.check_size(place)?;
        if self.open.len() >= MAX_DEPTH {
            return Err((place, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(open);
        Ok(())
    }

    fn check_size(&self, place: Place) -> Result<(), Fault> {
        if self.nodes > MAX_NODES {
            return Err((place, format!("more than {MAX_NODES} nodes once aliases are expanded")));
        }
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            let (depth, size) = measure(&node);
            if depth + self.open.len() > MAX_DEPTH {
                return Err((node.place, format!("nested deeper than {MAX_DEPTH} levels")));
            }
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, merged, key, .. }) => match key.take() {
                None => match node.kind {
                    Kind::Scalar { text, .. } => *key = Some((text, node.place)),
                    _ => return Err((node.place, format!("{} as a key: only scalars can be keys", node.describe()))),
                },
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((name, place)) => match entries.iter().find(|entry| entry.key == name) {
                    Some(first) => {
                        let what = format!("duplicate key {name:?}: it stands at line {} already", first.place.line);
                        self.problems.add_hint(place, what, "remove one of the two");
                    }
                    None => entries.push(Entry { key: name, place, value: node }),
                },
            },
        }
        Ok(())
    }
}

/// The depth and the number of nodes of a tree whose depth is bounded already.
fn measure(node: &Node) -> (usize, usize) {
    let fold = |(depth, size): (usize, usize), child: &Node| {
        let (d, s) = measure(child);
        (depth.max(d), size + s)
    };
    match &node.kind {
        Kind::Scalar { .. } => (0, 1),
        Kind::List(items) => {
            let (depth, size) = items.iter().fold((0, 1), fold);
            (depth + 1, size)
        }
        Kind::Mapping(entries) => {
            let (depth, size) = entries.iter().map(|entry| &entry.value).fold((0, 1), fold);
            (depth + 1, size)
        }
    }
}

/// Adds the entries of a merge key's value that are not there already.
fn merge(entries: &mut Vec<Entry>, source: Node) -> Result<(), Fault> {
    match source.kind {
        Kind::Mapping(from) => {
            for entry in from {
                if entries.iter().all(|known| known.key != entry.key) {
                    entries.push(entry);
                }
            }
            Ok(())
        }
        Kind::List(sources) => sources.into_iter().try_for_each(|source| match source.kind {
            Kind::Mapping(_) => merge(entries, source),
            _ => Err((source.place, "a merge key takes mappings only".to_owned())),
        }),
        Kind::Scalar { .. } => Err((source.place, "a merge key takes a mapping or a list of mappings".into())),
    }
}
