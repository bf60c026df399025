//! What became of a line, for people.

use super::super::output::Answer;
use super::{Asked, undecided};
use crate::grok::{Explainer, Explanation, Outcome, Scratch};

/// So many letters of a text are shown.
const SHOWN: usize = 100;

/// Tells line after line.
pub(super) struct Teller {
    explainers: Vec<Explainer>,
    scratch: Scratch,
}

impl Teller {
    pub(super) fn new(asked: &Asked) -> Self {
        let explainer = |expression: &String| Explainer::new(expression, &asked.patterns, asked.options);
        Self { explainers: asked.expressions.iter().map(explainer).collect(), scratch: Scratch::new() }
    }

    pub(super) fn tell(
        &mut self,
        answer: &mut Answer,
        number: usize,
        line: &str,
        asked: &Asked,
        outcome: &Outcome<'_, '_>,
    ) {
        match outcome {
            Outcome::Match(found) => {
                let (start, end) = found.span();
                answer.line(&format!(
                    "line {number}: pattern {} matches {}",
                    found.index() + 1,
                    shown(&line[start..end])
                ));
                if (start, end) != (0, line.len()) {
                    answer.line(&format!(
                        "  it leaves {} before and {} after",
                        shown(&line[..start]),
                        shown(&line[end..])
                    ));
                }
                for capture in found.captures() {
                    answer.line(&format!("  {} = {}", capture.field.dotted(), shown(capture.text)));
                }
            }
            Outcome::NoMatch => self.tell_how_far(answer, number, line, asked),
            Outcome::Exhausted { .. } | Outcome::Failed { .. } => {
                answer.line(&format!("line {number}: {}", undecided(outcome).unwrap_or_default()));
            }
        }
    }

    /// Tells of the pattern that got furthest.
    fn tell_how_far(&mut self, answer: &mut Answer, number: usize, line: &str, asked: &Asked) {
        let mut furthest: Option<(usize, Explanation)> = None;
        for (pattern, explainer) in self.explainers.iter_mut().enumerate() {
            let Some(told) = explainer.explain(line, &mut self.scratch) else { continue };
            if furthest.as_ref().is_none_or(|(_, known)| reach(&told) > reach(known)) {
                furthest = Some((pattern, told));
            }
        }
        let Some((pattern, told)) = furthest else {
            answer.line(&format!("line {number}: no match"));
            return;
        };
        let which =
            if asked.expressions.len() > 1 { format!(", pattern {} got furthest", pattern + 1) } else { String::new() };
        answer.line(&format!("line {number}: no match{which}"));
        let captures = |answer: &mut Answer, captures: &[(String, String)], blanks: &str| {
            for (field, text) in captures {
                answer.line(&format!("{blanks}{field} = {}", shown(text)));
            }
        };
        let mut then = "then ";
        if !told.matched.is_empty() {
            answer.line(&format!("  `{}` matches {}", told.matched, shown(&line[told.span.0..told.span.1])));
            captures(answer, &told.captures, "    ");
        } else if told.levels.is_empty() {
            answer.line(&format!("  nowhere in {}", shown(line)));
        } else {
            then = "";
        }
        answer.line(&format!("  {then}`{}` was wanted", told.wanted));
        for level in &told.levels {
            answer.line(&format!("    of it `{}` matches {}", level.matched, shown(&line[level.span.0..level.span.1])));
            captures(answer, &level.captures, "      ");
            answer.line(&format!("    then `{}` was wanted", level.wanted));
        }
        if !told.matched.is_empty() || !told.levels.is_empty() {
            answer.line(&format!("  there is {}", shown(&line[told.end()..])));
        }
    }
}

/// How far an expression got: how much of it there was to match, and then how much of the line.
fn reach(told: &Explanation) -> (usize, usize) {
    let levels: usize = told.levels.iter().map(|level| level.matched.len()).sum();
    (told.end().saturating_sub(told.span.0), told.matched.len() + levels)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
    }
}
