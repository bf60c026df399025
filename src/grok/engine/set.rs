//! Several expressions, of which the first that matches wins.
//!
//! Most of them need a literal that most lines do not have. One pass over the line tells which literals are there, and only the
//! expressions whose literal is are tried, together with those that need none.

use super::grams::Grams;
use super::{Exhausted, Program, Scratch, Slot};

/// Expressions in the order in which they are tried.
#[derive(Debug)]
pub struct Set {
    programs: Vec<Program>,
    /// Nothing where one pass over the line would cost more than it spares.
    grams: Option<Grams>,
}

impl Set {
    /// Puts expressions together.
    pub fn new(programs: Vec<Program>) -> Set {
        let literals: Vec<Option<&[u8]>> = programs.iter().map(|program| program.starts.rarest()).collect();
        let grams = Grams::new(&literals);
        Set { programs, grams }
    }

    /// The expressions.
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// Searches with one after the other; says which one matched.
    ///
    /// # Panics
    /// If there are fewer slots than an expression that is tried has.
    pub fn search(&self, text: &str, scratch: &mut Scratch, slots: &mut [Slot]) -> Result<Option<usize>, Exhausted> {
        let Some(grams) = &self.grams else {
            for (index, program) in self.programs.iter().enumerate() {
                if program.search(text, scratch, slots)? {
                    return Ok(Some(index));
                }
            }
            return Ok(None);
        };
        let mut candidates = std::mem::take(&mut scratch.candidates);
        grams.candidates(text.as_bytes(), &mut candidates);
        let mut found = Ok(None);
        'words: for (word, bits) in candidates.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let index = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                match self.programs[index].search(text, scratch, slots) {
                    Ok(false) => {}
                    Ok(true) => {
                        found = Ok(Some(index));
                        break 'words;
                    }
                    Err(exhausted) => {
                        found = Err(exhausted);
                        break 'words;
                    }
                }
            }
        }
        scratch.candidates = candidates;
        found
    }
}
