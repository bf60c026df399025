//! The file that a trace is written to.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::TraceFile;
use crate::trace::Trace;

/// Begins the trace that the configuration asks for. A file of the same name is kept beside it: what came before a crash is what
/// whoever starts the process again wants to see.
///
/// # Errors
/// The file cannot be made, in words for a person.
pub fn begin(TraceFile { file, limit }: &TraceFile) -> Result<Trace, String> {
    let told = |error| format!("trace.file {}: {error} (its folder must be there and writable)", file.display());
    let made = make(file).map_err(told)?;
    tracing::warn!(file = %file.display(), limit, "what happens inside is written down in a trace, which costs time and disk");
    Ok(Trace::new(Box::new(made), *limit))
}

fn make(file: &Path) -> io::Result<File> {
    match fs::rename(file, before(file)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // It tells of topics, indices and offsets: not everybody's business.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

fn before(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".before");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_trace_before_is_kept_and_nobody_else_may_read_either() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kelp.trace");
        let asked = TraceFile { file: file.clone(), limit: 1 << 20 };
        fs::write(&file, "an older one").unwrap();
        drop(begin(&asked).unwrap());
        assert_eq!(fs::read_to_string(before(&file)).unwrap(), "an older one");
        assert!(fs::read_to_string(&file).unwrap().starts_with("{\"n\":0,\"trace\":"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let nowhere = TraceFile { file: folder.path().join("none/kelp.trace"), limit: 1 << 20 };
        let told = begin(&nowhere).err().expect("there is no such folder");
        assert!(told.starts_with("trace.file ") && told.contains("No such file"), "{told}");
    }
}
