//! Properties that a project gives to every model whose header doesn't have them.

use serde::Serialize;

use super::super::diagnostic::Problem;
use super::super::engine_kind::EngineKind;
use super::super::sql::{self, Lexeme, Span};
use super::header::{self, Property};
use super::kind::Kind;
use super::properties;

/// Properties of one model alone.
const OF_ONE: [&str; 9] = [
    "name",
    "columns",
    "column_descriptions",
    "depends_on",
    "description",
    "blueprints",
    "grain",
    "grains",
    "references",
];
/// Properties that a default adds to, rather than to be put out by.
const ADDED: [&str; 5] = ["audits", "assertions", "physical_properties", "session_properties", "virtual_properties"];
/// Two names of one property.
const ALIASES: [(&str, &str); 3] =
    [("assertions", "audits"), ("grains", "grain"), ("table_properties", "physical_properties")];

/// The defaults of a project, as headers spell them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Defaults {
    headers: Vec<Header>,
    /// Whose SQL models are written in.
    pub engine: EngineKind,
}

/// A header with one property.
#[derive(Debug, Clone, Serialize)]
struct Header {
    text: String,
    #[serde(skip)]
    lexemes: Vec<Lexeme>,
}

impl Defaults {
    /// Adds one: its key, its value as a header spells it, and the place to point at if that is wrong.
    pub fn add(&mut self, key: &str, value: &str, place: &Span) -> Result<(), Problem> {
        if OF_ONE.contains(&key) {
            return Err(Problem::new(format!("`{key}` can't be a default: it belongs to one model"), place.clone()));
        }
        let wrong = |what: String| Problem::new(what, place.clone());
        let text = format!("MODEL (\n{key} {value}\n)");
        let lexemes = sql::lex(&text).map_err(|error| wrong(error.message))?;
        let is_one = header::properties(&lexemes).map_err(|error| wrong(error.what))?.len() == 1;
        if !is_one {
            return Err(wrong(format!("`{key}` is not one value")));
        }
        if let Err(problems) = properties::read(&text, &lexemes, &Self::default()) {
            // what points at the header as a whole is for the other properties of a model to mend
            let own = problems.into_iter().find(|problem| problem.span != lexemes[0].span);
            if let Some(problem) = own {
                return Err(Problem { span: place.clone(), ..problem });
            }
        }
        self.headers.push(Header { text, lexemes });
        Ok(())
    }

    /// The kind of a model that says nothing.
    pub fn kind(&self) -> Kind {
        properties::read("", &[], self).ok().and_then(|file| file.kind).unwrap_or(Kind::Full)
    }

    /// A hash over all of them: files read with other defaults say something else.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        if self.engine != EngineKind::default() {
            hasher.update(format!("{:?}", self.engine).as_bytes());
        }
        for header in &self.headers {
            hasher.update(&(header.text.len() as u64).to_le_bytes());
            hasher.update(header.text.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Those that count for a header with these properties, each with the text it is in.
    pub(super) fn of<'a>(&'a self, own: &[Property<'_>]) -> Vec<(&'a str, Property<'a>)> {
        let given: Vec<&str> = own.iter().map(|property| main_name(&property.key)).collect();
        let counts = |property: &Property<'_>| {
            ADDED.contains(&property.key.as_str()) || !given.contains(&main_name(&property.key))
        };
        let all = self.headers.iter().flat_map(|header| {
            let properties = header::properties(&header.lexemes).unwrap_or_default();
            properties.into_iter().map(|property| (header.text.as_str(), property))
        });
        all.filter(|(_, property)| counts(property)).collect()
    }
}

fn main_name(key: &str) -> &str {
    ALIASES.iter().find(|(other, _)| *other == key).map_or(key, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::parse_with;
    use super::*;

    fn defaults(items: &[(&str, &str)]) -> Defaults {
        let mut defaults = Defaults::default();
        for (key, value) in items {
            defaults.add(key, value, &(0..0)).unwrap();
        }
        defaults
    }

    #[test]
    fn a_header_goes_before_the_defaults() {
        let defaults = defaults(&[("kind", "VIEW"), ("cron", "'@hourly'"), ("owner", "'ada'"), ("enabled", "false")]);
        let plain = parse_with("SELECT 1 AS a", &defaults).unwrap();
        assert_eq!((plain.kind, plain.schedule.cron.as_deref()), (Some(Kind::View), Some("@hourly")));
        assert_eq!((plain.about.owner.as_deref(), plain.about.disabled), (Some("ada"), true));
        let own = parse_with("MODEL (name a, kind FULL, owner bob, enabled true);\nSELECT 1 AS a", &defaults).unwrap();
        assert_eq!((own.kind, own.about.owner.as_deref(), own.about.disabled), (Some(Kind::Full), Some("bob"), false));
    }

    #[test]
    fn audits_and_properties_of_both_count() {
        let defaults = defaults(&[("audits", "(not_null(columns := (a)))"), ("physical_properties", "(x = 1)")]);
        let text =
            "MODEL (name a, audits (unique_values(columns := (a))), physical_properties (y = 2));\nSELECT 1 AS a";
        let file = parse_with(text, &defaults).unwrap();
        let names: Vec<&str> = file.audits.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["unique_values", "not_null"]);
        assert_eq!(file.audits[1].span, file.place, "what is wrong with it is told where the model is");
        assert_eq!(file.physical.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        let wrong = |key: &str, value: &str| Defaults::default().add(key, value, &(7..9)).unwrap_err();
        let told = [("kind", "FUL"), ("crn", "'@daily'"), ("name", "a"), ("owner", "'a', tags ('b')"), ("cron", "'x'")]
            .map(|(key, value)| {
                let problem = wrong(key, value);
                assert_eq!(problem.span, 7..9);
                format!("{} | {}", problem.what, problem.help.unwrap_or_default())
            });
        insta::assert_snapshot!(told.join("\n"));
        Defaults::default().add("kind", "INCREMENTAL_BY_PARTITION", &(0..0)).unwrap();
    }
}
