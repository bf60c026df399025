//! Which definition an engine's complaint is about.
//!
//! The engine sees one long expression and says what is wrong with it, not where. Each reference is tried alone, and the
//! innermost that is refused is named.

use super::engine::{self, Refusal};
use super::expand::expand;
use super::fault::Fault;
use super::matcher::Matcher;
use super::options::Options;
use super::patterns::Patterns;
use super::reference::{Read, named_group, read};

/// The fault of an expression that the engine refused.
pub(super) fn blame(text: &str, refused: &str, patterns: &Patterns, options: Options) -> Fault {
    let mut fault = Fault { expression: 0, offset: 0, within: Vec::new(), what: String::new(), hint: None };
    let mut words = refused.to_owned();
    let mut looked_at = text.to_owned();
    while let Some((offset, name, told)) = refused_reference(&looked_at, patterns, options) {
        if fault.within.is_empty() {
            fault.offset = offset;
        }
        words = told;
        patterns.get(&name).unwrap_or_default().clone_into(&mut looked_at);
        fault.within.push(name);
    }
    if fault.within.is_empty() {
        fault.offset = place(text).unwrap_or_default();
    }
    let shown = match looked_at.char_indices().nth(200) {
        None => looked_at,
        Some((end, _)) => format!("{}…", &looked_at[..end]),
    };
    fault.what = format!("the pattern {shown:?} can't be compiled: {words}");
    fault
}

/// Where our own parser stops in an expression whose references are right. For it they are letters, as many as they are long, and so are
/// names that it does not know.
fn place(text: &str) -> Option<usize> {
    let mut letters = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let reference = rest.strip_prefix("%{").map(read);
        let hidden = match reference {
            Some(Read::Reference(_, length)) => length + "%{".len(),
            _ => 0,
        };
        if hidden > 0 {
            letters.extend(std::iter::repeat_n('x', hidden));
            rest = &rest[hidden..];
        } else if let Some((_, length)) = named_group(rest) {
            letters.push_str("(?<");
            letters.extend(std::iter::repeat_n('x', length - "(?<>".len()));
            letters.push('>');
            rest = &rest[length..];
        } else {
            letters.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    match engine::compile(&letters, &engine::Syntax::default()) {
        Err(Refusal::Syntax { at, .. }) => (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)),
        _ => None,
    }
}

/// The first reference that the engine refuses alone: where it is, its name, and the engine's words.
fn refused_reference(text: &str, patterns: &Patterns, options: Options) -> Option<(usize, String, String)> {
    for (offset, _) in text.match_indices("%{") {
        let Read::Reference(reference, _) = read(&text[offset + 2..]) else { continue };
        if reference.inline.is_some() {
            continue;
        }
        let alone = format!("%{{{}}}", reference.name);
        if let Ok(expanded) = expand(&alone, patterns, options)
            && let Err(words) = Matcher::compile(&expanded, options)
        {
            return Some((offset, reference.name.to_owned(), words));
        }
    }
    None
}
