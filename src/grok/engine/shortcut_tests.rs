//! The shortcuts of automata against Oniguruma, on texts that have what is looked for, almost have it, or break off in it.

use onig::{Regex, Region, SearchOptions};

use super::generated::Random;
use super::*;

const LEAD: usize = 0;
const DOTTED: usize = 1;
const SHAPE: usize = 2;
const CHAIN: usize = 3;

/// An expression, the shortcut that it has, and texts that it matches.
const CASES: &[(&str, usize, &[&str])] = &[
    (r"=([+-]?[0-9]+);", LEAD, &["=1;", "=-27;", "=300300300300300300300300300;"]),
    (r" ((?<![0-9.+-])(?>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))) ", LEAD, &[" 12 ", " 1.5 ", " +.5 ", " -3.14159 "]),
    (r" ((?<![0-9.+-])(?>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)))", LEAD, &[" 12", " 1.5.", " 200x", " 7..", " 12."]),
    (
        r#" ((?>(?<!\\)(?>"(?>\\.|[^\\"]+)+"|""|(?>'(?>\\.|[^\\']+)+')|'')))(?: |$)"#,
        LEAD,
        &[r#" "Mozilla/5.0 (X11)" "#, r#" "" "#, r#" "a\"b" "#, " \"ä€\" ", " 'it' "],
    ),
    (
        r"/((?:[a-z0-9_.-]{1,64}@[a-z.]+)|[a-z0-9._-]+) ",
        LEAD,
        &["/frank ", "/- ", "/a@b.c ", "/an_extremely_long_name_of_more_than_24 "],
    ),
    (
        r" ((?:/[a-z0-9$.+!*'(){},~:;=@#%&_-]*)+(?:\?[a-z0-9=&]*)?) ",
        LEAD,
        &[" /index.html ", " /a/b?c=d&e ", " / ", " //? "],
    ),
    (
        r"<((?<![0-9])(?:(?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])[.]){3}(?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])(?![0-9]))>",
        DOTTED,
        &["<10.0.4.17>         .", "<255.255.255.255>      .", "<1.22.133.4>        .", "<249.250.199.001>      ."],
    ),
    (
        r"\[((?:0[1-9]|[12][0-9]|3[01]|[1-9])/\b(?:[Jj]an(?:uary)?|[Ff]eb|[Mm](?:a|ä)?r(?:ch|z)?|[Dd]e(?:c|z))\b/(?>\d\d){1,2}:(?:2[0123]|[01]?[0-9]):(?:[0-5][0-9])(?::(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?))(?![0-9]) [+-]?[0-9]+)\]",
        SHAPE,
        &[
            "[10/Dec/2000:13:55:36 -0700] and what comes after it",
            "[01/Jan/2015:23:00:60 +0000] and what comes after it",
            "[3/März/15:3:05:59.123 0] and what comes after it",
            "[31/feb/1999:00:59:9 +1] and what comes after it",
        ],
    ),
    (
        r"^(\b(?:Jan|Feb|Mar(?:ch)?)\b +(?:0[1-9]|[12][0-9]|3[01]|[1-9]) (?:2[0123]|[01]?[0-9]):[0-5][0-9]:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?(?![0-9])) ",
        SHAPE,
        &[
            "Feb  3 12:14:14 web-01 and what comes after it",
            "Mar 31 23:59:60 x and what comes after it, of course",
            "March   9 1:00:5 x and what comes after it",
        ],
    ),
    (
        r"^((?>\d\d){1,2}-(?:0?[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]|[1-9])[T ](?:2[0123]|[01]?[0-9]):?(?:[0-5][0-9])(?::?(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?))?(?:Z|[+-](?:2[0123]|[01]?[0-9])(?::?[0-5][0-9]))?) ",
        SHAPE,
        &[
            "2024-03-14T09:26:53.589Z and what comes after it",
            "24-3-1 9:26 and what comes after it, of course",
            "2024-12-31 23:59:60+01:00 and what comes after it",
        ],
    ),
    (
        r" ((?:[a-z$_][a-z$_0-9]*\.)*[a-z$_][a-z$_0-9]*)\.([a-z]+)(?:\(|z)",
        CHAIN,
        &[
            " org.example.a$1.do(x) and what comes after it",
            " a.b.c.d.e.f.g.hij(x) and what comes after it",
            " some_long_name_and_another.one_that_is_long.zz and more",
            " a.do( and what comes after it",
        ],
    ),
    (
        r"=((?:[a-z$_][a-z$_0-9]*\.)*[a-z$_][a-z$_0-9]*)(?:;|\.;)",
        CHAIN,
        &[
            "=org.example.a; and what comes after it",
            "=org.example.a.; and what comes after it",
            "=a; and what comes after it",
        ],
    ),
];

/// What these texts are made of, and some that does not belong there.
const PIECES: &[&str] =
    &["0", "1", "2", "3", "5", "6", "9", ".", ":", "/", "-", " ", "a", "J", "z", "\"", "\\", "\n", "ä", "]"];

fn changed(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..random.below(4) {
        let at = random.below(characters.len());
        match random.below(4) {
            0 => characters[at] = random.pick(PIECES).to_owned(),
            1 => characters.insert(at, random.pick(PIECES).to_owned()),
            2 if characters.len() > 1 => {
                characters.remove(at);
            }
            _ if random.one_in(4) => characters.truncate(at.max(1)),
            _ => characters.push(random.pick(PIECES).to_owned()),
        }
    }
    characters.concat()
}

#[test]
fn shortcuts_find_what_oniguruma_finds() {
    let mut random = Random::new(7);
    let mut scratch = Scratch::default();
    let mut lacking = Vec::new();
    for (expression, shortcut, texts) in CASES {
        let program = compile(expression, &Syntax::default()).unwrap();
        let automata = program.quick.as_ref().map_or(&[][..], |code| &code.dfas);
        if !automata.iter().any(|dfa| dfa.shortcuts()[*shortcut]) {
            lacking.push(*expression);
        }
        let regex = Regex::new(expression).unwrap();
        let mut matches = 0;
        for round in 0..4000 {
            let text = texts[round % texts.len()];
            let text = if round < texts.len() { text.to_owned() } else { changed(text, &mut random) };
            let mut slots = vec![Slot::NONE; program.slots()];
            let found = program.search(&text, &mut scratch, &mut slots).unwrap();
            assert!(found || round >= texts.len(), "{expression} does not match {text:?}");
            let mut region = Region::new();
            let options = SearchOptions::SEARCH_OPTION_NONE;
            let expected = regex.search_with_options(&text, 0, text.len(), options, Some(&mut region));
            assert_eq!(found, expected.is_some(), "{expression} on {text:?}");
            for (group, slot) in slots.iter().enumerate().filter(|_| found) {
                let ours = slot.is_some().then_some((slot.start as usize, slot.end as usize));
                assert_eq!(ours, region.pos(group), "group {group} of {expression} on {text:?}");
            }
            matches += usize::from(found);
        }
        assert!(matches > 400, "{expression} matches {matches} of 4000 texts");
    }
    assert!(lacking.is_empty(), "the shortcuts of these are gone: {lacking:?}");
}
