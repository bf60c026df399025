//! Secrets that stand in files of their own, as orchestrators mount them: `password_file` instead of `password`. Such a file is
//! read again while the service runs, as a secret is changed without asking the service.

use std::fs;
use std::path::Path;

use super::fault::{Wrong, wrong};
use super::layers::Node;
use super::paths::Folders;
use super::read::{Read, Section, raw_text, text};
use super::secret::Secret;

/// Reads a secret that is given as `key`, or in a file that `file_key` names; `None` if neither is given.
pub(super) fn secret(
    section: &Section<'_>,
    (key, file_key): (&'static str, &'static str),
    folders: &Folders,
) -> Read<Option<Secret>> {
    let direct = section.read(key, None, |node| match raw_text(node)? {
        "" => Err(wrong("is empty", "leave it out, or give the secret")),
        text => Ok(Some(Secret::new(text))),
    });
    let in_file = section.read(file_key, None, |node| secret_in_file(node, folders).map(Some));
    if direct.is_given() && in_file.is_given() {
        let what = format!("{key} is given too");
        section.complain(in_file.place.clone(), file_key, wrong(what, "keep one of the two"));
    }
    if in_file.is_given() { in_file } else { direct }
}

/// Reads the file that a node names.
pub(super) fn secret_in_file(node: &Node, folders: &Folders) -> Result<Secret, Wrong> {
    read(&folders.resolve(text(node)?, &node.place))
}

/// Reads a file with a secret again.
///
/// # Errors
/// It cannot be read, or has no secret in it; in words for a person, without the secret.
pub fn read_secret(path: &Path) -> Result<Secret, String> {
    read(path).map_err(|wrong| wrong.what)
}

/// One newline at the end is no part of the secret.
fn read(path: &Path) -> Result<Secret, Wrong> {
    let shown = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| {
        let hint = "give the path of a file with the secret in it, readable by this user";
        wrong(format!("the file {shown:?} cannot be read: {error}"), hint)
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| wrong(format!("the file {shown:?} is not UTF-8 text"), "the secret has to be text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    match text.strip_suffix('\r').unwrap_or(text) {
        "" => Err(wrong(format!("the file {shown:?} is empty"), "write the secret into it")),
        text => Ok(Secret::in_file(text, path)),
    }
}
