//! One model file: the `MODEL (…)` header in SQLMesh's syntax, and one query.

mod around;
mod comments;
mod defaults;
mod files;
mod header;
mod history;
mod incremental;
mod kind;
mod properties;
mod rule;
mod schedule;
mod seed;
mod statement;
mod unsupported;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::around::{Around, Run};
pub use self::comments::Comments;
pub use self::defaults::Defaults;
pub use self::files::{FileRead, files_read};
pub use self::history::{History, RowChange};
pub use self::incremental::{By, Incremental, OnChange, Order, Policy};
pub use self::kind::{Kind, KindWord};
pub use self::rule::Rule;
pub use self::schedule::Schedule;
pub use self::seed::Seed;
pub use self::statement::{Act, Probe, RULE, Statement, THIS_MODEL, Thing, When, is_own, temporary};
pub use self::unsupported::{Unsupported, in_python, unsupported};
use super::audit::{Call, CustomAudit};
use super::diagnostic::{Problem, nearest};
use super::macros::{Blueprint, Map};
use super::name::ModelName;
use super::sql::policy::QUERY_WORDS;
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
    /// What runs around the query.
    pub statements: Vec<Statement>,
    /// Files that the query names: paths or patterns, relative to the project.
    pub files: Vec<FileRead>,
    /// What is accepted and has no effect yet.
    pub warnings: Vec<String>,
    /// What macros made of the file's text, if it has any: that is what spans count in.
    pub expanded: Option<Expansion>,
    /// Whether the query says something else at another time.
    pub timely: bool,
    /// Whether it is the same query at any time, but for the times that stand in it.
    pub time_is_text: bool,
    /// The names, in lower case, in front of parentheses: of functions and macros, and of what only looks like them.
    pub calls: BTreeSet<String>,
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
    /// What its views are commented with.
    pub comments: Comments,
    /// Whether the header describes columns.
    pub describes: bool,
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
    let mut lexemes = sql::lex(text).map_err(|error| vec![error.into()])?;
    let statements = sql::split(&lexemes);
    let statements: Vec<&[Lexeme]> = statements.iter().map(|statement| &lexemes[statement.lexemes.clone()]).collect();
    let audits = statements.iter().position(|statement| starts(statement, "audit")).unwrap_or(statements.len());
    let (statements, audits) = statements.split_at(audits);
    let mut statements = statements.iter().copied().peekable();
    let head = statements.next_if(|statement| starts(statement, "model"));
    let mut file = properties::read(text, head.unwrap_or(&[]), defaults)?;
    own_audits(&mut file, text, audits)?;
    file.calls = statements.clone().flat_map(called).collect();
    let mut query: Option<&[Lexeme]> = None;
    let mut on_virtual_update = false;
    for statement in statements {
        match role(statement) {
            Role::Nothing => {}
            Role::Refused(problem) => return Err(vec![problem]),
            Role::UpdateBegins | Role::UpdateEnds => on_virtual_update = starts(statement, UPDATE_BEGINS),
            _ if on_virtual_update => {
                let warning = file.about.comments.update(statement).map_err(|problem| vec![problem])?;
                file.warnings.extend(warning);
            }
            Role::Query if query.is_some() => {
                let problem = Problem::new("a model has one query; this is a second one", place(statement));
                return Err(vec![problem.help("put each model in a file of its own")]);
            }
            Role::Query => query = Some(statement),
            Role::Around => {
                let is_seed = matches!(file.kind, Some(Kind::Seed(_)));
                let when = if query.is_none() && !is_seed { When::Before } else { When::After };
                file.statements.push(statement::read(text, statement, when).map_err(|problem| vec![problem])?);
            }
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
            if file.about.comments.columns.is_empty() && head.is_some() {
                file.about.comments.columns = comments::behind_columns(text, statement);
            }
            if head.is_none() {
                file.place = first(statement);
                file.audits.iter_mut().for_each(|call| call.tell_at(&first(statement)));
            }
            file.query = Some(sql::analyse_within(text, &file.query_span, &mut lexemes));
        }
    }
    if file.kind == Some(Kind::Embedded) && !file.about.comments.required.is_empty() {
        file.warnings.push("an EMBEDDED model has no view: ON_VIRTUAL_UPDATE has no effect".to_owned());
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

    /// The names, in lower case, of the temporary tables and views that there are when the query runs, or, with `after`,
    /// when the statements behind it do.
    pub fn temporary(&self, after: bool) -> BTreeSet<String> {
        let made = self.statements.iter().filter(|statement| after || statement.when == When::Before);
        let name = |statement: &Statement| match &statement.act {
            Act::Make(Thing::Table | Thing::View, name) => Some(name.to_lowercase()),
            _ => None,
        };
        made.filter_map(name).collect()
    }

    /// The names, in lower case and without schemas, of all that its query and statements read or call.
    pub fn used(&self) -> BTreeSet<String> {
        let of_query = self.query.iter().flat_map(|query| query.reads.iter().flatten());
        let of_statements = self.statements.iter().flat_map(Statement::reads).map(|(read, _)| read);
        let reads = of_query.chain(of_statements).filter_map(|read| read.parts.last());
        reads.map(|name| name.to_lowercase()).chain(self.calls.iter().cloned()).collect()
    }

    /// Whether a name that the query reads is that of a temporary table of its statements.
    pub fn is_temporary(&self, parts: &[String]) -> bool {
        temporary(parts).is_some_and(|name| self.temporary(false).contains(&name.to_lowercase()))
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
            statements: Vec::new(),
            files: Vec::new(),
            warnings: Vec::new(),
            expanded: None,
            timely: false,
            time_is_text: true,
            calls: BTreeSet::new(),
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

/// The names in front of parentheses, in lower case.
fn called(statement: &[Lexeme]) -> impl Iterator<Item = String> {
    statement.windows(2).filter_map(|pair| match (&pair[0].token, pair[1].is_symbol("(")) {
        (Token::Word { text, .. }, true) => Some(text.to_lowercase()),
        _ => None,
    })
}

/// What a statement is in a model's file.
enum Role {
    Query,
    Around,
    UpdateBegins,
    UpdateEnds,
    /// A fence around Jinja, which is rendered by now.
    Nothing,
    Refused(Problem),
}

const UPDATE_BEGINS: &str = "on_virtual_update_begin";

fn role(statement: &[Lexeme]) -> Role {
    if starts(statement, UPDATE_BEGINS) {
        return Role::UpdateBegins;
    }
    if starts(statement, "on_virtual_update_end") {
        return Role::UpdateEnds;
    }
    if ["jinja_query_begin", "jinja_statement_begin", "jinja_end"].iter().any(|fence| starts(statement, fence)) {
        return Role::Nothing;
    }
    // what the machine gives is main's to say, in `[limits]`
    if sql::policy::sets_the_machine(statement) {
        return Role::Nothing;
    }
    if starts(statement, "model") {
        return Role::Refused(Problem::new("the MODEL header must come first, and once", place(statement)));
    }
    if sql::policy::begins_query(statement) {
        return Role::Query;
    }
    match statement.first().map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, quoted: false }) if VERBS.iter().any(|verb| text.eq_ignore_ascii_case(verb)) => {
            Role::Around
        }
        Some(Token::Word { text, .. }) if nearest(text, QUERY_WORDS).is_some() => {
            let near = nearest(text, QUERY_WORDS).unwrap_or_default().to_uppercase();
            let problem = Problem::new("expected a query or a statement around it", first(statement));
            Role::Refused(problem.help(format!("did you mean `{near}`?")))
        }
        _ => Role::Around,
    }
}

/// Words of DuckDB that begin a statement: none of them is a query misspelled.
const VERBS: [&str; 12] =
    ["set", "create", "drop", "insert", "update", "delete", "alter", "copy", "load", "call", "use", "merge"];

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
