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

/// What a comment begins with.
pub(in crate::grok) const COMMENT: &str = "(?#";

/// How long the comment is that a text begins with, `(?#…)`, if it does and that is closed.
pub(in crate::grok) fn comment_length(text: &str) -> Option<usize> {
    let (end, _) = unescaped(text.strip_prefix(COMMENT)?).find(|(_, letter)| *letter == ')')?;
    Some(COMMENT.len() + end + ")".len())
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

/// How long the escape is that a text begins with, in bytes: `\\n`, `\\x41`, `\\p{L}`, `\\k<name>`, `\\C-a`, with all that belongs to
/// the letter. Of digits it takes three, be they a number of a group or octal.
pub(in crate::grok) fn escape_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(after) = text[at..].strip_prefix('\\') {
        // These are about the character that follows, which may be escaped in turn.
        match after.as_bytes() {
            [b'c', ..] => at += 2,
            [b'C' | b'M', b'-', ..] => at += 3,
            _ => return at + 1 + letter_length(after),
        }
    }
    at + text[at..].chars().next().map_or(0, char::len_utf8)
}

/// How long the letter after a backslash is, with what belongs to it.
fn letter_length(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let digits = |from: usize, most: usize, is_digit: fn(&u8) -> bool| {
        from + text.bytes().skip(from).take(most).take_while(is_digit).count()
    };
    let up_to = |close: char| text.find(close).map_or(first, |end| end + 1);
    match text.as_bytes() {
        [b'x' | b'o' | b'p' | b'P', b'{', ..] => up_to('}'),
        [b'k' | b'g', b'<', ..] => up_to('>'),
        [b'k' | b'g', b'\'', ..] => text[2..].find('\'').map_or(first, |end| 2 + end + 1),
        [b'x', ..] => digits(1, 2, u8::is_ascii_hexdigit),
        [b'u', ..] => digits(1, 4, u8::is_ascii_hexdigit),
        [b'0'..=b'9', ..] => digits(0, 3, u8::is_ascii_digit),
        _ => first,
    }
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
    fn an_escape_has_all_that_belongs_to_its_letter() {
        for escape in [
            r"\n",
            r"\é",
            r"\x4",
            r"\x41",
            r"\x{1F600}",
            r"\u00e4",
            r"\101",
            r"\1",
            r"\p{L}",
            r"\P{^L}",
            r"\k<a>",
            r"\k'a'",
            r"\g<1>",
            r"\cA",
            r"\C-a",
            r"\M-\C-a",
            r"\c\\",
            r"\o{17}",
            r"\\",
        ] {
            assert_eq!(escape_length(&format!("{escape} >}}'")), escape.len(), "{escape}");
            assert_eq!(escape_length(escape), escape.len(), "{escape}");
        }
        for (text, expected) in
            [("\\", 1), (r"\k<a", 2), (r"\c", 2), (r"\M-", 3), (r"\kx", 2), (r"\x41b", 4), (r"\pL", 2)]
        {
            assert_eq!(escape_length(text), expected, "{text}");
        }
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
