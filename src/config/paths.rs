//! Paths in the configuration: where they start from, and the pipeline files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::fault::Place;

/// Where relative paths start from. What stands in the file starts from the file's folder, so that a configuration can
/// be moved as a whole; what is said in a variable or a flag starts from where the process was started.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) file: PathBuf,
    pub(super) working: PathBuf,
}

impl Folders {
    pub(super) fn resolve(&self, path: &str, place: &Place) -> PathBuf {
        match place {
            Place::Spot { .. } | Place::File(_) | Place::Default => self.file.join(path),
            Place::Variable(_) | Place::Flag(_) => self.working.join(path),
        }
    }
}

/// The folders and files that hold pipelines, each of which was there when the configuration was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipelines(pub Vec<PathBuf>);

impl Pipelines {
    /// The pipeline files as of now: the files that were named, and every `*.yaml` and `*.yml` directly in the folders
    /// that were, by name. Each once. Files that begin with a dot are passed over.
    ///
    /// # Errors
    /// The path that cannot be read, and why.
    pub fn files(&self) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
        let mut files = Vec::new();
        for path in &self.0 {
            if path.is_dir() {
                files.extend(in_folder(path).map_err(|error| (path.clone(), error))?);
            } else {
                files.push(path.clone());
            }
        }
        let mut seen = std::collections::HashSet::new();
        files.retain(|file| seen.insert(file.clone()));
        Ok(files)
    }
}

fn in_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_named_and_those_in_folders_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.yaml", "a.yml", ".hidden.yaml", "notes.txt"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir(path("sub.yaml")).unwrap();
        let pipelines = Pipelines(vec![path("notes.txt"), folder.path().to_owned(), path("a.yml")]);
        assert_eq!(pipelines.files().unwrap(), [path("notes.txt"), path("a.yml"), path("b.yaml")]);
    }
}
