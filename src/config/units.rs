//! Sizes and durations as people write them.

use std::time::Duration;

use super::fault::{Wrong, wrong};
use super::layers::Node;
use super::read::text;
use crate::yaml::{parse_byte_size, parse_duration};

/// A size in bytes: a whole number and a unit.
pub(super) fn bytes(node: &Node) -> Result<usize, Wrong> {
    let text = text(node)?;
    let size = parse_byte_size(text).and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| wrong(format!("{text:?} is not a size"), "a whole number and a unit, like 512MiB, 5MB or 1GiB"))
}

/// A length of time: a whole number and a unit.
pub(super) fn duration(node: &Node) -> Result<Duration, Wrong> {
    let text = text(node)?;
    let hint = "a whole number and a unit, like 500ms, 3s, 2m or 1h";
    parse_duration(text).ok_or_else(|| wrong(format!("{text:?} is not a length of time"), hint))
}

/// A size in the largest unit that it is whole in.
pub(super) fn show_bytes(bytes: usize) -> String {
    match bytes {
        0 => "0B".to_owned(),
        _ if bytes.is_multiple_of(1 << 30) => format!("{}GiB", bytes >> 30),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}

/// A duration in the largest unit that it is whole in.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given() {
        for size in [0, 1, 1023, 1024, 5 << 20, (5 << 20) + 1, 3 << 30] {
            assert_eq!(parse_byte_size(&show_bytes(size)), Some(size as u64));
        }
        assert_eq!(show_bytes(512 << 20), "512MiB");
        for millis in [0, 1, 999, 1000, 1001, 90_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&show_duration(duration)), Some(duration));
        }
    }
}
