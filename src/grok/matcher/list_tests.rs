//! Lists of expressions, generated: which wins and what it captures is as Oniguruma says, and as each expression alone says.
//!
//! `KELP_GROK_PAIRS` says how many lists on lines (10,000 unless told, else a tenth of the number), `KELP_GROK_SEED` where to begin.

use super::onig;
use super::{Searched, Slot, Syntax};
use crate::grok::engine::generated::{Random, line, list};
use crate::grok::{Dialect, Grok, Options, Order, Outcome, Patterns, Scratch, Set};

/// How many lines each list is tried on.
const LINES_EACH: usize = 50;

/// Which expression matched, and what its groups have.
type Found = Option<(usize, Spans)>;
/// What each group has: from where to where.
type Spans = Vec<Option<(usize, usize)>>;

fn spans(slots: &[Slot]) -> Spans {
    slots.iter().map(|slot| slot.is_some().then_some((slot.start as usize, slot.end as usize))).collect()
}

/// What the list gives; nothing if it gave up.
fn ours(grok: &Grok, text: &str, scratch: &mut Scratch) -> Option<Found> {
    match grok.search(text, scratch) {
        Outcome::Match(found) => {
            let fields = found.expression.matcher.fields();
            let captured: Vec<Slot> =
                fields.iter().map(|slot| slot.map_or(Slot::NONE, |slot| found.slots[slot])).collect();
            Some(Some((found.index(), spans(&captured))))
        }
        Outcome::NoMatch => Some(None),
        Outcome::Exhausted { .. } | Outcome::Failed { .. } => None,
    }
}

/// Oniguruma with one expression: where it matched, and its groups by name.
struct Reference {
    program: onig::Program,
    slots: Vec<Option<usize>>,
}

impl Reference {
    fn new(expression: &str, names: &[String]) -> Option<Reference> {
        let (program, slots) = onig::Program::compile(expression, Syntax { dot_matches_newline: false }, names).ok()?;
        Some(Reference { program, slots })
    }

    /// The groups by name, if it matches; nothing if it gave up.
    fn search(&self, text: &str) -> Option<Option<Spans>> {
        let mut slots = Vec::new();
        match self.program.search(text, None, &mut slots) {
            Searched::At(_) => {
                let group = |slot: &Option<usize>| slot.map_or(Slot::NONE, |slot| slots[slot]);
                Some(Some(spans(&self.slots.iter().map(group).collect::<Vec<_>>())))
            }
            Searched::Nowhere => Some(None),
            Searched::Exhausted | Searched::Failed(_) => None,
        }
    }
}

/// The names of an expression's groups, in order.
fn names(expression: &str) -> Vec<String> {
    let after = expression.split("(?<").skip(1).filter_map(|rest| rest.split_once('>'));
    after.map(|(name, _)| name.to_owned()).filter(|name| name.starts_with('a') && name.contains("_n")).collect()
}

/// One list in one order, in three ways.
struct Compared {
    /// All at once.
    list: Grok,
    /// Each alone.
    alone: Vec<Grok>,
    /// Of Oniguruma: for [`Order::First`] each alone, else one of all.
    reference: Vec<Reference>,
    names: Vec<Vec<String>>,
    order: Order,
}

impl Compared {
    fn new(expressions: &[String], order: Order) -> Option<Compared> {
        let patterns = Patterns::new(Set::Empty, Dialect::Elasticsearch);
        let options = Options { order, ..Options::new(Dialect::Elasticsearch) };
        let texts: Vec<&str> = expressions.iter().map(String::as_str).collect();
        let list = Grok::compile(&texts, &patterns, options).ok()?;
        let alone = texts.iter().map(|text| Grok::compile(&[text], &patterns, options).ok()).collect::<Option<_>>()?;
        let names: Vec<Vec<String>> = expressions.iter().map(|text| names(text)).collect();
        let reference = match order {
            Order::First => {
                let one = |(text, names): (&String, &Vec<String>)| Reference::new(text, names);
                expressions.iter().zip(&names).map(one).collect::<Option<_>>()?
            }
            Order::Leftmost => {
                let wrapped = |(number, text): (usize, &String)| format!("(?<whole{number}>{text})");
                let joined: Vec<String> = expressions.iter().enumerate().map(wrapped).collect();
                let whole = (0..expressions.len()).map(|number| format!("whole{number}"));
                vec![Reference::new(&joined.join("|"), &whole.chain(names.concat()).collect::<Vec<_>>())?]
            }
        };
        Some(Compared { list, alone, reference, names, order })
    }

    /// What Oniguruma says.
    fn expected(&self, text: &str) -> Option<Found> {
        if self.order == Order::First {
            for (number, one) in self.reference.iter().enumerate() {
                if let Some(groups) = one.search(text)? {
                    return Some(Some((number, groups)));
                }
            }
            return Some(None);
        }
        let Some(groups) = self.reference[0].search(text)? else { return Some(None) };
        let count = self.names.len();
        let number = groups[..count].iter().position(Option::is_some)?;
        let before = count + self.names[..number].iter().map(Vec::len).sum::<usize>();
        Some(Some((number, groups[before..before + self.names[number].len()].to_vec())))
    }

    /// What comes of trying each alone, all of them.
    fn one_by_one(&self, text: &str, scratch: &mut Scratch) -> Option<Found> {
        let mut best: Option<(usize, usize)> = None;
        for (number, grok) in self.alone.iter().enumerate() {
            let start = match grok.search(text, scratch) {
                Outcome::Match(found) => found.span().0,
                Outcome::NoMatch => continue,
                Outcome::Exhausted { .. } | Outcome::Failed { .. } => return None,
            };
            if best.is_none_or(|(_, known)| self.order == Order::Leftmost && start < known) {
                best = Some((number, start));
            }
        }
        let Some((number, _)) = best else { return Some(None) };
        let found = ours(&self.alone[number], text, scratch)?;
        Some(found.map(|(_, groups)| (number, groups)))
    }
}

#[test]
fn generated_lists_mean_what_oniguruma_says() {
    let read = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let wanted = read("KELP_GROK_PAIRS").map_or(10_000, |pairs| pairs / 10);
    let mut random = Random::new(read("KELP_GROK_SEED").unwrap_or(1));
    let mut scratch = Scratch::new();
    let (mut pairs, mut matches, mut later, mut gave_up) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    while pairs < wanted && wrong.len() < 20 {
        let expressions = list(&mut random);
        let lines: Vec<String> = (0..LINES_EACH).map(|_| line(&mut random)).collect();
        for order in [Order::Leftmost, Order::First] {
            let Some(compared) = Compared::new(&expressions, order) else { continue };
            for text in &lines {
                pairs += 1;
                let (Some(expected), Some(found), Some(one_by_one)) = (
                    compared.expected(text),
                    ours(&compared.list, text, &mut scratch),
                    compared.one_by_one(text, &mut scratch),
                ) else {
                    gave_up += 1;
                    continue;
                };
                if found != expected || found != one_by_one {
                    wrong.push(format!(
                        "{order:?} {expressions:?} on {text:?}:\n  {found:?}\n  should be {expected:?}\n  one by one {one_by_one:?}"
                    ));
                    break;
                }
                matches += u64::from(found.is_some());
                later += u64::from(found.is_some_and(|(number, _)| number > 0));
            }
        }
    }
    wrong.sort_by_key(String::len);
    assert!(wrong.is_empty(), "{} differences, the shortest:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    eprintln!("{pairs} pairs, {matches} match, {later} not with the first expression, {gave_up} given up");
    assert!(matches * 4 > pairs && later * 4 > matches && gave_up * 20 < pairs, "{pairs} {matches} {later} {gave_up}");
}

/// Where a match is found counts, not where it is said to begin.
#[test]
fn what_keeps_less_is_still_found_further_left() {
    let patterns = Patterns::new(Set::Empty, Dialect::Elasticsearch);
    let grok = Grok::compile(&[r"xx\Ka", "x(?<b>a)"], &patterns, Options::default()).unwrap();
    assert!(grok.fallback(0).is_none());
    let mut scratch = Scratch::new();
    assert_eq!(ours(&grok, "xxab", &mut scratch), Some(Some((0, vec![]))));
    assert_eq!(ours(&grok, "xab", &mut scratch), Some(Some((1, vec![Some((1, 2))]))));
}
