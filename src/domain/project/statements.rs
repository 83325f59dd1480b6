//! Statements around queries, against the whole project: what each reads, and whether it writes only what is the
//! model's own.

use std::collections::{BTreeMap, BTreeSet};

use super::super::config::Made;
use super::super::diagnostic::Diagnostic;
use super::super::engine_kind::EngineKind;
use super::super::model::{Act, Around, Kind, RULE, Run, Statement, Thing, When, is_own, temporary};
use super::super::name::{ModelName, TableName};
use super::super::sql::Span;
use super::check::resolve_read;
use super::{Draft, Model, Project, Sources, written};

/// Checks the statements of all drafts, and finds out which of their reads are models.
pub(super) fn check(sources: &Sources<'_>, drafts: &mut BTreeMap<ModelName, Draft>) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut resolved = Vec::new();
    for draft in drafts.values().filter(|draft| !draft.file.statements.is_empty()) {
        let mut reads = Vec::new();
        for statement in &draft.file.statements {
            let wrong = |(what, help): (String, String), span: &Span| {
                Diagnostic::new(what).at(written(sources, &draft.path, &draft.file, span, "")).help(help)
            };
            if let Err((problem, span)) = allowed(statement, draft, (sources.config.opening.engine, drafts)) {
                problems.push(wrong(problem, &span));
            }
            let temporaries = draft.file.temporary(statement.when == When::After);
            let mut models = Vec::new();
            for (read, place) in statement.reads() {
                let is_ours = place.is_none() || is_own(&read.parts, &draft.name);
                let found = match temporary(&read.parts) {
                    Some(name) if temporaries.contains(&name.to_lowercase()) => Ok(None),
                    _ if is_ours => Ok(None),
                    _ => resolve_read(read, drafts, sources),
                };
                models.push(found.unwrap_or_else(|problem| {
                    problems.push(wrong(problem, &place.unwrap_or_else(|| statement.span.clone())));
                    None
                }));
                let early = statement.when == When::Before && draft.kind == Kind::Full;
                if early && is_own(&read.parts, &draft.name) {
                    problems.push(wrong(not_there(draft), &statement.span));
                }
            }
            reads.push(models);
        }
        resolved.push((draft.name.clone(), reads));
    }
    for (name, reads) in resolved {
        if let Some(draft) = drafts.get_mut(&name) {
            draft.statement_reads = reads;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

type Refusal = ((String, String), Span);

/// Whether a statement writes what it may.
fn allowed(
    statement: &Statement,
    draft: &Draft,
    (engine, drafts): (EngineKind, &BTreeMap<ModelName, Draft>),
) -> Result<(), Refusal> {
    let word = draft.kind.word();
    let refuse = |what: String, help: &str, span: &Span| Err(((what, help.to_owned()), span.clone()));
    if matches!(draft.kind, Kind::View | Kind::Embedded) {
        let what = format!("`{}` is of kind {word}, around which no statement runs", draft.name);
        return refuse(what, "use kind FULL: its statements run whenever its table is filled", &statement.span);
    }
    let made = |thing: &Thing, name: &str| {
        draft.file.statements.iter().any(|other| match &other.act {
            Act::Make(made, its) => made == thing && its.eq_ignore_ascii_case(name),
            _ => false,
        })
    };
    match &statement.act {
        Act::Set(_) => Ok(()),
        Act::Make(_, name) => {
            let plain = ModelName::from_parts(&[name]);
            let shadowed = plain.filter(|plain| {
                drafts.contains_key(plain) || plain.in_main().is_some_and(|main| drafts.contains_key(&main))
            });
            match shadowed {
                Some(model) => {
                    let what = format!("a temporary `{name}` would hide the model `{model}`");
                    refuse(what, "choose another name", &statement.span)
                }
                None => Ok(()),
            }
        }
        Act::Drop(thing, name) if made(thing, name) => Ok(()),
        Act::Drop(_, name) => {
            let what = format!("this file makes no temporary `{name}` that it could drop");
            refuse(what, "a statement may drop only what the same file makes", &statement.span)
        }
        Act::Change(target) if target.is_own(&draft.name) => match (&draft.kind, statement.when) {
            (Kind::Full, When::Before) => Err((not_there(draft), statement.span.clone())),
            _ => Ok(()),
        },
        Act::Change(target) => {
            let temporary = target.temporary().filter(|name| made(&Thing::Table, name));
            // a view takes what is written to it to the table that it shows
            let is_writable = engine == EngineKind::DuckDb;
            if temporary.is_some() && statement.verb != "CREATE INDEX" && is_writable {
                return Ok(());
            }
            let what = format!("{} may not touch `{}`", statement.verb, target.parts.join("."));
            refuse(what, RULE, &target.span)
        }
    }
}

fn not_there(draft: &Draft) -> (String, String) {
    let what = format!("the table of `{}` is not there yet when this runs: it is made whole by the query", draft.name);
    (what, "move the statement behind the query".to_owned())
}

impl Model {
    /// The models that its statements read.
    pub fn statement_parents(&self) -> BTreeSet<&ModelName> {
        self.statement_reads.iter().flatten().flatten().collect()
    }
}

impl Project {
    /// A model's statements for one load of `own`, its table.
    pub fn around<E>(
        &self,
        model: &Model,
        own: &TableName,
        text: &dyn Fn(&Model) -> Result<std::sync::Arc<str>, E>,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Around, E> {
        let mut around = Around::default();
        if model.file.statements.is_empty() {
            return Ok(around);
        }
        let source = text(model)?;
        for (index, statement) in model.file.statements.iter().enumerate() {
            let models = model.statement_reads.get(index).map_or(&[][..], Vec::as_slice);
            let replacements = self.replacements(models, text, table)?;
            let reads: Vec<&Span> = statement.reads().map(|(read, _)| &read.span).collect();
            let (sql, query) = statement.sql(&source, &model.name, own, self.engine, &|read| {
                let at = reads.iter().position(|span| **span == read.span)?;
                let known = replacements.get(at).cloned().flatten();
                known.or_else(|| is_own(&read.parts, &model.name).then(|| own.quoted()))
            });
            let is_on = matches!(&statement.act, Act::Change(target) if target.is_own(&model.name));
            let reads_it = statement.reads().any(|(read, _)| is_own(&read.parts, &model.name));
            let run = Run { number: index, sql, on_table: is_on || reads_it, query };
            match statement.when {
                When::Before => around.before.push(run),
                When::After => around.after.push(run),
            }
            if let Act::Make(Thing::Macro | Thing::TableMacro, name) = &statement.act {
                around.macros.push(name.clone());
            }
            around.undo.extend(statement.undo(self.engine));
        }
        around.undo.reverse();
        Ok(around)
    }
}

/// What counts of `before_all` for a draft.
pub(super) fn made_for(sources: &Sources<'_>, draft: &Draft) -> Vec<[u8; 32]> {
    match sources.before_all {
        [] => Vec::new(),
        made => Made::counting(made, &draft.file.used()),
    }
}
