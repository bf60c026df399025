//! Faults that are planted in the edges, to see that the check finds them.

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// Commits carry the consumer's position instead of what is settled.
    CommitPosition,
    /// An item that is to be sent again is taken for written.
    RetryIsDone,
    /// A short answer is filled up with successes.
    FillShortAnswers,
    /// A request without an answer is taken for written.
    SilenceIsDone,
    /// Letters are settled and not delivered.
    LoseLetters,
    /// A letter is settled when it is handed over, delivered later, or never where the process dies.
    SettleLettersEarly,
    /// Ids differ from one process to the next.
    RandomIds,
    /// The index depends on the process that reads the record.
    IndexByProcess,
    /// Outcomes for a holding that is over settle the next holding of the partition.
    SettleStale,
    /// Outcomes are told twice.
    SettleTwice,
    /// A holding begins one record late.
    StartLate,
    /// Bodies change places on their way to the dispatch.
    SwapBodies,
    /// The dispatch is not told that a holding is over.
    ForgetEnd,
    /// Every document that is in the way is taken for the record's own.
    ConflictIsOurs,
    /// A template that was refused is taken for acknowledged.
    SkipTemplate,
    /// Nobody says that a commit was refused.
    RefusalIsCommit,
    /// A revoke is answered at once, and the partition is read on.
    KeepReading,
}

impl Mutant {
    /// Every one.
    pub(super) const ALL: [Self; 17] = [
        Self::CommitPosition,
        Self::RetryIsDone,
        Self::FillShortAnswers,
        Self::SilenceIsDone,
        Self::LoseLetters,
        Self::SettleLettersEarly,
        Self::RandomIds,
        Self::IndexByProcess,
        Self::SettleStale,
        Self::SettleTwice,
        Self::StartLate,
        Self::SwapBodies,
        Self::ForgetEnd,
        Self::ConflictIsOurs,
        Self::SkipTemplate,
        Self::RefusalIsCommit,
        Self::KeepReading,
    ];
}
