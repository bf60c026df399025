//! From the text of a template to its pieces.

use super::{Of, Part, Template};
use crate::event::Path;
use crate::pipeline::compile::Compiler;
use crate::yaml::Place;

/// How deep sections may be nested.
const MAX_DEPTH: usize = 16;
const KNOWN: &str = "known: _ingest.timestamp, _ingest.pipeline, _ingest.on_failure_message, \
     _ingest.on_failure_processor_type, _ingest.on_failure_processor_tag, _ingest.on_failure_pipeline; \
     within foreach _ingest._value and _ingest._key";

impl Template {
    /// Compiles a text; `escape` is whether `{{…}}` is escaped. A fault is added to the problems at `place`.
    pub(crate) fn compile(text: &str, place: Place, escape: bool, cx: &Compiler<'_>) -> Option<Self> {
        warn_of_references(text, place, cx);
        if !text.contains("{{") {
            return Some(Self::Literal(text.to_owned()));
        }
        let mut parser = Parser { whole: text, rest: text, place, escape, cx };
        let parts = parser.parts(None, 0)?;
        Some(match parts.as_slice() {
            [] => Self::Literal(String::new()),
            _ => Self::Parts(parts),
        })
    }
}

/// `%{field}` is how Logstash has it, and an index's name here; in a template it is a text like any other.
fn warn_of_references(text: &str, place: Place, cx: &Compiler<'_>) {
    let Some((_, rest)) = text.split_once("%{") else { return };
    let Some((name, _)) = rest.split_once('}') else { return };
    let field = name.trim_start_matches('[').trim_end_matches(']').replace("][", ".");
    let what = format!("%{{{name}}} stands for itself here");
    if name.starts_with('+') {
        cx.problems.warn(
            place,
            what,
            "dates are written so in the name of an index only; {{{_ingest.timestamp}}} is the record's",
        );
    } else {
        cx.problems.warn(place, what, format!("a field is written {{{{{{{field}}}}}}} in a template"));
    }
}

struct Parser<'t, 'c, 'p> {
    whole: &'t str,
    rest: &'t str,
    place: Place,
    escape: bool,
    cx: &'c Compiler<'p>,
}

impl<'t> Parser<'t, '_, '_> {
    fn fail<T>(&self, what: &str, hint: &str) -> Option<T> {
        let what = format!("the template {:?} {what}", self.whole);
        match hint {
            "" => self.cx.problems.add(self.place, what),
            hint => self.cx.problems.add_hint(self.place, what, hint),
        }
        None
    }

    /// The pieces up to the end, or to the end of the section `within`.
    fn parts(&mut self, within: Option<&str>, depth: usize) -> Option<Vec<Part>> {
        if depth > MAX_DEPTH {
            return self.fail("has sections that are nested too deeply", "");
        }
        let mut parts = Vec::new();
        loop {
            let Some(start) = self.rest.find("{{") else {
                if let Some(name) = within {
                    return self.fail(&format!("has a {{{{#{name}}}}} without its {{{{/{name}}}}}"), "");
                }
                if !self.rest.is_empty() {
                    parts.push(Part::Text(self.rest.to_owned()));
                }
                return Some(parts);
            };
            if start > 0 {
                parts.push(Part::Text(self.rest[..start].to_owned()));
            }
            self.rest = &self.rest[start..];
            let (tag, raw) = self.tag()?;
            let name = tag.trim();
            let rest = |prefix: char| name.strip_prefix(prefix).map(str::trim);
            if let Some(end) = rest('/') {
                if within != Some(end.split_whitespace().next().unwrap_or_default()) {
                    return self.fail(&format!("has a {{{{/{end}}}}} without its beginning"), "");
                }
                return Some(parts);
            }
            if rest('!').is_some() {
                continue;
            }
            if name.starts_with(['>', '=', '<', '$']) {
                return self.fail("has a partial or other delimiters, which are not supported", "");
            }
            let part = match (rest('#'), rest('^')) {
                (Some(name), _) => self.section(name, depth)?,
                (_, Some(name)) => {
                    let of = self.of(name, depth)?;
                    Part::Section { of, inverted: true, parts: self.parts(Some(name), depth + 1)? }
                }
                _ => {
                    let (name, raw) = rest('&').map_or((name, raw), |name| (name, true));
                    Part::Field { of: self.of(name, depth)?, escape: self.escape && !raw }
                }
            };
            parts.push(part);
        }
    }

    /// Takes what stands between the next braces, and whether these are three.
    fn tag(&mut self) -> Option<(&'t str, bool)> {
        let raw = self.rest.starts_with("{{{");
        let (open, close) = if raw { (3, "}}}") } else { (2, "}}") };
        let inner = &self.rest[open..];
        let Some(end) = inner.find(close) else { return self.fail("has a {{ without its }}", "") };
        self.rest = &inner[end + close.len()..];
        Some((&inner[..end], raw))
    }

    fn section(&mut self, name: &str, depth: usize) -> Option<Part> {
        let (function, options) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
        if !matches!(function, "toJson" | "join") {
            let of = self.of(name, depth)?;
            return Some(Part::Section { of, inverted: false, parts: self.parts(Some(name), depth + 1)? });
        }
        let parts = self.parts(Some(function), depth + 1)?;
        let [Part::Text(field)] = parts.as_slice() else {
            return self.fail(&format!("has something else than the name of a field within {{{{#{function}}}}}"), "");
        };
        let of = self.of(field.trim(), depth)?;
        if function == "toJson" {
            return Some(Part::Json(of));
        }
        let delimiter = match options.trim() {
            "" => Some(","),
            given => given.strip_prefix("delimiter='").and_then(|given| given.strip_suffix('\'')),
        };
        match delimiter {
            Some(delimiter) => Some(Part::Join { of, delimiter: delimiter.to_owned() }),
            None => self.fail("has a {{#join}} with unknown options", "write {{#join delimiter='; '}}"),
        }
    }

    fn of(&self, name: &str, depth: usize) -> Option<Of> {
        match name {
            "." if depth > 0 => return Some(Of::Item),
            "_ingest.timestamp" => return Some(Of::Timestamp),
            "_ingest.pipeline" => return Some(Of::Pipeline),
            "_ingest.on_failure_message" => return Some(Of::FailureMessage),
            "_ingest.on_failure_processor_type" => return Some(Of::FailureProcessor),
            "_ingest.on_failure_processor_tag" => return Some(Of::FailureTag),
            "_ingest.on_failure_pipeline" => return Some(Of::FailurePipeline),
            "_ingest._grok_match_index" => return Some(Of::GrokMatch),
            _ => {}
        }
        match Path::parse(name) {
            Ok(path) if self.cx.is_reserved(&path) => {
                self.cx.problems.add_hint(self.place, format!("{name:?} can't be had in a template"), KNOWN);
                None
            }
            Ok(path) => {
                if let Some(field) = name.strip_prefix("ctx.") {
                    let hint = format!("ctx is for conditions; in a template write {{{{{{{field}}}}}}}");
                    self.cx.problems.warn(
                        self.place,
                        format!("{name} would be a field within a field named ctx"),
                        hint,
                    );
                }
                self.cx.reads(&path);
                Some(Of::Path(path))
            }
            Err(error) => {
                self.cx.problems.add(self.place, format!("template: {error}"));
                None
            }
        }
    }
}
