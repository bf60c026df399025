//! What can be said of the matches of an expression that the engine cannot run: it spares another one texts and positions.

use super::Syntax;
use super::needs::{Need, has_all, needs_of};
use super::parse;
use super::simplify::simplify;
use super::starts::Starts;

/// Longer expressions are not looked at: what is asked of them takes time with the square of that.
const LONGEST: usize = 16 << 10;

/// Where matches can begin, and what they contain.
#[derive(Debug)]
pub struct Outline {
    starts: Starts,
    needs: Vec<Need>,
}

impl Outline {
    /// Of an expression, if it is understood so far.
    pub fn new(expression: &str, syntax: &Syntax) -> Option<Outline> {
        if expression.len() > LONGEST {
            return None;
        }
        let tree = simplify(parse::outline(expression, syntax).ok()?);
        Some(Outline { starts: Starts::new(&tree), needs: needs_of(&tree, 1) })
    }

    /// The last position at which a match may begin; none if the text lacks anything that every match contains.
    pub fn last(&self, text: &str) -> Option<usize> {
        self.starts.last(text.as_bytes(), 0).filter(|_| has_all(text.as_bytes(), &self.needs))
    }

    /// The first position from one on at which a match may begin.
    pub fn next(&self, text: &str, from: usize) -> Option<usize> {
        self.starts.next(text.as_bytes(), from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_may_be_any_text() {
        for (expression, matched, others) in [
            (r"(?<n0>\w+(?<n1>\((?:[^()]|\g<n1>)*\)))", &["f(a(b)c)", "x f()"][..], &["f", "f(", "(", ")", ""][..]),
            (r"\g<n0>=(?<n0>\w)", &["a=b"], &["ab"]),
            (r"a\g'n0'(?<n0>b+)", &["abb"], &["bb", "aa"]),
            (r"(?<n0>x)?(?(<n0>)y|z)!", &["xy!", "z!"], &["xy", "z"]),
            (r"/\*(?~\*/)\*/", &["/* a */"], &["/ a", "* /"]),
            (r"a\Xb", &["aéb"], &["aé"]),
            (r"ab\y|\Yabc", &["ab", "xabc"], &["a", "b"]),
            (r"(?<=a+)b", &["ab"], &["a"]),
            (r"(?<n0>a)(?<n1>b)\k<n0+0>", &["aba"], &["ba"]),
            (r"\p{In_Greek_and_Coptic}+x", &["αx"], &["α"]),
            (r"(?i)k\X", &["Ka", "\u{212a}a", "ka"], &["a"]),
        ] {
            let outline = Outline::new(expression, &Syntax { ascii_classes: true, ..Syntax::default() });
            let outline = outline.unwrap_or_else(|| panic!("{expression}"));
            let regex = onig::Regex::new(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
            for text in matched {
                let at = regex.find(text).unwrap_or_else(|| panic!("{expression} on {text}")).0;
                assert!(outline.last(text).is_some_and(|last| at <= last), "{expression} on {text}");
                assert!((0..=at).any(|from| outline.next(text, from) == Some(at)), "{expression} on {text}");
            }
            for text in others {
                assert_eq!(outline.last(text), None, "{expression} on {text}");
            }
        }
        for unknown in ["(*FAIL)a", "(?{a})b", r"[\p{InGreek}]", "(a", r"\g<a"] {
            assert!(Outline::new(unknown, &Syntax::default()).is_none(), "{unknown}");
        }
    }
}
