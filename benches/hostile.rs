//! Lines that make other engines run away: the time for a byte must not depend on how many there are.
//!
//! `cargo bench --bench hostile` prints a Markdown table: nanoseconds a byte on lines of 10 KB and 1 MB, from the bytes as they come
//! (what is no UTF-8 is replaced first) to the outcome. Both are measured in turn on as many bytes, so that what else the machine does is
//! the same for both. It ends with 1 where a byte of the long line takes more than three times as long. An argument restricts the cases to
//! those that contain it.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use kelp::grok::{Dialect, Grok, Options, Outcome, Patterns, Scratch, Set};

/// How long the lines are, in bytes.
const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000;
/// How often each is measured, in turn; the best counts.
const ROUNDS: usize = 3;

/// Name, expression, what the line repeats.
const CASES: &[(&str, &str, &[u8])] = &[
    ("nested quantifiers", "^(a+)+$b", b"aaaaaaaaaa"),
    ("the same in an unanchored search", "(?<x>(?:a+)+)[bc]", b"aaaaaaaaaa"),
    ("alternatives that overlap", "^(?:a|aa|aaa)+[bc]", b"aaaaaaaaaa"),
    ("two runs in a loop", "(?<x>(x+x+)+)[yz]", b"xxxxxxxxxx"),
    ("`(%{DATA}\\s*)+` and a literal", r"(%{DATA:a}\s*)+;", b"lorem ipsum "),
    ("`(%{DATA}\\s*)+` and a choice", r"(%{DATA:a}\s*)+[;!]", b"lorem ipsum "),
    ("`(\\S*?\\s*)+x`", r"^(\S*?\s*)+[xy]", b"ab cd "),
    ("`(%{WORD}\\s*)*` and a choice", r"(?:%{WORD:w}\s*)*[;!]", b"lorem ipsum "),
    ("three times DATA", "%{DATA:a} %{DATA:b} %{DATA:c}[;!]", b"lorem ipsum "),
    ("three times GREEDYDATA", "%{GREEDYDATA:a} %{GREEDYDATA:b} %{GREEDYDATA:c}[;!]", b"lorem ipsum "),
    ("twenty fields of a list", "^(.*?,){20}P", b"1,2,3,4,"),
    ("`\\s+$` on blanks", r"\s+$", b"                   "),
    ("`.*.*=.*`", r"(?<x>.*.*=.*)[;!]", b"x=x=x="),
    ("almost a number, unanchored", r"[0-9]+[xy]", b"1234567890"),
    ("almost a quoted string", "%{QUOTEDSTRING:a}[!?]", br#""abc\"def"#),
    ("a quoted string that does not end", "%{QUOTEDSTRING:a}", br#"\"abc"#),
    ("almost a path", "%{UNIXPATH:path}[;!]", b"/usr/lib"),
    ("almost a Windows path", "%{WINPATH:path}[;!]", br"C:\a\b"),
    ("almost a host name", "%{HOSTNAME:host}!", b"abc.def-ghi."),
    ("almost a mail address", "%{EMAILADDRESS:mail}!", b"abc.def"),
    ("almost a URI", r"%{URI:uri}[\|!]", b"http://a.b/c?d=e&"),
    (
        "almost an access log line",
        "%{COMBINEDAPACHELOG}",
        br#"192.0.2.1 - - [20/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 - "#,
    ),
    ("almost an address", "%{IPV6:ip}[!?]", b"fe80:1:"),
    ("almost a Java class", "%{JAVACLASS:class}!", b"a.b.c."),
    (
        "52 alternatives",
        "(?:a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|A|B|C|D|E|F|G|H|I|J|K|L|M|N|O|P|Q|R|S|T|U|V|W|X|Y|Z|ab)*[12]",
        b"abcdefghijklmnopqrstuvwxyz",
    ),
    ("a loop that captures", "(?:(?<x>a)b)*[yz]", b"ab"),
    ("an atomic loop that captures", "(?>(?:(?<x>a)b|c)*)[yz]", b"ab"),
    ("look-ahead in a loop", "(?:(?=(?:a|b)*c)x|[ab])*[de]", b"abab"),
    ("look-ahead that reads all in a loop", r"^(?:(?=\w+)\w)*!;", b"abcdefgh"),
    ("the same, with a capture", "^(?:(?=%{GREEDYDATA:g}).)+[!?]", b"ab "),
    ("the fields of a quoted list", r#"(?:(?<f>[^,]*),(?=(?:[^"]*"[^"]*")*[^"]*$))+[!?]"#, br#"a,"b","#),
    ("atomic runs in a loop", r"(?>.*+){2,5}[!?]", b"ab "),
    ("look-behind", "(?<!b)(?<x>a+b?)+[de]", b"aab"),
    ("a reference back", r"(?<x>[ab]+)-\k<x>!", b"abab-"),
    ("no UTF-8", r"(%{DATA:a}\s*)+[;!]", b"ab\xff\xfe\xc3 "),
    ("letters of four bytes", r"(?<x>(?:\w+\s*)+)[;!]", "𝔞𝔟 日本".as_bytes()),
];

/// What becomes of a line and how long it takes.
struct Measured<'g> {
    grok: &'g Grok,
    line: Vec<u8>,
    scratch: Scratch,
    became: &'static str,
    best: Duration,
}

impl<'g> Measured<'g> {
    fn new(grok: &'g Grok, unit: &[u8], size: usize) -> Measured<'g> {
        let line: Vec<u8> = unit.iter().copied().cycle().take(size / unit.len() * unit.len()).collect();
        Measured { grok, line, scratch: Scratch::new(), became: "", best: Duration::MAX }
    }

    /// As often as it takes to have about a megabyte.
    fn round(&mut self) {
        let times = LARGE / self.line.len().min(LARGE);
        let start = Instant::now();
        for _ in 0..times {
            let text = String::from_utf8_lossy(&self.line);
            self.became = match black_box(self.grok.search(&text, &mut self.scratch)) {
                Outcome::Match(_) => "match",
                Outcome::NoMatch => "no match",
                Outcome::Exhausted { .. } => "timeout",
                Outcome::Failed { .. } => "failed",
            };
        }
        self.best = self.best.min(start.elapsed() / times as u32);
    }

    /// Nanoseconds, in the best round.
    fn a_byte(&self) -> f64 {
        self.best.as_secs_f64() * 1e9 / self.line.len() as f64
    }
}

fn main() -> ExitCode {
    let wanted: Option<String> = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    let mut worst = 0_f64;
    println!("| line and expression | ns a byte, 10 KB | 1 MB | ratio | outcome |\n|---|---|---|---|---|");
    for (name, expression, unit) in CASES {
        if wanted.as_ref().is_some_and(|wanted| !name.contains(wanted.as_str())) {
            continue;
        }
        let grok = Grok::compile(&[expression], &patterns, Options::default())
            .unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        assert_eq!(grok.fallback(0), None, "{name}");
        let (mut small, mut large) = (Measured::new(&grok, unit, SMALL), Measured::new(&grok, unit, LARGE));
        for _ in 0..ROUNDS {
            small.round();
            large.round();
        }
        let (first, second) = (small.became, large.became);
        let outcome = if first == second { first.to_owned() } else { format!("{first}, {second}") };
        let ratio = large.a_byte() / small.a_byte();
        println!("| {name} | {:.1} | {:.1} | {ratio:.2} | {outcome} |", small.a_byte(), large.a_byte());
        worst = worst.max(ratio);
    }
    println!("\nat most {worst:.2} times as long");
    if worst > 3.0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
