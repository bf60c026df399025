//! Faults that are planted in the edges, to see that the check finds them.

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    CommitPosition,
    SettleOnSend,
    NoopIsDone,
    IndexByClock,
    PassCorrupt,
    RetryIsDone,
    FillShortAnswers,
    SilenceIsDone,
    LoseLetters,
    SettleLettersEarly,
    RandomIds,
    IndexByProcess,
    SettleStale,
    SettleTwice,
    StartLate,
    SwapBodies,
    ForgetEnd,
    ConflictIsOurs,
    SkipTemplate,
    RefusalIsCommit,
    NewestVersion,
    TimeoutIsNoId,
    ErrorIsRecord,
    LoseBodies,
    KeepReading,
    StayMoved,
    BelieveMoved,
    CommitAgain,
    IgnoreLimit,
    SilentReset,
}

impl Mutant {
    /// What it is.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::CommitPosition => "commits carry the consumer's position instead of what is settled",
            Self::SettleOnSend => "documents are settled when their body is sent",
            Self::NoopIsDone => "a document that was dropped inside Elasticsearch is taken for written",
            Self::IndexByClock => "the index depends on the time of reading",
            Self::PassCorrupt => "a record that cannot be read is passed over",
            Self::RetryIsDone => "an item that is to be sent again is taken for written",
            Self::FillShortAnswers => "a short answer is filled up with successes",
            Self::SilenceIsDone => "a request without an answer is taken for written",
            Self::LoseLetters => "letters are settled and not delivered",
            Self::SettleLettersEarly => {
                "a letter is settled when it is handed over, delivered later, or never where the process dies"
            }
            Self::RandomIds => "ids differ from one process to the next",
            Self::IndexByProcess => "the index depends on the process that reads the record",
            Self::SettleStale => "outcomes for a holding that is over settle the next holding of the partition",
            Self::SettleTwice => "outcomes are told twice",
            Self::StartLate => "a holding begins one record late",
            Self::SwapBodies => "bodies change places on their way to the dispatch",
            Self::ForgetEnd => "the dispatch is not told that a holding is over",
            Self::ConflictIsOurs => "every document that is in the way is taken for the record's own",
            Self::SkipTemplate => "a template that was refused is taken for acknowledged",
            Self::RefusalIsCommit => "nobody says that a commit was refused",
            Self::NewestVersion => {
                "records are worked on by the newest version of the pipeline, whatever version their holding has"
            }
            Self::TimeoutIsNoId => "a topic whose id could not be asked for is taken for one without",
            Self::ErrorIsRecord => "the text of an error is worked on like a record",
            Self::LoseBodies => "a body is lost on its way to the dispatch",
            Self::KeepReading => "a revoke is answered at once, and the partition is read on",
            Self::StayMoved => "nobody takes the client back to where an error has moved it away from",
            Self::BelieveMoved => "a position that an error has moved is believed",
            Self::IgnoreLimit => "records are taken in where there is no room for them",
            Self::SilentReset => "a partition whose offset is gone goes on at its first record without a word",
            Self::CommitAgain => "a commit arrives once more, after later ones",
        }
    }

    /// Every one.
    pub(super) const ALL: [Self; 30] = [
        Self::CommitPosition,
        Self::SettleOnSend,
        Self::NoopIsDone,
        Self::IndexByClock,
        Self::PassCorrupt,
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
        Self::StayMoved,
        Self::BelieveMoved,
        Self::CommitAgain,
        Self::IgnoreLimit,
        Self::SilentReset,
    ];
}

/// What is planted in the cores themselves, by name, and what it is.
pub(super) const IN_CORES: [(&str, &str); 23] = [
    ("StaleCommitCounts", "the result of a holding's commit counts for the next holding of the partition"),
    ("CommitHighest", "the highest settled offset is committed"),
    ("SettleByFirstUnit", "a record is settled with the first of its documents"),
    ("GapStalls", "the watermark expects offsets without gaps"),
    ("BarrierWithoutDrain", "the new version of a pipeline reads on before the old one has settled"),
    ("BarrierWithoutCommit", "the new version of a pipeline reads on before the old one has committed"),
    ("BelieveStopped", "the position of a partition is believed that stands at a record that cannot be read"),
    ("NeverResume", "a partition that was read too far ahead is never read on"),
    ("BeginAnewWithoutDrain", "a partition begins anew before all that was read of it is settled"),
    ("EndOfNewTopic", "a topic that was made again is read from its end, where others start there"),
    ("RestartRevoked", "a partition begins anew though the group has taken it back"),
    ("IgnoreNewTopic", "a topic that was made again is read on at the old offset"),
    ("OffsetOfOldTopic", "the committed offset of a topic that was made again is believed"),
    ("ConflictUnverified", "a 409 is taken for the record's own document without a look-up"),
    ("AnyOriginIsOurs", "whatever a look-up finds is taken for the record's own document"),
    ("UnknownIsOver", "what a look-up could not tell of is forgotten"),
    ("ShortZipped", "the items of a short answer are taken for those of the first documents"),
    ("FirstHalfAgain", "after a 413 the first half is sent with the second again"),
    ("SecondHalfLost", "after a 413 the second half is lost"),
    ("ForgetAll", "the end of one holding throws away what a worker has ready of all"),
    ("ForgetLanes", "the end of one holding throws away what waits to be sent of all"),
    ("NoLimit", "as many requests are under way as there are"),
    ("SendForOver", "documents of a holding that is over are sent"),
];
