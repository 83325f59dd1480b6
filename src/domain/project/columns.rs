//! The columns of models, where the files prove them, and columns that surely don't exist.

use std::collections::BTreeMap;

use super::super::diagnostic::{Diagnostic, Excerpt, nearest};
use super::super::model::Kind;
use super::super::name::ModelName;
use super::super::sql::{ColumnUse, Output};
use super::{Draft, Model, Sources, excerpt};

/// The columns of a model whose parents are finished; `None` where they can't be told without the engine.
pub(super) fn of(draft: &Draft, models: &BTreeMap<ModelName, Model>) -> Option<Vec<String>> {
    if let Kind::Seed(_) = draft.kind {
        if !draft.file.columns.is_empty() {
            return Some(draft.file.columns.iter().map(|(name, _)| name.clone()).collect());
        }
        return draft.seed.as_ref()?.header.clone();
    }
    let mut columns = Vec::new();
    for output in draft.file.query.as_ref()?.outputs.as_ref()? {
        match output {
            Output::Column(name) => columns.push(name.clone()),
            Output::All { read, except } => {
                let parent = models.get(draft.reads.get(*read)?.as_ref()?)?;
                let is_left_out = |name: &String| except.iter().any(|other| other.eq_ignore_ascii_case(name));
                columns.extend(parent.columns.as_ref()?.iter().filter(|name| !is_left_out(name)).cloned());
            }
        }
    }
    if let Kind::Incremental(incremental) = &draft.kind {
        columns.extend(incremental.added_columns().into_iter().map(str::to_owned));
    }
    // of columns that share a name, DuckDB renames all but the first
    let mut seen = std::collections::BTreeSet::new();
    columns.iter().all(|name| seen.insert(name.to_lowercase())).then_some(columns)
}

/// Columns that kinds need and that their queries surely don't give, or give beside the kind's own.
pub(super) fn lacking(sources: &Sources<'_>, models: &BTreeMap<ModelName, Model>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for model in models.values() {
        let Kind::Incremental(incremental) = &model.kind else { continue };
        let mut problem = |what: String, help: String| {
            let text = (sources.text)(&model.path);
            let excerpt =
                Excerpt { path: model.path.clone(), text, span: model.file.place.clone(), label: String::new() };
            problems.push(Diagnostic::new(what).at(excerpt).help(help));
        };
        let outputs = || model.file.query.iter().flat_map(|query| query.outputs.iter().flatten());
        let gives = |name: &str| {
            outputs().any(|output| matches!(output, Output::Column(column) if column.eq_ignore_ascii_case(name)))
        };
        for name in incremental.added_columns().into_iter().filter(|name| gives(name)) {
            let what = format!("`{}` gives a column `{name}`, which its kind adds itself", model.name);
            problem(
                what,
                "leave it out of the query, or call the kind's otherwise: valid_from_name, valid_to_name".to_owned(),
            );
        }
        let Some(columns) = &model.columns else { continue };
        let has = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        for (property, name) in incremental.needed_columns().into_iter().filter(|(_, name)| !has(name)) {
            let what = format!("`{}` gives no column `{name}`, which its kind needs", model.name);
            let help = match nearest(name, columns.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{property} {near}`?"),
                None => format!("add it to the query, or name another column: {property} …"),
            };
            problem(what, help);
        }
    }
    problems
}

/// Columns that queries use and that no table they read has.
pub(super) fn unknown(sources: &Sources<'_>, models: &BTreeMap<ModelName, Model>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for model in models.values() {
        let uses = model.file.query.iter().flat_map(|query| &query.uses);
        for used in uses {
            let Some(known) = missing(used, model, models) else { continue };
            let excerpt = excerpt(sources, &model.path, &model.file, &used.span, "");
            let names: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            let what = format!("unknown column `{}`: {} no such column", used.column, have(&names));
            let columns = known.iter().flat_map(|(_, columns)| columns.iter().map(String::as_str));
            let columns: Vec<&str> = columns.collect();
            let help = match nearest(&used.column, columns.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("columns there: {}", columns.join(", ")),
            };
            problems.push(Diagnostic::new(what).at(excerpt).help(help));
        }
    }
    problems
}

fn have(names: &[String]) -> String {
    match names {
        [only] => format!("{only} has"),
        [all @ .., last] => format!("{} and {last} have", all.join(", ")),
        [] => "there is".to_owned(),
    }
}

/// The candidates with their columns, if all that matters is known and none of them has the column.
fn missing<'m>(
    used: &ColumnUse,
    model: &Model,
    models: &'m BTreeMap<ModelName, Model>,
) -> Option<Vec<(&'m ModelName, &'m Vec<String>)>> {
    let columns = |read: &usize| -> Option<(&ModelName, &Vec<String>)> {
        let parent = models.get(model.reads.get(*read)?.as_ref()?)?;
        Some((&parent.name, parent.columns.as_ref()?))
    };
    let has = |columns: &[String], name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let mut candidates: Vec<(&ModelName, &Vec<String>)> = used.candidates.iter().map(columns).collect::<Option<_>>()?;
    candidates.sort();
    candidates.dedup();
    let scope: Vec<(&ModelName, &Vec<String>)> = used.scope.iter().map(columns).collect::<Option<_>>()?;
    let hidden = ["rowid", "file_row_number", "filename"];
    if candidates.is_empty() || hidden.contains(&used.column.to_ascii_lowercase().as_str()) {
        return None;
    }
    let found = candidates.iter().any(|(_, columns)| has(columns, &used.column));
    // a qualifier may be a column itself, and the name behind it one of its fields
    let may_be_field =
        used.qualifier.as_ref().is_some_and(|qualifier| scope.iter().any(|(_, columns)| has(columns, qualifier)));
    (!found && !may_be_field).then_some(candidates)
}
