//! Where in an expression a letter is one, though elsewhere it ends something: for the parser, and for all who look for an end
//! without parsing.

/// The letters that are no backslash and have none before them, each with its place in bytes.
pub(in crate::grok) fn unescaped(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    text.char_indices().filter(move |(_, letter)| {
        let itself = !escaped && *letter != '\\';
        escaped = !escaped && *letter == '\\';
        itself
    })
}

/// How much of what comes after an opening bracket does not close it: a `^`, and a `]` if there is another one later.
pub(in crate::grok) fn bracket_head(inside: &str) -> usize {
    let negated = usize::from(inside.starts_with('^'));
    let letter = inside[negated..].strip_prefix(']').is_some_and(closes_later);
    negated + usize::from(letter)
}

/// Whether there is a closing bracket in the rest.
pub(super) fn closes_later(rest: &str) -> bool {
    unescaped(rest).any(|(_, letter)| letter == ']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_ends_nothing() {
        let letters = |text| unescaped(text).map(|(at, letter)| format!("{at}{letter}")).collect::<String>();
        assert_eq!(letters(r"a\)é\\)"), "0a3é7)");
        assert_eq!(letters("\\"), "");
    }

    #[test]
    fn the_first_bracket_is_a_letter_if_another_one_closes() {
        for (inside, expected) in
            [("]a]", 1), ("^]a]", 2), ("^a]", 1), ("a]", 0), ("]", 0), (r"]\]", 0), (r"]\\]", 1), ("", 0), ("^", 1)]
        {
            assert_eq!(bracket_head(inside), expected, "{inside}");
        }
    }
}
