//! A shortcut of an automaton over many bytes at once: what begins like a date is at the state after it, without a look at the states
//! between.
//!
//! A shape is a row of fields of one length each. Every text of it leads from one state to one other, and nothing ends on the way: that
//! is asked of the automaton itself, so a shape changes nothing of what it finds. Whether a text is of the shape is looked at for all
//! of its bytes at the same time: each has to be in its range, and each field has to be one of its products, of which
//! each has a bit.

use super::super::bytes::ByteSet;
use super::super::scan::within;
use super::Dfa;
use super::typical::{Field, MOST, Product};

/// Less is not worth it.
const LEAST: usize = 4;

/// The shortcut.
#[derive(Debug)]
pub(super) struct Shape {
    /// The state where it begins and the one where it ends.
    pub(super) row: u32,
    pub(super) target: u32,
    pub(super) length: usize,
    /// The first byte that can be at each place, and how many more.
    firsts: [u8; MOST],
    mores: [u8; MOST],
    /// Fields of two bytes.
    pairs: Vec<Pair>,
    /// The places of other fields at which the range does not say all, and where each has its masks, less its first byte.
    places: Vec<(u8, u32)>,
    /// The products that a byte is in; those of other fields, too.
    masks: Vec<u64>,
    /// The products of each field.
    fields: Vec<u64>,
}

/// A field of two bytes that are in few ranges: a bit for each of the pairs that there can be.
#[derive(Clone, Copy, Debug)]
struct Pair {
    place: u8,
    /// How many bytes the second range has, and the number of the first pair.
    width: u8,
    base: u32,
    known: u64,
}

impl Pair {
    fn new(field: &Field, place: usize) -> Option<Pair> {
        let [(first, more), (second, width)] = [range(&field.products, 0), range(&field.products, 1)];
        let (width, count) = (u32::from(width) + 1, u32::from(more) + 1);
        if field.length != 2 || width * count > 64 {
            return None;
        }
        let base = u32::from(first) * width + u32::from(second);
        let mut known = 0;
        for product in &field.products {
            for one in product[0].iter() {
                product[1].iter().for_each(|two| known |= 1 << (u32::from(one) * width + u32::from(two) - base));
            }
        }
        Some(Pair { place: place as u8, width: width as u8, base, known })
    }

    #[inline(always)]
    fn is_at(&self, chunk: &[u8; MOST]) -> bool {
        let byte = |index: u8| u32::from(chunk[usize::from(index) % MOST]);
        let index = (byte(self.place) * u32::from(self.width) + byte(self.place + 1)).wrapping_sub(self.base);
        self.known >> (index & 63) & 1 != 0
    }
}

impl Shape {
    /// As many of the fields as lead from the state to one other.
    pub(super) fn new(dfa: &Dfa, row: u32, fields: &[Field]) -> Option<Shape> {
        let mut rows = vec![row];
        let (mut count, mut target) = (0, row);
        let mut bits = 0;
        for (index, field) in fields.iter().enumerate() {
            bits += bits_of(field);
            if bits > 64 || !advance(dfa, &mut rows, field) {
                break;
            }
            if let [only] = rows.as_slice() {
                (count, target) = (index + 1, *only);
            }
        }
        let fields = &fields[..count];
        let length = fields.iter().map(|field| field.length).sum();
        (length >= LEAST).then(|| Shape::of(fields, row, target, length))
    }

    fn of(fields: &[Field], row: u32, target: u32, length: usize) -> Shape {
        let (mut firsts, mut mores) = ([0; MOST], [255; MOST]);
        let lists = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (pairs, places, masks, of_fields) = lists;
        let mut shape = Shape { row, target, length, firsts, mores, pairs, places, masks, fields: of_fields };
        let (mut at, mut bit) = (0, 0);
        for field in fields {
            let ranges: Vec<(u8, u8)> = (0..field.length).map(|place| range(&field.products, place)).collect();
            for (place, (first, more)) in ranges.iter().enumerate() {
                (firsts[at + place], mores[at + place]) = (*first, *more);
            }
            let count = bits_of(field);
            if count > 0
                && field.length == 2
                && let Some(pair) = Pair::new(field, at)
            {
                shape.pairs.push(pair);
            } else if count > 0 {
                let own = (u64::MAX >> (64 - count)) << bit;
                shape.fields.push(own);
                for (place, (first, more)) in ranges.iter().enumerate().filter(|(_, (_, more))| *more > 0) {
                    shape.places.push(((at + place) as u8, (shape.masks.len() as u32).wrapping_sub(u32::from(*first))));
                    let mask = |byte: u8| {
                        let within =
                            field.products.iter().enumerate().filter(|(_, product)| product[place].contains(byte));
                        within.fold(!own, |mask, (index, _)| mask | 1 << (bit + index))
                    };
                    shape.masks.extend((*first..=first + more).map(mask));
                }
                bit += count;
            }
            at += field.length;
        }
        Shape { firsts, mores, ..shape }
    }

    /// Whether the text has the shape at a position. It says no, too, where less than 32 bytes are left.
    #[inline(always)]
    pub(super) fn is_at(&self, text: &[u8], at: usize) -> bool {
        let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<MOST>()) else { return false };
        if !within(chunk, &self.firsts, &self.mores) {
            return false;
        }
        if !self.pairs.iter().all(|pair| pair.is_at(chunk)) {
            return false;
        }
        let mut alive = u64::MAX;
        for (place, masks) in &self.places {
            let index = masks.wrapping_add(u32::from(chunk[usize::from(*place) % MOST]));
            alive &= self.masks[index as usize];
        }
        self.fields.iter().all(|field| alive & field != 0)
    }

    /// Bytes that it occupies.
    pub(super) fn size(&self) -> usize {
        size_of::<Shape>()
            + self.pairs.len() * size_of::<Pair>()
            + self.places.len() * 8
            + (self.masks.len() + self.fields.len()) * 8
    }
}

/// How many bits a field needs: none if ranges say it all.
fn bits_of(field: &Field) -> usize {
    let all_ranges = |product: &Product| {
        product.iter().enumerate().all(|(place, set)| set.len() == u32::from(range(&field.products, place).1) + 1)
    };
    if let [only] = field.products.as_slice()
        && all_ranges(only)
    {
        return 0;
    }
    field.products.len()
}

/// The first byte at a place, and how many more there are up to the last.
fn range(products: &[Product], place: usize) -> (u8, u8) {
    let all = products.iter().fold(ByteSet::EMPTY, |all, product| all.union(product[place]));
    let first = all.iter().next().unwrap_or(0);
    (first, all.iter().last().unwrap_or(first) - first)
}

/// To the states where the texts of a field lead; says whether all lead somewhere, and nothing ends or is unsure before.
fn advance(dfa: &Dfa, rows: &mut Vec<u32>, field: &Field) -> bool {
    let mut reached = Vec::new();
    for product in &field.products {
        let mut now = rows.clone();
        for set in product {
            let mut next = Vec::new();
            for row in &now {
                for byte in set.iter() {
                    match dfa.go(*row, byte) {
                        Some(row) => next.push(row),
                        None => return false,
                    }
                }
            }
            next.sort_unstable();
            next.dedup();
            now = next;
        }
        reached.extend(now);
    }
    reached.sort_unstable();
    reached.dedup();
    *rows = reached;
    !rows.is_empty()
}
