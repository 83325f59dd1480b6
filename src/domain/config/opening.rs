//! What `[engine]` says of how the engine is opened: extensions, secrets, and the time zone in which texts are read and
//! told. It is main's to say, as the warehouse is.

use serde::Serialize;

use super::super::engine_kind::EngineKind;
use super::super::interval::is_time_zone;
use super::{EnvText, Secret};

/// The zone where the settings name none, whatever the machine's is.
const UTC: &str = "UTC";

/// Extensions that are part of the engine.
pub(super) const BUILT_IN: [&str; 3] = ["parquet", "json", "core_functions"];

/// How the engine is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// Which it is.
    pub engine: EngineKind,
    /// How a server is reached: as libpq reads it, but for what it reads from files; or an address of Spark Connect's.
    pub server: Option<EnvText>,
    /// A command that prints the token with which a server of Spark's lets one in.
    pub token_command: Option<EnvText>,
    /// The PostgreSQL database that vmesh's records lie in, where the engine can't keep them; none: a DuckDB file of their own.
    pub state: Option<EnvText>,
    /// Extensions that are loaded, besides those that are part of the engine.
    pub extensions: Vec<String>,
    /// Where they come from, if not from DuckDB's own repository: a folder, or the address of a mirror.
    pub extensions_from: Option<String>,
    /// With what it enters other machines.
    pub secrets: Vec<Secret>,
    /// The time zone, of the IANA's names.
    pub timezone: String,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            engine: EngineKind::default(),
            server: None,
            token_command: None,
            state: None,
            extensions: Vec::new(),
            extensions_from: None,
            secrets: Vec::new(),
            timezone: UTC.to_owned(),
        }
    }
}

impl Opening {
    /// Where the server is, in words; none where there is none.
    pub fn on_server(&self) -> Option<String> {
        Some(format!("{} at {}", self.engine.name(), self.server.as_ref()?.told()))
    }

    /// Whether vmesh's records lie in a file, be it that of the warehouse.
    pub fn has_file(&self) -> bool {
        self.server.is_none() || self.engine == EngineKind::Spark && self.state.is_none()
    }

    /// Adds an extension.
    pub(super) fn add_extension(&mut self, name: &str) -> Result<(), String> {
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("`{name}` is no name of an extension"));
        }
        if !BUILT_IN.contains(&name.as_str()) && !self.extensions.contains(&name) {
            self.extensions.push(name);
        }
        Ok(())
    }

    /// Sets the time zone.
    pub(super) fn set_timezone(&mut self, name: &str) -> Result<(), String> {
        match is_time_zone(name) {
            true => self.timezone = name.to_owned(),
            false => return Err(format!("there is no time zone `{name}`")),
        }
        Ok(())
    }

    /// The time zone, where it is another than all machines have.
    pub fn zone(&self) -> Option<&str> {
        (self.timezone != UTC).then_some(self.timezone.as_str())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::Config;

    #[test]
    fn extensions_and_the_zone_are_checked() {
        let opening = |text: &str| {
            let config = Config::parse("vmesh.toml", &format!("[engine]\n{text}"), &|_| None);
            config.map(|config| config.opening).map_err(|error| (error.what, error.at.is_some()))
        };
        let read = opening("extensions = [\"httpfs\", \"JSON\", \"ICU\", \"icu\"]\ntimezone = \"Asia/Tokyo\"").unwrap();
        assert_eq!(
            (read.extensions, read.timezone.as_str()),
            (vec!["httpfs".to_owned(), "icu".to_owned()], "Asia/Tokyo")
        );
        assert_eq!(opening("").unwrap().zone(), None);
        let wrong = [
            ("extensions = [\"a'b\"]", "`a'b` is no name of an extension"),
            ("extensions = [\"../x\"]", "`../x` is no name of an extension"),
            ("timezone = \"Mars/Olympus\"", "there is no time zone `Mars/Olympus`"),
        ];
        for (text, what) in wrong {
            assert_eq!(opening(text).unwrap_err(), (what.to_owned(), true), "{text}");
        }
    }
}
