//! Pipeline files that are named on the command line.

use std::path::PathBuf;

use crate::config::{Fault, Pipelines, Place};

/// The files that are named, and those in the folders that are named, each as it was given; and what is not there.
pub(super) fn pipeline_files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Fault>) {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let fault = |what: String| {
            let hint = "give a pipeline's file, or a folder with such files".to_owned();
            Fault { place: Place::File(path.display().to_string()), what, hint: Some(hint) }
        };
        if !path.exists() {
            faults.push(fault("there is no such file or folder".to_owned()));
            continue;
        }
        match Pipelines(vec![path.clone()]).files() {
            Ok(found) if found.is_empty() => faults.push(fault("there is no pipeline in this folder".to_owned())),
            Ok(found) => files.extend(found),
            Err((_, error)) => faults.push(fault(format!("cannot be read: {error}"))),
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    (files, faults)
}
