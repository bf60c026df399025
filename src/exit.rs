//! How the process ends: the five exit codes that scripts may rely on.

use std::process::ExitCode;

/// How a command ended. The numbers are part of the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Everything that was asked for is done.
    Done = 0,
    /// The command worked and its answer is no: a failed test, something missing, a difference.
    No = 1,
    /// Bad configuration or usage; nothing was started.
    Usage = 64,
    /// A fault of its own, such as a panic or a fatal Kafka error; nothing was committed after it.
    Fault = 70,
    /// Stopped with unsettled work, which the next run takes up again.
    Unsettled = 75,
}

impl ExitStatus {
    /// The code that the operating system is given.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        ExitCode::from(status.code())
    }
}
