//! The reader's inputs and effects as the answers that the group is owed: see [`crate::promise::Owed`].

use super::{Effect, Input, Start};
use crate::promise::{Kept, Owed};
use crate::record::TopicPartition;

/// Notes what the reader is about to be told.
pub fn owes(owed: &mut Owed, input: &Input) {
    match input {
        Input::Assigned(partitions) => owed.assigned(partitions),
        Input::Revoked { partitions, .. } => owed.revoked(partitions),
        _ => {}
    }
}

/// Checks what the reader asks for.
///
/// # Errors
/// The group does not wait for that.
pub fn answers(owed: &mut Owed, effect: &Effect) -> Kept {
    fn partitions(starts: &[Start]) -> Vec<&TopicPartition> {
        starts.iter().map(|start| &start.origin.partition).collect()
    }
    match effect {
        Effect::Assign(starts) => owed.takes(&partitions(starts)),
        Effect::Restart(starts) => owed.begins_anew(&partitions(starts)),
        Effect::Unassign(partitions) => owed.gives_back(partitions),
        _ => Ok(()),
    }
}
