//! Quantifiers, and how nested ones are put together.

use super::{DEEPEST, Parser, Result};
use crate::grok::engine::tree::{Node, Repeat};

/// What `{n,m}` may say at most.
const MOST: u32 = 100_000;

/// One quantifier as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantifier {
    min: u32,
    max: Option<u32>,
    possessive: bool,
    /// `{n}`, which can't be made lazy.
    fixed: bool,
    interval: bool,
    length: usize,
}

impl Parser<'_> {
    pub(super) fn at_quantifier(&mut self) -> Result<bool> {
        Ok(match self.peek() {
            Some('*' | '+' | '?') => true,
            Some('{') => self.interval()?.is_some(),
            _ => false,
        })
    }

    /// The interval here, if the brace begins one.
    pub(super) fn interval(&self) -> Result<Option<Quantifier>> {
        let rest = &self.text[self.at..];
        let Some(inside) = rest.strip_prefix('{') else { return Ok(None) };
        let Some(end) = inside.find('}') else { return Ok(None) };
        let number = |digits: &str| -> Result<Option<u32>> {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(None);
            }
            match digits.parse() {
                Ok(number) if number <= MOST => Ok(Some(number)),
                _ => Err(self.wrong("a repetition of more than 100000")),
            }
        };
        let length = end + 2;
        let Some((low, high)) = inside[..end].split_once(',') else {
            return Ok(number(&inside[..end])?.map(|count| Quantifier {
                min: count,
                max: Some(count),
                possessive: false,
                fixed: true,
                interval: true,
                length,
            }));
        };
        let (min, max) = match (number(low)?, number(high)?) {
            (Some(min), Some(max)) => (min, Some(max)),
            (Some(min), None) if high.is_empty() => (min, None),
            (None, Some(max)) if low.is_empty() => (0, Some(max)),
            _ => return Ok(None),
        };
        let turned = max.is_some_and(|max| min > max);
        let (min, max) = if turned { (max.unwrap_or(0), Some(min)) } else { (min, max) };
        Ok(Some(Quantifier { min, max, possessive: turned, fixed: false, interval: true, length }))
    }

    fn quantifier(&mut self) -> Result<Option<Quantifier>> {
        self.skip_blanks()?;
        let simple = |min, max| Quantifier { min, max, possessive: false, fixed: false, interval: false, length: 1 };
        Ok(match self.peek() {
            Some('*') => Some(simple(0, None)),
            Some('+') => Some(simple(1, None)),
            Some('?') => Some(simple(0, Some(1))),
            Some('{') => self.interval()?,
            _ => None,
        })
    }

    /// The node with the quantifiers that follow it.
    pub(super) fn quantified(&mut self, mut node: Node) -> Result<Node> {
        let mut depth = 0;
        while let Some(found) = self.quantifier()? {
            // Each is a level of the tree.
            depth += 1;
            if depth > DEEPEST {
                return Err(self.unsupported("more than 200 quantifiers in a row"));
            }
            self.at += found.length;
            let (mut greedy, mut possessive) = (true, found.possessive);
            if !found.fixed && !possessive && self.take("?") {
                greedy = false;
            } else if !found.interval && !possessive && self.take("+") {
                possessive = true;
            }
            node = repeated(node, &found, greedy);
            if possessive {
                node = node.atomic();
            }
        }
        Ok(node)
    }
}

/// `?`, `*`, `+` and their lazy kin, by which nested ones are told apart.
fn kind(min: u32, max: Option<u32>, greedy: bool) -> Option<usize> {
    let row = match (min, max) {
        (0, Some(1)) => 0,
        (0, None) => 1,
        (1, None) => 2,
        _ => return None,
    };
    Some(if greedy { row } else { row + 3 })
}

/// What a pair of quantifiers becomes.
#[derive(Clone, Copy)]
enum Joined {
    Inner,
    Star,
    Plus,
    LazyStar,
    LazyOption,
    /// `(?:x+)??`
    PlusOrNot,
    Both,
}

/// By the inner and the outer quantifier, in the order of [`kind`].
const JOINED: [[Joined; 6]; 6] = {
    use Joined::*;
    [
        [Inner, Star, Star, LazyOption, LazyStar, Both],
        [Inner, Inner, Inner, PlusOrNot, PlusOrNot, Inner],
        [Star, Star, Inner, Both, PlusOrNot, Inner],
        [Inner, LazyStar, LazyStar, Inner, LazyStar, LazyStar],
        [Inner, Inner, Inner, Inner, Inner, Inner],
        [Both, Star, Plus, LazyStar, LazyStar, Inner],
    ]
};

fn repeated(node: Node, outer: &Quantifier, greedy: bool) -> Node {
    let (min, max) = (outer.min, outer.max);
    if (min, max) == (1, Some(1)) {
        return node;
    }
    let Node::Repeat(inner) = node else { return node.repeat(min, max, greedy) };
    match (kind(inner.min, inner.max, inner.greedy), kind(min, max, greedy)) {
        (Some(inner_kind), Some(outer_kind)) => join(*inner, JOINED[inner_kind][outer_kind], (min, max, greedy)),
        (Some(1 | 2), None) => {
            let max = match max {
                Some(max) if max > 1 && greedy => Some(min.max(1)),
                _ => max,
            };
            Node::Repeat(inner).repeat(min, max, greedy)
        }
        (None, _) | (_, None) if max == Some(min) && inner.max == Some(inner.min) => match min.checked_mul(inner.min) {
            Some(count) => inner.node.repeat(count, Some(count), greedy),
            None => Node::Repeat(inner).repeat(min, max, greedy),
        },
        _ => Node::Repeat(inner).repeat(min, max, greedy),
    }
}

fn join(inner: Repeat, joined: Joined, outer: (u32, Option<u32>, bool)) -> Node {
    match joined {
        Joined::Inner => Node::Repeat(Box::new(inner)),
        Joined::Star => inner.node.repeat(0, None, true),
        Joined::Plus => inner.node.repeat(1, None, true),
        Joined::LazyStar => inner.node.repeat(0, None, false),
        Joined::LazyOption => inner.node.repeat(0, Some(1), false),
        Joined::PlusOrNot => inner.node.repeat(1, None, true).repeat(0, Some(1), false),
        Joined::Both => Node::Repeat(Box::new(inner)).repeat(outer.0, outer.1, outer.2),
    }
}
