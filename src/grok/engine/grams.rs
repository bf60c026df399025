//! Which of many texts a line may contain, in one pass.
//!
//! Three bytes at a time are looked up in a table that has a bit for each need. Of a text that is long enough several
//! neighbouring threes are in the table, so that only every second, third or fourth place of the line has to be asked: one of
//! them falls on it. The pass may say that a text is there which is not, never the other way round; so where it leaves several
//! expressions, the rarest text of each is searched for before it is tried, which costs less than to try it in vain.

use std::collections::HashMap;

use memchr::memmem::Finder;

use super::needs::{Need, SHORTEST};

/// The table has so many entries, as a power of two: 16 KiB, which leaves room in the processor's nearest memory.
const BITS: u32 = 11;
/// How many needs there can be of an expression.
const NEEDS_EACH: usize = 3;
/// A need of more texts is not searched for.
const FEW_TEXTS: usize = 2;
/// At most every such place is asked.
const WIDEST: usize = 4;

/// A table of needs.
#[derive(Debug)]
pub(super) struct Grams {
    /// To which needs three bytes may belong: a bit for each. More than 64 share bits.
    table: Vec<u64>,
    /// For each expression, the bits of all that it needs.
    masks: Vec<u64>,
    /// For each expression, the texts of its rarest need, if they are few.
    rarest: Vec<Vec<Finder<'static>>>,
    stride: usize,
}

type Gram = [u8; 3];

fn hash(gram: Gram) -> usize {
    let value = u32::from(gram[0]) | u32::from(gram[1]) << 8 | u32::from(gram[2]) << 16;
    (value.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

fn grams(text: &[u8]) -> impl Iterator<Item = Gram> + Clone + '_ {
    text.windows(SHORTEST).map(|gram| [gram[0], gram[1], gram[2]])
}

/// How common threes of bytes are, among the expressions and in lines.
struct Common(HashMap<Gram, usize>);

impl Common {
    fn new(expressions: &[Vec<Need>]) -> Common {
        let mut count = HashMap::new();
        for needs in expressions {
            let mut all: Vec<Gram> = needs.iter().flatten().flat_map(|text| grams(text)).collect();
            all.sort_unstable();
            all.dedup();
            all.into_iter().for_each(|gram| *count.entry(gram).or_default() += 1);
        }
        Common(count)
    }

    /// Of neighbouring threes, how common they are together.
    fn of(&self, neighbours: &[u8]) -> usize {
        // Letters and digits in a row say more than what every line has.
        let dull = |gram: Gram| gram.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count();
        grams(neighbours).map(|gram| 4 * self.0[&gram] + dull(gram)).sum()
    }

    /// The rarest neighbours in a text, as many as there have to be.
    fn rarest<'t>(&self, text: &'t [u8], stride: usize) -> &'t [u8] {
        let all = text.windows(stride + SHORTEST - 1);
        all.min_by_key(|neighbours| self.of(neighbours)).unwrap_or_default()
    }

    /// How little a need tells.
    fn of_need(&self, need: &Need) -> usize {
        let one = |text: &Vec<u8>| {
            let stride = (text.len() + 1 - SHORTEST).min(WIDEST);
            // The mean of the threes; and short texts make all others be looked for at every place.
            self.of(self.rarest(text, stride)) * 4 / stride + 8 * (WIDEST - stride)
        };
        need.iter().map(one).sum()
    }
}

impl Grams {
    /// A table for what expressions need, each by itself; nothing if it would spare little.
    pub(super) fn new(mut expressions: Vec<Vec<Need>>) -> Option<Grams> {
        if expressions.iter().filter(|needs| !needs.is_empty()).count() < 2 {
            return None;
        }
        let common = Common::new(&expressions);
        for needs in &mut expressions {
            needs.sort_by_key(|need| common.of_need(need));
        }
        let shortest = |need: &Need| need.iter().map(Vec::len).min().unwrap_or_default();
        let first = expressions.iter().filter_map(|needs| needs.first());
        let length = first.map(shortest).min().unwrap_or(SHORTEST);
        let stride = (length + 1 - SHORTEST).clamp(1, WIDEST);
        let mut grams = Grams { table: vec![0; 1 << BITS], masks: Vec::new(), rarest: Vec::new(), stride };
        let mut bits: HashMap<&Need, usize> = HashMap::new();
        for needs in &expressions {
            let usable = needs.iter().filter(|need| shortest(need) + 1 >= stride + SHORTEST);
            let mut mask = 0;
            for need in usable.take(NEEDS_EACH) {
                let next = bits.len();
                let bit = 1 << (*bits.entry(need).or_insert(next) % 64);
                mask |= bit;
                need.iter().for_each(|text| grams.add(common.rarest(text, stride), bit));
            }
            grams.masks.push(mask);
            let few = needs.iter().find(|need| need.len() <= FEW_TEXTS);
            let finder = |text: &Vec<u8>| Finder::new(text).into_owned();
            grams.rarest.push(few.map_or(Vec::new(), |need| need.iter().map(finder).collect()));
        }
        Some(grams)
    }

    fn add(&mut self, neighbours: &[u8], bit: u64) {
        self::grams(neighbours).for_each(|gram| self.table[hash(gram)] |= bit);
    }

    /// Whether the rarest text that an expression needs is there.
    pub(super) fn has_rarest(&self, expression: usize, text: &[u8]) -> bool {
        let finders = &self.rarest[expression];
        finders.is_empty() || finders.iter().any(|finder| finder.find(text).is_some())
    }

    /// The expressions that the text may match: a bit for each.
    pub(super) fn candidates(&self, text: &[u8], into: &mut Vec<u64>) {
        let mut seen = 0;
        // Four bytes are read at once; what is left at the end may have fewer.
        let mut at = 0;
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            seen |= self.table[hash([chunk[0], chunk[1], chunk[2]])];
            at += self.stride;
        }
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<3>()) {
            seen |= self.table[hash(*chunk)];
            at += self.stride;
        }
        into.clear();
        into.extend(self.masks.chunks(64).map(|masks| {
            let bits = masks.iter().enumerate();
            bits.fold(0, |word, (bit, mask)| word | u64::from(seen & mask == *mask) << bit)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(texts: &[&[&str]]) -> Vec<Vec<Need>> {
        let need = |texts: &&[&str]| vec![texts.iter().map(|text| text.as_bytes().to_vec()).collect()];
        texts.iter().map(need).collect()
    }

    #[test]
    fn a_text_that_is_there_is_never_missed() {
        for length in 0..4 {
            let texts: Vec<String> = (0..200).map(|number| format!("e{}={number:03}x", &"vent"[..length])).collect();
            let all: Vec<[&str; 2]> = texts.iter().map(|text| [text.as_str(), "else"]).collect();
            let all: Vec<&[&str]> = all.iter().map(|texts| &texts[..]).collect();
            let grams = Grams::new(needs(&all)).unwrap();
            let mut candidates = Vec::new();
            for before in 0..5 {
                for (index, text) in texts.iter().enumerate() {
                    for after in ["", "c", " c d"] {
                        let line = format!("{}{text}{after}", &"a b d"[..before]);
                        grams.candidates(line.as_bytes(), &mut candidates);
                        assert!(candidates[index / 64] >> (index % 64) & 1 == 1, "{text} in {line}");
                    }
                }
            }
            grams.candidates(b"nothing of this", &mut candidates);
            assert!(candidates.iter().map(|word| word.count_ones()).sum::<u32>() < 20, "{length}");
        }
    }

    #[test]
    fn the_rarest_text_is_searched_for() {
        let mut all = needs(&[&["event=paid"], &["Built", "Teardown"], &["abc", "def", "ghi"], &["event=sent"]]);
        all[0].push(vec![b" took=".to_vec()]);
        all[3].push(vec![b" took=".to_vec()]);
        let grams = Grams::new(all).unwrap();
        let found = |text: &str| [0, 1, 2, 3].map(|number| grams.has_rarest(number, text.as_bytes()));
        assert_eq!(found("event=paid took="), [true, false, true, false]);
        assert_eq!(found("Teardown event=sent"), [false, true, true, true]);
    }

    #[test]
    fn expressions_that_need_nothing_are_always_tried() {
        let mut all = needs(&[&["abc"], &[], &["def"], &["ghi", "xyz"], &[]]);
        (all[1], all[4]) = (Vec::new(), Vec::new());
        let grams = Grams::new(all).unwrap();
        let mut candidates = Vec::new();
        for (text, expected) in [("def", 0b10110), ("xyz", 0b11010), ("", 0b10010), ("ab", 0b10010)] {
            grams.candidates(text.as_bytes(), &mut candidates);
            assert_eq!(candidates, [expected], "{text}");
        }
    }

    #[test]
    fn all_that_is_needed_has_to_be_there() {
        let all = ["event=", "carrier", "lasted="].map(|text| vec![text.as_bytes().to_vec()]).to_vec();
        let grams = Grams::new(vec![all, needs(&[&["unheard"]]).remove(0)]).unwrap();
        let mut candidates = Vec::new();
        for (text, expected) in [
            ("event=1 carrier=2 lasted=3", 1),
            ("event=1 carrier=2", 0),
            ("carrier lasted= event=", 1),
            ("lasted=1", 0),
        ] {
            grams.candidates(text.as_bytes(), &mut candidates);
            assert_eq!(candidates, [expected], "{text}");
        }
    }
}
