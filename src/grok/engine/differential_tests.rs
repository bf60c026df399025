//! Generated expressions on generated lines, against Oniguruma: the same match, the same captures.
//!
//! `KELP_GROK_PAIRS` says how many pairs (100,000 unless told), `KELP_GROK_SEED` from which seed; half of them are from seed 1 and half from a
//! fresh one unless told.

use onig::{MatchParam, Regex, Region, SearchOptions};

use super::generated::{Random, expression, line};
use super::{Exhausted, Program, Refusal, Scratch, Slot, Syntax, compile};

/// Where each group of a match begins and ends.
type Groups = Vec<Option<(usize, usize)>>;

/// How many lines each expression is tried on.
const LINES_EACH: usize = 25;

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

/// The same, tried at one position after the other. Oniguruma's search looks ahead for what a match has to contain and can look in the wrong
/// place: `\b.*-+?` on `/ .112 x-y " 1.2 ` is not found, though it matches there.
fn reference_by_position(expression: &str, text: &str) -> Option<Groups> {
    // Where each position is tried by itself, `\G` is that; for us it is the beginning of the text.
    let regex = Regex::new(&expression.replace(r"\G", r"\A")).ok()?;
    let mut region = Region::new();
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut at = |start| {
        region.clear();
        regex.match_with_options(text, start, SearchOptions::SEARCH_OPTION_NONE, Some(&mut region)).is_some()
    };
    starts.into_iter().find(|start| at(*start))?;
    Some((0..region.len()).map(|index| region.pos(index)).collect())
}

/// What was seen in a run.
#[derive(Debug, Default)]
struct Count {
    pairs: usize,
    matches: usize,
    refused: usize,
    gave_up: usize,
    /// Expressions that repeat a condition on a place, which Oniguruma refuses.
    places: usize,
    /// On how many pairs Oniguruma's search and its match at a position differ, and ours is the latter.
    overlooked: usize,
    /// On how many pairs Oniguruma has a group that ends before it begins.
    garbled: usize,
    /// How many expressions these two are of.
    odd: usize,
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
        // Its copy in Java takes that, and is asked in the integration tests.
        (Ok(_), Err(error)) if error.description().contains("target of repeat operator is invalid") => {
            count.places += 1;
            return;
        }
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
    let odd_before = count.overlooked + count.garbled;
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
        // A group of it that ends before it begins: half of a round that failed is left in it. Whether there is a match is another matter.
        let garbled = |groups: &Groups| groups.iter().skip(1).flatten().any(|(start, end)| start > end);
        let whole = |groups: &Option<Groups>| groups.as_ref().map(|groups| groups[0]);
        if expected.as_ref().is_some_and(garbled) && whole(&found) == whole(&expected) {
            count.garbled += 1;
            continue;
        }
        if found != expected && found == reference_by_position(expression, line) {
            count.overlooked += 1;
            continue;
        }
        if found != expected {
            count.wrong.push(format!("{expression:?} on {line:?}: {found:?}, should be {expected:?}"));
            return;
        }
        count.matches += usize::from(expected.is_some());
    }
    count.odd += usize::from(count.overlooked + count.garbled > odd_before);
}

#[test]
fn generated_expressions_mean_what_oniguruma_says() {
    let number = |variable| std::env::var(variable).ok().map(|text| text.parse::<u64>().expect("a number"));
    let wanted = number("KELP_GROK_PAIRS").unwrap_or(100_000) as usize;
    match number("KELP_GROK_SEED") {
        Some(seed) => compare_generated(seed, wanted),
        None => {
            let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            [1, clock.as_secs()].into_iter().for_each(|seed| compare_generated(seed, wanted / 2));
        }
    }
}

fn compare_generated(seed: u64, wanted: usize) {
    eprintln!("{wanted} pairs from KELP_GROK_SEED={seed}");
    let mut random = Random::new(seed);
    let mut count = Count::default();
    let mut scratch = Scratch::default();
    while count.pairs < wanted && count.wrong.len() < 40 {
        let named = !random.one_in(3);
        let expression = expression(&mut random, named);
        let lines: Vec<String> = (0..LINES_EACH).map(|_| line(&mut random)).collect();
        compare(&expression, &lines, &mut count, &mut scratch);
    }
    count.wrong.sort_by_key(String::len);
    let shortest: Vec<&str> = count.wrong.iter().take(8).map(String::as_str).collect();
    assert!(shortest.is_empty(), "{} differences, the shortest:\n{}", count.wrong.len(), shortest.join("\n"));
    eprintln!("{count:?}");
    assert!(count.matches * 10 > count.pairs, "too few lines match for the test to mean anything: {count:?}");
    // One of some thousand expressions; a run of some hundred thousand pairs may have a few by chance.
    let expressions = count.pairs / LINES_EACH;
    assert!(count.odd * 2000 <= expressions + 6000, "Oniguruma is odd too often: {count:?}");
    assert!(count.refused * 20 < count.pairs / LINES_EACH, "too much is refused: {count:?}");
}
