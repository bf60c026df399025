//! What holds, what does not, and what is no condition.

use proptest::prelude::*;

use super::*;

const EVENT: &str = r#"{"a":{"b":"x y","n":200,"f":1.5,"t":true,"nul":null,"list":["p","q",3]},"k.d":"dot",
    "@timestamp":"t","s":"200"}"#;

fn holds(condition: &str) -> bool {
    let event: Event<'_> = serde_json::from_str(EVENT).unwrap();
    Condition::compile(condition).unwrap_or_else(|error| panic!("{condition}: {error:?}")).holds(&event)
}

#[test]
fn what_holds() {
    for condition in [
        "ctx.a.b == 'x y'",
        "ctx?.a?.b == \"x y\"",
        "ctx['a']['b'] != 'x'",
        "ctx['k.d'] == 'dot'",
        "ctx['@timestamp'] != null && ctx.@timestamp == 't'",
        "ctx.a.n == 200 && ctx.a.n == 200.0 && ctx.a.n == 200L",
        "ctx.a.f > 1 && ctx.a.f <= 1.5 && -2 < ctx.a.f",
        "ctx.a.t",
        "!ctx.a.q && !(ctx.a.t == false)",
        "ctx.a.nul == null && ctx.a.q == null && ctx.q.r.s == null && ctx.a.b.c == null",
        "ctx.q != 'a'",
        "ctx.q == ctx.r",
        "ctx.a.list.contains('q') && ctx.a.list.contains(3)",
        "ctx.a.b.contains(' ') && ctx.a.b.startsWith('x') && ctx.a.b.endsWith('y')",
        "['x', 'x y', 3].contains(ctx.a.b)",
        "ctx.a.list[1] == 'q' && ctx.a.list.1 == 'q'",
        "ctx.s == 'no' || ctx.s == '200'",
        "ctx.q == null || !ctx.q.contains('a')",
        "ctx.a.b.contains('z') == false",
        "true",
        "ctx.a.b == 'x y' // as it should",
        "return ctx.a.b == 'x y';",
        "ctx.a.list instanceof List && ctx.a instanceof Map && ctx.a.b instanceof String && ctx.a.n instanceof Integer",
        "!(ctx.q instanceof List) && !(ctx.a.n instanceof String)",
        "ctx.a.b.toUpperCase() == 'X Y' && ctx.a.b.toUpperCase().toLowerCase().equals('x y')",
        "ctx.a.b.length() == 3 && ctx.a.list.size() == 3 && ctx.a.list.length == 3 && ctx.a.size() > 3",
        "ctx.a?.b?.length() > 2 && 'éa'.length() == 2",
        "!ctx.a.b.isEmpty() && ''.isEmpty() && [].isEmpty()",
        "ctx.a.containsKey('b') && ctx.containsKey('a') && !ctx.containsKey('q') && ctx.a.containsKey('nul')",
        "ctx.a.b.equalsIgnoreCase('X Y') && 'É'.equalsIgnoreCase('é')",
        "String.valueOf(ctx.a.n) == '200' && ctx.a.n.toString() == '200'",
        "Integer.parseInt(ctx.s) > 100 && (int) 1.9 == 1 && (double) 1 == 1.0",
        "ctx.a.b =~ /^x/ && ctx.a.b ==~ /x\\s./ && !(ctx.a.b ==~ /x/) && ctx.a.b =~ /X/i",
        "ctx.a.n + 1 == 201 && ctx.a.n / 100 * 3 == 6 && -ctx.a.n == -200 && ctx.a.n % 7 == 4 && 'a' + 1 == 'a1'",
        "(ctx.q ?: 'none') == 'none' && (ctx.s == '200' ? ctx.a.t : false)",
        "ctx.a.list[-1] == 3 && ctx.a.list[ctx.a.list.size() - 1] == 3 && ctx.a.list.indexOf('q') == 1",
        "ctx.a['list'].get(0) == 'p' && ctx.a.get('b') == 'x y' && ctx.get('s') == '200'",
        "[ctx.s, 'x'].contains('200')",
        "ctx.a.b.substring(0, 1) == 'x' && ctx.a.b.substring(2) == 'y' && ctx.a.b.trim().replace('x', 'z') == 'z y'",
        "ctx.q.toLowerCase() == null && ctx.q?.length() == null && !(ctx.q.length() > 1)",
        "0x10 == 16 && 1e3 == 1000 && 2.5d > 2",
        "!ctx.a.t == false",
    ] {
        assert!(holds(condition), "{condition}");
    }
}

#[test]
fn what_does_not() {
    for condition in [
        "ctx.a.b == 'x'",
        "ctx.s == 200",
        "ctx.q == 'a'",
        "ctx.q > 1",
        "ctx.q <= 1",
        "ctx.a.b > 1",
        "ctx.q.contains('a')",
        "ctx.a.n.contains('2')",
        "ctx.a.b",
        "ctx.q",
        "!ctx.a.t",
        "ctx.s == '200' && ctx.s == 'no'",
        "ctx.k.d == 'dot'",
        "ctx.a.list == 'p'",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn and_binds_closer_than_or() {
    assert!(holds("true || false && false"));
    assert!(!holds("(true || false) && false"));
}

#[test]
fn what_is_no_condition_says_where() {
    for (condition, at, what) in [
        ("", 0, "ends where a value"),
        ("ctx.a = 'x'", 6, "single ="),
        ("ctx.a == ", 9, "ends where a value"),
        ("ctx.a == 'x", 9, "closing quote"),
        ("(ctx.a", 6, "without its )"),
        ("ctx.a.lenght() > 3", 6, "\"lenght\" is not supported"),
        ("ctx.a.contains()", 6, "has 0 arguments"),
        ("ctx.a =~ 'x'", 9, "regular expression is expected"),
        ("ctx.a =~ /(/", 9, "no regular expression"),
        ("ctx.a instanceof Foo", 17, "\"Foo\" is not known"),
        ("Math.max(1, 2) > 1", 0, "\"Math.max\" is not supported"),
        ("status == 200", 0, "\"status\" is not known"),
        ("ctx.a == 1; return true", 10, "several statements"),
        ("ctx.a ? true", 12, "without its :"),
        ("ctx == null", 3, "not valid"),
        ("ctx.a == 12x", 9, "not a number"),
        ("ctx..a", 4, "name is expected"),
    ] {
        let error = Condition::compile(condition).unwrap_err();
        assert!(error.what.contains(what), "{condition}: {error:?}");
        assert_eq!(error.at, at, "{condition}: {error:?}");
    }
    for (condition, at, what, hint) in [
        ("ctx.a == 1 and ctx.b", 11, "unexpected \"and\"", "write && for and"),
        ("ctx.a == 1 OR ctx.b", 11, "unexpected \"OR\"", "write || for or"),
        ("not ctx.a", 0, "\"not\" is not known here", "write ! for not"),
        ("ctx.a in ['x']", 6, "unexpected \"in\"", "write ['a', 'b'].contains(ctx.field)"),
        ("ctx.a matches /x/", 6, "unexpected \"matches\"", "write ctx.field =~ /pattern/"),
    ] {
        let error = Condition::compile(condition).unwrap_err();
        assert_eq!((error.at, error.what.as_str(), error.hint.as_deref()), (at, what, Some(hint)), "{condition}");
    }
    assert!(Condition::compile(&format!("{}true{}", "(".repeat(5000), ")".repeat(5000))).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_or_compiled(text in "(ctx|\\.a|\\?\\.b|\\['c'\\]| |==|!=|!|&&|\\|\\||\\(|\\)|'x'|1|\\.contains|true|\\PC){0,12}") {
        if let Ok(condition) = Condition::compile(&text) {
            let event: Event<'_> = serde_json::from_str(EVENT).unwrap();
            condition.holds(&event);
        }
    }
}
