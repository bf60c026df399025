//! Generated expressions on generated lines, against Oniguruma: the same match, the same captures.
//!
//! `KELP_GROK_PAIRS` says how many pairs (100,000 unless told), `KELP_GROK_SEED` where to begin.

use onig::{MatchParam, Regex, Region, SearchOptions};

use super::{Exhausted, Program, Refusal, Scratch, Slot, Syntax, compile};

/// Where each group of a match begins and ends.
type Groups = Vec<Option<(usize, usize)>>;

/// How many lines each expression is tried on.
const LINES_EACH: usize = 25;

/// Numbers that look random and come again with the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Single characters, as an expression says them.
const CHARACTERS: &[&str] = &[
    "a",
    "b",
    "c",
    "ab",
    "1",
    "2",
    " ",
    "-",
    r"\.",
    ":",
    "/",
    r"\[",
    r"\]",
    "\"",
    "é",
    "日",
    "_",
    r"\n",
    r"\t",
    "=",
    ",",
    r"\x41",
    r"\u00e9",
    r"\/",
    r"\-",
    r"\x{65e5}",
    r"\101",
    "s",
    "S",
    "ss",
    "K",
];

const CLASSES: &[&str] = &[
    ".",
    r"\d",
    r"\w",
    r"\s",
    r"\S",
    r"\W",
    r"\D",
    r"\h",
    r"\H",
    "[a-c]",
    "[^a]",
    "[^\"]",
    "[0-9]",
    "[a-zA-Z0-9._-]",
    "[[:alpha:]]",
    "[^[:space:]]",
    "[^-a]",
    "[a-z&&[^b]]",
    "[é-日]",
    "[^é]",
    r"[\w-]",
    r"[\d.]",
    r"\p{Alpha}",
    r"\p{^Digit}",
    r"\P{L}",
    "[]a]",
    "[a-c-]",
    r"[\]\\]",
    r"[[a-b]1]",
    "[[:^digit:]]",
    r"\N",
    r"\O",
    "[^\\n]",
    "[ab&&bc]",
    r"[\x61-\x63]",
];

const ASSERTIONS: &[&str] = &["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\G", r"\b", r"\b"];

const QUANTIFIERS: &[&str] = &[
    "*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,2}", "{0,1}", "{,2}", "{1,}", "{2,}?", "{1,3}?",
    "{2}?", "{2}+", "{1,2}+", "{3,1}", "{0}", "{0,}", "{", "{,}", "*", "+", "?", "*", "+",
];

/// Pieces as the core patterns have them.
const TOKENS: &[&str] = &[
    r"(?:[+-]?(?:[0-9]+))",
    r"(?<![0-9.+-])(?>[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+)))",
    r"\b\w+\b",
    r"\S+",
    r"\s*",
    r".*?",
    r".*",
    r"[a-zA-Z0-9._-]+",
    r#"(?>(?<!\\)(?>"(?>\\.|[^\\"]+)+"|""|(?>'(?>\\.|[^\\']+)+')|''))"#,
    r"\b(?:[1-9][0-9]*)\b",
    r"(?<![0-9])(?:(?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])[.](?:[0-1]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]))(?![0-9])",
    r"\b(?:[0-9A-Za-z][0-9A-Za-z-]{0,62})(?:\.(?:[0-9A-Za-z][0-9A-Za-z-]{0,62}))*(\.?|\b)",
    r"(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])",
    r"(?>\d\d){1,2}",
    r"(?:2[0123]|[01]?[0-9]):(?:[0-5][0-9])(?::(?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?))?(?![0-9])",
    r"\b(?:[Jj]an(?:uary|uar)?|[Mm](?:a|ä)?r(?:ch|z)?|[Mm]a(?:y|i)?|[Jj]un(?:e|i)?)\b",
    r"(?:[a-zA-Z$_][a-zA-Z$_0-9]*\.)*[a-zA-Z$_][a-zA-Z$_0-9]*",
    r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+",
    r"([Aa]lert|ALERT|[Ii]nfo|INFO|[Ww]arn?(?:ing)?|WARN?(?:ING)?)",
    r"[A-Za-z]([A-Za-z0-9+\-.]+)+",
    r"((([0-9A-Fa-f]{1,4}:){2}([0-9A-Fa-f]{1,4}|:))|(([0-9A-Fa-f]{1,4}:){1}(:[0-9A-Fa-f]{1,4}|((25[0-5]|[1-9]?\d)(\.(25[0-5]|[1-9]?\d)){1})|:)))(%.+)?",
];

/// Expressions.
struct Expressions<'r> {
    random: &'r mut Random,
    named: bool,
    groups: usize,
}

impl Expressions<'_> {
    fn alternatives(&mut self, depth: usize) -> String {
        let count = self.random.pick(&[1, 1, 1, 2, 2, 3]);
        let branches: Vec<String> = (0..count).map(|_| self.branch(depth)).collect();
        branches.join("|")
    }

    fn branch(&mut self, depth: usize) -> String {
        let count = self.random.below(4);
        (0..count).map(|_| self.piece(depth)).collect()
    }

    fn piece(&mut self, depth: usize) -> String {
        let atom = match self.random.below(if depth == 0 { 10 } else { 20 }) {
            0..=3 => self.random.pick(CHARACTERS).to_owned(),
            4..=7 => self.random.pick(CLASSES).to_owned(),
            8 => return self.random.pick(ASSERTIONS).to_owned(),
            9 => self.random.pick(TOKENS).to_owned(),
            10..=15 => self.group(depth - 1),
            16 => format!("(?>{})", self.alternatives(depth - 1)),
            17 => {
                let kind = self.random.pick(&["(?=", "(?!"]);
                return format!("{kind}{})", self.alternatives(depth - 1));
            }
            18 => {
                let kind = self.random.pick(&["(?<=", "(?<!"]);
                let body: Vec<&str> =
                    (0..1 + self.random.below(2))
                        .map(|_| {
                            if self.random.one_in(2) { self.random.pick(CHARACTERS) } else { self.random.pick(CLASSES) }
                        })
                        .collect();
                return format!("{kind}{})", body.join(if self.random.one_in(3) { "|" } else { "" }));
            }
            _ if self.groups > 0 && self.random.one_in(3) => {
                let group = self.random.below(self.groups);
                if self.named { format!(r"\k<n{group}>") } else { format!(r"\{}", group + 1) }
            }
            _ => {
                format!("(?{}:{})", self.random.pick(&["i", "m", "x", "-i", "im", "i-m"]), self.alternatives(depth - 1))
            }
        };
        if self.random.one_in(3) {
            return format!("{atom}{}", self.random.pick(QUANTIFIERS));
        }
        atom
    }

    fn group(&mut self, depth: usize) -> String {
        match self.random.below(5) {
            0..=1 => format!("(?:{})", self.alternatives(depth)),
            2 if !self.named => {
                self.groups += 1;
                format!("({})", self.alternatives(depth))
            }
            2 => format!("({})", self.alternatives(depth)),
            _ if self.named => {
                let number = self.groups;
                self.groups += 1;
                let body =
                    if self.random.one_in(3) { self.random.pick(TOKENS).to_owned() } else { self.alternatives(depth) };
                format!("(?<n{number}>{body})")
            }
            _ => {
                self.groups += 1;
                format!("({})", self.alternatives(depth))
            }
        }
    }
}

fn expression(random: &mut Random) -> String {
    let named = !random.one_in(3);
    let mut expressions = Expressions { random, named, groups: 0 };
    if expressions.random.one_in(3) {
        // A line of tokens with characters between them, as grok expressions are.
        let count = 1 + expressions.random.below(4);
        let mut text = String::new();
        for index in 0..count {
            let token = expressions.random.pick(TOKENS);
            let capture = expressions.random.one_in(2);
            let optional = if expressions.random.one_in(6) { "?" } else { "" };
            text += &if capture { format!("(?<n{index}>{token}){optional}") } else { format!("(?:{token}){optional}") };
            if expressions.random.one_in(5) {
                text += &expressions.alternatives(1);
            } else {
                text += expressions.random.pick(&[" ", ":", "-", "/", "\"", r" \[", "", r"\.", r"\s+", r"\]? "]);
            }
        }
        return text;
    }
    expressions.alternatives(3)
}

const WORDS: &[&str] = &[
    "a", "b", "ab", "aab", "abc", "c", "1", "12", "200", "3.14", "-7", "+5", ".", ":", "/", "/a/b", "[", "]", "\"",
    "\"a b\"", "\"\"", "'x'", "é", "日本", "_", "\n", "\t", "=", ",", "Jan", "Mär", "mar", "jun", "10:23:45",
    "192.168", "1.2", "a.b.c", "x-y", "INFO", "warning", "http", "fe80:", "::1", "0x1f", "\\", "\\\"", "ß", "S", "s",
    "ss", "K", "\u{212A}", "A", "B", "é", "É", "\r\n", "aaaa", "abab", "%",
];

pub(super) fn line(random: &mut Random) -> String {
    let count = random.below(9);
    let mut line = String::new();
    for _ in 0..count {
        line += random.pick(WORDS);
        if random.one_in(3) {
            line.push(' ');
        }
    }
    line
}

/// What Oniguruma finds: nothing if it gave up, else the spans.
#[allow(clippy::type_complexity)]
fn reference(regex: &Regex, text: &str) -> Option<Option<Vec<Option<(usize, usize)>>>> {
    let mut region = Region::new();
    let options = SearchOptions::SEARCH_OPTION_NONE;
    let found = regex.search_with_param(text, 0, text.len(), options, Some(&mut region), MatchParam::default()).ok()?;
    Some(found.map(|_| (0..region.len()).map(|index| region.pos(index)).collect()))
}

fn ours(program: &Program, text: &str, scratch: &mut Scratch) -> Result<Option<Groups>, Exhausted> {
    let mut slots = vec![Slot::NONE; program.slots()];
    let found = program.search(text, scratch, &mut slots)?;
    let span = |slot: &Slot| slot.is_some().then_some((slot.start as usize, slot.end as usize));
    Ok(found.then(|| slots.iter().map(span).collect()))
}

/// What was seen in a run.
#[derive(Debug, Default)]
struct Count {
    pairs: usize,
    matches: usize,
    refused: usize,
    gave_up: usize,
    wrong: Vec<String>,
}

/// Back-references may use up the budget of steps.
fn refers_back(expression: &str) -> bool {
    expression.contains(r"\k") || (1..=9).any(|number| expression.contains(&format!("\\{number}")))
}

fn compare(expression: &str, lines: &[String], count: &mut Count, scratch: &mut Scratch) {
    let reference_regex = Regex::new(expression);
    let program = match (compile(expression, &Syntax::default()), &reference_regex) {
        (Ok(program), Ok(_)) => program,
        (Err(Refusal::Unsupported { .. } | Refusal::TooLarge), _) => {
            count.refused += 1;
            return;
        }
        (Err(_), Err(_)) => return,
        (Ok(_), Err(error)) => {
            count.wrong.push(format!("{expression:?} is taken, but Oniguruma refuses it: {error}"));
            return;
        }
        (Err(refusal), Ok(_)) => {
            count.wrong.push(format!("{expression:?} is refused, but Oniguruma takes it: {refusal}"));
            return;
        }
    };
    let Ok(regex) = reference_regex else { return };
    for line in lines {
        count.pairs += 1;
        let Some(expected) = reference(&regex, line) else {
            count.gave_up += 1;
            continue;
        };
        let Ok(found) = ours(&program, line, scratch) else {
            if !refers_back(expression) {
                count.wrong.push(format!("{expression:?} on {line:?} takes too many steps"));
            }
            count.gave_up += 1;
            continue;
        };
        if found != expected {
            count.wrong.push(format!("{expression:?} on {line:?}: {found:?}, should be {expected:?}"));
            return;
        }
        count.matches += usize::from(expected.is_some());
    }
}

#[test]
fn generated_expressions_mean_what_oniguruma_says() {
    let wanted = std::env::var("KELP_GROK_PAIRS").map_or(100_000, |text| text.parse().expect("a number"));
    let seed = std::env::var("KELP_GROK_SEED").map_or(1, |text| text.parse().expect("a number"));
    let mut random = Random::new(seed);
    let mut count = Count::default();
    let mut scratch = Scratch::default();
    while count.pairs < wanted && count.wrong.len() < 40 {
        let expression = expression(&mut random);
        let lines: Vec<String> = (0..LINES_EACH).map(|_| line(&mut random)).collect();
        compare(&expression, &lines, &mut count, &mut scratch);
    }
    count.wrong.sort_by_key(String::len);
    let shortest: Vec<&str> = count.wrong.iter().take(8).map(String::as_str).collect();
    assert!(shortest.is_empty(), "{} differences, the shortest:\n{}", count.wrong.len(), shortest.join("\n"));
    eprintln!("{count:?}");
    assert!(count.matches * 10 > count.pairs, "too few lines match for the test to mean anything: {count:?}");
    assert!(count.refused * 20 < count.pairs / LINES_EACH, "too much is refused: {count:?}");
}
