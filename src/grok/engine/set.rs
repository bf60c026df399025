//! Which of several expressions can match a text at all.
//!
//! Most expressions need texts that most lines do not have. One pass over the line tells which of these are there, and only the
//! expressions that have all they need are tried, together with those that need nothing.

use super::Program;
use super::grams::Grams;

/// What several expressions need.
#[derive(Debug)]
pub struct Set {
    /// How many there are.
    count: usize,
    /// Nothing where a pass over the line would cost more than it spares.
    grams: Option<Grams>,
}

/// Which expressions are to be tried on a text. Memory to be used again.
#[derive(Debug, Default)]
pub struct Candidates(Vec<u64>);

impl Set {
    /// Of expressions, in their order; `None` stands for one that may match anything.
    pub fn new<'p>(programs: impl IntoIterator<Item = Option<&'p Program>>) -> Set {
        let needs: Vec<_> =
            programs.into_iter().map(|program| program.map_or(Vec::new(), |program| program.needs.clone())).collect();
        Set { count: needs.len(), grams: Grams::new(needs) }
    }

    /// The expressions that a text may match, by number, in their order: all others do not match it.
    pub fn candidates<'s>(&'s self, text: &'s str, into: &'s mut Candidates) -> impl Iterator<Item = usize> + use<'s> {
        let words = &mut into.0;
        match &self.grams {
            Some(grams) => grams.candidates(text.as_bytes(), words),
            None => {
                words.clear();
                let all = |first: usize| u64::MAX >> (64 - (self.count - first).min(64));
                words.extend((0..self.count).step_by(64).map(all));
            }
        }
        let several = words.iter().map(|word| word.count_ones()).sum::<u32>() > 1;
        let doubted = self.grams.as_ref().filter(|_| several);
        let marked = words.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        });
        marked.filter(move |number| doubted.is_none_or(|grams| grams.has_rarest(*number, text.as_bytes())))
    }
}
