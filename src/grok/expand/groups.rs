//! Parentheses, and references to what they captured.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::super::engine::{COMMENT, comment_length};
use super::{Expander, group_name};

impl Expander<'_> {
    /// How long the comment is that the text begins with, if it does: `(?#…)`, or after `(?x)` from a `#` to the end of the line.
    pub(super) fn comment(&self, text: &str) -> Option<usize> {
        if text.starts_with(COMMENT) {
            return comment_length(text);
        }
        let extended = self.extended.last() == Some(&true);
        (extended && text.starts_with('#')).then(|| text.find('\n').unwrap_or(text.len()))
    }

    /// A parenthesis is opened that has no name.
    pub(super) fn open(&mut self, text: &str) {
        let around = self.extended.last() == Some(&true);
        let mut within = around;
        if let Some(flags) = text.strip_prefix("(?") {
            let end = flags.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(flags.len());
            let (on, off) = flags[..end].split_once('-').unwrap_or((&flags[..end], ""));
            if flags[end..].starts_with([':', ')']) {
                within = (around || on.contains('x')) && !off.contains('x');
            }
            // Without a colon it holds for the rest of what is around.
            if flags[end..].starts_with(')')
                && let Some(around) = self.extended.last_mut()
            {
                *around = within;
            }
        }
        self.extended.push(within);
    }

    /// The same, of a group without a capture that is written here.
    pub(super) fn open_plain(&mut self) {
        self.regex.push_str("(?:");
        self.open("(?:");
    }

    pub(super) fn close(&mut self) {
        if self.extended.len() > 1 {
            self.extended.pop();
        }
    }

    /// Expands the beginning of a condition on a group that stands before, `(?(<name>)`, whose name is ours by now; gives how much of
    /// the text that was.
    pub(super) fn condition(&mut self, text: &str) -> Option<usize> {
        let kind = text.get(..4).filter(|kind| matches!(*kind, "(?(<" | "(?('"))?;
        let close = if kind.ends_with('<') { ">)" } else { "')" };
        let (name, _) = text[4..].split_once(close)?;
        let group = self.groups.iter().rposition(|group| group == name)?;
        write!(self.regex, "(?(<{}>)", group_name(group)).expect("a string takes all");
        Some(4 + name.len() + close.len())
    }

    /// Expands `\k<name>` and `\g<name>` of a group whose name is ours by now; gives how much of the text that was. Of several groups
    /// of the name the last is meant that fits and stands before. Only `\g` may be of a group that stands later, and then is of the first.
    pub(super) fn back_reference(&mut self, text: &str) -> Option<usize> {
        let kind = text.get(..3).filter(|kind| matches!(*kind, "\\k<" | "\\g<" | "\\k'" | "\\g'"))?;
        let close = if kind.ends_with('<') { '>' } else { '\'' };
        let (name, _) = text[3..].split_once(close)?;
        let named = |(number, group): (usize, &String)| (group == name).then_some(number);
        let groups: Vec<usize> = self.groups.iter().enumerate().filter_map(named).collect();
        let one = |number: &usize| format!("\\{}<{}>", &kind[1..2], group_name(*number));
        match groups.as_slice() {
            [] if kind.starts_with("\\g") => {
                let written = &text[..3 + name.len() + 1];
                self.calls.push((self.regex.len(), written.len(), name.to_owned()));
                self.regex.push_str(written);
            }
            [] => return None,
            [group] => self.regex.push_str(&one(group)),
            [.., last] if kind.starts_with("\\g") => self.regex.push_str(&one(last)),
            several => {
                let all: Vec<String> = several.iter().rev().map(one).collect();
                write!(self.regex, "(?>{})", all.join("|")).expect("a string takes all");
            }
        }
        Some(3 + name.len() + 1)
    }

    /// Gives the calls of groups that stood later the names that these got.
    pub(super) fn resolve_calls(&mut self) {
        let mut numbers = HashMap::new();
        for (number, group) in self.groups.iter().enumerate() {
            numbers.entry(group.as_str()).or_insert(number);
        }
        let written = std::mem::take(&mut self.regex);
        let mut read = 0;
        // From where on what was written stands elsewhere now, and where.
        let mut moves = vec![(0, 0)];
        for (at, length, name) in &self.calls {
            let Some(number) = numbers.get(name.as_str()) else { continue };
            self.regex.push_str(&written[read..*at]);
            write!(self.regex, "\\g<{}>", group_name(*number)).expect("a string takes all");
            read = at + length;
            moves.push((read, self.regex.len()));
        }
        self.regex.push_str(&written[read..]);
        let moved = |place: usize| {
            let (from, to) = moves[moves.partition_point(|(from, _)| *from <= place) - 1];
            place - from + to
        };
        self.ranges.iter_mut().for_each(|(from, to)| (*from, *to) = (moved(*from), moved(*to)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Dialect, Options, Patterns, Set};
    use super::super::expand;

    #[test]
    fn calls_of_groups_that_stand_later_move_what_is_shipped() {
        let patterns = Patterns::new(Set::Legacy, Dialect::Logstash);
        let text = r"\g<n> %{INT} \g'long name'\g<none>%{WORD:w}(?<n>x)\g<n>(?<long name>y)%{POSINT}";
        let expanded = expand(text, &patterns, Options::new(Dialect::Logstash)).unwrap();
        assert!(expanded.regex.starts_with(r"\g<k0001> (?:"), "{}", expanded.regex);
        assert!(expanded.regex.contains(r") \g<k0002>\g<none>(?<k0000>"), "{}", expanded.regex);
        let shipped: Vec<&str> = expanded.shipped.iter().map(|(from, to)| &expanded.regex[*from..*to]).collect();
        assert_eq!(shipped, ["INT", "WORD", "POSINT"].map(|name| patterns.get(name).unwrap()));
    }
}
