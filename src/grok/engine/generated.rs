//! Expressions and lines at random, by a seed: what the differential tests compare.

/// Numbers that look random and come again with the same seed.
pub(in crate::grok) struct Random(u64);

impl Random {
    pub(in crate::grok) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub(in crate::grok) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(in crate::grok) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(in crate::grok) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
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
    "[a-[0-9]]",
    "[b0-[a-c]-]",
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

/// An expression; with names if `named`, else its groups may have numbers only.
pub(in crate::grok) fn expression(random: &mut Random, named: bool) -> String {
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

pub(in crate::grok) fn line(random: &mut Random) -> String {
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

/// A list of expressions whose groups have names that differ: `a0_n1` is `n1` of the first. Some have a text in them that not every
/// line has.
pub(in crate::grok) fn list(random: &mut Random) -> Vec<String> {
    const TEXTS: &[&str] = &["abc", "Jan", "INFO", "warning", "http", "10:23:45", "fe80:", "192.168", "a.b.c", "aaaa"];
    let count = 2 + random.below(7);
    let mut one = |number: usize| {
        let mut text = expression(random, true);
        let alternatives = random.below(6);
        let wanted = match alternatives {
            0 | 1 => random.pick(TEXTS).to_owned(),
            2 => format!("(?:{}|{})", random.pick(TEXTS), random.pick(TEXTS)),
            3 => format!("(?i:{})", random.pick(TEXTS)),
            4 => format!("{}.*?{}", random.pick(TEXTS), random.pick(TEXTS)),
            _ => String::new(),
        };
        let wanted = wanted.replace('.', if alternatives == 4 { "." } else { r"\." });
        text = if random.one_in(2) { format!("(?:{text}){wanted}") } else { format!("{wanted}(?:{text})") };
        renamed(&text, number)
    };
    (0..count).map(&mut one).collect()
}

/// The same with other names, each there once; a reference is to the newest group of its name.
fn renamed(text: &str, number: usize) -> String {
    let mut known: Vec<&str> = Vec::new();
    let mut parts = text.split("<n");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('>').unwrap_or((part, ""));
        let newest = known.iter().rposition(|other| *other == name);
        let group = if out.ends_with(r"\k") {
            newest.unwrap_or_default()
        } else {
            known.push(name);
            known.len() - 1
        };
        out += &format!("<a{number}_n{group}>{rest}");
    }
    out
}
