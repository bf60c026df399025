//! A search with its plan finds what it finds without: on lines as they come, cut at each byte, and changed here and there.

use std::collections::HashMap;

use super::generated::Random;
use super::tests::{LINES, expand};
use super::*;

/// Expressions, and lines that their plans match without help.
const CASES: &[(&str, &[&str])] = &[
    (
        "%{COMBINEDAPACHELOG}",
        &[
            r#"198.51.100.7 - - [03/Apr/2021:08:15:42 +0200] "GET /a/b?c=d HTTP/1.1" 200 5120 "-" "curl/7.68.0""#,
            r#"198.51.100.250 - anna [30/Nov/2021:18:59:60 -0330] "POST / HTTP/2" 304 - "http://a.example/x" "Mozilla/5.0 (X11; Linux)""#,
        ],
    ),
    (
        "%{SYSLOGLINE}",
        &[
            "Oct  9 07:05:11 mail-2 postfix/qmgr[881]: 3F2A: removed",
            "Oct 19 07:05:11 db3.prod.example.com kernel: oom killer",
        ],
    ),
    (
        "%{HAPROXYHTTP}",
        &[
            r#"Feb  6 12:14:14 lb-1 haproxy[14389]: 203.0.113.12:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {a.example} {} "GET /index.html HTTP/1.1""#,
        ],
    ),
    ("%{POSTGRESQL}", &["03-21-2013 10:11:12 UTC app 5211e2.3d LOG: statement: select 1 4711"]),
    ("%{JAVASTACKTRACEPART}", &["\tat org.example.orders.Dispatcher.handle(Dispatcher.java:42)", "  at a.b(C.java)"]),
    (
        r"%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:level} \[%{DATA:thread}\] %{JAVACLASS:class} - %{GREEDYDATA:message}",
        &["2022-11-30T23:59:59.001Z WARN [pool-1] c.e.Orders - slow: 12 ms", "2022-11-30 23:59 INFO [a] B - "],
    ),
    (r"(?<a>.+?) (?<b>\S+?):(?<c>\w{2,3}) (?<d>[^;]*);", &["one two:abc three;", "é ü:xy  ;"]),
    (r"(?:(?<k>\w+)=(?<v>\d+)(?:,|$))+", &["a=1,b=22,c=333", "a=1,"]),
    (r"^(?:x|(?<y>y+))(?:z(?<n>[0-9.]+))?(?:, )?$", &["x", "yyz1.2, ", "xz1"]),
];

/// What a changed line gets.
const PIECES: &[&str] =
    &["0", "1", "9", "a", "Z", ".", " ", "\"", "\\", "-", ":", "/", "[", "]", "\n", "é", "日", "@", "=", ",", ""];

fn changed(line: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    for _ in 0..random.below(4) {
        if characters.is_empty() {
            break;
        }
        let at = random.below(characters.len());
        match random.below(4) {
            0 => {
                characters.splice(at..at + 1, random.pick(PIECES).chars());
            }
            1 => {
                characters.splice(at..at, random.pick(PIECES).chars());
            }
            2 => {
                characters.drain(at..(at + 1 + random.below(4)).min(characters.len()));
            }
            _ => {
                let part: Vec<char> = characters[at..(at + random.below(12)).min(characters.len())].to_vec();
                let to = random.below(characters.len());
                characters.splice(to..to, part);
            }
        }
    }
    characters.into_iter().collect()
}

/// The same expression twice, once without its plan.
struct Both {
    with: Program,
    without: Program,
    slots: [Vec<Slot>; 2],
    scratch: Scratch,
}

impl Both {
    fn new(expression: &str, syntax: Syntax) -> Both {
        let [with, mut without] = [(); 2].map(|()| compile(expression, &syntax).unwrap());
        without.plan = None;
        let slots = [(); 2].map(|()| vec![Slot::NONE; with.slots()]);
        Both { with, without, slots, scratch: Scratch::default() }
    }

    /// Whether it matches, with the same captures in both ways.
    fn search(&mut self, line: &str) -> bool {
        let [slots, others] = &mut self.slots;
        let found = self.with.search_before(line, usize::MAX, &mut self.scratch, slots).unwrap();
        let expected = self.without.search_before(line, usize::MAX, &mut self.scratch, others).unwrap();
        assert_eq!(found, expected, "{:?} on {line:?}", self.with.names);
        assert!(found.is_none() || slots == others, "on {line:?}: {slots:?}, should be {others:?}");
        found.is_some()
    }

    /// Whether the plan matches by itself at the beginning of a line.
    fn walks(&mut self, line: &str) -> bool {
        self.scratch.plan.failures = PLAN_FAILURES;
        self.with.walk(line.as_bytes(), 0, &mut self.scratch, &mut self.slots[0]) == Some(Walked::Matched)
    }
}

#[test]
fn a_plan_changes_nothing() {
    let patterns: HashMap<&str, &str> = ::grok::patterns().iter().copied().collect();
    let mut random = Random::new(11);
    for (expression, lines) in CASES {
        for syntax in [(true, false), (true, true), (false, false)] {
            let syntax = Syntax { ascii_classes: syntax.0, dot_matches_newline: syntax.1 };
            let mut both = Both::new(&expand(expression, &patterns, &mut 0), syntax);
            let mut matches = 0;
            for line in *lines {
                // Where letters of all scripts are in \w, a byte does not tell.
                let walks = !syntax.ascii_classes || both.walks(line);
                assert!(walks, "the plan of {expression} does not match {line:?}");
                (0..=line.len()).filter(|end| line.is_char_boundary(*end)).for_each(|end| {
                    both.search(&line[..end]);
                    both.search(&line[end..]);
                    both.search(&format!("{} {line}", &line[..end]));
                });
                matches += (0..1500).filter(|_| both.search(&changed(line, &mut random))).count();
            }
            assert!(matches > 100, "{expression} matches {matches} changed lines");
        }
    }
}

#[test]
fn the_plans_of_core_patterns_change_nothing() {
    let patterns: HashMap<&str, &str> = ::grok::patterns().iter().copied().collect();
    let mut random = Random::new(12);
    let mut matches = 0;
    for name in patterns.keys() {
        let mut both = Both::new(&expand(&format!("%{{{name}:field}}"), &patterns, &mut 0), Syntax::default());
        for line in LINES.iter().chain(CASES.iter().flat_map(|(_, lines)| *lines)) {
            matches += (0..6).filter(|_| both.search(&changed(line, &mut random))).count();
        }
    }
    assert!(matches > 2000, "only {matches} lines match");
}
