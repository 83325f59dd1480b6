//! `[limits]`: what one use of vmesh may take of the machine. They are main's to say, as the warehouse is.

use serde::{Deserialize, Serialize};

use super::super::diagnostic::{Diagnostic, Excerpt};

/// What one use of vmesh may take of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Limits {
    /// Memory, as the engine reads it: `4GB`, `50%`. Left out, it is the engine's own four fifths.
    pub memory: Option<String>,
    /// Disk for what doesn't fit into memory: `20GB`. Left out, it is the engine's own nine tenths of what is free.
    pub temp: Option<String>,
    /// How long building one model, or one unit test, may take; 0 is as long as it likes.
    pub seconds: u64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsTable {
    memory: Option<toml::Spanned<String>>,
    temp: Option<toml::Spanned<String>>,
    seconds: u64,
}

impl Limits {
    pub(super) fn read(
        table: LimitsTable,
        excerpt: &dyn Fn(std::ops::Range<usize>) -> Excerpt,
    ) -> Result<Self, Diagnostic> {
        let size = |given: Option<toml::Spanned<String>>, takes_share: bool, help: &str| match given {
            Some(given) if is_size(given.get_ref()) || takes_share && is_share(given.get_ref()) => {
                Ok(Some(given.into_inner()))
            }
            Some(given) => Err(Diagnostic::new("this is no size").at(excerpt(given.span())).help(help)),
            None => Ok(None),
        };
        Ok(Self {
            memory: size(table.memory, true, "memory = \"4GB\", or a share of the machine's: \"50%\"")?,
            temp: size(table.temp, false, "temp = \"20GB\"")?,
            seconds: table.seconds,
        })
    }
}

/// `4GB`, `512 MiB`: more than nothing.
fn is_size(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok());
    let units = ["kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"];
    number.is_some_and(|number| number > 0.0) && units.contains(&unit.trim().to_ascii_lowercase().as_str())
}

/// `50%`: of 1 to 100.
fn is_share(text: &str) -> bool {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<u8>().ok());
    number.is_some_and(|number| (1..=100).contains(&number))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::Config;

    #[test]
    fn limits_are_sizes_and_seconds() {
        let limits = |text: &str| Config::parse("vmesh.toml", text, &|_| None).map(|config| config.limits);
        let read = limits("[limits]\nmemory = \"4GB\"\ntemp = \"1.5 TiB\"\nseconds = 600").unwrap();
        assert_eq!((read.memory.as_deref(), read.temp.as_deref(), read.seconds), (Some("4GB"), Some("1.5 TiB"), 600));
        assert_eq!(limits("[limits]\nmemory = \"50%\"").unwrap().memory.as_deref(), Some("50%"));
        assert_eq!(limits("").unwrap(), super::Limits::default());
        let wrong = [
            "memory = \"4\"",
            "memory = \"0GB\"",
            "memory = \"101%\"",
            "memory = \"x\"",
            "temp = \"50%\"",
            "temp = \"1GB'\"",
        ];
        for wrong in wrong {
            assert_eq!(limits(&format!("[limits]\n{wrong}")).unwrap_err().what, "this is no size", "{wrong}");
        }
        assert!(limits("[limits]\nseconds = -1").is_err());
        assert_eq!(limits("[limits]\nmemry = 1").unwrap_err().help.as_deref(), Some("did you mean `memory`?"));
    }
}
