//! Whose grok it is, and what follows from that.

/// Whose meaning an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// That of Elasticsearch's `grok` processor.
    #[default]
    Elasticsearch,
    /// That of Logstash's `grok` filter.
    Logstash,
}

/// Which of several expressions wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one that matches furthest left in the text; of those that match at the same place, the first. Elasticsearch
    /// joins its expressions to alternatives of one, and this is what comes of it.
    Leftmost,
    /// The first that matches anywhere.
    First,
}

/// How expressions are read and what becomes of captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whose meaning. Settles the dot, types, repeated and nested names.
    pub dialect: Dialect,
    /// Which of several expressions wins.
    pub order: Order,
    /// Whether a capture of no letters makes a field.
    pub keep_empty_captures: bool,
    /// Whether a reference without a field's name captures, too, under the pattern's name.
    pub capture_unnamed: bool,
}

impl Options {
    /// What is usual in a dialect.
    pub fn new(dialect: Dialect) -> Self {
        let elasticsearch = dialect == Dialect::Elasticsearch;
        let order = if elasticsearch { Order::Leftmost } else { Order::First };
        Self { dialect, order, keep_empty_captures: elasticsearch, capture_unnamed: false }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new(Dialect::default())
    }
}
