//! `[sources]`: what models may read besides the warehouse and the files that are committed. It is main's to say: a branch
//! that comes from a stranger opens no door.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::super::diagnostic::{Diagnostic, Excerpt};
use super::super::pattern::is_pattern;
use super::super::sql::policy;
use super::EnvText;

/// What models may read besides the warehouse and the files that are committed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outside {
    /// Folders and files.
    pub files: Vec<Files>,
    /// Databases.
    pub attached: Vec<Attached>,
}

/// A folder, a file, or the beginning of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Files {
    /// Its path: a relative one is told from the project's folder in the main worktree.
    pub path: String,
    /// What makes the models due that read a file of it.
    pub freshness: Freshness,
}

/// What of a file makes the models due that read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// Nothing.
    #[default]
    Ignore,
    /// Its size and the time of its last change.
    Modified,
    /// Its bytes.
    Content,
}

/// A database beside the warehouse, which is only read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attached {
    /// Its name in SQL.
    pub name: String,
    /// Whose it is.
    pub kind: Kind,
    /// Where it is: a path or a connection string.
    pub target: EnvText,
}

/// Whose database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// DuckDB's own: a file.
    DuckDb,
    /// SQLite: a file.
    Sqlite,
    /// PostgreSQL: a connection string.
    Postgres,
    /// MySQL: a connection string.
    Mysql,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SourcesTable {
    files: Vec<Spanned<FilesEntry>>,
    attach: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a path, or { path = \"…\", freshness = \"modified\" }")]
enum FilesEntry {
    Path(String),
    Table(FilesTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilesTable {
    path: String,
    #[serde(default)]
    freshness: Freshness,
}

impl Kind {
    /// Its name, in settings and in SQL.
    pub fn word(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    /// Whether it is a file of this machine.
    pub fn is_file(self) -> bool {
        matches!(self, Self::DuckDb | Self::Sqlite)
    }

    /// The engine's extension that reads it.
    pub fn extension(self) -> Option<&'static str> {
        match self {
            Self::DuckDb => None,
            Self::Sqlite => Some("sqlite_scanner"),
            Self::Postgres => Some("postgres_scanner"),
            Self::Mysql => Some("mysql_scanner"),
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::DuckDb, Self::Sqlite, Self::Postgres, Self::Mysql].into_iter().find(|kind| kind.word() == word)
    }
}

impl Outside {
    pub(super) fn read(table: SourcesTable, excerpt: &dyn Fn(Range<usize>) -> Excerpt) -> Result<Self, Diagnostic> {
        let wrong = |(what, help): (String, &str), span| Diagnostic::new(what).at(excerpt(span)).help(help);
        let files = |entry: &Spanned<FilesEntry>| {
            let (path, freshness) = match entry.get_ref() {
                FilesEntry::Path(path) => (path, Freshness::default()),
                FilesEntry::Table(table) => (&table.path, table.freshness),
            };
            let path = allowed(path).map_err(|why| wrong(why, entry.span()))?;
            Ok(Files { path, freshness })
        };
        let files = table.files.iter().map(files).collect::<Result<_, Diagnostic>>()?;
        let attached = |(name, text): (&Spanned<String>, &Spanned<String>)| {
            check_name(name.get_ref()).map_err(|why| wrong(why, name.span()))?;
            let (kind, target) = database(text.get_ref()).map_err(|why| wrong(why, text.span()))?;
            Ok(Attached { name: name.get_ref().clone(), kind, target })
        };
        let known: Vec<Attached> = table.attach.iter().map(attached).collect::<Result<_, Diagnostic>>()?;
        for (at, name) in table.attach.keys().enumerate() {
            if known[..at].iter().any(|other| other.name.eq_ignore_ascii_case(name.get_ref())) {
                let what = format!("`{}` is attached twice: DuckDB knows no letter case", name.get_ref());
                return Err(wrong((what, "give it another name"), name.span()));
            }
        }
        Ok(Self { files, attached: known })
    }

    /// A path or pattern without `.` and `..`, if it may be read though no commit has it.
    pub fn allowed(&self, path: &str) -> Option<String> {
        let path = plain(path).filter(|path| !path.split('/').any(|part| part.eq_ignore_ascii_case(".git")))?;
        self.files.iter().any(|entry| holds(&entry.path, &path)).then_some(path)
    }

    /// Whether changes of files make models due.
    pub fn has_freshness(&self) -> bool {
        self.files.iter().any(|entry| entry.freshness != Freshness::Ignore)
    }

    /// What makes the models due that read a path which is allowed: of several entries, the strictest.
    pub fn freshness(&self, path: &str) -> Freshness {
        let holding = self.files.iter().filter(|entry| holds(&entry.path, path));
        holding.map(|entry| entry.freshness).max().unwrap_or_default()
    }
}

/// Whether a path lies in what an entry names.
fn holds(entry: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(entry) else { return false };
    let is_inside = entry.is_empty() || entry.ends_with('/') || rest.is_empty() || rest.starts_with('/');
    let leads_elsewhere = entry.is_empty() && (policy::from_root(path) || policy::is_remote(path));
    is_inside && !leads_elsewhere && rest.trim_start_matches('/').split('/').next() != Some("..")
}

/// A path without `.` and `..`; none where that can't be told from its text alone.
fn plain(path: &str) -> Option<String> {
    if policy::is_remote(path) {
        let is_plain = |part: &str| !matches!(part, "." | "..") && !part.to_ascii_lowercase().contains("%2e");
        return path.split('/').all(is_plain).then(|| path.to_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", None) if path.starts_with('/') => {}
            // what a pattern means has other parents than its text
            ("..", Some(last)) if is_pattern(last) => return None,
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            (part, _) => parts.push(part),
        }
    }
    let (start, end) = (if path.starts_with('/') { "/" } else { "" }, if path.ends_with('/') { "/" } else { "" });
    Some(match parts.is_empty() {
        true => start.to_owned(),
        false => format!("{start}{}{end}", parts.join("/")),
    })
}

/// An entry of `files` as it is compared with paths.
pub(super) fn allowed(path: &str) -> Result<String, (String, &'static str)> {
    let help = "files = [\"data/raw/\", \"/srv/landing/\", \"s3://acme-landing/\"]";
    let refuse = |why: &str| Err((format!("`{path}` {why}"), help));
    let in_query = |c| matches!(c, '?' | '#');
    match () {
        () if path.trim().is_empty() => refuse("names nothing"),
        () if is_pattern(path) => refuse("is a pattern: folders are named as a whole"),
        () if path.starts_with('~') || path.contains('\\') => refuse("can't be told on every machine: write it out"),
        () if path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) => {
            refuse("is an address: write the path alone")
        }
        () if policy::is_remote(path) && (path.contains('@') || path.contains(in_query)) => {
            refuse("may have a secret in it, which settings don't hold")
        }
        () if policy::is_remote(path) && path.split('/').nth(2).is_none_or(str::is_empty) => refuse("names no machine"),
        () => plain(path).ok_or_else(|| (format!("`{path}` leads out of itself"), help)),
    }
}

/// `postgres:env:CRM_DSN`, `../legacy.duckdb`, `sqlite:notes.db`.
fn database(text: &str) -> Result<(Kind, EnvText), (String, &'static str)> {
    let help = "crm = \"postgres:env:CRM_DSN\", or the path of a DuckDB file: legacy = \"../legacy.duckdb\"";
    let (kind, rest) = match text.split_once(':') {
        Some((word, rest)) if Kind::of_word(word).is_some() => (Kind::of_word(word).unwrap_or(Kind::DuckDb), rest),
        Some(("env", _)) | None => (Kind::DuckDb, text),
        Some((word, _)) => return Err((format!("`{word}` is no kind of database that can be attached"), help)),
    };
    let target = EnvText::read(rest).map_err(|what| (what, help))?;
    let lower = rest.to_ascii_lowercase();
    let has_secret = ["password", "passwd", "pwd="].iter().any(|word| lower.contains(word))
        || rest.split_once("://").is_some_and(|(_, rest)| {
            rest.split('@').next().is_some_and(|user| user.contains(':') && rest.contains('@'))
        });
    match () {
        () if rest.trim().is_empty() => Err(("this names no database".to_owned(), help)),
        () if has_secret => Err((
            "a secret has no place in a file of the project".to_owned(),
            "put the whole connection string into a variable of the environment: \"postgres:env:CRM_DSN\"",
        )),
        () => Ok((kind, target)),
    }
}

/// Names that the engine has itself, or that would be taken for something else.
const TAKEN: [&str; 6] = ["main", "prod", "system", "temp", "pg_catalog", "information_schema"];

/// Refuses what can't name a database.
pub(super) fn check_name(name: &str) -> Result<(), (String, &'static str)> {
    let help = "letters, digits and `_`; tables in it are read as name.schema.table";
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let lower = name.to_ascii_lowercase();
    let is_taken = TAKEN.contains(&lower.as_str()) || lower.starts_with("vmesh_") || lower.starts_with("dev__");
    match is_word && !is_taken {
        true => Ok(()),
        false => Err((format!("`{name}` can't name a database"), help)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::Config;
    use super::*;

    fn outside(text: &str) -> Result<Outside, Diagnostic> {
        Config::parse("vmesh.toml", text, &|_| None).map(|config| config.outside)
    }

    #[test]
    fn a_path_is_allowed_by_the_folder_that_it_lies_in() {
        let outside = outside(
            "[sources]\nfiles = [\"data/raw/\", \"./one.csv\", \"../up\", \"/srv/landing/\", \"s3://acme/in/\", \
             \"https://example.com\"]",
        );
        let outside = outside.unwrap();
        let allowed = [
            ("data/raw/a.csv", "data/raw/a.csv"),
            ("./data/./raw/*/b.csv", "data/raw/*/b.csv"),
            ("data/x/../raw/a.csv", "data/raw/a.csv"),
            ("one.csv", "one.csv"),
            ("../up/a.csv", "../up/a.csv"),
            ("../up", "../up"),
            ("/srv/landing//a.csv", "/srv/landing/a.csv"),
            ("/../srv/landing/a.csv", "/srv/landing/a.csv"),
            ("s3://acme/in/a.parquet", "s3://acme/in/a.parquet"),
            ("https://example.com/a.csv", "https://example.com/a.csv"),
        ];
        for (path, plain) in allowed {
            assert_eq!(outside.allowed(path).as_deref(), Some(plain), "{path}");
        }
        let refused = [
            "data/raws/a.csv",
            "data/raw",
            "data/raw/../a.csv",
            "data/raw/*/../../a.csv",
            "data/raw/**/../../../etc/passwd",
            "data/r*/a.csv",
            "../up/../a.csv",
            "../../up/a.csv",
            "../upper/a.csv",
            "one.csv.gz",
            "/srv/landing/../x",
            "/srv/landings/x",
            "s3://acme/in/../out/a.parquet",
            "s3://acme/in/%2E%2e/out/a.parquet",
            "s3://acme/inn",
            "https://example.com.evil.org/a.csv",
            "https://example.community/a.csv",
            "srv/landing/a.csv",
            "data/raw/.git/config",
            "data/raw/.GIT/config",
        ];
        for path in refused {
            assert_eq!(outside.allowed(path), None, "{path}");
        }
    }

    #[test]
    fn the_project_s_folder_is_no_more_than_that() {
        let outside = outside("[sources]\nfiles = [\"./\"]").unwrap();
        assert_eq!(outside.allowed("x/a.csv").as_deref(), Some("x/a.csv"));
        for path in ["../a.csv", "/a.csv", "x/../../a.csv", "s3://a/b", "~/a.csv", "file:///a.csv"] {
            assert_eq!(outside.allowed(path), None, "{path}");
        }
    }

    #[test]
    fn databases_have_names_and_no_secrets() {
        let text = "[sources.attach]\ncrm = \"postgres:env:CRM_DSN\"\nlegacy = \"../legacy.duckdb\"\n\
                    notes = \"sqlite:notes.db\"\nany = \"env:ANY\"";
        let found = outside(text).unwrap().attached;
        let told = |it: &Attached| (it.name.clone(), it.kind, it.target.clone());
        assert_eq!(
            found.iter().map(told).collect::<Vec<_>>(),
            [
                ("any".to_owned(), Kind::DuckDb, EnvText::read("env:ANY").unwrap()),
                ("crm".to_owned(), Kind::Postgres, EnvText::read("env:CRM_DSN").unwrap()),
                ("legacy".to_owned(), Kind::DuckDb, EnvText::said("../legacy.duckdb")),
                ("notes".to_owned(), Kind::Sqlite, EnvText::said("notes.db")),
            ]
        );
        let wrong = [
            ("crm = \"postgres:host=x password=y\"", "a secret has no place in a file of the project"),
            ("crm = \"postgres:postgres://u:p@h/d\"", "a secret has no place in a file of the project"),
            ("crm = \"oracle:x\"", "`oracle` is no kind of database that can be attached"),
            ("crm = \"postgres:\"", "this names no database"),
            ("crm = \"postgres:env:\"", "`` is no variable of the environment"),
            ("main = \"x.duckdb\"", "`main` can't name a database"),
            ("\"a b\" = \"x.duckdb\"", "`a b` can't name a database"),
            ("a = \"x.duckdb\"\nA = \"y.duckdb\"", "`a` is attached twice: DuckDB knows no letter case"),
            ("dev__x = \"x.duckdb\"", "`dev__x` can't name a database"),
        ];
        for (line, what) in wrong {
            let error = outside(&format!("[sources.attach]\n{line}")).unwrap_err();
            assert_eq!((error.what.as_str(), error.at.is_some()), (what, true), "{line}");
        }
        let same = outside("[sources.attach]\nwarehouse = \"x.duckdb\"").unwrap_err();
        assert_eq!(same.what, "vmesh.toml: `warehouse` is the name of the warehouse itself");
        let files = ["", "data/*.csv", "~/x", "file:///x", "s3://", "https://user:pass@host/", "s3://b/?key=x"];
        for file in files {
            assert!(outside(&format!("[sources]\nfiles = [\"{file}\"]")).is_err(), "{file}");
        }
        let entry = "[sources]\nfiles = [\"a/\", { path = \"a/b/\", freshness = \"modified\" }]";
        let freshness = |path: &str| outside(entry).unwrap().freshness(path);
        assert_eq!((freshness("a/x"), freshness("a/b/x")), (Freshness::Ignore, Freshness::Modified));
        assert!(outside("[sources]\nfiles = [{ path = \"a/\", freshness = \"often\" }]").is_err());
        let error = outside("[sources]\nfile = []").unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `files`?"));
    }
}
