//! What documents are written to: Elasticsearch or OpenSearch.

use crate::lab::Result;
use crate::lab::elastic::{Client, Elastic};
use crate::lab::opensearch::OpenSearch;
use crate::lab::process::Process;

/// A node that nobody else uses.
#[derive(Debug)]
pub enum Search<'a> {
    /// Elasticsearch.
    Elastic(&'a mut Elastic),
    /// OpenSearch.
    Open(&'a mut OpenSearch),
}

impl Search<'_> {
    /// Kills it. Data and port stay.
    pub fn stop(&mut self) -> Result<()> {
        match self {
            Self::Elastic(node) => node.stop(),
            Self::Open(node) => node.stop(),
        }
    }

    /// Starts it and waits until it answers.
    pub fn start_again(&mut self) -> Result<()> {
        match self {
            Self::Elastic(node) => node.start_again(),
            Self::Open(node) => node.start_again(),
        }
    }

    /// Its process, for signals.
    pub fn process(&mut self) -> &mut Process {
        match self {
            Self::Elastic(node) => node.process(),
            Self::Open(node) => node.process(),
        }
    }
}

impl std::ops::Deref for Search<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Elastic(node) => node,
            Self::Open(node) => node,
        }
    }
}
