//! What a command answers, on standard output.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

use crate::exit::ExitStatus;

/// An answer that is written line by line. A reader that went away (`| head`) ends the writing and is no error.
pub(super) struct Answer {
    out: BufWriter<Stdout>,
    failed: Option<io::Error>,
}

impl Answer {
    pub(super) fn new() -> Self {
        Self { out: BufWriter::new(io::stdout()), failed: None }
    }

    /// Writes one line. On a terminal it is seen at once.
    pub(super) fn line(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, line: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let mut write = || {
            self.out.write_all(line)?;
            self.out.write_all(b"\n")?;
            if io::stdout().is_terminal() { self.out.flush() } else { Ok(()) }
        };
        self.failed = write().err();
    }

    /// Sees that what was written can be read by now.
    pub(super) fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
    }

    /// True if nobody takes any more.
    pub(super) fn is_over(&self) -> bool {
        self.failed.is_some()
    }

    /// Sees that everything is written, and ends with `status` if it could be.
    pub(super) fn end(mut self, status: ExitStatus) -> ExitStatus {
        match self.failed.take().map_or_else(|| self.out.flush(), Err) {
            Ok(()) => status,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => status,
            Err(error) => {
                eprintln!("standard output: {error}");
                ExitStatus::Fault
            }
        }
    }
}
