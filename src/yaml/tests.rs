//! The tree, its bounds, and the reader of mappings.

use std::fmt::Write as _;
use std::time::Duration;

use super::*;

fn tree(text: &str) -> Result<Node, Vec<Problem>> {
    let problems = Problems::new("f.yaml");
    let node = parse(text, &problems);
    match (problems.count(), node) {
        (0, Some(node)) => Ok(node),
        _ => Err(problems.into_vec()),
    }
}

#[test]
fn every_node_knows_its_place() {
    let root = tree("a: 1\nbé: [x, 'y']\n").unwrap();
    let Kind::Mapping(entries) = &root.kind else { panic!("a mapping") };
    assert_eq!((entries[1].place.line, entries[1].place.column), (2, 1));
    let Kind::List(items) = &entries[1].value.kind else { panic!("a list") };
    assert_eq!((items[1].place.line, items[1].place.column), (2, 9));
    assert_eq!(items[1].place_of_char(0).column, 10);
}

#[test]
fn a_letter_of_a_scalar_has_its_place_or_that_of_the_scalar() {
    let place = |text: &str, letter: char| {
        let root = tree(text).unwrap();
        let Kind::Mapping(entries) = root.kind else { panic!("a mapping") };
        let index = entries[0].value.text().unwrap().chars().position(|c| c == letter).unwrap();
        let place = entries[0].value.place_of_char(index);
        (place.line, place.column)
    };
    for (text, expected) in [
        ("a: éX", (1, 5)),
        ("a: é X  # x\nb: c\n", (1, 6)),
        ("a: é X  \n\nb: c\n", (1, 6)),
        ("a: 'é X' # x\n", (1, 7)),
        ("a: \"é X\"\n", (1, 7)),
        ("{a: é X , b: c}", (1, 7)),
        ("{a: 'é X' , b: c}", (1, 8)),
        ("# é\r\n\r\na: 'é X'\r\n", (3, 7)),
        // Blocks, as long as nothing is folded.
        ("a: |\n  é X\n", (2, 5)),
        ("a: >-  # x\n\n   é\n\n     cX\nb: c\n", (5, 7)),
        ("a: |2\r\n   é\r\n\r\n  cX\r\n\r\nb: c\r\n", (4, 4)),
        ("a: |+\n  b\n  X\n\n", (3, 3)),
        ("a: >\n  b\n  X\n", (2, 3)),
        // A tag, an escape, and more than one line.
        ("a: !!str é X\n", (1, 4)),
        ("a: \"\\tX\"\n", (1, 4)),
        ("a: \"\\x41X\"\n", (1, 4)),
        ("a: 'b''X'\n", (1, 4)),
        ("a: b\n  X\n", (1, 4)),
        ("a: X\n  b\nc: d\n", (1, 4)),
        ("a: 'b\n  X'\n", (1, 4)),
        ("a: 'b\n\n  X'\n", (1, 4)),
        ("a: \"b\n  X\"\n", (1, 4)),
        ("a: \"b\\\n  X\"\n", (1, 4)),
    ] {
        assert_eq!(place(text, 'X'), expected, "{text}");
    }
}

#[test]
fn a_syntax_error_has_its_place() {
    let problems = tree("a: [1\nb: 2\n").unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].line >= 1 && problems[0].to_string().starts_with("f.yaml:"), "{}", problems[0]);
}

#[test]
fn what_the_parser_says_comes_with_what_to_do() {
    for (text, hint) in [
        (r#"a: "%{IP:x}\s+""#, "take single quotes"),
        (r#"a: "\xyz""#, "take single quotes"),
        ("a: {{b}}", "put a template in quotes"),
        ("a: {{{b}}}", "put a template in quotes"),
        ("k:\n  a: x:1\n   b: y", "this one begins in column 4, the one before in column 3"),
        ("k:\n  - a: x\n      b: y", "this one begins in column 7, the one before in column 5"),
        ("k:\n  a: x: y", "put a text with a colon in quotes"),
        ("k:\n  a: x\n  b: y: z", "put a text with a colon in quotes"),
        ("k:\n    a: x\n  b: y", "begin in the same column"),
        ("a: 'x", "close the quote"),
    ] {
        let told = tree(text).unwrap_err()[0].to_string();
        assert!(told.contains(hint), "{text}\n{told}");
    }
}

#[test]
fn duplicate_keys_are_all_told() {
    let problems = tree("a: 1\nb: 2\na: 3\nb: 4\n").unwrap_err();
    assert_eq!(problems.len(), 2);
    assert_eq!(
        problems[0].to_string(),
        "f.yaml:3:1: duplicate key \"a\": it stands at line 1 already (remove one of the two)"
    );
}

#[test]
fn merge_keys_give_way_to_what_is_written_out() {
    let root = tree("base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\nmany:\n  <<: [*b, {z: 4}]\n").unwrap();
    let one = root.get("one").unwrap();
    assert_eq!((one.get("x").unwrap().text(), one.get("y").unwrap().text()), (Some("1"), Some("3")));
    assert_eq!(root.get("many").unwrap().get("z").unwrap().text(), Some("4"));
    assert!(tree("a:\n  <<: 3\n").is_err());
}

#[test]
fn aliases_cannot_explode() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        writeln!(text, "a{level}: &a{level} [{}]", vec![alias; 10].join(",")).unwrap();
    }
    assert!(tree(&text).unwrap_err()[0].what.contains("nodes"));
}

#[test]
fn nesting_is_bounded_also_through_aliases() {
    let deep = format!("{}x{}", "[".repeat(1000), "]".repeat(1000));
    assert!(tree(&deep).is_err());
    assert!(tree(&format!("{}x", "- ".repeat(1000))).unwrap_err()[0].what.contains("nested deeper"));
    assert!(tree(&format!("{}x{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))).is_ok());
    let mut text = String::from("a0: &a0 [x]\n");
    for level in 1..200 {
        writeln!(text, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(tree(&text).unwrap_err()[0].what.contains("nested deeper"));
}

#[test]
fn two_documents_and_an_empty_file() {
    assert!(tree("a: 1\n---\nb: 2\n").is_err());
    assert!(tree("").unwrap().is_null());
    assert!(tree("# only a comment\n").unwrap().is_null());
}

#[test]
fn a_reader_tells_all_faults_at_once() {
    let problems = Problems::new("f.yaml");
    let root = parse("topcis: x\nsize: 3XB\nflag: maybe\nwait: 3s\nlist: [a, [b]]\nqqq: 1\n", &problems).unwrap();
    let fields = Fields::new(&root, "the source", &problems).unwrap();
    assert!(fields.required("topics").is_none());
    assert!(fields.byte_size("size").is_none());
    assert!(fields.bool("flag").is_none());
    assert_eq!(fields.duration("wait").unwrap().value, Duration::from_secs(3));
    assert!(fields.strings("list").is_none());
    fields.finish();
    let told: Vec<String> = problems.into_vec().iter().map(Problem::to_string).collect();
    assert_eq!(told.len(), 6, "{told:#?}");
    assert_eq!(told[1], "f.yaml:1:1: the source has an unknown key \"topcis\" (did you mean \"topics\"?)");
    assert!(told[2].starts_with("f.yaml:2:7: \"size\" is \"3XB\""), "{}", told[2]);
    assert!(told[5].contains("known keys: flag, list, size, topics, wait"), "{}", told[5]);
}

#[test]
fn getters_take_what_people_write() {
    let problems = Problems::new("f.yaml");
    let root = parse("a: yes\nb: off\nc: 12\nd: one\ne: {X: '1', Y: 2}\nf:\n", &problems).unwrap();
    let fields = Fields::new(&root, "it", &problems).unwrap();
    assert_eq!((fields.bool("a"), fields.bool("b")), (Some(true), Some(false)));
    assert_eq!(fields.integer("c").unwrap().value, 12);
    assert_eq!(fields.string("c").unwrap().value, "12");
    assert_eq!(fields.strings("d").unwrap()[0].value, "one");
    assert_eq!(fields.string_map("e").unwrap()[1].1, "2");
    fields.mapping("f", "the f").unwrap().finish();
    fields.finish();
    assert_eq!(problems.count(), 0);
}

#[test]
fn the_nearest_name_is_near() {
    assert_eq!(nearest("feild", ["field", "formats"]), Some("field"));
    assert_eq!(nearest("ignore_mising", ["ignore_missing", "ignore_failure"]), Some("ignore_missing"));
    assert_eq!(nearest("xyz", ["field", "if"]), None);
}
