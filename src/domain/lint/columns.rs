//! Column names that mean nothing, or two things.

use super::super::diagnostic::nearest;
use super::super::project::{Model, Project};
use super::super::sql::{NameUse, Selected, Table};
use super::{Finding, Place, Subject};

/// Columns that DuckDB adds to what it reads.
const HIDDEN: [&str; 3] = ["rowid", "file_row_number", "filename"];

/// `ambiguousorinvalidcolumn`.
pub(super) fn ambiguous_or_invalid(subject: &Subject<'_>) -> Vec<Finding> {
    let selected = subject.survey.iter().flat_map(|survey| &survey.selected);
    selected.flat_map(|selected| of_select(subject.project, subject.model, selected)).collect()
}

/// A relation's name and columns, where the files prove them.
struct Known<'a> {
    name: Option<&'a str>,
    columns: Option<Vec<String>>,
}

impl Known<'_> {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().flatten().any(|name| name.eq_ignore_ascii_case(column))
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

fn of_select(project: &Project, model: &Model, selected: &Selected) -> Vec<Finding> {
    let known = |table: &'_ Table| table.columns.as_ref().and_then(|columns| project.columns(model, columns));
    let tables: Vec<Known<'_>> =
        selected.tables.iter().map(|table| Known { name: table.name.as_deref(), columns: known(table) }).collect();
    selected.names.iter().filter_map(|name| ambiguous(name, &tables).or_else(|| invalid(name, &tables))).collect()
}

fn ambiguous(name: &NameUse, tables: &[Known<'_>]) -> Option<Finding> {
    let candidates = name.at_most_one_of.iter().filter_map(|index| tables.get(*index));
    let having: Vec<&Known<'_>> = candidates.filter(|table| table.has(&name.column)).collect();
    if having.len() < 2 {
        return None;
    }
    let names: Vec<&str> = having.iter().filter_map(|table| table.name).collect();
    let choices: Vec<String> = names.iter().map(|table| format!("{table}.{}", name.column)).collect();
    Some(Finding {
        what: format!("column `{}` is ambiguous: {} have it", name.column, listed(&names)),
        place: Place::Query(name.span.clone()),
        help: format!("write {}", choices.join(" or ")),
    })
}

/// A name that no relation has, if the columns of all of them are known.
fn invalid(name: &NameUse, tables: &[Known<'_>]) -> Option<Finding> {
    let is_hidden = HIDDEN.iter().any(|hidden| name.column.eq_ignore_ascii_case(hidden));
    if is_hidden || tables.iter().any(|table| table.columns.is_none()) {
        return None;
    }
    let candidates: Vec<&Known<'_>> = match &name.qualifier {
        // a column of the qualifier's name may have a field of the column's
        Some(qualifier) if tables.iter().any(|table| table.has(qualifier)) => return None,
        Some(qualifier) => tables.iter().filter(|table| table.is_called(qualifier)).collect(),
        None => tables.iter().collect(),
    };
    if candidates.is_empty() || candidates.iter().any(|table| table.has(&name.column)) {
        return None;
    }
    let names: Vec<&str> = candidates.iter().filter_map(|table| table.name).collect();
    let columns: Vec<&str> =
        candidates.iter().flat_map(|table| table.columns.iter().flatten()).map(String::as_str).collect();
    let where_ = match names.as_slice() {
        [] => "there is no such column".to_owned(),
        [only] => format!("`{only}` has no such column"),
        names => format!("neither of {} has it", listed(names)),
    };
    Some(Finding {
        what: format!("unknown column `{}`: {where_}", name.column),
        place: Place::Query(name.span.clone()),
        help: match nearest(&name.column, columns.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("columns there: {}", columns.join(", ")),
        },
    })
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "several tables".to_owned(),
        [all @ .., last] if !all.is_empty() => {
            format!("`{}` and `{last}`", all.join("`, `"))
        }
        names => format!("`{}`", names.join("`, `")),
    }
}
