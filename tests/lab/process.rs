//! One child process: its log, its end, its signals. Dropping it kills its whole process group.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::unix::{self, Ended};
use super::{Result, wait_until};

/// Peak memory and CPU time of a process so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// The most memory that was resident at once, in bytes.
    pub peak_memory: u64,
    /// User and system time together.
    pub cpu: Duration,
}

/// A running or ended child in a process group of its own; output and errors go to one log.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: i32,
    log: PathBuf,
    /// Where in the log this process began: a restarted one appends.
    log_start: u64,
    started: Instant,
    /// Servers end when this closes.
    stdin: Option<ChildStdin>,
    peak_memory: u64,
    ended: Option<Ended>,
}

impl Process {
    /// Starts `command`. The log is appended to.
    ///
    /// # Errors
    /// The program or its log cannot be opened.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let log_start = out.metadata()?.len();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {name} ({:?}): {error}", command.get_program()))?;
        Ok(Self {
            name: name.into(),
            pid: i32::try_from(child.id())?,
            log: log.into(),
            log_start,
            started: Instant::now(),
            stdin: child.stdin.take(),
            peak_memory: 0,
            ended: None,
        })
    }

    /// The process's number, also that of its group.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Everything that it wrote so far.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn output(&self) -> Result<String> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.log_start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The last lines that it wrote, for error messages.
    pub fn tail(&self) -> String {
        let output = self.output().unwrap_or_else(|error| error.to_string());
        let lines: Vec<_> = output.lines().collect();
        let tail = lines[lines.len().saturating_sub(25)..].join("\n  ");
        format!("the end of {}:\n  {tail}", self.log.display())
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// The kernel refuses to tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.sample();
            self.ended = unix::wait(self.pid, false)?;
        }
        Ok(self.ended.map(|ended| ended.status))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// It still runs after `deadline`; the error has the log's end.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait_until(&what, deadline, || self.try_wait()).map_err(|error| format!("{error}; {}", self.tail()).into())
    }

    /// Fails with the log's end if the process is no longer there.
    ///
    /// # Errors
    /// It ended.
    pub fn expect_alive(&mut self) -> Result<()> {
        match self.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("{} ended: {status}; {}", self.name, self.tail()).into()),
        }
    }

    /// Sends a signal (`libc::SIGTERM`, `SIGSTOP`, `SIGCONT` …) to the process. Nothing happens if it has ended.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn signal(&mut self, signal: i32) -> Result<()> {
        if self.try_wait()?.is_none() {
            unix::kill(self.pid, signal)?;
        }
        Ok(())
    }

    /// SIGKILL to the whole group, and reaps it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill(&mut self) -> Result<()> {
        if self.try_wait()?.is_none() {
            unix::kill(-self.pid, libc::SIGKILL)?;
            self.ended = unix::wait(self.pid, true)?;
        }
        Ok(())
    }

    /// SIGTERM, and SIGKILL if that did not end it before `deadline`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn terminate(&mut self, deadline: Duration) -> Result<()> {
        self.signal(libc::SIGTERM)?;
        if self.wait(deadline).is_err() {
            self.kill()?;
        }
        Ok(())
    }

    /// What it used so far. The peak of memory is what was seen when it was last looked at ([`Process::try_wait`],
    /// [`Process::wait`] and this look): the kernel's own account of an ended child includes its parent's memory.
    pub fn usage(&mut self) -> Usage {
        self.sample();
        let cpu = match self.ended {
            Some(ended) => ended.cpu,
            None => self.cpu().unwrap_or_default(),
        };
        Usage { peak_memory: self.peak_memory, cpu }
    }

    fn sample(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        self.peak_memory = self.peak_memory.max(kib.unwrap_or(0) * 1024);
    }

    fn cpu(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // Fields 14 and 15, in hundredths of a second; the name in field 2 may hold spaces.
        let rest = stat.rsplit_once(')')?.1;
        let mut fields = rest.split_whitespace().skip(11).map(|field| field.parse::<u64>());
        let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
        Some(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("cannot end {} (process {}): {error}", self.name, self.pid);
        }
    }
}
