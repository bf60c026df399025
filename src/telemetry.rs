//! What the service says of itself while it runs: the log, and the last words of a panic.
//!
//! On a terminal the log is for people, elsewhere it is a JSON object a line; both go to standard error, because
//! standard output belongs to what a command answers. `KELP_LOG` (or, without it, `RUST_LOG`) chooses what is said,
//! such as `debug` or `info,kelp::kafka=trace`.

mod exit_now;
mod panic;
mod throttle;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

pub use exit_now::exit_now;
pub use panic::end_on_panic;
pub use throttle::{Tell, Teller, Throttle};

/// Sets up the log of this process; to be called once, by `main`. `quiet` are modules whose messages say nothing that anybody could use.
///
/// # Errors
/// The variable that holds a filter that cannot be read, and why it can't.
///
/// # Panics
/// Where a log was set up before: that is a fault of the program.
pub fn init(variable: impl Fn(&str) -> Option<String>, quiet: &[&str]) -> Result<(), (&'static str, String)> {
    let off = |module: &&str| format!("{module}=off").parse().expect("the path of a module makes a directive");
    let filter = quiet.iter().map(off).fold(filter(variable)?, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let set = if io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    set.expect("the log is set up once");
    Ok(())
}

/// The filter that the environment asks for: `KELP_LOG`, else `RUST_LOG`, else `info`.
fn filter(variable: impl Fn(&str) -> Option<String>) -> Result<EnvFilter, (&'static str, String)> {
    for name in ["KELP_LOG", "RUST_LOG"] {
        if let Some(directives) = variable(name).filter(|directives| !directives.trim().is_empty()) {
            return EnvFilter::try_new(&directives).map_err(|error| {
                (name, format!("{directives:?} is not a log filter: {error} (such as info or info,kelp::kafka=debug)"))
            });
        }
    }
    Ok(EnvFilter::new("info"))
}

#[cfg(test)]
mod tests {
    use super::filter;

    fn chosen(set: &[(&str, &str)]) -> Result<String, (&'static str, String)> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        filter(variable).map(|filter| filter.to_string())
    }

    #[test]
    fn kelp_log_comes_before_rust_log_before_info() {
        assert_eq!(chosen(&[]).unwrap(), "info");
        assert_eq!(chosen(&[("RUST_LOG", "warn")]).unwrap(), "warn");
        assert_eq!(chosen(&[("RUST_LOG", "warn"), ("KELP_LOG", "debug")]).unwrap(), "debug");
        assert_eq!(chosen(&[("RUST_LOG", "warn"), ("KELP_LOG", " ")]).unwrap(), "warn");
    }

    #[test]
    fn a_filter_that_cannot_be_read_names_its_variable() {
        let (name, error) = chosen(&[("KELP_LOG", "kelp=loud")]).unwrap_err();
        assert_eq!(name, "KELP_LOG");
        assert!(error.starts_with("\"kelp=loud\" is not a log filter"), "{error}");
    }
}
