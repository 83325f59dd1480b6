//! `external_models.yaml` of a SQLMesh project: tables that nobody manages, and what is known of their columns. Nothing is
//! built for them. What is written here tells what names in queries mean, and counts for nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Problem, nearest};
use super::name::{TableName, quote};
use super::sql::{self, Span, Token};
use super::yaml::{self, Kind, Node};

/// The file that vmesh writes.
pub const FILE: &str = "external_models.yaml";
/// The folder of such files.
const FOLDER: &str = "external_models/";
/// The files beside it; the second is what old projects have.
const FILES: [&str; 4] = ["external_models.yaml", "external_models.yml", "schema.yaml", "schema.yml"];
/// What an entry may say.
const KEYS: [&str; 18] = [
    "name",
    "columns",
    "description",
    "column_descriptions",
    "audits",
    "gateway",
    "dialect",
    "start",
    "cron",
    "cron_tz",
    "interval_unit",
    "tags",
    "owner",
    "grain",
    "grains",
    "references",
    "physical_properties",
    "kind",
];

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Its name, as written.
    pub name: String,
    /// Its columns and their types.
    pub columns: Vec<(String, String)>,
}

/// The external tables of a project, by schema and name.
#[derive(Debug, Clone, Default)]
pub struct Externals {
    by_key: BTreeMap<String, External>,
    /// The names of the databases beside the warehouse, in lower case.
    databases: BTreeSet<String>,
}

/// Whether a file, told from the project's folder, has external models.
pub fn is_external(path: &str) -> bool {
    FILES.contains(&path)
        || (path.starts_with(FOLDER) && path.rsplit('.').next().is_some_and(|end| matches!(end, "yaml" | "yml")))
}

impl Externals {
    /// None yet, with these databases beside the warehouse.
    pub fn beside<'n>(databases: impl Iterator<Item = &'n str>) -> Self {
        Self { databases: databases.map(str::to_ascii_lowercase).collect(), ..Self::default() }
    }

    /// Whether a database beside the warehouse is called so.
    pub fn has_database(&self, name: &str) -> bool {
        self.databases.contains(&name.to_ascii_lowercase())
    }

    /// What a name is found by: its database, if it is another than the warehouse, and to DuckDB no letter case.
    fn key(&self, parts: &[String]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        match parts.as_slice() {
            [database, _, _] if self.databases.contains(database) => parts.join("\0"),
            [name] => format!("main\0{name}"),
            _ => parts[parts.len().saturating_sub(2)..].join("\0"),
        }
    }

    /// Adds those of a file.
    pub fn add(&mut self, text: &str) -> Result<(), Problem> {
        let Some(root) = yaml::load(text)? else { return Ok(()) };
        let Kind::List(entries) = &root.kind else {
            return Err(helped(
                "expected a list of tables",
                root.span.clone(),
                "- name: raw.orders\n  columns: {id: INT}",
            ));
        };
        for entry in entries {
            let (parts, external) = read(entry)?;
            let key = self.key(&parts);
            // the same table may be told of once for each gateway
            self.by_key.entry(key).or_insert(external);
        }
        Ok(())
    }

    /// The table that a query reads under this name, of one to three parts.
    pub fn get(&self, parts: &[String]) -> Option<&External> {
        self.by_key.get(&self.key(parts))
    }

    /// The names of a table's columns, if they are known.
    pub fn columns(&self, parts: &[String]) -> Option<Vec<String>> {
        let columns = &self.get(parts)?.columns;
        (!columns.is_empty()).then(|| columns.iter().map(|(name, _)| name.clone()).collect())
    }

    /// The same, with their types.
    pub fn typed(&self, parts: &[String]) -> Option<Vec<(String, Option<String>)>> {
        let columns = &self.get(parts)?.columns;
        (!columns.is_empty()).then(|| columns.iter().map(|(name, kind)| (name.clone(), Some(kind.clone()))).collect())
    }

    /// Those of the warehouse itself.
    pub fn of_warehouse(&self) -> impl Iterator<Item = &External> {
        let is_beside = |external: &External| {
            let parts = parts(&external.name).unwrap_or_default();
            parts.len() == 3 && self.databases.contains(&parts[0].to_ascii_lowercase())
        };
        self.by_key.values().filter(move |external| !is_beside(external))
    }
}

impl External {
    /// Its place in the warehouse.
    pub fn table(&self) -> TableName {
        let mut parts = parts(&self.name).unwrap_or_default().into_iter().rev();
        let name = parts.next().unwrap_or_default();
        TableName { schema: parts.next().unwrap_or_else(|| "main".to_owned()), name }
    }

    /// What the warehouse has otherwise, given its columns.
    pub fn differs(&self, there: &[(String, String)]) -> Option<String> {
        let names = |columns: &[(String, String)]| -> Vec<String> {
            columns.iter().map(|(name, _)| name.to_lowercase()).collect()
        };
        let (told, there) = (names(&self.columns), names(there));
        let gone: Vec<&str> = told.iter().filter(|name| !there.contains(name)).map(String::as_str).collect();
        let new: Vec<&str> = there.iter().filter(|name| !told.contains(name)).map(String::as_str).collect();
        let is_same = told.is_empty() || (gone.is_empty() && new.is_empty());
        let list = |what: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
        let both = [list("no longer has", gone), list("also has", new)].into_iter().flatten().collect::<Vec<_>>();
        (!is_same).then(|| format!("`{}` {}", self.name, both.join(", ")))
    }
}

/// The text that tells of these tables, each by the parts of its name.
pub fn written(tables: &BTreeMap<Vec<String>, Vec<(String, String)>>) -> String {
    let mut text =
        "# Written by `vmesh create-external-models`: the tables that models read and no model makes.\n".to_owned();
    for (parts, columns) in tables {
        let is_plain = |part: &String| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_number = |part: &String| part.starts_with(|c: char| c.is_ascii_digit());
        let part = |part: &String| if is_plain(part) && !is_number(part) { part.clone() } else { quote(part) };
        let name = parts.iter().map(part).collect::<Vec<_>>().join(".");
        text.push_str(&format!("\n- name: {}\n  columns:\n", scalar(&name)));
        for (name, kind) in columns {
            text.push_str(&format!("    {}: {}\n", scalar(name), scalar(kind)));
        }
    }
    text
}

/// A text as YAML reads it: in quotes, unless it surely is nothing else.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.(), ".contains(c);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_plain);
    match is_word && !text.ends_with(' ') && !words.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

fn read(entry: &Node) -> Result<(Vec<String>, External), Problem> {
    let fields = entry.map().ok_or_else(|| problem("expected `name:` and `columns:`", entry.span.clone()))?;
    let (mut found, mut columns) = (None, Vec::new());
    for (key, value) in fields {
        match key.text().unwrap_or_default() {
            "name" => {
                let name = value.text().unwrap_or_default();
                let wrong = || problem("this is no name of a table", value.span.clone());
                found = Some((name.to_owned(), parts(name).ok_or_else(wrong)?));
            }
            "columns" => {
                for (name, kind) in value.map().unwrap_or_default() {
                    let text = |node: &Node| node.text().unwrap_or_default().to_owned();
                    columns.push((text(name), text(kind)));
                }
            }
            "audits" if !is_nothing(value) => {
                return Err(helped(
                    "audits of tables that no model makes are not supported yet",
                    key.span.clone(),
                    "put them on a model that reads the table: kind VIEW costs nothing",
                ));
            }
            known if KEYS.contains(&known) => {}
            unknown => {
                let help = match nearest(unknown, KEYS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "a table has a name, columns and a description".to_owned(),
                };
                return Err(helped(format!("unknown key `{unknown}`"), key.span.clone(), help));
            }
        }
    }
    let (name, parts) = found.ok_or_else(|| problem("the table has no `name`", entry.span.start..entry.span.start))?;
    Ok((parts, External { name, columns }))
}

fn is_nothing(node: &Node) -> bool {
    node.is_null() || matches!(&node.kind, Kind::List(items) if items.is_empty())
}

/// The parts of `schema.table` or `catalog.schema.table`, quoted or not.
fn parts(name: &str) -> Option<Vec<String>> {
    let lexemes = sql::lex(name).ok()?;
    let mut parts = Vec::new();
    for (index, lexeme) in lexemes.iter().enumerate() {
        match (&lexeme.token, index % 2) {
            (Token::Word { text, .. }, 0) => parts.push(text.clone()),
            (Token::Symbol(dot), 1) if dot == "." => {}
            _ => return None,
        }
    }
    (lexemes.len() % 2 == 1 && parts.len() <= 3).then_some(parts)
}

fn problem(what: impl Into<String>, span: Span) -> Problem {
    Problem { what: what.into(), span, help: None }
}

fn helped(what: impl Into<String>, span: Span, help: impl Into<String>) -> Problem {
    Problem { help: Some(help.into()), ..problem(what, span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let table = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let column = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
        let columns = vec![
            column("id", "INTEGER"),
            column("yes", "DECIMAL(9,2)"),
            column("Odd: name # \"", "STRUCT(\"a b\" INTEGER, c VARCHAR[])"),
            column("e", "ENUM('it''s', '-')"),
        ];
        let tables = BTreeMap::from([
            (table(&["raw", "orders"]), columns.clone()),
            (table(&["raw", "with space"]), vec![column("0", "BIGINT")]),
        ]);
        let text = written(&tables);
        let externals = read(&text).unwrap_or_else(|problem| panic!("{problem:?}\n{text}"));
        assert_eq!(externals.get(&table(&["raw", "orders"])).map(|it| &it.columns), Some(&columns), "{text}");
        assert!(externals.get(&table(&["RAW", "With space"])).is_some(), "{text}");
    }

    fn read(text: &str) -> Result<Externals, Problem> {
        let mut externals = Externals::default();
        externals.add(text).map(|()| externals)
    }

    #[test]
    fn a_table_is_found_by_any_spelling_of_its_name() {
        let text = "- name: '\"wh\".\"raw\".\"Orders\"'\n  description: All\n  columns:\n    id: INT\n    \"on\": DATE\n\
                    - name: loose\n";
        let externals = read(text).unwrap();
        let columns = |name: &str| externals.get(&parts(name).unwrap()).map(|table| table.columns.len());
        assert_eq!(
            [columns("raw.orders"), columns("wh.RAW.orders"), columns("main.loose")],
            [Some(2), Some(2), Some(0)]
        );
        assert_eq!(columns("other.orders"), None);
        let mut externals = Externals::beside(["CRM"].into_iter());
        externals
            .add("- {name: crm.raw.orders, columns: {a: INT}}\n- {name: raw.orders, columns: {a: INT, b: INT}}")
            .unwrap();
        let columns = |name: &str| externals.get(&parts(name).unwrap()).map(|table| table.columns.len());
        assert_eq!(
            [columns("Crm.raw.orders"), columns("wh.raw.orders"), columns("raw.orders")],
            [Some(1), Some(2), Some(2)]
        );
        assert_eq!(externals.of_warehouse().count(), 1);
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let told = ["- nam: a", "a: 1", "- columns: {}", "- name: a b", "- name: a\n  audits: [x]"].map(|text| {
            let problem = read(text).unwrap_err();
            format!("{text:?}: {} at {:?}; {}", problem.what, problem.span, problem.help.unwrap_or_default())
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_the_warehouse_has_otherwise_is_told() {
        let columns =
            |names: &str| names.split(' ').map(|name| (name.to_owned(), "INT".to_owned())).collect::<Vec<_>>();
        let table = External { name: "raw.orders".to_owned(), columns: columns("id Day") };
        assert_eq!(table.differs(&columns("ID day")), None);
        assert_eq!(table.differs(&columns("id at")).unwrap(), "`raw.orders` no longer has day, also has at");
        assert_eq!(table.table().to_string(), "raw.orders");
    }

    #[test]
    fn the_files_are_known_by_their_names() {
        for (path, is) in [("schema.yaml", true), ("external_models/raw/a.yml", true), ("models/schema.yaml", false)] {
            assert_eq!(is_external(path), is, "{path}");
        }
    }
}
