//! What has to stand on both sides of a place between two letters.

use super::parse::Node;
use super::set::Set;

/// A place between two letters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// One of these is before it.
    left: Set,
    /// One of these is after it.
    right: Set,
    /// Whether exactly one of them is a letter of words.
    boundary: Option<bool>,
}

impl Place {
    pub const ANY: Self = Self { left: Set::ALL, right: Set::ALL, boundary: None };

    pub fn after(left: Set) -> Self {
        Self { left, ..Self::ANY }
    }

    pub fn before(right: Set) -> Self {
        Self { right, ..Self::ANY }
    }

    pub fn boundary(is: bool) -> Self {
        Self { boundary: Some(is), ..Self::ANY }
    }

    pub fn is_boundary(self) -> bool {
        self.boundary == Some(true)
    }

    /// What look-around says of the letter beside it. That of several letters is told by the first it comes to, if at all.
    pub fn of_look(node: &Node, behind: bool, negated: bool) -> Self {
        let letters = match (negated, next(node, behind)) {
            (false, (letters, false)) => letters,
            (true, _) => one_letter(node).map_or(Set::ALL, |letters| Set::ALL.without(letters)),
            (false, (_, true)) => Set::ALL,
        };
        if behind { Self::after(letters) } else { Self::before(letters) }
    }

    /// Both at one place, if that can be.
    pub fn and(self, with: Self) -> Option<Self> {
        let both = Self {
            left: self.left.and(with.left),
            right: self.right.and(with.right),
            boundary: self.boundary.or(with.boundary),
        };
        let agree = self.boundary.is_none_or(|one| with.boundary.is_none_or(|other| one == other));
        (agree && !both.left.is_empty() && !both.right.is_empty()).then_some(both)
    }

    /// Which of some letters may be after it where one of others is before it, all of which it takes for the same.
    pub fn from(self, left: Set, right: Set) -> Set {
        let right = right.and(self.right);
        match self.boundary {
            _ if !self.left.meets(left) => Set::NONE,
            None => right,
            Some(is) if is == left.meets(Set::word()) => right.without(Set::word()),
            Some(_) => right.and(Set::word()),
        }
    }

    /// The sets of letters before it that it does not take for the same as others.
    pub fn tells_apart(self) -> [Set; 2] {
        [self.left, if self.boundary.is_some() { Set::word() } else { Set::ALL }]
    }
}

/// The letters that a part can begin with, or end with, and whether it can match nothing.
fn next(node: &Node, behind: bool) -> (Set, bool) {
    match node {
        Node::Set(set) => (*set, false),
        Node::Row(row) => {
            let mut all = Set::NONE;
            for number in 0..row.len() {
                let part = if behind { &row[row.len() - 1 - number] } else { &row[number] };
                let (letters, nothing) = next(part, behind);
                all = all.or(letters);
                if !nothing {
                    return (all, false);
                }
            }
            (all, true)
        }
        Node::Choice(branches) => branches
            .iter()
            .map(|branch| next(branch, behind))
            .fold((Set::NONE, false), |(all, any), (letters, nothing)| (all.or(letters), any || nothing)),
        Node::Atomic(inner) => next(inner, behind),
        Node::Repeat(repeat) => {
            let (letters, nothing) = next(&repeat.body, behind);
            (letters, nothing || repeat.least == 0)
        }
        Node::Place(_) | Node::Look(..) => (Set::NONE, true),
        Node::Unknown => (Set::ALL, true),
    }
}

/// The letters of a part that is there wherever one of them is.
fn one_letter(node: &Node) -> Option<Set> {
    match node {
        Node::Set(set) => Some(*set),
        Node::Choice(branches) => {
            branches.iter().map(one_letter).try_fold(Set::NONE, |all, letters| Some(all.or(letters?)))
        }
        Node::Atomic(inner) => one_letter(inner),
        Node::Repeat(repeat) if repeat.least == 1 => one_letter(&repeat.body),
        _ => None,
    }
}
