//! What Java's `Pattern`, `replaceAll` and `split` say, said here too.

use super::*;

fn replaced(pattern: &str, text: &str, with: &str) -> String {
    let regex = Regex::compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let with = Replacement::compile(with, &regex).unwrap();
    regex.replace_all(text, &with).unwrap().unwrap_or_else(|| text.to_owned())
}

fn pieces(pattern: &str, text: &str) -> Vec<String> {
    let regex = Regex::compile(pattern).unwrap();
    regex.split(text, 0, false).unwrap().into_iter().map(|range| text[range].to_owned()).collect()
}

#[test]
fn matches_are_replaced_as_in_java() {
    for (pattern, text, with, expected) in [
        (r"\.", "127.0.0.1", "-", "127-0-0-1"),
        ("-", "a-b-", "", "ab"),
        (r"(\d+)-(\d+)", "1-2 33-44", "$2-$1", "2-1 44-33"),
        (r"(?<first>\w+) (\w+)", "ab cd", "${first}$2$1!", "abcdab!"),
        ("a*", "baac", "X", "XbXXcX"),
        ("", "ab", "-", "-a-b-"),
        ("x", "ab", "y", "ab"),
        (r"(a)(b)?", "a", "[$1$2]", "[a]"),
        ("(a)", "a", "$12", "a2"),
        ("a", "a", r"\$1\\", r"$1\"),
        // ASCII, unless said otherwise.
        (r"\w", "é_1", ".", "é.."),
        (r"\d", "٣3", ".", "٣."),
        (r"\p{L}", "é1", ".", ".1"),
        (r"\b", "éa b", "|", "é|a| |b|"),
        (r"\bb(?!c)", "éb bc", "x", "éx bc"),
        (r"\p{Punct}", "a,b~c[d]", ".", "a.b.c.d."),
        (r"[\p{Alpha}&&[^b]]", "abc", ".", ".b."),
        (r"\Qa.b\E", "a.b axb", ".", ". axb"),
        // A dot is no line terminator, and $ is before the last.
        ("a.b", "a\nb a\rb a\tb", "x", "a\nb a\rb x"),
        ("(?s)a.b", "a\nb", "x", "x"),
        ("b$", "ab\n", "x", "ax\n"),
        ("b$", "ab", "x", "ax"),
        ("b$", "ab\nb", "x", "ab\nx"),
        ("(?m)b$", "ab\nb", "x", "ax\nx"),
        (r"\s+$", "a \n", "", "a"),
        (r"b\z", "ab\n", "x", "ab\n"),
        // Look-around, back references, possessive.
        (r"(?<=a)b(?!c)", "ab abc b", "x", "ax abc b"),
        (r"(.)\1", "aabbc", "<$1>", "<a><b>c"),
        ("a++b", "aab", "x", "x"),
        (r"\u0041\x42\t", "AB\t", "x", "x"),
        (r"\h", "a\u{a0}b", "x", "axb"),
        (r"[\[\]{}]", "[a]{b}", "", "ab"),
        (r"[^\w\-]", "a-b c", "", "a-bc"),
        (r"\/", "a/b", "x", "axb"),
        (r"\<b\>", "<b>", "x", "x"),
    ] {
        assert_eq!(replaced(pattern, text, with), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn texts_are_split_as_in_java() {
    for (pattern, text, expected) in [
        (r"\.", "127.0.0.1", vec!["127", "0", "0", "1"]),
        (",", "a,b,,", vec!["a", "b"]),
        (",", ",a", vec!["", "a"]),
        (",", "", vec![""]),
        (",", ",", vec![]),
        ("", "abc", vec!["a", "b", "c"]),
        (r"\s+", "a  b\tc", vec!["a", "b", "c"]),
        ("x*", "axxb", vec!["a", "", "b"]),
        (r"\|", "a|b", vec!["a", "b"]),
        (r"(?=[A-Z])", "aBcD", vec!["a", "Bc", "D"]),
    ] {
        assert_eq!(pieces(pattern, text), expected, "{pattern} on {text:?}");
    }
    let regex = Regex::compile("=").unwrap();
    assert_eq!(regex.split("a=b=c", 2, false).unwrap(), [0..1, 2..5]);
    assert_eq!(regex.split("a=", 2, false).unwrap(), [0..1, 2..2]);
    assert_eq!(regex.split("a==", 0, true).unwrap(), [0..1, 2..2, 3..3]);
}

#[test]
fn what_is_no_expression_says_so() {
    for pattern in ["(", "[a", r"\y", r"a\", r"\u12", "*a", r"\p{Nonsense}"] {
        assert!(Regex::compile(pattern).is_err(), "{pattern}");
    }
    let regex = Regex::compile("(a)").unwrap();
    for replacement in ["$", "$2", "${b}", "\\"] {
        assert!(Replacement::compile(replacement, &regex).is_err(), "{replacement}");
    }
    assert!(Regex::compile_whole("a)|(b").is_err());
}

#[test]
fn time_is_bounded() {
    let text = "a".repeat(40);
    let regex = Regex::compile(r"^(?:(a+)+\1?)+(?=b)c$").unwrap();
    assert!(regex.is_match(&text).is_err() || regex.is_match(&text) == Ok(false));
    // Without look-around the time is linear.
    assert_eq!(Regex::compile("(a+)+$").unwrap().is_match(&format!("{}b", "a".repeat(100_000))), Ok(false));
    assert_eq!(Regex::compile_whole("a|ab").unwrap().is_match("ab"), Ok(true));
}
