//! What Unicode says of characters: the classes behind `\w`, `[:alpha:]` and `\p{…}`, and case.
//!
//! The tables are those of `regex-syntax`. Definitions are Oniguruma's (its `doc/RE`); a test compares each with it,
//! character by character.

use std::sync::OnceLock;

use regex_syntax::hir::{Class as HirClass, ClassUnicode, ClassUnicodeRange, HirKind};

use super::class::Class;

/// The classes that have a short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Alnum,
    Alpha,
    Ascii,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Word,
    Xdigit,
}

impl Named {
    /// By the name between `[:` and `:]`.
    pub(super) fn by_name(name: &str) -> Option<Named> {
        Some(match name {
            "alnum" => Named::Alnum,
            "alpha" => Named::Alpha,
            "ascii" => Named::Ascii,
            "blank" => Named::Blank,
            "cntrl" => Named::Cntrl,
            "digit" => Named::Digit,
            "graph" => Named::Graph,
            "lower" => Named::Lower,
            "print" => Named::Print,
            "punct" => Named::Punct,
            "space" => Named::Space,
            "upper" => Named::Upper,
            "word" => Named::Word,
            "xdigit" => Named::Xdigit,
            _ => return None,
        })
    }

    /// The characters; only those of ASCII if `ascii`.
    pub(super) fn class(self, ascii: bool) -> Class {
        static KNOWN: [OnceLock<Class>; 28] = [const { OnceLock::new() }; 28];
        KNOWN[self as usize * 2 + usize::from(ascii)].get_or_init(|| self.look_up(ascii)).clone()
    }

    fn look_up(self, ascii: bool) -> Class {
        let all = match self {
            Named::Alnum => property(r"[\p{Alphabetic}\p{Nd}]"),
            Named::Alpha => property(r"\p{Alphabetic}"),
            Named::Ascii => Class::new(vec![(0, 127)]),
            Named::Blank => property(r"[\p{Zs}\t]"),
            Named::Cntrl => property(r"\p{Cc}"),
            Named::Digit => property(r"\p{Nd}"),
            Named::Graph => property(r"[^\p{White_Space}\p{Cc}\p{Cn}]"),
            Named::Lower => property(r"\p{Lowercase}"),
            Named::Print => property(r"[[^\p{White_Space}\p{Cc}\p{Cn}]\p{Zs}]"),
            Named::Punct => property(r"[\p{P}\p{S}]"),
            Named::Space => property(r"\p{White_Space}"),
            Named::Upper => property(r"\p{Uppercase}"),
            Named::Word => property(r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]"),
            Named::Xdigit => Class::new(vec![(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)]),
        };
        if ascii { all.intersection(&Class::new(vec![(0, 127)])) } else { all }
    }
}

/// The characters of `\w` outside brackets, and of `\b`: Oniguruma has a table of its own for Latin-1 there, with `²³¹¼½¾`.
pub(super) fn word() -> &'static Class {
    static WORD: OnceLock<Class> = OnceLock::new();
    WORD.get_or_init(|| property(r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}²³¹¼½¾]"))
}

/// Whether `\b` sees a part of a word there.
pub(super) fn is_word(character: char, ascii: bool) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => true,
        '\0'..='\x7F' => false,
        _ => !ascii && word().contains(character),
    }
}

/// The characters of `\p{name}`, or nothing if the name is not known here.
pub(super) fn by_property(name: &str) -> Option<Class> {
    let plain: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect::<String>().to_ascii_lowercase();
    if let Some(named) = Named::by_name(&plain) {
        return Some(named.class(false));
    }
    match plain.as_str() {
        "any" => return Some(Class::all()),
        // Blocks are not in the tables, and some names mean another thing there.
        _ if plain.starts_with("in") || plain.contains(['=', ':', '^', '{']) => return None,
        _ => {}
    }
    class_of(&format!(r"\p{{{plain}}}"))
}

fn property(expression: &str) -> Class {
    class_of(expression).unwrap_or_else(|| Class::new(Vec::new()))
}

fn class_of(expression: &str) -> Option<Class> {
    match regex_syntax::parse(expression).ok()?.kind() {
        HirKind::Class(HirClass::Unicode(class)) => {
            Some(Class::new(class.iter().map(|range| (range.start() as u32, range.end() as u32)).collect()))
        }
        _ => None,
    }
}

/// The class together with every character that is the same but for its case.
pub(super) fn folded(class: &Class) -> Class {
    let ranges = class.ranges().iter().filter_map(|(low, high)| {
        // Ends within the surrogates, which are no characters, move out of them.
        let low = char::from_u32(*low).unwrap_or('\u{E000}');
        let high = char::from_u32(*high).unwrap_or('\u{D7FF}');
        (low <= high).then(|| ClassUnicodeRange::new(low, high))
    });
    let mut folding = ClassUnicode::new(ranges);
    if folding.try_case_fold_simple().is_err() {
        return class.clone();
    }
    Class::new(folding.iter().map(|range| (range.start() as u32, range.end() as u32)).collect())
}

/// Characters that are, but for case, the same as two or three others (`ß` and `ss`): each with these others.
pub(super) fn long_folds() -> &'static [(char, String)] {
    static LONG: OnceLock<Vec<(char, String)>> = OnceLock::new();
    LONG.get_or_init(|| {
        let all = (128..0x2_0000).filter_map(char::from_u32);
        // Decomposed upper case is long just where the full folding of Unicode is; the one exception is `İ`.
        let mut long: Vec<(char, String)> = all
            .filter(|character| character.to_uppercase().count() > 1)
            .map(|character| (character, character.to_uppercase().flat_map(char::to_lowercase).collect()))
            .collect();
        long.push(('\u{130}', "i\u{307}".to_owned()));
        long.push(('\u{1E9E}', "ss".to_owned()));
        long
    })
}
