//! Files of definitions, as Logstash and Elasticsearch have them: a name, blanks, an expression a line; lines that begin
//! with `#` are comments.

/// A definition and its line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Definition<'t> {
    pub name: &'t str,
    pub expression: &'t str,
    pub line: usize,
}

/// Reads definitions; a line that has no expression is the error.
pub(super) fn read(text: &str) -> impl Iterator<Item = Result<Definition<'_>, (usize, &str)>> {
    text.lines().enumerate().filter_map(|(number, written)| {
        let line = written.trim_start();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let expression = rest.trim_start();
        if expression.is_empty() {
            return Some(Err((number + 1, name)));
        }
        Some(Ok(Definition { name, expression, line: number + 1 }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_an_expression() {
        let text = "# mine\n\n  ID  [a-z]+ \t\r\nDAY\tMon|Tue\nLONELY\n  # no\n";
        let read: Vec<_> = read(text).collect();
        let definition = |name, expression, line| Ok(Definition { name, expression, line });
        assert_eq!(read, [definition("ID", "[a-z]+ \t", 3), definition("DAY", "Mon|Tue", 4), Err((5, "LONELY"))]);
    }
}
