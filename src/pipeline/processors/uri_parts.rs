//! `uri_parts`: takes a URI apart.
//!
//! | option | |
//! |---|---|
//! | `field` | the text; absent or null is a failure unless `ignore_missing`, what is no URI is one always |
//! | `target_field` | `url`; the object of the parts |
//! | `keep_original` | `true`: the text itself is kept in `original` |
//! | `remove_if_successful` | `false`; if `true` the field is removed |
//! | `ignore_missing` | `false` |
//!
//! The parts are `domain`, `fragment`, `path`, `extension`, `port`, `query`, `scheme`, `user_info`, `username` and
//! `password`; what there is not has no field (Elasticsearch: `domain` and `scheme` are then null). They are decoded, but
//! for those of an `http`, `https`, `ftp` or `file` URL with characters that no URI may have, which are kept as they are.

use std::borrow::Cow;

use super::urldecode::decode;
use crate::event::{Object, Path, Value};
use crate::pipeline::compile::Compiler;
use crate::pipeline::step::{Flow, Process, Work};
use crate::yaml::{Fields, Spanned};

struct UriParts {
    field: Path,
    target: Path,
    keep_original: bool,
    remove: bool,
    ignore_missing: bool,
}

pub(super) fn compile(fields: &Fields<'_, '_>, cx: &Compiler<'_>) -> Option<Box<dyn Process>> {
    let remove = fields.bool("remove_if_successful").unwrap_or(false);
    let field = fields.required_string("field");
    let field = field.and_then(|text| if remove { cx.write_path(text) } else { cx.read_path(text) });
    let target = fields.string("target_field").unwrap_or(Spanned { place: fields.place(), value: "url" });
    let target = cx.write_path(target);
    let keep_original = fields.bool("keep_original").unwrap_or(true);
    let ignore_missing = fields.bool("ignore_missing").unwrap_or(false);
    Some(Box::new(UriParts { field: field?, target: target?, keep_original, remove, ignore_missing }))
}

impl Process for UriParts {
    fn run<'a>(&'a self, work: &mut Work<'a>) -> Result<Flow, String> {
        let why = "cannot process it.";
        let Some(text) = super::text(work, &self.field, self.ignore_missing, why)? else { return Ok(Flow::Continue) };
        let text = text.clone();
        let Some(mut parts) = parts(&text) else {
            return Err(format!("unable to parse URI [{}]", super::cut(&text)));
        };
        if self.keep_original {
            parts.insert("original", Value::String(text));
        }
        if self.remove && self.field != self.target {
            self.field.remove(work.event.root_mut()).map_err(|error| error.to_string())?;
        }
        super::set(work, &self.target, Value::Object(parts))?;
        Ok(Flow::Continue)
    }
}

fn parts<'a>(text: &str) -> Option<Object<'a>> {
    let (rest, fragment) = cut_at(text, '#');
    let scheme = rest.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| is_scheme(scheme));
    let after = scheme.map_or(rest, |scheme| &rest[scheme.len() + 1..]);
    let strict = is_legal(text);
    if !strict
        && !scheme.is_some_and(|s| ["http", "https", "ftp", "file"].iter().any(|url| s.eq_ignore_ascii_case(url)))
    {
        return None;
    }
    let decoded = |part: &str| if strict { decode(part, false) } else { Some(part.to_owned()) };
    let string = |text: String| Value::String(Cow::Owned(text));
    let mut out = Object::with_capacity(8);
    // `mailto:a@b` has no parts but its scheme.
    let opaque = scheme.is_some() && !after.starts_with('/');
    let (hierarchy, query) = cut_at(after, '?');
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", hierarchy),
    };
    let (user_info, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let bracketed = host.find(']').map_or(0, |end| end + 1);
    let (host, port) = match host[bracketed..].rfind(':') {
        Some(colon) => (&host[..bracketed + colon], &host[bracketed + colon + 1..]),
        None => (host, ""),
    };
    if !host.is_empty() {
        out.insert("domain", string(host.to_owned()));
    }
    if let Some(fragment) = fragment {
        out.insert("fragment", string(decoded(fragment)?));
    }
    if !opaque {
        let path = decoded(path)?;
        let last = path.rfind('/').map(|slash| &path[slash..]);
        let extension = last.and_then(|last| last.rfind('.').map(|dot| last[dot + 1..].to_owned()));
        out.insert("path", string(path));
        if let Some(extension) = extension {
            out.insert("extension", string(extension));
        }
    }
    if !port.is_empty() {
        out.insert("port", Value::Int(i64::from(port.parse::<u16>().ok()?)));
    }
    if let Some(query) = query.filter(|_| !opaque) {
        out.insert("query", string(decoded(query)?));
    }
    if let Some(scheme) = scheme {
        out.insert("scheme", string(scheme.to_owned()));
    }
    if let Some(user_info) = user_info {
        let user_info = decoded(user_info)?;
        if let Some((user, password)) = user_info.split_once(':') {
            out.insert("username", string(user.to_owned()));
            out.insert("password", string(password.to_owned()));
        }
        out.insert("user_info", string(user_info));
    }
    Some(out)
}

fn cut_at(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// True if there are only characters that a URI may have (RFC 2396, other scripts allowed, as in Java).
fn is_legal(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.char_indices().all(|(index, c)| match c {
        '%' => (1..=2).all(|next| bytes.get(index + next).is_some_and(u8::is_ascii_hexdigit)),
        '[' | ']' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "-_.!~*'();/?:@&=+$,#".contains(c),
        c => !c.is_whitespace() && !c.is_control(),
    })
}
