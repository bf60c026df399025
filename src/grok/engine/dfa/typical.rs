//! What a part usually looks like: fields of one length each, as a date has them.
//!
//! This is a guess, and need not be all that a part can match: whoever uses it asks the automaton what these texts mean.

use super::super::bytes::{ByteSet, Wide};
use super::super::tree::{Node, Repeat};

/// A longer text is not looked at as a whole.
pub(super) const MOST: usize = 32;
/// So many products a field may have.
const MOST_PRODUCTS: usize = 64;
/// So many digits a zone has.
const ZONE: usize = 4;
/// So long a field may be.
const MOST_LENGTH: usize = 12;

/// Texts that have at each place a byte of the set there.
pub(super) type Product = Vec<ByteSet>;

/// Texts of one length: those of any of the products.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) length: usize,
    pub(super) products: Vec<Product>,
}

/// What a node begins with, field by field.
pub(super) fn fields(node: &Node) -> Vec<Field> {
    let mut found = Vec::new();
    add(node, &mut found);
    let mut length = 0;
    found.retain(|field: &Field| {
        length += field.length;
        length <= MOST
    });
    found
}

/// Adds the fields of a node; says whether that is all of it.
fn add(node: &Node, into: &mut Vec<Field>) -> bool {
    match node {
        Node::Concat(nodes) => {
            let mut index = 0;
            while index < nodes.len() {
                if let Some(field) = nodes.get(index + 1).and_then(|next| padded(&nodes[index], next)) {
                    into.push(field);
                    index += 2;
                    continue;
                }
                if !add(&nodes[index], into) {
                    return false;
                }
                index += 1;
            }
            true
        }
        Node::Atomic(inner) => add(inner, into),
        _ => match texts(node) {
            Some(by_length) => {
                // Of the most texts; of as many, the longer ones.
                let best =
                    by_length.into_iter().enumerate().max_by_key(|(length, products)| (count(products), *length));
                if let Some((length, products)) = best.filter(|(length, _)| *length > 0) {
                    into.push(Field { length, products });
                }
                true
            }
            None => match node {
                Node::Repeat(repeat) if repeat.max.is_none() && repeat.min == 1 => match single(&repeat.node) {
                    Some(byte) => {
                        into.push(Field { length: 1, products: vec![vec![ByteSet::one(byte)]] });
                        true
                    }
                    // At the end of a date there is often a zone.
                    None if !into.is_empty() && is_digit(&repeat.node) => {
                        into.push(Field { length: ZONE, products: vec![vec![digits(); ZONE]] });
                        false
                    }
                    None => false,
                },
                _ => false,
            },
        },
    }
}

/// Days and the like are often padded: `Mar  4`, `Mar 14`. What is padded can be of any of its lengths.
fn padded(pad: &Node, node: &Node) -> Option<Field> {
    let Node::Repeat(repeat) = pad else { return None };
    if repeat.max.is_some() || repeat.min != 1 {
        return None;
    }
    let byte = single(&repeat.node)?;
    let by_length = texts(node)?;
    let longest = by_length.len().checked_sub(1)?;
    if by_length.iter().filter(|products| !products.is_empty()).count() < 2 {
        return None;
    }
    let mut all = Vec::new();
    for (length, products) in by_length.into_iter().enumerate().filter(|(length, _)| *length > 0) {
        let padding = vec![ByteSet::one(byte); 1 + longest - length];
        all.extend(products.into_iter().map(|product| [padding.clone(), product].concat()));
    }
    (all.len() <= MOST_PRODUCTS && longest < MOST_LENGTH).then_some(Field { length: longest + 1, products: all })
}

fn digits() -> ByteSet {
    ByteSet::range(b'0', b'9')
}

fn is_digit(node: &Node) -> bool {
    matches!(node, Node::Class(class) if class.bytes() == (digits(), Wide::None))
}

fn single(node: &Node) -> Option<u8> {
    let Node::Class(class) = node else { return None };
    class.single().and_then(|character| u8::try_from(character).ok()).filter(u8::is_ascii)
}

fn count(products: &[Product]) -> u128 {
    let sizes = products.iter().map(|product| product.iter().map(|set| u128::from(set.len())).product::<u128>());
    sizes.sum()
}

/// The ASCII texts of a node by their length, if they are few and none is long.
fn texts(node: &Node) -> Option<Vec<Vec<Product>>> {
    match node {
        Node::Empty | Node::Assert(_) => Some(vec![vec![Vec::new()]]),
        Node::Class(class) => {
            let set = class.bytes().0;
            Some(if set.is_empty() { Vec::new() } else { vec![Vec::new(), vec![vec![set]]] })
        }
        Node::Concat(nodes) => {
            nodes.iter().try_fold(vec![vec![Vec::new()]], |before, node| followed(&before, &texts(node)?))
        }
        Node::Alternate(nodes) => {
            let mut all = Vec::new();
            for node in nodes {
                all = either(all, texts(node)?);
            }
            (total(&all) <= MOST_PRODUCTS).then_some(all)
        }
        Node::Repeat(repeat) => repeated(repeat),
        Node::Atomic(inner) => texts(inner),
        Node::Fail | Node::Group(..) | Node::Look(_) | Node::Back { .. } | Node::Keep => None,
    }
}

fn repeated(repeat: &Repeat) -> Option<Vec<Vec<Product>>> {
    // What may be left out usually is, if it is long or comes in several ways.
    let varies = repeat.min == 0 && matches!(repeat.node, Node::Alternate(_));
    let (body, most) = match (texts(&repeat.node), repeat.max) {
        (Some(body), Some(most)) if most as usize <= MOST_LENGTH && !varies => (body, most),
        _ if repeat.min == 0 => return Some(vec![vec![Vec::new()]]),
        _ => return None,
    };
    let mut all = Vec::new();
    let mut rounds = vec![vec![Vec::new()]];
    for round in 0..=most {
        if round >= repeat.min {
            all = either(all, rounds.clone());
        }
        if round < most {
            rounds = followed(&rounds, &body)?;
        }
    }
    (total(&all) <= MOST_PRODUCTS).then_some(all)
}

fn total(by_length: &[Vec<Product>]) -> usize {
    by_length.iter().map(Vec::len).sum()
}

fn either(mut these: Vec<Vec<Product>>, those: Vec<Vec<Product>>) -> Vec<Vec<Product>> {
    if these.len() < those.len() {
        these.resize(those.len(), Vec::new());
    }
    these.iter_mut().zip(those).for_each(|(these, those)| these.extend(those));
    these
}

fn followed(these: &[Vec<Product>], those: &[Vec<Product>]) -> Option<Vec<Vec<Product>>> {
    let length = (these.len() + those.len()).saturating_sub(1);
    if length > MOST_LENGTH + 1 || total(these) * total(those) > MOST_PRODUCTS {
        return None;
    }
    let mut all = vec![Vec::new(); length];
    for (first, these) in these.iter().enumerate() {
        for (second, those) in those.iter().enumerate() {
            for this in these {
                all[first + second].extend(those.iter().map(|that| [this.as_slice(), that].concat()));
            }
        }
    }
    Some(all)
}
