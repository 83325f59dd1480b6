//! One model file: the `MODEL (…)` header in SQLMesh's syntax, and one query.

mod defaults;
mod files;
mod header;
mod history;
mod incremental;
mod kind;
mod problem;
mod properties;
mod schedule;
mod seed;

use serde::{Deserialize, Serialize};

pub use self::defaults::Defaults;
pub use self::files::files_read;
pub use self::history::{History, RowChange};
pub use self::incremental::{By, Incremental, OnChange, Order, Policy};
pub use self::kind::Kind;
pub use self::problem::Problem;
pub use self::schedule::Schedule;
pub use self::seed::Seed;
use super::audit::{Call, CustomAudit};
use super::diagnostic::nearest;
use super::macros::{Blueprint, Map};
use super::name::ModelName;
use super::sql::{self, Lexeme, Query, Span, Token};

/// What one file says, without knowing where it lies: the same bytes and defaults always give the same value, so it is
/// cached by the id of the file's blob and theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFile {
    /// The name in the header; without one, the path names the model.
    pub name: Option<ModelName>,
    /// The catalog before the name, if there is one.
    pub catalog: Option<String>,
    /// The engine that the header asks for.
    pub gateway: Option<String>,
    /// The place to point at when something is wrong with the model as a whole.
    pub place: Span,
    /// How it is materialized, if the header or a default says so.
    pub kind: Option<Kind>,
    /// When it is filled.
    pub schedule: Schedule,
    /// Properties of the header that are no meaning of the rows.
    pub about: About,
    /// Properties that the table is made with, canonically spelled: they count in the fingerprint.
    pub physical: Vec<(String, String)>,
    /// Declared columns and their types.
    pub columns: Vec<(String, String)>,
    /// What must hold of its rows.
    pub audits: Vec<Call>,
    /// Audits that are written behind the query, for this model alone.
    pub own_audits: Vec<CustomAudit>,
    /// Parents named by hand.
    pub depends_on: Vec<ModelName>,
    /// The query; seeds have none.
    pub query: Option<Query>,
    /// Where the query stands in the file.
    pub query_span: Span,
    /// Files that the query names: paths or patterns, relative to the project.
    pub files: Vec<String>,
    /// What is accepted and has no effect yet.
    pub warnings: Vec<String>,
    /// What macros made of the file's text, if it has any: that is what spans count in.
    pub expanded: Option<Expansion>,
    /// Whether the query says something else at another time.
    pub timely: bool,
}

/// A file's text without its macros.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Expansion {
    /// The text.
    pub text: String,
    /// Where it came from.
    pub map: Map,
    /// A hash over the file as it was written.
    pub written: [u8; 32],
    /// The values of the model, if the file makes several.
    pub blueprint: Option<Blueprint>,
    /// The relations whose columns had a say.
    pub asked: Vec<Vec<String>>,
}

/// What a header says about a model without changing its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct About {
    /// A sentence for people.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// The columns that identify a row: the default key of `table-diff`.
    pub grain: Vec<String>,
    /// Whether the model is part of the project at all.
    pub disabled: bool,
    /// Whether its layout is the author's own: `formatting false`.
    pub unformatted: bool,
    /// Rules of the linter that don't count here, in lower case; `all`: none does.
    pub ignored_rules: Vec<String>,
    /// A hash over every property that is only metadata.
    pub hash: [u8; 32],
}

/// Reads one model file of a project without defaults.
pub fn parse(text: &str) -> Result<ModelFile, Vec<Problem>> {
    parse_with(text, &Defaults::default())
}

/// Reads one model file.
pub fn parse_with(text: &str, defaults: &Defaults) -> Result<ModelFile, Vec<Problem>> {
    let lexemes = sql::lex(text).map_err(|error| vec![error.into()])?;
    let statements = sql::split(&lexemes);
    let statements: Vec<&[Lexeme]> = statements.iter().map(|statement| &lexemes[statement.lexemes.clone()]).collect();
    let audits = statements.iter().position(|statement| starts(statement, "audit")).unwrap_or(statements.len());
    let (statements, audits) = statements.split_at(audits);
    let mut statements = statements.iter().copied().peekable();
    let head = statements.next_if(|statement| starts(statement, "model"));
    let mut file = properties::read(text, head.unwrap_or(&[]), defaults)?;
    own_audits(&mut file, text, audits)?;
    let mut query: Option<&[Lexeme]> = None;
    for statement in statements {
        if let Some(problem) = not_yet(statement) {
            return Err(vec![problem]);
        }
        if query.replace(statement).is_some() {
            let problem = Problem::new("a model has one query; this is a second one", place(statement));
            return Err(vec![problem.help("put each model in a file of its own")]);
        }
    }
    match (query, &file.kind) {
        (Some(statement), Some(Kind::Seed(_))) => {
            return Err(vec![Problem::new("a SEED has no query: its rows come from the CSV file", place(statement))]);
        }
        (None, Some(Kind::Seed(_))) => {}
        (None, _) => {
            let end = text.trim_end().len();
            let problem = Problem::new("the file has no query", end.saturating_sub(1)..end);
            return Err(vec![problem.help("add a SELECT behind the header")]);
        }
        (Some(statement), _) => {
            file.query_span = place(statement);
            if head.is_none() {
                file.place = first(statement);
                file.audits.iter_mut().for_each(|call| call.tell_at(&first(statement)));
            }
            file.query = Some(sql::analyse(&text[file.query_span.clone()]));
        }
    }
    Ok(file)
}

impl ModelFile {
    /// Where a place comes from in the file as it was written.
    pub fn original(&self, span: &Span) -> Span {
        self.expanded.as_ref().map_or_else(|| span.clone(), |expanded| expanded.map.original(span))
    }

    /// The values that make the model one of several of its file.
    pub fn blueprint(&self) -> Option<&Blueprint> {
        self.expanded.as_ref()?.blueprint.as_ref()
    }

    /// A file without a header.
    fn plain() -> Self {
        Self {
            name: None,
            catalog: None,
            gateway: None,
            place: 0..0,
            kind: None,
            schedule: Schedule::default(),
            about: About::default(),
            physical: Vec::new(),
            columns: Vec::new(),
            audits: Vec::new(),
            own_audits: Vec::new(),
            depends_on: Vec::new(),
            query: None,
            query_span: 0..0,
            files: Vec::new(),
            warnings: Vec::new(),
            expanded: None,
            timely: false,
        }
    }
}

/// Reads the audits behind a model's query.
fn own_audits(file: &mut ModelFile, text: &str, statements: &[&[Lexeme]]) -> Result<(), Vec<Problem>> {
    file.own_audits = CustomAudit::statements(text, statements)?;
    if let Some(audit) = file.own_audits.iter().find(|audit| audit.header.standalone) {
        let problem = Problem::new("a standalone audit belongs to no model", audit.header.span.clone());
        return Err(vec![problem.help("put it into a file of its own: audits/*.sql")]);
    }
    let called = |audit: &CustomAudit| file.audits.iter().any(|call| call.name == audit.header.name);
    let idle = file.own_audits.iter().filter(|audit| !called(audit));
    let idle =
        idle.map(|audit| format!("its audit `{0}` never runs: call it in the header, audits ({0})", audit.header.name));
    file.warnings.extend(idle.collect::<Vec<_>>());
    Ok(())
}

/// What SQLMesh has and vmesh doesn't have yet: said clearly rather than built wrongly.
fn not_yet(statement: &[Lexeme]) -> Option<Problem> {
    let refuse = |what: &str| Some(Problem::new(format!("{what} are not supported yet"), place(statement)));
    if starts(statement, "on_virtual_update_begin") || starts(statement, "on_virtual_update_end") {
        return refuse("ON_VIRTUAL_UPDATE statements");
    }
    let queries =
        ["select", "with", "from", "values", "table", "pivot", "unpivot", "summarize", "describe", "desc", "show"];
    let is_query = statement.first().is_some_and(|lexeme| header::is(lexeme, "("))
        || queries.iter().any(|word| starts(statement, word));
    if starts(statement, "model") {
        return Some(Problem::new("the MODEL header must come first, and once", place(statement)));
    }
    if !is_query {
        let problem = Problem::new("expected a query; statements around it are not supported yet", first(statement));
        let typed = statement.first().map(|lexeme| &lexeme.token);
        let near = match typed {
            Some(Token::Word { text, .. }) => nearest(text, queries),
            _ => None,
        };
        return Some(match near {
            Some(near) => problem.help(format!("did you mean `{}`?", near.to_uppercase())),
            None => problem.help("a model is one SELECT, WITH, FROM, VALUES, PIVOT or UNPIVOT"),
        });
    }
    None
}

fn starts(statement: &[Lexeme], word: &str) -> bool {
    let first = statement.first().map(|lexeme| &lexeme.token);
    matches!(first, Some(Token::Word { text, quoted: false }) if text.eq_ignore_ascii_case(word))
}

fn first(statement: &[Lexeme]) -> Span {
    statement.first().map_or(0..0, |lexeme| lexeme.span.clone())
}

fn place(statement: &[Lexeme]) -> Span {
    match statement {
        [first, .., last] => first.span.start..last.span.end,
        _ => first(statement),
    }
}

#[cfg(test)]
mod tests;
