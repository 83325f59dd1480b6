//! Opening what main's settings want beside the warehouse: extensions, secrets, the time zone, other databases. What is not there
//! keeps nobody from the rest: whoever needs it is told why.

use super::{Database, error};
use crate::adapter::engine::{AttachedDatabase, EngineSecret, OpenError, WarehouseError};
use crate::domain::config::Hidden;
use crate::domain::engine_message;
use crate::domain::name::{literal, quote};

/// Why something that main's settings want beside a warehouse is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// In a sentence.
    pub why: String,
    /// Whether installing it may help.
    pub is_extension: bool,
}

/// What could not be opened beside a warehouse, and what nobody may see of what was.
#[derive(Debug, Default)]
pub(super) struct MessageFilter {
    /// Names, and why they are not there.
    absent: Vec<(String, Absent)>,
    /// Texts that may hold secrets, and what stands for each in messages.
    secrets: Vec<(String, String)>,
}

impl Absent {
    /// With what to do about it.
    fn words(&self) -> String {
        let remedy = if self.is_extension { ": vmesh doctor --install" } else { "" };
        format!("{}{remedy}", self.why)
    }
}

impl MessageFilter {
    /// The engine's words without secrets, and with the reason why something is missing.
    pub(super) fn tell(&self, message: String) -> String {
        let message = self.redacted(&message);
        let lower = message.to_lowercase();
        let missing = self.absent.iter().find(|(name, _)| is_named(&lower, &name.to_lowercase()));
        match missing {
            Some((_, absent)) => engine_message::with_note(&message, &absent.words()),
            None => message,
        }
    }

    /// Why things are missing.
    pub(super) fn reasons(&self) -> Vec<Absent> {
        self.absent.iter().map(|(_, absent)| absent.clone()).collect()
    }

    fn redacted(&self, message: &str) -> String {
        let parts = |message: String, (secret, stand_in): &(String, String)| without(&message, secret, stand_in);
        self.secrets.iter().fold(message.to_owned(), parts)
    }

    /// Remembers a text that may hold secrets, with the words that the engine may tell singly.
    fn hide(&mut self, Hidden { variable, value: text }: &Hidden) {
        let stand_in = format!("${variable}");
        self.secrets.push((text.clone(), stand_in.clone()));
        let is_part = |c: char| c.is_whitespace() || matches!(c, '=' | ':' | '@' | '\'' | '"' | '?' | '&');
        // what is as short as a host's name or a port may be any word of a message
        let is_telling = |part: &&str| part.len() >= 6 && !WORDS.contains(part);
        self.secrets.extend(text.split(is_part).filter(is_telling).map(|part| (part.to_owned(), stand_in.clone())));
    }
}

/// Words of connection strings that tell nothing.
const WORDS: [&str; 8] = ["dbname", "host", "hostaddr", "password", "postgres", "postgresql", "localhost", "sslmode"];

/// A message with something else in the place of a secret; a short one may stand within any word, and is none there.
fn without(message: &str, secret: &str, stand_in: &str) -> String {
    if secret.len() >= 6 {
        return message.replace(secret, stand_in);
    }
    let (mut out, mut rest) = (String::with_capacity(message.len()), message);
    while let Some(at) = rest.find(secret).filter(|_| !secret.is_empty()) {
        let (before, found) = rest.split_at(at);
        let (found, after) = found.split_at(secret.len());
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let previous = out.chars().chain(before.chars()).next_back();
        let is_within = is_word(previous) || is_word(after.chars().next());
        out.push_str(before);
        out.push_str(if is_within { found } else { stand_in });
        rest = after;
    }
    out + rest
}

/// Whether a message has a name in it as a word.
fn is_named(message: &str, name: &str) -> bool {
    message.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
}

impl Database {
    /// Opens what the settings want beside the warehouse.
    pub(super) fn open_attached(&self) -> Result<MessageFilter, WarehouseError> {
        let access = &self.location.access;
        let mut filter = MessageFilter::default();
        let of_databases = access.databases.iter().filter_map(|database| database.kind.extension());
        for name in access.opening.extensions.iter().map(String::as_str).chain(of_databases) {
            let is_absent = filter.absent.iter().any(|(absent, _)| absent == name);
            if !is_absent && let Err(why) = self.load_extension(name) {
                filter.absent.push((name.to_owned(), Absent { why, is_extension: true }));
            }
        }
        self.set_zone()?;
        for secret in &access.secrets {
            if let Err(why) = self.make_secret(secret, &mut filter) {
                let why = format!("the secret `{}` is not there: {why}", secret.name);
                filter.absent.push((secret.name.clone(), Absent { why, is_extension: false }));
            }
        }
        if access.is_remote() {
            // what a person keeps in DuckDB's own secrets is read while files still can be
            let _ = self.one::<i64>("asking for secrets", "SELECT count(*) FROM duckdb_secrets()");
        }
        for database in &access.databases {
            if let Err(why) = self.attach(database, &mut filter) {
                let why = format!("`{}` is not attached: {why}", database.name);
                filter.absent.push((database.name.clone(), Absent { why, is_extension: false }));
            }
        }
        Ok(filter)
    }

    /// Loads an extension that is installed.
    fn load_extension(&self, name: &str) -> Result<(), String> {
        let named = literal(name);
        let is_there = "SELECT count(*) FROM duckdb_extensions() WHERE loaded AND (extension_name = {} OR list_contains(aliases, {}))";
        let is_there = is_there.replace("{}", &named);
        if self.one::<i64>("asking for extensions", &is_there).is_ok_and(|count| count > 0) {
            return Ok(());
        }
        self.connection.execute_batch(&format!("LOAD {named}")).map_err(|error| {
            let words = engine_message::headline(&error::words(&error));
            match words.contains("not found") {
                true => format!("the extension `{name}` is not installed"),
                false => format!("the extension `{name}` can't be loaded ({words})"),
            }
        })
    }

    /// Texts are read and told in the zone of the settings, whatever the machine's is. Without time zones, the engine
    /// knows UTC alone.
    fn set_zone(&self) -> Result<(), WarehouseError> {
        let opening = &self.location.access.opening;
        let sql = format!("SET GLOBAL TimeZone = {}", literal(&opening.timezone));
        match (self.connection.execute_batch(&sql), opening.zone()) {
            (Ok(()), _) | (Err(_), None) => Ok(()),
            (Err(error), Some(zone)) => {
                let message = engine_message::headline(&error::words(&error));
                let zone = zone.to_owned();
                Err(OpenError::Zone { zone, message }.into())
            }
        }
    }

    /// Gives the engine a secret, for as long as it is open.
    fn make_secret(&self, secret: &EngineSecret, filter: &mut MessageFilter) -> Result<(), String> {
        secret.hidden.iter().for_each(|hidden| filter.hide(hidden));
        let options = secret.options.as_ref().map_err(Clone::clone)?;
        let options: Vec<String> =
            options.iter().map(|(option, text)| format!("{} {}", quote(option), literal(text))).collect();
        let sql = format!("CREATE OR REPLACE TEMPORARY SECRET {} ({})", quote(&secret.name), options.join(", "));
        let made = self.connection.execute_batch(&sql);
        made.map_err(|error| filter.redacted(&engine_message::headline(&error::words(&error))))
    }

    fn attach(&self, database: &AttachedDatabase, filter: &mut MessageFilter) -> Result<(), String> {
        database.hidden.iter().for_each(|hidden| filter.hide(hidden));
        let target = database.target.as_ref().map_err(Clone::clone)?;
        if database.kind.is_file() && !std::path::Path::new(target).is_file() {
            return Err(filter.redacted(&format!("there is no file {target}")));
        }
        let kind = match database.kind.extension() {
            Some(_) => format!("TYPE {}, ", database.kind.word()),
            None => String::new(),
        };
        let sql = format!("ATTACH {} AS {} ({kind}READ_ONLY)", literal(target), quote(&database.name));
        self.connection.execute_batch(&sql).map_err(|error| {
            let words = engine_message::headline(&error::words(&error));
            match database.hidden.first() {
                // the engine tells where links lead, too
                Some(hidden) if database.kind.is_file() => in_general(&words, &hidden.variable),
                _ => filter.redacted(&words),
            }
        })
    }
}

/// Why a file can't be attached, in words that tell nothing of where it is.
fn in_general(words: &str, variable: &str) -> String {
    let lower = words.to_lowercase();
    match () {
        () if lower.contains("lock") => format!("another program has the file ${variable} open"),
        () if lower.contains("not a valid") => format!("the file ${variable} is no database of this kind"),
        () => format!("the file ${variable} can't be opened"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::adapter::engine::{Access, Door, Interrupt, Location};

    #[test]
    fn messages_tell_why_and_no_secret() {
        let mut filter = MessageFilter::default();
        let value = "host=db.acme.example user=vmesh password=hunter22".to_owned();
        filter.hide(&Hidden { variable: "CRM_DSN".to_owned(), value });
        let absent = Absent { why: "`crm` is not attached: no route".to_owned(), is_extension: false };
        filter.absent.push(("crm".to_owned(), absent));
        let told = filter.tell(
            "Binder Error: Catalog \"CRM\" does not exist! (password hunter22)\n\nLINE 1: SELECT 1 FROM crm.x\n"
                .to_owned(),
        );
        assert_eq!(
            told,
            "Binder Error: Catalog \"CRM\" does not exist! (password $CRM_DSN) (`crm` is not attached: no route)\n\n\
             LINE 1: SELECT 1 FROM crm.x\n"
        );
        assert_eq!(filter.tell("Catalog Error: no table crmx".to_owned()), "Catalog Error: no table crmx");
        // a short one is no part of other words
        filter.hide(&Hidden { variable: "KEY".to_owned(), value: "x".to_owned() });
        assert_eq!(filter.tell("syntax of x, (x) and x_1".to_owned()), "syntax of $KEY, ($KEY) and x_1");
    }

    #[test]
    fn the_engine_has_the_secrets_of_the_settings() {
        let option = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let options =
            Ok(vec![option("type", "http"), option("bearer_token", "it's"), option("scope", "https://acme/")]);
        let secret = EngineSecret { name: "acme".to_owned(), options, hidden: Vec::new() };
        let access = Access { secrets: vec![secret], ..Access::default() };
        let place = std::env::temp_dir();
        let location =
            Location::new(":memory:".into(), place, Door::default(), std::time::Duration::ZERO, Interrupt::default());
        let database = super::super::trial::in_memory_with(&location, access).unwrap();
        assert_eq!(database.instance.absent(), []);
        let told = "SELECT concat_ws(' ', name, type, persistent, storage, scope) FROM duckdb_secrets()";
        assert_eq!(database.one::<String>("asking", told).unwrap(), "acme http false memory https://acme/");
    }
}
