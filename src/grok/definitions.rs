//! Files of definitions, as Logstash and Elasticsearch have them: a name, blanks, an expression a line; lines that begin
//! with `#` are comments.

/// A definition and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Definition<'t> {
    pub name: &'t str,
    pub expression: &'t str,
    /// From 1.
    pub line: usize,
    /// Where the expression begins, from 1, in characters.
    pub column: usize,
}

/// Reads definitions; a line that has no expression is the error.
pub(super) fn read(text: &str) -> impl Iterator<Item = Result<Definition<'_>, (usize, &str)>> {
    // Editors of Windows begin a file with a mark that is no letter of the first name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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
        let column = written[..written.len() - expression.len()].chars().count() + 1;
        Some(Ok(Definition { name, expression, line: number + 1, column }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_an_expression() {
        let text = "# mine\n\n  ID  [a-z]+ \t\r\nDAY\tMon|Tue\nLONELY\n  # no\n";
        let definition = |name, expression, line, column| Ok(Definition { name, expression, line, column });
        let expected = [definition("ID", "[a-z]+ \t", 3, 7), definition("DAY", "Mon|Tue", 4, 5), Err((5, "LONELY"))];
        assert_eq!(read(text).collect::<Vec<_>>(), expected);
        assert_eq!(
            read("\u{feff}A a\r\nB b").collect::<Vec<_>>(),
            [definition("A", "a", 1, 3), definition("B", "b", 2, 3)]
        );
    }
}
