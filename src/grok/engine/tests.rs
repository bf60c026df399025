//! What expressions mean, what is refused, and how many steps the worst of them take.

use std::collections::HashMap;

use onig::Regex;
use proptest::prelude::*;

use super::generated::{Random, line};
use super::unicode::{self, Named};
use super::*;

/// What the groups of an expression match, the whole match first.
fn found<'t>(expression: &str, text: &'t str) -> Option<Vec<Option<&'t str>>> {
    found_with(expression, text, &Syntax::default())
}

fn found_with<'t>(expression: &str, text: &'t str, syntax: &Syntax) -> Option<Vec<Option<&'t str>>> {
    let program = compile(expression, syntax).unwrap();
    let mut slots = vec![Slot::NONE; program.slots()];
    let matched = program.search(text, &mut Scratch::default(), &mut slots).unwrap();
    matched.then(|| slots.iter().map(|slot| slot.of(text)).collect())
}

fn whole<'t>(expression: &str, text: &'t str) -> Option<&'t str> {
    found(expression, text).and_then(|groups| groups[0])
}

#[test]
fn ways_are_tried_in_order() {
    for (expression, text, expected) in [
        ("a|ab", "ab", Some("a")),
        ("(?:a|ab)c", "abc", Some("abc")),
        ("a{,2}", "aaa", Some("aa")),
        ("a{2}?b", "b", Some("b")),
        ("a{2}+b", "aaaaab", Some("aaaab")),
        ("a{3,1}a", "aaa", None),
        ("a{,}", "aa{,}", Some("a{,}")),
        (r"(?>a+)a", "aaa", None),
        (r"a++b|c", "aac", Some("c")),
        (r"x*?y", "xxy", Some("xxy")),
        (r"\R", "\r\n", Some("\r\n")),
        (r"[a-z&&[^aeiou]]+", "aeixyz", Some("xyz")),
        (r"(?i)straSSE", "Straße", Some("Straße")),
        (r"(?i)ß", "SS", Some("SS")),
        (r"\h+", "xyzbeef", Some("beef")),
        (r"(?<=\d)(?!\d)..", "1234ab", Some("ab")),
        (r"^b$", "a\nb\nc", Some("b")),
        (r"\Ab", "a\nb", None),
        (r"c\Z", "abc\n", Some("c")),
        (r"c\z", "abc\n", None),
        (r"a\Kb", "ab", Some("b")),
        (r"(?x) a b # comment", "ab", Some("ab")),
        (r"a(?#comment)b", "ab", Some("ab")),
        (r"(?m:a.b)", "a\nb", Some("a\nb")),
    ] {
        assert_eq!(whole(expression, text), expected, "{expression} on {text:?}");
    }
}

/// Of letters that spell out one character the longest are taken together, and none that begins within them.
#[test]
fn long_cases_do_not_overlap() {
    for expression in ["sss", "ssS", "ssss", "sssss", "ffi", "fffi", "ffl", "sst", "asss", "ßs", "sß", "stt", "ffii"]
    {
        let expression = format!("(?i)^{expression}$");
        let regex = Regex::new(&expression).unwrap();
        for text in [
            "sss", "ßs", "sß", "ssss", "ßß", "sßs", "ssß", "ßßs", "sßß", "ßsß", "ffi", "ﬀi", "fﬁ", "ﬃ", "ﬀfi", "fﬀi",
            "ffﬁ", "fﬃ", "ﬀﬁ", "ﬄ", "fﬂ", "ßt", "sﬆ", "ﬆt", "aßs", "asß", "ﬃi", "ﬀii", "ẞS",
        ] {
            assert_eq!(whole(&expression, text).is_some(), regex.find(text).is_some(), "{expression} on {text:?}");
        }
    }
}

/// A round that takes nothing ends a repetition that Oniguruma counts, and not one that it writes out: that depends on its size.
#[test]
fn a_round_that_takes_nothing_ends_what_is_counted() {
    for expression in [
        r"(?i-m:(?<=[ab&&bc])[]a]*){2}+\-*(?<n0>\w)?+",
        "(?:(?<=b)a*){2}",
        "(?:(?<=b)a*){2}+",
        "(?:(?<!c)a*){2}+",
        "(?:(?<=b|ca)a*){2}+",
        "(?:(?=a)a*?){2}+",
        "(?:(?!c)a*?){2}+",
        "(?:(?<=b).*?){3}",
        "(?:(?<=b)(?:a|))+",
        "(?:ab*|é日)*+",
    ] {
        for text in [":aaba1.2s ", "baa1", "caab", "ab", "aé日ab", "bbaa"] {
            let regex = Regex::new(expression).unwrap();
            let captures = regex.captures(text);
            let expected: Option<Vec<_>> = captures.as_ref().map(|captures| captures.iter().collect());
            assert_eq!(found(expression, text), expected, "{expression} on {text:?}");
        }
    }
}

/// What is the same as several characters is so in a look-behind only if a class says it.
#[test]
fn a_look_behind_has_no_long_cases_of_letters() {
    for (expression, text) in [
        ("(?i)(?<=ss)x", "ßx"),
        ("(?i)(?<=ss)x", "SSx"),
        ("(?i)(?<=ß)x", "ssx"),
        ("(?i)(?<=ß)x", "ẞx"),
        (r"(?i)(?<=\u00df)x", "ssx"),
        ("(?i)(?<=s)x", "ſx"),
        ("(?i)(?<=[ß])x", "ssx"),
        ("(?i)(?<!ss)x", "ßx"),
        ("(?i)(?<=ass|b)x", "aßx"),
        ("(?i)(?=ss)..?", "ßx"),
        ("(?i)(?<=a)ss", "aß"),
    ] {
        if let Ok(regex) = Regex::new(expression) {
            let expected = regex.find(text).map(|(start, end)| &text[start..end]);
            assert_eq!(whole(expression, text), expected, "{expression} on {text:?}");
        }
    }
}

#[test]
fn plain_groups_do_not_capture_beside_named_ones() {
    assert_eq!(found("(a)(b)", "ab"), Some(vec![Some("ab"), Some("a"), Some("b")]));
    assert_eq!(found("(a)(?<n0>b)", "ab"), Some(vec![Some("ab"), Some("b")]));
    let program = compile("(?<x>a)|(?<x>b)", &Syntax::default()).unwrap();
    assert_eq!(program.groups(), [Some("x".to_owned()), Some("x".to_owned())]);
    assert_eq!(found(r"(?<x>a)|(?<x>b)", "b"), Some(vec![Some("b"), None, Some("b")]));
    assert_eq!(found(r"(?<q>['\x22]).*?\k<q>", "'a\"b'"), Some(vec![Some("'a\"b'"), Some("'")]));
}

#[test]
fn the_last_round_of_a_loop_is_what_its_groups_have() {
    assert_eq!(found("(?:(a)|(b))*", "ab"), Some(vec![Some("ab"), Some("a"), Some("b")]));
    assert_eq!(found("(?:(a)|b)*c|(.)", "abd"), Some(vec![Some("a"), None, Some("a")]));
}

#[test]
fn dialects_differ_in_newlines_and_classes() {
    let logstash = Syntax { dot_matches_newline: true, ascii_classes: true };
    assert_eq!(whole("a.*", "ab\nc"), Some("ab"));
    assert_eq!(found_with("a.*", "ab\nc", &logstash), Some(vec![Some("ab\nc")]));
    assert_eq!(whole(r"\w+", "é1"), Some("é1"));
    assert_eq!(found_with(r"\w+", "é1", &logstash), Some(vec![Some("1")]));
    assert_eq!(found_with(r"[[:alpha:]]\B", "éa", &logstash), Some(vec![Some("é")]));
}

#[test]
fn what_is_wrong_is_told_from_what_is_not_supported() {
    for expression in
        ["(a", "a)", "[a", "*a", "a{1}**(", r"\k<no>(?<n0>a)", "[b-a]", "[[:nothing:]]", r"(?<n0>a)\1", "(?z)", r"\"]
    {
        assert!(matches!(compile(expression, &Syntax::default()), Err(Refusal::Syntax { .. })), "{expression}");
        assert!(Regex::new(expression).is_err(), "{expression}");
    }
    for expression in ["(?~abc)", r"(?<n0>a\g<n0>?b)", r"\X", "(?(1)a|b)", "(?<=a*)b", r"\p{InGreek}"] {
        assert!(matches!(compile(expression, &Syntax::default()), Err(Refusal::Unsupported { .. })), "{expression}");
    }
    assert_eq!(compile("(?:(?:ab|c){1000}){1000}", &Syntax::default()).err(), Some(Refusal::TooLarge));
}

/// Every character, for each class: as Oniguruma has it. Some characters are newer than its tables, or older.
#[test]
fn classes_have_the_characters_that_oniguruma_says() {
    let text: Vec<char> = (0..0x11_0000).filter_map(char::from_u32).collect();
    for name in [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ] {
        let class = Named::by_name(name).unwrap().class(false);
        let regex = Regex::new(&format!(r"\A[[:{name}:]]\z")).unwrap();
        let mut buffer = [0; 4];
        let differing =
            text.iter().filter(|c| class.contains(**c) != regex.is_match(c.encode_utf8(&mut buffer))).count();
        assert!(differing == 0, "{name}: {differing} characters differ");
    }
    let word = Regex::new(r"\A\w\z").unwrap();
    let mut buffer = [0; 4];
    let same = |c: &&char, buffer: &mut [u8; 4]| unicode::is_word(**c, false) == word.is_match(c.encode_utf8(buffer));
    assert_eq!(text.iter().find(|c| !same(c, &mut buffer)), None);
}

pub(super) fn expand(expression: &str, patterns: &HashMap<&str, &str>, fields: &mut usize) -> String {
    let mut expanded = String::new();
    let mut rest = expression;
    while let Some(start) = rest.find("%{") {
        let Some(length) = rest[start..].find('}') else { break };
        expanded += &rest[..start];
        let mut parts = rest[start + 2..start + length].split(':');
        let definition = parts.next().and_then(|name| patterns.get(name)).expect("a pattern that there is");
        let inner = if parts.next().is_some() {
            *fields += 1;
            format!("(?<n{}>{})", *fields - 1, expand(definition, patterns, fields))
        } else {
            format!("(?:{})", expand(definition, patterns, fields))
        };
        expanded += &inner;
        rest = &rest[start + length + 1..];
    }
    expanded + rest
}

/// Lines that some core patterns match, and parts of them.
pub(in crate::grok) const LINES: &[&str] = &[
    "83.149.9.216 - - [17/May/2015:10:05:03 +0000] \"GET /a/b.png?x=1 HTTP/1.1\" 200 203023 \"http://semicomplete.com/\" \"Mozilla/5.0 (X11)\"",
    "Mar 16 00:01:25 evita postfix/smtpd[1713]: connect from camomile.cloud9.net[168.100.1.3]",
    "2014-01-09 20:03:28,269 -0800 | ERROR | com.example.service.ExampleService - something",
    "Teardown TCP connection 123 for outside:10.1.2.3/443 to inside:10.4.5.6/51000 duration 0:01:12 bytes 3456 TCP FINs",
    "\tat org.example.web.Filter$Chain.doFilter(Filter.java:71)",
    "fe80::1ff:fe23:4567:890a user@example.com 0x1F 12.5e3 \"quoted \\\" text\" 'single' /usr/lib/x C:\\Windows",
    "1 14:20:31 Mon Jan 2 2015 00:1B:44:11:3A:B7 urn:isbn:0451450523 3e8b0c1c-4d1e-4e0e-8f2b-6a1f9d3c2b11",
    "I, [2020-07-20T14:29:03.123456 #123]  INFO -- : started",
];

#[test]
fn every_core_pattern_is_taken_and_means_the_same() {
    let patterns: HashMap<&str, &str> = ::grok::patterns().iter().copied().collect();
    let mut scratch = Scratch::default();
    let mut matches = 0;
    for name in patterns.keys() {
        let expression = expand(&format!("%{{{name}:field}}"), &patterns, &mut 0);
        let program = compile(&expression, &Syntax::default()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert!(program.size() < 1 << 20, "{name} occupies {} bytes", program.size());
        let regex = Regex::new(&expression).unwrap();
        let mut slots = vec![Slot::NONE; program.slots()];
        for text in LINES {
            let expected = regex.captures(text);
            let matched = program.search(text, &mut scratch, &mut slots).unwrap();
            assert_eq!(matched, expected.is_some(), "{name} on {text:?}");
            let Some(expected) = expected else { continue };
            matches += 1;
            let ours: Vec<_> = slots.iter().map(|slot| slot.of(text)).collect();
            let theirs: Vec<_> = (0..expected.len()).map(|group| expected.at(group)).collect();
            assert_eq!(ours, theirs, "{name} on {text:?}");
        }
    }
    assert!(matches > 500, "only {matches} lines match");
}

/// Expression and what the line repeats: others run away on these.
const HOSTILE: &[(&str, &str)] = &[
    ("^(a+)+$b", "aaaaaaaaaa"),
    (r"^(\S*?\s*)+x", "ab cd "),
    (r"(?<a>(?:.*?\s*)+);", "lorem ipsum "),
    (r"(?<a>.*?) (?<b>.*?) (?<c>.*?)[;!]", "lorem ipsum "),
    (r"[0-9]+[xy]", "1234567890"),
    (r"(?>a*)[bc]", "aaaaaaaaaa"),
    (r"(?>(?<x>a*))[bc]", "aaaaaaaaaa"),
    (r"(?:(?=(a|b)*c)x|[ab])*[de]", "abab"),
    (r#"(?>"(?>\\.|[^\\"]+)+"|"")[!?]"#, "\"abc\\\"def"),
    (r"(/[[:alnum:]_%!$@:.,+~-]*)+[;?]", "/usr/lib"),
    (r"(?:a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|ab|cd)*[12]", "abcdefghijklmnopqrstuvwxyz"),
    (r"(?:a?){30}a{30}[bc]", "aaaaaaaaaa"),
];

/// Steps, not time: ten times the line takes about ten times the steps.
#[test]
fn hostile_lines_take_steps_in_proportion() {
    for (expression, unit) in HOSTILE {
        let program = compile(expression, &Syntax::default()).unwrap();
        let mut scratch = Scratch::default();
        let mut slots = vec![Slot::NONE; program.slots()];
        let mut steps = |size: usize| {
            let text = unit.repeat(size / unit.len());
            assert_eq!(program.search(&text, &mut scratch, &mut slots), Ok(false), "{expression}");
            // The quick way's budget is in proportion by itself; what counts is the plain way.
            let input = Input { text: text.as_bytes(), origin: 0 };
            assert_eq!(
                program.search_plainly(input, 0..usize::MAX, &mut scratch, &mut slots),
                Ok(None),
                "{expression}"
            );
            PLAIN_STEPS + PLAIN_STEPS_A_BYTE * text.len() as u64 - scratch.stack.steps
        };
        let (small, large) = (steps(2_000), steps(20_000));
        assert!(large < small * 13 + 1000, "{expression}: {small} steps, then {large}");
    }
}

/// Whatever came of a long line, what it took is given back; short ones leave what the next will need.
#[test]
fn the_memory_of_a_hostile_line_is_given_back() {
    let (mut scratch, mut exhausted) = (Scratch::default(), 0);
    for (expression, unit) in HOSTILE {
        let program = compile(expression, &Syntax::default()).unwrap();
        let mut slots = vec![Slot::NONE; program.slots()];
        let text = unit.repeat(400_000 / unit.len());
        exhausted += usize::from(program.search(&text, &mut scratch, &mut slots).is_err());
        assert!(scratch.size() < 1 << 20, "{expression}: {} bytes are kept", scratch.size());
    }
    // The budget is met; otherwise this says nothing.
    assert!(exhausted > 0);
    let program = compile(r"^(\S*?\s*)+[xy]", &Syntax::default()).unwrap();
    assert_eq!(program.search(&"ab cd ".repeat(100), &mut scratch, &mut [Slot::NONE; 2]), Ok(false));
    assert!(scratch.size() > 0);
}

/// A loop that leaves no frames takes steps all the same: this was quadratic.
#[test]
fn rounds_without_a_choice_are_counted() {
    for expression in ["(?:(?<x>a)b)*[yz]", "(?>(?:(?<x>a)b|c)*)[yz]", "(?=(?:(?<x>a)b)*[yz])a"] {
        let program = compile(expression, &Syntax::default()).unwrap();
        let mut slots = vec![Slot::NONE; program.slots()];
        // In time with the square of its length this line would take an hour.
        let found = program.search(&"ab".repeat(1_000_000), &mut Scratch::default(), &mut slots);
        assert!(matches!(found, Ok(false) | Err(Exhausted)), "{expression}");
    }
}

/// What is needed is looked for before anything long is begun.
#[test]
fn a_long_line_without_what_is_needed_does_not_match() {
    let program = compile(r"(?<n0>(?:[a-z]+\.)*[a-z]+)!(?:done|failed)", &Syntax::default()).unwrap();
    let mut scratch = Scratch::default();
    let mut slots = [Slot::NONE; 2];
    for text in ["a.b.c.".repeat(200_000), "a.b.c.".repeat(200_000) + "!"] {
        assert_eq!(program.search(&text, &mut scratch, &mut slots), Ok(false));
    }
    assert_eq!(program.search(&("a.b.c.".repeat(2_000) + "d!done"), &mut scratch, &mut slots), Ok(true));
}

#[test]
fn back_references_end_in_exhaustion_rather_than_in_a_stall() {
    let program = compile(r"(?<a>a*)*(?:a*)*(?:a*)*\k<a>[bc]", &Syntax::default());
    assert!(matches!(program, Err(Refusal::Unsupported { .. })));
    let program = compile(r"^(?<a>a+?)(?:a|aa)+?\k<a>[bc]", &Syntax::default()).unwrap();
    let text = "a".repeat(200);
    assert_eq!(program.search(&text, &mut Scratch::default(), &mut [Slot::NONE; 2]), Err(Exhausted));
}

/// Look-ahead goes on without ever going back, and can read all the rest each time: what it reads costs steps there, too.
#[test]
fn look_ahead_that_reads_the_rest_again_and_again_costs_steps() {
    for expression in [r"^(?:(?=(?<g>.*)).)+[!?]", r"^(?:\w(?=\w*))+[!?]", r"^(?:(?=(?>\w*))\w)+[!?]"] {
        let program = compile(expression, &Syntax::default()).unwrap();
        let text = "a".repeat(300_000);
        let came = program.search(&text, &mut Scratch::default(), &mut [Slot::NONE; 2]);
        assert_eq!(came, Err(Exhausted), "{expression}");
    }
    // What leads to a match is not given up for the frames that there is no room for.
    let program = compile(r"^(?:(?=\w)\w|-)+$", &Syntax::default()).unwrap();
    let text = "ab-".repeat(100_000);
    assert_eq!(program.search(&text, &mut Scratch::default(), &mut [Slot::NONE; 1]), Ok(true));
}

/// What a back-reference compares costs steps, too: else each step could cost as much as the line is long.
#[test]
fn long_back_references_cost_steps() {
    let words = "a ".repeat(100_000);
    let letters = "a".repeat(1_000_000);
    for (expression, text) in [(r"(?i)(?<a>.+) \k<a> x", &words), (r"(?<a>a+)\k<a>+b", &letters)] {
        let program = compile(expression, &Syntax::default()).unwrap();
        let came = program.search(&format!("{text}\nx b"), &mut Scratch::default(), &mut [Slot::NONE; 2]);
        assert_eq!(came, Err(Exhausted), "{expression}");
    }
    // Without what it needs the line is not searched at all.
    let program = compile(r"(?<a>a+)\k<a>+zebra", &Syntax::default()).unwrap();
    let mut scratch = Scratch::default();
    assert_eq!(program.search(&letters, &mut scratch, &mut [Slot::NONE; 2]), Ok(false));
    assert_eq!(scratch.stack.steps, 0);
}

#[test]
fn a_set_names_the_expressions_that_a_text_may_match() {
    let expressions = ["alpha=(?<n0>.*)", "(?<n0>beta)", "gamma", "(?<n0>.)eta=", "delta", "[a-z]"];
    let programs: Vec<Program> = expressions.iter().map(|text| compile(text, &Syntax::default()).unwrap()).collect();
    let mut candidates = Candidates::default();
    let set = Set::new(programs.iter().map(Some));
    for (text, expected) in
        [("beta=1", &[1, 3, 5][..]), ("zeta=1", &[3, 5]), ("x delta alpha=", &[0, 4, 5]), ("none", &[5]), ("", &[5])]
    {
        assert_eq!(set.candidates(text, &mut candidates).collect::<Vec<_>>(), expected, "{text}");
    }
    for count in [0, 1, 63, 64, 65, 200] {
        let set = Set::new(std::iter::repeat_n(None, count));
        assert_eq!(set.candidates("x", &mut candidates).collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
    }
}

/// The plain code is the quick code's own reference.
#[test]
fn quick_and_plain_code_agree_on_core_patterns() {
    let patterns: HashMap<&str, &str> = ::grok::patterns().iter().copied().collect();
    let mut random = Random::new(7);
    let mut scratch = Scratch::default();
    for name in [
        "COMBINEDAPACHELOG",
        "SYSLOGLINE",
        "IPORHOST",
        "TIMESTAMP_ISO8601",
        "URI",
        "PATH",
        "QUOTEDSTRING",
        "JAVASTACKTRACEPART",
        "HTTPDATE",
    ] {
        let program = compile(&expand(&format!("%{{{name}:field}}"), &patterns, &mut 0), &Syntax::default()).unwrap();
        let mut quick = vec![Slot::NONE; program.slots()];
        let mut plain = quick.clone();
        for _ in 0..300 {
            let mut text = line(&mut random);
            text.insert_str(0, LINES[random.below(LINES.len())]);
            let matched = program.search(&text, &mut scratch, &mut quick);
            let input = Input { text: text.as_bytes(), origin: 0 };
            let plainly = program.search_plainly(input, 0..usize::MAX, &mut scratch, &mut plain);
            assert_eq!(matched, plainly.map(|found| found.is_some()), "{name} on {text:?}");
            if matched == Ok(true) {
                assert_eq!(quick, plain, "{name} on {text:?}");
            }
        }
    }
}

proptest! {
    /// Neither the parser nor the matcher panics or hangs, whatever it is given.
    #[test]
    fn anything_can_be_compiled_and_searched(
        expression in r#"([a-c1 .?*+|()\[\]{}\\^$,:<>=!&-]|\(\?|\[\^|\[\[:|\\[a-zA-Z0-9]|é){0,24}"#,
        text in r"[a-c1 é\n]{0,40}",
    ) {
        if let Ok(program) = compile(&expression, &Syntax::default()) {
            let mut slots = vec![Slot::NONE; program.slots()];
            let found = program.search(&text, &mut Scratch::default(), &mut slots);
            if found == Ok(true) {
                prop_assert!(slots.iter().filter(|slot| slot.is_some()).all(|slot| slot.of(&text).is_some() || slot.start > slot.end));
            }
        }
    }

    #[test]
    fn any_text_is_refused_or_compiled(expression in any::<String>()) {
        let _either = compile(&expression, &Syntax::default());
    }
}
