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
    /// Records are worked on by the newest version of the pipeline, whatever version their holding has.
    NewestVersion,
    /// A topic whose id could not be asked for is taken for one without.
    TimeoutIsNoId,
    /// The text of an error is worked on like a record.
    ErrorIsRecord,
    /// A body is lost on its way to the dispatch.
    LoseBodies,
    /// A revoke is answered at once, and the partition is read on.
    KeepReading,
}

impl Mutant {
    /// Every one.
    pub(super) const ALL: [Self; 21] = [
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
        Self::NewestVersion,
        Self::TimeoutIsNoId,
        Self::ErrorIsRecord,
        Self::LoseBodies,
    ];
}

/// What is planted in the cores themselves, by name, and what it is.
pub(super) const IN_CORES: [(&str, &str); 16] = [
    ("CommitHighest", "the highest settled offset is committed"),
    ("SettleByFirstUnit", "a record is settled with the first of its documents"),
    ("GapStalls", "the watermark expects offsets without gaps"),
    ("BarrierWithoutDrain", "the new version of a pipeline reads on before the old one has settled"),
    ("BarrierWithoutCommit", "the new version of a pipeline reads on before the old one has committed"),
    ("BelievePositions", "a position that an error moved is believed"),
    ("NeverResume", "a partition that was read too far ahead is never read on"),
    ("IgnoreNewTopic", "a topic that was made again is read on at the old offset"),
    ("OffsetOfOldTopic", "the committed offset of a topic that was made again is believed"),
    ("ConflictUnverified", "a 409 is taken for the record's own document without a look-up"),
    ("AnyOriginIsOurs", "whatever a look-up finds is taken for the record's own document"),
    ("FirstHalfAgain", "after a 413 the first half is sent with the second again"),
    ("SecondHalfLost", "after a 413 the second half is lost"),
    ("ForgetAll", "the end of one holding throws away what a worker has ready of all"),
    ("ForgetLanes", "the end of one holding throws away what waits to be sent of all"),
    ("SendForOver", "documents of a holding that is over are sent"),
];
