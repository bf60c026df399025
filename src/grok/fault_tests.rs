//! What is told of expressions and definitions that are wrong, and where.

use std::collections::HashSet;
use std::fs;

use super::tests::{compile, search};
use super::*;

#[test]
fn faults_are_told_at_once_with_their_places() {
    let definitions = [("A", "%{B}"), ("B", "x%{A}"), ("BAD", "("), ("OUTER", "y%{BAD}"), ("LOST", "%{NOWHERE}")];
    let expressions = ["ab %{A}", "%{NUBMER:n} %{WROD}", "fine", "z)", "é%{OUTER}", "%{LOST}"];
    let faults = compile(&expressions, &definitions, Dialect::Elasticsearch).unwrap_err();
    let told: Vec<(usize, usize, String)> =
        faults.iter().map(|fault| (fault.expression, fault.offset, fault.to_string())).collect();
    let told: Vec<(usize, usize, &str)> = told.iter().map(|(number, at, what)| (*number, *at, what.as_str())).collect();
    assert_eq!(
        told,
        [
            (0, 3, "circular reference detected: A->B->A (in the definition of B)"),
            (1, 0, "unable to find pattern [NUBMER] in Grok's pattern dictionary (did you mean NUMBER?)"),
            (1, 12, "unable to find pattern [WROD] in Grok's pattern dictionary (did you mean WORD?)"),
            (3, 1, "the pattern \"z)\" can't be compiled: unmatched close parenthesis"),
            (
                4,
                2,
                "the pattern \"(\" can't be compiled: end pattern with unmatched parenthesis (in the definition of BAD)"
            ),
            (5, 0, "unable to find pattern [NOWHERE] in Grok's pattern dictionary (in the definition of LOST)"),
        ]
    );
}

#[test]
fn a_circle_of_definitions_is_told_though_nothing_uses_it() {
    let definitions = [("ANOTHER", "%{INT}"), ("INT", "%{INT}"), ("USER", "%{USERNAME}"), ("USERNAME", "%{USER}")];
    let faults = compile(&["x"], &definitions, Dialect::Logstash).unwrap_err();
    let told: Vec<String> = faults.iter().map(|fault| fault.what.clone()).collect();
    assert_eq!(told, ["circular reference detected: INT->INT", "circular reference detected: USER->USERNAME->USER"]);
    // Several from one definition, and those of which one leads to the other.
    let definitions = [("A", "%{A} %{B} %{A}"), ("B", "%{B} %{A} %{C}"), ("C", "%{D} %{B}"), ("D", "%{D}")];
    let faults = compile(&["x", "("], &definitions, Dialect::Logstash).unwrap_err();
    let told: Vec<&str> = faults[1..].iter().filter_map(|fault| fault.what.split(": ").nth(1)).collect();
    assert_eq!(told, ["A->A", "B->B", "A->B->A", "D->D", "B->C->B"]);
    // Twice the same is no circle.
    assert!(compile(&["%{D}"], &[("D", "%{E}%{E}"), ("E", "x")], Dialect::Logstash).is_ok());
}

#[test]
fn what_there_is_to_say_is_told_at_once() {
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    for (name, definition) in [("A", "%{B}"), ("B", "%{C}"), ("C", "%{A}"), ("LOOP", "%{LOOP}")] {
        patterns.define(name, definition);
    }
    let expressions = ["%{INT:a", "%{WORD:b:no} (x", "%{IP:c} %{NUBMER:d} %{INT:e", "%{IP:f.g}", "%{B}"];
    let refused = Grok::compile(&expressions, &patterns, Options::default()).unwrap_err();
    let told = |faults: &[Fault]| -> Vec<_> {
        faults.iter().map(|fault| (fault.expression, fault.offset, fault.what.clone())).collect()
    };
    let unclosed = "a %{ without its } stands for itself".to_owned();
    let open = "the pattern \"%{WORD:b:no} (x\" can't be compiled: end pattern with unmatched parenthesis".to_owned();
    let unknown = "unable to find pattern [NUBMER] in Grok's pattern dictionary".to_owned();
    let circles = ["B->C->A->B", "LOOP->LOOP"].map(|circle| format!("circular reference detected: {circle}"));
    let [circle, other] = circles;
    // The circle that an expression runs into is told there alone.
    let expected = [(1, 15, open), (2, 8, unknown), (4, 0, circle), (0, 0, other)];
    assert_eq!(told(&refused.faults), expected);
    assert_eq!(told(&refused.warnings), [(0, 0, unclosed.clone()), (2, 20, unclosed)]);
    assert_eq!(refused.untyped.iter().map(|fault| fault.expression).collect::<Vec<_>>(), [1]);
    let names: Vec<Vec<&str>> =
        refused.fields.iter().map(|fields| fields.iter().map(|field| field.name.as_str()).collect()).collect();
    assert_eq!(names, [vec![], vec!["b"], vec!["c"], vec!["f.g"], vec![]]);
}

#[test]
fn a_circle_is_told_at_the_last_reference_of_it_that_is_ones_own() {
    let circle = |definitions: &[(&str, &str)]| {
        let mut faults = compile(&["x"], definitions, Dialect::Elasticsearch).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        let fault = faults.remove(0);
        (fault.definition.clone().unwrap(), fault.to_string())
    };
    // A leads to the circle and is not in it.
    let (place, what) = circle(&[("A", "x%{B}"), ("B", "x%{C}"), ("C", "é%{INT}%{B}")]);
    assert_eq!(place, ("C".to_owned(), 8));
    assert_eq!(what, "circular reference detected: B->C->B (in the definition of C)");
    // HOSTPORT, which is shipped, has IPORHOST, and that IP.
    let (place, what) = circle(&[("A", "%{IP}"), ("IP", "a|%{HOSTPORT}")]);
    assert_eq!(place, ("IP".to_owned(), 2));
    assert_eq!(what, "circular reference detected: IP->HOSTPORT->IPORHOST->IP (in the definition of IP)");
}

#[test]
fn many_definitions_that_lead_to_one_another_are_no_deep_matter() {
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    let count = 60_000;
    for number in 0..count {
        patterns.define(&format!("P{number}"), &format!("%{{P{}}} %{{P{}}}", number + 1, count));
    }
    patterns.define(&format!("P{count}"), "a");
    assert_eq!(circles::circles(&patterns, &HashSet::new()), []);
    patterns.define(&format!("P{count}"), "%{P59999}");
    let circles = circles::circles(&patterns, &HashSet::new());
    let told: Vec<&str> = circles.iter().map(|fault| fault.what.as_str()).collect();
    assert_eq!(told, ["circular reference detected: P59999->P60000->P59999"]);
}

#[test]
fn definitions_are_loaded_from_files_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "ID [a-z]+\n# no\nBOTH %{ID} %{NR}\nLONELY\n").unwrap();
    fs::write(folder.path().join("b.patterns"), "NR [0-9]+\nID [A-Z]+\n").unwrap();
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    let faults = patterns.load(folder.path()).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].ends_with("/a:4:1: LONELY has no expression (a line is a name, a blank, an expression)"),
        "{told:?}"
    );
    let grok = Grok::compile(&["%{BOTH:x}"], &patterns, Options::default()).unwrap();
    assert_eq!(search(&grok, "a AB 12"), r#"0 x=Text("AB 12")"#);
    let missing = patterns.load(&folder.path().join("c")).unwrap_err();
    assert!(missing[0].to_string().contains("c: can't be read"), "{missing:?}");
}

/// Where a fault is, in which definition, and what it is.
fn told(faults: &[Fault]) -> Vec<(usize, usize, String)> {
    faults.iter().map(|fault| (fault.expression, fault.offset, fault.to_string())).collect()
}

#[test]
fn several_faults_of_one_expression_are_told_at_once() {
    const UNKNOWN: &str = "unable to find pattern [NUBMER] in Grok's pattern dictionary (did you mean NUMBER?)";
    let open = |text: &str| format!("the pattern \"{text}\" can't be compiled: end pattern with unmatched parenthesis");
    let definitions = [("BAD", "("), ("WORSE", "[z-a]"), ("BOTH", "%{BAD} %{WORSE}"), ("LOOP", "%{LOOP}")];
    let faults = |expression: &str| {
        // The circle is told whether it is used or not.
        let definitions = if expression.contains("LOOP") { &definitions[..] } else { &definitions[..3] };
        let faults = compile(&[expression], definitions, Dialect::Elasticsearch).unwrap_err();
        told(&faults).into_iter().map(|(_, at, what)| (at, what)).collect::<Vec<_>>()
    };
    let bad = || open("(") + " (in the definition of BAD)";
    let worse = "the pattern \"[z-a]\" can't be compiled: empty range in char class (in the definition of WORSE)";
    // A reference that leads nowhere, and the expression itself.
    assert_eq!(faults("%{NUBMER:n} (x"), [(0, UNKNOWN.to_owned()), (14, open("%{NUBMER:n} (x"))]);
    // The same, and a definition.
    assert_eq!(faults("%{NUBMER} %{BAD}"), [(0, UNKNOWN.to_owned()), (10, bad())]);
    // Two definitions, each once.
    assert_eq!(faults("%{BAD} %{WORSE} %{BAD}"), [(0, bad()), (7, worse.to_owned())]);
    assert_eq!(faults("x%{BOTH}"), [(1, bad()), (1, worse.to_owned())]);
    // A circle, and one on the spot.
    let circle = "circular reference detected: LOOP->LOOP (in the definition of LOOP)";
    assert_eq!(faults("%{LOOP} %{S=(}"), [(0, circle.to_owned()), (8, open("(") + " (in the definition of S)")]);
    // What another part accounts for is no fault.
    for right in [
        r"%{NUBMER:n} \k<n>",
        r"%{NUBMER} \k<other> \1",
        r"%{NUBMER} \k'other' \g'more'",
        "[(]%{NUBMER}{2,3}",
        "(?<a.b>%{NUBMER})(?#()",
        "[(?<]>a %{NUBMER}",
        r"[\k<]>[\g']'%{NUBMER}",
    ] {
        let faults = faults(right);
        assert!(faults.len() == 1 && faults[0].1 == UNKNOWN, "{right}: {faults:?}");
    }
}

#[test]
fn a_definition_on_the_spot_may_have_the_name_of_the_one_around_it() {
    for definition in ["%{A=x}", "%{A=x}-%{A}", "%{A:y=x}"] {
        let grok = compile(&["^%{A:all}$"], &[("A", definition)], Dialect::Logstash).unwrap();
        assert!(["x", "x-x"].iter().any(|text| search(&grok, text).contains("all")), "{definition}");
    }
    for (expression, definition) in [("%{A=%{A}}", "x"), ("%{A}", "%{B=%{A}}"), ("%{A}", "%{A} %{A=x}")] {
        let faults = compile(&[expression], &[("A", definition)], Dialect::Logstash).unwrap_err();
        assert!(faults[0].what.starts_with("circular reference"), "{expression} {definition}: {faults:?}");
    }
    let faults = compile(&["%{A}"], &[("A", "%{A=x} %{A} (")], Dialect::Logstash).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn a_fault_of_a_definition_has_its_place_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.patterns");
    fs::write(
        &file,
        "# mine\r\nLOST é%{NOWHERE}\r\n  BAD\ta) \nSPOT x%{S=%{NOWHERE}}\nLOOP %{LOOP}\nSHIPPED %{INT}%{INT\n",
    )
    .unwrap();
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    patterns.load(&file).unwrap();
    // The circle is told with each.
    for (expression, count, line, column) in
        [("%{LOST}", 2, 2, 7), ("%{BAD}", 2, 3, 8), ("%{SPOT}", 2, 4, 7), ("%{LOOP}", 1, 5, 6), ("x", 1, 5, 6)]
    {
        let faults = Grok::compile(&[expression], &patterns, Options::default()).unwrap_err().faults;
        let place = Place { path: file.clone(), line, column };
        assert_eq!((faults.len(), faults[0].place.as_ref()), (count, Some(&place)), "{expression}: {faults:?}");
    }
    patterns.define("LOOP", "");
    let grok = Grok::compile(&["%{SHIPPED}"], &patterns, Options::default()).unwrap();
    assert_eq!(grok.warnings()[0].place, Some(Place { path: file, line: 6, column: 15 }));
}

#[test]
fn definitions_that_nothing_uses_are_looked_at_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = "OTHER %{LOST}\nLOST %{NUBMER}\nTYPED %{INT:x:integer} (?<a:b:no>c)\nODD %{INT\nBAD (\nUSED a\nFINE %{USED}\nno-name (\nINT [0-9]\n";
    fs::write(folder.path().join("a"), text).unwrap();
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    patterns.load(folder.path()).unwrap();
    let faults = unused(&["%{USED}"], &patterns, Options::default());
    let told: Vec<_> = faults
        .iter()
        .map(|fault| {
            let place = fault.place.as_ref().unwrap();
            format!("{}:{} {fault}", place.line, place.column)
        })
        .collect();
    let types = "there are int, long, float, double, boolean, string";
    assert_eq!(
        told,
        [
            "2:6 unable to find pattern [NUBMER] in Grok's pattern dictionary (in the definition of LOST) (did you mean NUMBER?)".to_owned(),
            format!(r#"3:7 %{{INT:x:integer}} stays a text: there is no type "integer" (in the definition of TYPED) (did you mean "int"? {types})"#),
            format!(r#"3:24 (?<a:b:no>…) stays a text: there is no type "no" (in the definition of TYPED) ({types})"#),
            "4:5 a %{ without its } stands for itself (in the definition of ODD) (a reference is %{NAME}, %{NAME:field} or %{NAME:field:type}; a % before a { is written \\x25)".to_owned(),
            "5:6 the pattern \"(\" can't be compiled: end pattern with unmatched parenthesis (in the definition of BAD) (no expression uses the definition)".to_owned(),
        ]
    );
    // What an expression leads to is told with that, as a fault.
    assert_eq!(unused(&["%{OTHER} %{TYPED} %{ODD} %{BAD}"], &patterns, Options::default()), []);
}

#[test]
fn definitions_that_nothing_uses_take_little_time_however_they_lead_to_one_another() {
    let unused = |definitions: &mut dyn Iterator<Item = (String, String)>| {
        let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
        definitions.for_each(|(name, definition)| patterns.define(&name, &definition));
        unused(&["x"], &patterns, Options::default())
    };
    let definition = |number: usize, last: usize, definition: &str| {
        let next = format!("%{{D{}}}", number + 1);
        (format!("D{number}"), if number < last { definition.replace("NEXT", &next) } else { "(".to_owned() })
    };
    let doubled = |number| definition(number, 40, "NEXT NEXT");
    // So many names that there are not are told as elsewhere, each with what it may mean.
    let faults = unused(&mut (0..5000).map(|number| (format!("A{number}"), format!("%{{NUBMER}} %{{X{number}}}"))));
    assert_eq!(faults.len(), 20);
    assert!(faults[0].to_string().ends_with("(did you mean NUMBER?)"), "{}", faults[0]);
    // Each has twice the letters of the next one; one is looked at, and it leads to the rest.
    let faults = unused(&mut (0..=40).map(doubled));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].what, "the pattern becomes too large when its references are expanded");
    // Many lead there, and to a fault that is far away.
    let mut many = (0..20_000).map(|number| (format!("A{number}"), "%{D0}".to_owned())).chain((0..=40).map(doubled));
    assert_eq!(unused(&mut many).len(), 1);
    let chain = |number| definition(number, 50, "NEXT");
    let mut many = (0..2000).map(|number| (format!("A{number}"), "%{D0}".to_owned())).chain((0..=50).map(chain));
    let faults = unused(&mut many);
    assert_eq!((faults.len(), faults[0].definition.clone()), (1, Some(("D50".to_owned(), 1))), "{faults:?}");
    // What is right is not compiled for speed.
    assert_eq!(
        unused(&mut (0..1000).map(|number| (format!("A{number}"), format!("%{{COMBINEDAPACHELOG}} {number}")))),
        []
    );
}

#[test]
fn a_fault_that_nothing_but_an_unused_definition_leads_to_is_told_there() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("LEADS %{{HUGE}}\nHUGE é{}\n", "%{HAPROXYHTTP}".repeat(1000));
    fs::write(folder.path().join("a"), text).unwrap();
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    patterns.load(folder.path()).unwrap();
    let faults = unused(&["x"], &patterns, Options::default());
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].definition, Some(("HUGE".to_owned(), 2)));
    assert_eq!(faults[0].place, Some(Place { path: folder.path().join("a"), line: 2, column: 7 }));
}

#[test]
fn references_that_are_repeated_are_tried_once() {
    for (count, faults) in [(100, 1), (2000, 2)] {
        let expression = "%{HAPROXYHTTP} ".repeat(count) + "(";
        let told = compile(&[&expression], &[], Dialect::Elasticsearch).unwrap_err();
        assert_eq!(told.len(), faults, "{told:?}");
        let told = told.last().unwrap();
        assert!(told.what.ends_with("end pattern with unmatched parenthesis"), "{told}");
        assert_eq!(told.offset, expression.len());
    }
}

#[test]
fn what_stands_for_itself_is_told_once() {
    for (expression, warnings) in [
        ("%{".repeat(50_000), 1),
        // Those within the last two hundred letters differ in their length.
        ("%{".repeat(50_000) + &"}".repeat(50_000), 101),
        ("a%{b".to_owned() + &"%{INT} %{INT x}".repeat(5000), 2),
    ] {
        let grok = compile(&[&expression], &[], Dialect::Elasticsearch).unwrap();
        assert_eq!(grok.warnings().len(), warnings);
        assert_eq!(grok.warnings()[0].offset, expression.find("%{").unwrap());
        assert!(compile(&[&(expression + "(")], &[], Dialect::Elasticsearch).is_err());
    }
}

#[test]
fn a_capture_without_a_name_is_told() {
    for (expression, told) in [
        ("%{DATA::int} x", Some((0, "%{DATA::int} captures nothing: its field has no name"))),
        ("a %{DATA::no:x}", Some((2, "%{DATA::no:x} captures nothing: its field has no name"))),
        ("%{DATA:a:int} %{DATA}", None),
    ] {
        let grok = compile(&[expression], &[], Dialect::Elasticsearch).unwrap();
        let warnings: Vec<_> = grok.warnings().iter().map(|fault| (fault.offset, fault.what.as_str())).collect();
        assert_eq!(warnings, told.into_iter().collect::<Vec<_>>(), "{expression}");
        assert_eq!(grok.untyped(), [], "{expression}");
    }
}

#[test]
fn types_that_there_are_not_are_told() {
    for (dialect, expression, meant) in [
        (Dialect::Elasticsearch, "%{INT:a:integer}", Some("did you mean \"int\"? there are int, long, ")),
        (Dialect::Elasticsearch, "%{INT:a:int:x}", Some("there are int, long, ")),
        (Dialect::Elasticsearch, "%{INT:a:Boolaen}", Some("did you mean \"boolean\"? ")),
        (Dialect::Elasticsearch, "%{INT:a:string} %{INT:b:long}", None),
        (Dialect::Logstash, "%{INT:a:int:x}", None),
        (Dialect::Logstash, "%{INT:a:long}", Some("there are int, float, string")),
        (Dialect::Logstash, "%{INT:a:number}", Some("there are int, float, string")),
        (Dialect::Logstash, "%{COMBINEDAPACHELOG} %{S3_ACCESS_LOG}", None),
    ] {
        let grok = compile(&[expression], &[], dialect).unwrap();
        let hints: Vec<&str> = grok.untyped().iter().filter_map(|fault| fault.hint.as_deref()).collect();
        assert_eq!(hints.len(), usize::from(meant.is_some()), "{expression}: {hints:?}");
        assert!(meant.is_none_or(|meant| hints[0].starts_with(meant)), "{expression}: {hints:?}");
    }
}

#[test]
fn what_is_passed_over_in_a_folder_or_defined_twice_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("nested")).unwrap();
    fs::create_dir_all(path(".git")).unwrap();
    fs::write(path("nested/deep"), "DEEP x\n").unwrap();
    fs::write(path("a"), "\u{feff}ID one\r\nNR 1\r\nID two\r\n").unwrap();
    fs::write(path("a~"), "ID old\n").unwrap();
    fs::write(path("b"), "NR 2\n").unwrap();
    let mut patterns = Patterns::new(Set::Legacy, Dialect::Elasticsearch);
    patterns.load(folder.path()).unwrap();
    assert_eq!(["ID", "NR", "DEEP"].map(|name| patterns.get(name)), [Some("two"), Some("2"), None]);
    let before = format!("{}/", folder.path().display());
    let notes: Vec<String> = patterns.notes().iter().map(|note| note.to_string().replace(&before, "")).collect();
    assert_eq!(
        notes,
        [
            "a~: is not read: it looks like an editor's copy of another file",
            "nested: is not read: it is a folder in a folder of definitions",
            "a:3:1: ID is defined in line 1, too: this one counts",
        ]
    );
    // Who names it wants it.
    patterns.load(&path("a~")).unwrap();
    assert_eq!(patterns.get("ID"), Some("old"));
}
