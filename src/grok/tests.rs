use super::*;

const BOTH: [Dialect; 2] = [Dialect::Elasticsearch, Dialect::Logstash];

pub(super) fn compile(
    expressions: &[&str],
    definitions: &[(&str, &str)],
    dialect: Dialect,
) -> Result<Grok, Vec<Fault>> {
    let mut patterns = Patterns::new(Set::Legacy, dialect);
    for (name, definition) in definitions {
        patterns.define(name, definition);
    }
    Grok::compile(expressions, &patterns, Options::new(dialect)).map_err(|refused| refused.faults)
}

/// What came, as text: the expression's number, then fields and values.
pub(super) fn search(grok: &Grok, text: &str) -> String {
    match grok.search(text, &mut Scratch::new()) {
        Outcome::NoMatch => "nothing".to_owned(),
        Outcome::Exhausted { expression } => format!("{expression} exhausted"),
        Outcome::Failed { expression, what } => format!("{expression} failed: {what}"),
        Outcome::Match(found) => {
            let Ok(values) = found.values() else { return "unparsable".to_owned() };
            let fields = grok.fields(found.index());
            let shown = values.map(|(field, value)| format!(" {}={value:?}", fields[field].path.join("/")));
            found.index().to_string() + &shown.collect::<String>()
        }
    }
}

fn check(dialect: Dialect, cases: &[(&str, &str, &str)]) {
    for (expression, text, expected) in cases {
        let grok = compile(&[expression], &[], dialect).unwrap_or_else(|faults| panic!("{expression}: {faults:?}"));
        assert_eq!(search(&grok, text), *expected, "{dialect:?}: {expression} on {text:?}");
    }
}

#[test]
fn what_both_dialects_mean() {
    for dialect in BOTH {
        check(
            dialect,
            &[
                ("%{WORD:a} %{WORD:b}", "one two", r#"0 a=Text("one") b=Text("two")"#),
                ("%{INT:a}", "no number", "nothing"),
                ("(?<a>x)|(?<a>y)", "y", r#"0 a=Text("y")"#),
                ("%{WORD:a} %{WORD:a}", "x y", r#"0 a=List([Text("x"), Text("y")])"#),
                ("%{WORD:a} ?%{WORD:b}?", "x", r#"0 a=Text("x")"#),
                ("%{INT:a:int} %{NUMBER:b:float}", "7 0.1", "0 a=Int(7) b=Float(0.1)"),
                ("%{INT:a:nothing}", "7", r#"0 a=Text("7")"#),
                ("%{INT:a:b:int}", "7", r#"0 a=Text("7")"#),
                ("(?<a:b:int>[0-9]+)", "7", "0 b=Int(7)"),
                ("^(?<a>b)$", "a\nb\nc", r#"0 a=Text("b")"#),
                (r"(?<a>\w+)", "Čierny", r#"0 a=Text("ierny")"#),
                (r"(?<a>[\w-]+)", "é-b", r#"0 a=Text("-b")"#),
                (r"(?<a>[^\W]+)", "éb", r#"0 a=Text("b")"#),
                (r"(?<a>\S+)\s(?<b>.)", "a\u{a0}b c", "0 a=Text(\"a\\u{a0}b\") b=Text(\"c\")"),
                (r"(?<a>\d+)", "٣4", r#"0 a=Text("4")"#),
                ("(?<a>[[:alpha:]]+)", "Čie1", r#"0 a=Text("Čie")"#),
                (r"\b(?<a>.+?)\b", "Čie rný", r#"0 a=Text("Čie")"#),
                (r"(?<a>\h+)", "Čaf9", r#"0 a=Text("af9")"#),
                ("(?m)(?<a>a.b)", "a\nb", r#"0 a=Text("a\nb")"#),
                ("(?<a>[^x]+)", "a\nbx", r#"0 a=Text("a\nb")"#),
                (r"(?<a>.)\k<a>", "abb", r#"0 a=Text("b")"#),
                (r"(?<a>x)?(?<a>y)?\k<a>", "yy", r#"0 a=Text("y")"#),
                (r"\g<n>-(?<n>[0-9]+)", "12-34", r#"0 n=Text("34")"#),
                (r"\g'x y'%{INT:n}\g<m>(?<x y>[ab])(?<m>c)", "a1cbc", r#"0 n=Text("1") x y=Text("b") m=Text("c")"#),
                (r"(?<a>[xy])\g<a>", "xy", r#"0 a=Text("y")"#),
                (r"(?<a>x$?)(?:\b|,)*", "xx", r#"0 a=Text("x")"#),
                (r"(?<a>x)(?<b>[\k<a>]+)", "xa<k", r#"0 a=Text("x") b=Text("a<k")"#),
                ("%{ID:x=[0-9]{2}}", "a123", r#"0 x=Text("12")"#),
                ("%{ID=[0-9]} %{ID:x}", "a1 2", r#"0 x=Text("2")"#),
                (r"\%{WORD:a}", "%{WORD:a}", "0"),
                ("%{WORD:un(r)ted} x", "%{WORD:unrted} x", "0"),
                ("%{WORD:größe}", "x", r#"0 größe=Text("x")"#),
                ("[%{WORD:a}]", "?", "0"),
                ("%{INT:a}(?#a [bracket\\) (?<c>)(?<b>x)", "5x", r#"0 a=Text("5") b=Text("x")"#),
                ("(?x)%{INT:a} # a [ and a (\n(?<b>x)", "5x", r#"0 a=Text("5") b=Text("x")"#),
                ("(?x: # [\n)%{INT:a}#(?<b>x)", "5#x", r#"0 a=Text("5") b=Text("x")"#),
                ("(?x)(?-x:%{INT:a}#)(?<b>x)", "5#x", r#"0 a=Text("5") b=Text("x")"#),
                ("[](](?<a>x)[^](](?<b>y)", "(x-y", r#"0 a=Text("x") b=Text("y")"#),
                ("(?<a>[a-[0-9]]+)", "a-1", r#"0 a=Text("1")"#),
                ("(?<a>x)?(?(<a>)b|c)", "xb", r#"0 a=Text("x")"#),
                ("(?<a>x)?(?(<a>)b|c)", "b", "nothing"),
                (r"(?u)(?<a>\w+)", "-é", r#"0 a=Text("é")"#),
                (r"(?d)(?<a>\w+)(?<b>[[:alpha:]])", "éaé", r#"0 a=Text("a") b=Text("é")"#),
                (r"(?a)(?<a>[[:alpha:]]+)", "éa", r#"0 a=Text("a")"#),
                ("(?<a:>[0-9]+)", "5", r#"0 a:=Text("5")"#),
            ],
        );
    }
}

#[test]
fn what_elasticsearch_means() {
    check(
        Dialect::Elasticsearch,
        &[
            ("(?<a>.*)", "a\nb", r#"0 a=Text("a")"#),
            ("%{INT:a:int:x}", "7", r#"0 a=Text("7")"#),
            ("%{DATA:a}x", "x", r#"0 a=Text("")"#),
            ("%{WORD:a.b}", "x", r#"0 a/b=Text("x")"#),
            ("%{WORD:[a][b]}", "x", r#"0 [a][b]=Text("x")"#),
            ("%{INT:a:int}", "2147483648", "unparsable"),
            ("%{INT:a:long} %{WORD:b:boolean}", "2147483648 True", "0 a=Int(2147483648) b=Bool(true)"),
            ("%{INT:a:int} %{INT:a:int}", "1 2", "0 a=List([Int(1), Int(2)])"),
            ("^%{TIMESTAMP_ISO8601:t}", "2001-01-01T0:00:00", "nothing"),
        ],
    );
}

#[test]
fn what_logstash_means() {
    check(
        Dialect::Logstash,
        &[
            ("%{INT:a:int:x}", "7", "0 a=Int(7)"),
            ("(?<a>.*)", "a\nb", r#"0 a=Text("a\nb")"#),
            ("%{DATA:a}x", "x", "0"),
            ("%{WORD:a.b}", "x", r#"0 a.b=Text("x")"#),
            ("%{WORD:[a][b]}", "x", r#"0 a/b=Text("x")"#),
            ("%{INT:a:int}", "2147483648", "0 a=Int(2147483648)"),
            ("%{INT:a:long} %{WORD:b:boolean}", "1 True", r#"0 a=Text("1") b=Text("True")"#),
            ("%{INT:a:int} %{INT:a:int}", "1 2", "0 a=Int(1)"),
            ("^%{TIMESTAMP_ISO8601:t}", "2001-01-01T0:00:00", r#"0 t=Text("2001-01-01T0:00:00")"#),
        ],
    );
}

/// The legacy sets of both are not the same, and neither is the one with ECS names.
#[test]
fn the_shipped_sets_are_those_of_their_owners() {
    let capacity = "User defined maximum volume capacity 108 exceeded on device \"F\" (/bac).";
    let arrival = "2022-01-02 03:04:05 1abcde-000abc-1A <= a@b.c H=h [192.0.2.1] from <o@b.c> for d@e.f";
    let other = "/var/lib is a different filesystem. Will not descend from /var into it.";
    for (expression, text, expected) in [
        ("^%{LOGLEVEL:l}$", "Information", [false, true, true, true]),
        ("^%{LOGLEVEL:l}$", "INFO", [true; 4]),
        ("^%{BACULA_LOG_MAX_CAPACITY}$", capacity, [false, false, true, true]),
        ("^%{BACULA_LOG_DIFF_FS}$", other, [false, false, true, true]),
        ("^%{EXIM_MESSAGE_ARRIVAL}$", arrival, [false, false, true, true]),
    ] {
        let sets = [Set::Legacy, Set::EcsV1];
        let each = sets.map(|set| [Dialect::Elasticsearch, Dialect::Logstash].map(|dialect| (set, dialect)));
        let matches = each.as_flattened().iter().map(|(set, dialect)| {
            let patterns = Patterns::new(*set, *dialect);
            search(&Grok::compile(&[expression], &patterns, Options::new(*dialect)).unwrap(), text) != "nothing"
        });
        assert_eq!(matches.collect::<Vec<_>>(), expected, "{expression} on {text}");
    }
}

#[test]
fn options_stand_above_the_dialect() {
    let patterns = Patterns::new(Set::Legacy, Dialect::Logstash);
    let usual = Options::new(Dialect::Logstash);
    let with = |options| search(&Grok::compile(&["%{DATA:a}%{WORD}"], &patterns, options).unwrap(), "x");
    assert_eq!(with(usual), "0");
    assert_eq!(with(Options { keep_empty_captures: true, ..usual }), r#"0 a=Text("")"#);
    assert_eq!(with(Options { capture_unnamed: true, ..usual }), r#"0 WORD=Text("x")"#);
}

#[test]
fn of_several_expressions_the_leftmost_or_the_first_wins() {
    let expressions = ["%{INT:i}", "%{WORD:w}", "%{NOTSPACE:n}"];
    for (dialect, text, expected) in [
        (Dialect::Elasticsearch, "x 1", r#"1 w=Text("x")"#),
        (Dialect::Logstash, "x 1", r#"0 i=Text("1")"#),
        (Dialect::Elasticsearch, "1 x", r#"0 i=Text("1")"#),
        (Dialect::Elasticsearch, "?x 1", r#"2 n=Text("?x")"#),
        (Dialect::Elasticsearch, " ", "nothing"),
    ] {
        assert_eq!(search(&compile(&expressions, &[], dialect).unwrap(), text), expected, "{dialect:?} {text:?}");
    }
}

#[test]
fn what_is_wrong_as_it_is_written_is_wrong() {
    for expression in [r"[a-\d]", r"[\w-x]", r"x[a-\s]y"] {
        assert!(compile(&[expression], &[], Dialect::Elasticsearch).is_err(), "{expression}");
    }
}

#[test]
fn values_are_the_same_whichever_loop_asks() {
    let expression = "%{INT:a:int} (?:%{INT:c:float}|%{WORD:b}) %{INT:a:int}(?: %{WORD:d})? %{WORD:b}";
    for dialect in BOTH {
        let grok = compile(&[expression], &[], dialect).unwrap();
        for (text, count) in [("1 x 2 y z", 3), ("1 2 3 y", 3), ("1 - 2", 0), ("1 x 2 z", 2)] {
            let mut scratch = Scratch::new();
            let Outcome::Match(found) = grok.search(text, &mut scratch) else {
                assert_eq!(count, 0, "{text}");
                continue;
            };
            let mut asked = Vec::new();
            for value in found.values().unwrap() {
                asked.push(value);
            }
            let mut told = Vec::new();
            found.values().unwrap().for_each(|value| told.push(value));
            assert_eq!((told.len(), &told), (count, &asked), "{text}");
        }
    }
}

/// Oniguruma has no limit for a whole search: it is kept to one all the same.
#[test]
fn what_is_left_to_oniguruma_ends_too() {
    let stalls = [
        ("(?:a.*.*.*=)(?~x)", format!("={}", "a".repeat(3000))),
        ("(?<a>a)?.*.*.*.*=(?(<a>)b|c)", format!("={}", "a".repeat(3000))),
        ("^(?:(?<a>a)|(?<b>b))*(?~x)d$", format!("{0} d {0}e", "a".repeat(1_000_000))),
        (r"(?=\S+)(?!\S*x)(?<m>\((?:[^()]|\g<m>)*\))", format!("){}(", "a".repeat(40_000))),
        (r"(?<call>\w+(?<args>\((?:[^()]|\g<args>)*\)))", format!(") {} (", "f".repeat(32_000))),
    ];
    for (expression, text) in stalls {
        let grok = compile(&[expression], &[], Dialect::Elasticsearch).unwrap();
        assert!(grok.fallback(0).is_some(), "{expression}");
        let came = search(&grok, &text);
        assert!(came == "0 exhausted" || came == "nothing", "{expression}: {came}");
    }
    // Where a search begins is the beginning of the text, however long that is.
    let grok = compile(&[r"\G(?<x>b)(?~x)"], &[], Dialect::Elasticsearch).unwrap();
    assert_eq!(search(&grok, "b"), r#"0 x=Text("b")"#);
    for length in [10, 30_000, 100_000] {
        assert!(["0 exhausted", "nothing"].contains(&search(&grok, &("a".repeat(length) + "b")).as_str()), "{length}");
    }
    // What is tried as often as the line has letters.
    let comment = format!("/* {}*/ end=1", "foobar * baz ".repeat(1000));
    let grok = compile(&[r"/\*(?<c>(?~\*/))\*/ %{WORD:k}=%{NUMBER:n}"], &[], Dialect::Elasticsearch).unwrap();
    assert!(search(&grok, &comment).ends_with(r#"k=Text("end") n=Text("1")"#));
    let grok = compile(&[r"(?<call>[\w.]+\s*(?<args>\((?:[^()]|\g<args>)*\)))"], &[], Dialect::Elasticsearch).unwrap();
    let text = "foobar baz ".repeat(1000) + "f(g(h))";
    assert_eq!(search(&grok, &text), r#"0 call=Text("f(g(h))") args=Text("(g(h))")"#);
    // What lacks something that every match contains is not searched.
    let grok = compile(&[r"(?<call>\w+(?<args>\((?:[^()]|\g<args>)*\)))"], &[], Dialect::Elasticsearch).unwrap();
    assert_eq!(search(&grok, &"f".repeat(1_000_000)), "nothing");
    assert_eq!(
        search(&grok, &format!("{} f(g(h)) )", " ".repeat(1_000_000))),
        r#"0 call=Text("f(g(h))") args=Text("(g(h))")"#
    );
    // More than a share, and then the match.
    let grok = compile(&["(?<a>(?:a|aa)+)$(?~x)"], &[], Dialect::Elasticsearch).unwrap();
    let text = format!("{}b{}ä aaa", "a".repeat(20), "-".repeat(5000));
    assert_eq!(search(&grok, &text), r#"0 a=Text("aaa")"#);
}

#[test]
fn what_grows_too_large_is_refused() {
    let ten = |name: &str| format!("%{{{name}}}").repeat(10);
    let grown: Vec<(String, String)> = (1..7).map(|n| (format!("A{n}"), ten(&format!("A{}", n - 1)))).collect();
    let mut definitions: Vec<(&str, &str)> = grown.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    definitions.push(("A0", "xxxxxxxxxx"));
    let faults = compile(&["%{A6}"], &definitions, Dialect::Elasticsearch).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].what.contains("too large"), "{faults:?}");
}

#[test]
fn what_only_looks_like_a_reference_is_warned_of() {
    let grok = compile(&["a%{WORD:b c}", "%{WORD"], &[], Dialect::Elasticsearch).unwrap();
    let told: Vec<(usize, usize, &str)> =
        grok.warnings().iter().map(|fault| (fault.expression, fault.offset, fault.what.as_str())).collect();
    assert_eq!(
        told,
        [(0, 1, "%{WORD:b c} is no reference and stands for itself"), (1, 0, "a %{ without its } stands for itself")]
    );
}

#[test]
fn an_engine_that_gives_up_says_so_and_no_more() {
    let grok = compile(&["^(?:(?:a+)+)+$"], &[], Dialect::Elasticsearch).unwrap();
    let text = "a".repeat(40) + "!";
    assert!(["0 exhausted", "nothing"].contains(&search(&grok, &text).as_str()));
}

#[test]
fn every_shipped_definition_is_read_and_compiles() {
    for dialect in BOTH {
        for set in [Set::Legacy, Set::EcsV1] {
            let patterns = Patterns::new(set, dialect);
            let names: Vec<String> = patterns.names().map(|name| format!("%{{{name}}}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let grok =
                Grok::compile(&names, &patterns, Options::new(dialect)).unwrap_or_else(|faults| panic!("{faults:#?}"));
            assert_eq!(grok.warnings(), []);
            assert!(grok.len() > 310, "{}", grok.len());
            for (number, expression) in grok.expressions.iter().enumerate() {
                let size = expression.matcher.size();
                assert!(
                    size.is_some_and(|size| size < 1 << 20),
                    "{}: {size:?}, {:?}",
                    names[number],
                    grok.fallback(number)
                );
            }
            // Names of the schema are paths of plain words, in both dialects.
            for field in (0..grok.len()).flat_map(|number| grok.fields(number)) {
                let plain = |part: &String| !part.is_empty() && !part.contains(['[', ']', '.', ':']);
                assert!(field.path.iter().all(plain), "{field:?}");
            }
        }
    }
}
