//! The table that renames captures.
//!
//! A line is the name of a definition and what its captures are called: `old=new` or `old=new:type` for a capture that has
//! a name, `NAME=new` for a reference that has none (`NAME#2` is the second of these), and `old=` for one that loses its
//! name. `old=%NAME:new` is another reference in its place. A definition's name may end with `*`; then it is about all that begin so. Of several lines for one capture the
//! first counts.

use std::collections::HashMap;

use crate::grok::definitions;
use crate::grok::reference::{Read, named_group, read};

/// Renames what the table says.
pub(super) fn rename(definitions: &mut HashMap<&'static str, String>, table: &str) {
    let rows: Vec<(&str, Vec<(&str, &str)>)> = definitions::read(table)
        .map(|row| {
            let row = row.expect("a test reads every shipped definition");
            (row.name, row.expression.split_whitespace().filter_map(|entry| entry.split_once('=')).collect())
        })
        .collect();
    for (name, expression) in definitions {
        let about = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => *name == pattern,
        };
        let names: Vec<(&str, &str)> =
            rows.iter().filter(|(pattern, _)| about(pattern)).flat_map(|(_, names)| names.iter().copied()).collect();
        if !names.is_empty() {
            *expression = renamed(expression, &names);
        }
    }
}

/// The expression with `%?{…}` and `%0?{…}` written out: a reference, or the dash or minus one that stands for none.
pub(super) fn written_out(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() * 2);
    let mut rest = expression;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let none = [("%?{", "-"), ("%0?{", "-1")].into_iter().find(|(mark, _)| rest.starts_with(mark));
        if let Some((mark, none)) = none
            && let Some(end) = rest.find('}')
        {
            out.push_str(&format!("(?:{none}|%{{{}}})", &rest[mark.len()..end]));
            rest = &rest[end + 1..];
        } else {
            out.push('%');
            rest = &rest[1..];
        }
    }
    out + rest
}

/// The expression with fields such as `[a][b]` as `a.b`.
pub(super) fn dotted(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some((before, inner)) = rest.split_once("%{") {
        let end = inner.find('}').map_or(inner.len(), |end| end + 1);
        out.push_str(before);
        out.push_str("%{");
        out.push_str(&inner[..end].replace("][", ".").replace(":[", ":").replace("]}", "}").replace("]:", ":"));
        rest = &inner[end..];
    }
    out + rest
}

fn renamed(expression: &str, names: &[(&str, &str)]) -> String {
    let named = |old: &str| names.iter().find(|(known, _)| *known == old).map(|(_, new)| *new);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut out = String::with_capacity(expression.len() * 2);
    let mut at = 0;
    while let Some(c) = expression[at..].chars().next() {
        let rest = &expression[at..];
        if let Some(inner) = rest.strip_prefix("%{")
            && let Read::Reference(reference, length) = read(inner)
        {
            let new = match reference.field {
                Some(field) => named(field.split(':').next().unwrap_or(field)).or(Some(field)),
                None => {
                    let count = seen.entry(reference.name).or_default();
                    *count += 1;
                    named(&format!("{}#{count}", reference.name)).or_else(|| named(reference.name))
                }
            };
            out.push_str(&match new.unwrap_or_default() {
                "" => format!("%{{{}}}", reference.name),
                new => match new.strip_prefix('%') {
                    Some(other) => format!("%{{{other}}}"),
                    None => format!("%{{{}:{new}}}", reference.name),
                },
            });
            at += 2 + length;
            continue;
        }
        if let Some((name, length)) = named_group(rest) {
            out.push_str(&match named(name) {
                Some("") => "(?:".to_owned(),
                Some(new) => format!("(?<{}>", in_group(new)),
                None => format!("(?<{name}>"),
            });
            at += length;
            continue;
        }
        out.push(c);
        at += c.len_utf8();
    }
    out
}

/// A field with a type, as a group has it: what stands before the first colon is no part of the name.
fn in_group(field: &str) -> String {
    if field.contains(':') { format!("group:{field}") } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_renamed_by_the_table() {
        let mut definitions = HashMap::from([
            ("A_ONE", "%{INT:n:int} %{WORD:w} %{INT} %{INT} (?<d>x) (?<e>y) (?<f>z)".to_owned()),
            ("B", "%{INT:n}".to_owned()),
            ("C", "%{DATA:n:int}".to_owned()),
        ]);
        rename(
            &mut definitions,
            "# all\nA_ONE n=a.n:long INT#2=a.second:int d=a.d:int e=\nA_* w=a.w n=never\nC n=%INT:c:long\n",
        );
        assert_eq!(
            definitions["A_ONE"],
            "%{INT:a.n:long} %{WORD:a.w} %{INT} %{INT:a.second:int} (?<group:a.d:int>x) (?:y) (?<f>z)"
        );
        assert_eq!(definitions["B"], "%{INT:n}");
        assert_eq!(definitions["C"], "%{INT:c:long}");
    }
}
