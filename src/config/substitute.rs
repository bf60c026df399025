//! `${VAR}` and `${VAR:-default}` in the values of `kelp.yaml`.
//!
//! They are replaced in the texts of values after the file was parsed: what a variable holds is text and can neither
//! add a key nor end a quote. Names of keys are left alone. `$${` stands for `${`, and a `$` without `{` for itself.

/// Finds the value of a variable.
pub(super) type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A fault of a text: the character at which it stands, from 0, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) at: usize,
    pub(super) what: String,
    pub(super) hint: String,
}

/// The text with its variables replaced, or all that is wrong with it.
pub(super) fn substitute(text: &str, look_up: LookUp<'_>) -> Result<String, Vec<Unusable>> {
    let mut out = String::with_capacity(text.len());
    let mut wrong = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let at = text[..text.len() - rest.len() + dollar].chars().count();
        rest = &rest[dollar..];
        if let Some(after) = rest.strip_prefix("$${") {
            out.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let Some(end) = after.find('}') else {
                let hint = "write ${NAME} or ${NAME:-default}, and $${ for ${ itself".to_owned();
                wrong.push(Unusable { at, what: "a ${ without its }".to_owned(), hint });
                break;
            };
            match value(&after[..end], look_up) {
                Ok(value) => out.push_str(&value),
                Err((what, hint)) => wrong.push(Unusable { at, what, hint }),
            }
            rest = &after[end + 1..];
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    if wrong.is_empty() { Ok(out) } else { Err(wrong) }
}

fn value(inner: &str, look_up: LookUp<'_>) -> Result<String, (String, String)> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let hint = "write ${NAME} or ${NAME:-default}, and $${ for ${ itself";
        return Err((format!("{name:?} is no name of a variable"), hint.to_owned()));
    }
    if default.is_some_and(|default| default.contains("${")) {
        return Err(("a default cannot have a variable in it".to_owned(), "give a plain default".to_owned()));
    }
    match (look_up(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            let hint = format!("set it, or give a default: ${{{name}:-…}}");
            Err((format!("the variable {name} is not set"), hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, Vec<Unusable>> {
        substitute(text, &|name| match name {
            "HOST" => Some("es-1".to_owned()),
            "EMPTY" => Some(String::new()),
            "SLY" => Some("x}, threads: 9, y: ${HOST}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_replaced_and_what_they_hold_is_not_looked_at() {
        for (text, expected) in [
            ("http://${HOST}:9200", "http://es-1:9200"),
            ("${HOST}${HOST}", "es-1es-1"),
            ("${EMPTY}", ""),
            ("${EMPTY:-a}${NONE:-b:-c}${HOST:-d}${NONE:-}", "ab:-ces-1"),
            ("${SLY}", "x}, threads: 9, y: ${HOST}"),
            ("$${HOST} $HOST $$ $", "${HOST} $HOST $$ $"),
            ("$$${HOST}", "$${HOST}"),
            ("é${HOST}", "ées-1"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn every_fault_of_a_text_is_told_with_its_character() {
        let at = |text: &str| of(text).unwrap_err().iter().map(|one| (one.at, one.what.clone())).collect::<Vec<_>>();
        assert_eq!(
            at("é${NONE}-${1x}-${NEITHER}"),
            [
                (1, "the variable NONE is not set".to_owned()),
                (9, "\"1x\" is no name of a variable".to_owned()),
                (15, "the variable NEITHER is not set".to_owned()),
            ]
        );
        assert_eq!(at("a${HOST"), [(1, "a ${ without its }".to_owned())]);
        assert_eq!(at("${NONE:-${HOST}}")[0].1, "a default cannot have a variable in it");
    }
}
