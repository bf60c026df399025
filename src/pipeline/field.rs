//! Names of fields that may be templates: `field: "labels.{{{key}}}"`.
//!
//! A fixed name is compiled once and lent to the event; a template gives a path per event, which is held to the same
//! rules as a fixed one when it runs.

use std::borrow::Cow;

use super::compile::{Compiler, is_metadata};
use super::step::Work;
use super::template::Template;
use crate::event::{Path, Value};
use crate::yaml::Spanned;

/// The name of a field.
pub(crate) enum FieldName {
    Fixed(Path),
    Template { template: Template, origin: String },
}

impl FieldName {
    /// Compiles the name of a field that is only read.
    pub(crate) fn read(text: Spanned<&str>, cx: &Compiler<'_>) -> Option<Self> {
        match Self::template(text, String::new(), cx) {
            Some(name) => name,
            None => cx.read_path(text).map(Self::Fixed),
        }
    }

    /// Compiles the name of a field that is written or removed.
    pub(crate) fn write(text: Spanned<&str>, cx: &Compiler<'_>) -> Option<Self> {
        match Self::template(text, cx.origin.to_owned(), cx) {
            Some(name) => name,
            None => cx.write_path(text).map(Self::Fixed),
        }
    }

    fn template(text: Spanned<&str>, origin: String, cx: &Compiler<'_>) -> Option<Option<Self>> {
        text.value.contains("{{").then(|| {
            // The field may be the origin's, so it has to be there.
            cx.reads_origin();
            Template::compile(text.value, text.place, false, cx).map(|template| Self::Template { template, origin })
        })
    }

    /// The path for an event; nothing where a template gave an empty name and that is all right.
    ///
    /// # Errors
    /// As [`FieldName::path`].
    pub(crate) fn path_or_missing<'a>(
        &'a self,
        work: &Work<'a>,
        ignore_missing: bool,
    ) -> Result<Option<Cow<'a, Path>>, String> {
        match self {
            Self::Template { template, .. } if ignore_missing && template.render(work).is_empty() => Ok(None),
            _ => self.path(work).map(Some),
        }
    }

    /// The path for an event.
    ///
    /// # Errors
    /// What a template made is no path, or one that may not be written.
    pub(crate) fn path<'a>(&'a self, work: &Work<'a>) -> Result<Cow<'a, Path>, String> {
        match self {
            Self::Fixed(path) => Ok(Cow::Borrowed(path)),
            Self::Template { template, origin } => {
                let path = Path::parse(&template.render(work)).map_err(|error| error.to_string())?;
                if is_metadata(path.first()) || path.first() == origin {
                    return Err(format!("[{path}] can't be changed by a pipeline"));
                }
                Ok(Cow::Owned(path))
            }
        }
    }
}

/// Sets the field of a path that may not outlive the event.
///
/// # Errors
/// As [`Path::set`].
pub(crate) fn set_at<'a>(work: &mut Work<'a>, path: Cow<'a, Path>, value: Value<'a>) -> Result<(), String> {
    let root = work.event.root_mut();
    match path {
        Cow::Borrowed(path) => path.set(root, value),
        Cow::Owned(path) => path.set_copied(root, value),
    }
    .map_err(|error| error.to_string())
}
