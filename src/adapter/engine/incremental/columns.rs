//! A table whose columns change with what is loaded into it, so that nothing that it has is lost.

use super::{Filling, NEW, history, one};
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Build, BuildError, Fill, WarehouseError};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::{Column, PhysicalTable};
use crate::domain::evolution::{Evolved, fitting};
use crate::domain::model::By;
use crate::domain::name::{TableName, quote};
use crate::domain::types::{self, Type};

/// The columns of the rows that wait.
pub(super) fn of_new(session: &impl Filling) -> Result<Vec<Column>, WarehouseError> {
    let schema = session.caps().engine.temporary().to_owned();
    session.columns(&TableName { schema, name: NEW.to_owned() })
}

/// That the rows that wait have no column that the kind adds itself, or that a load needs.
pub(super) fn have_no_clash(session: &impl Filling, build: &Build, by: &By) -> Result<(), WarehouseError> {
    let new = of_new(session)?;
    // columns are found by their names, whatever the letter case
    let mut seen = std::collections::BTreeSet::new();
    if let Some((name, _)) = new.iter().find(|(name, _)| !seen.insert(name.to_lowercase())) {
        let what = format!(
            "`{}` gives two columns that are called `{}`, but for the case of letters",
            build.model,
            name.to_lowercase()
        );
        return Err(BuildError::Unfit { what, help: "call one of them otherwise" }.into());
    }
    let clash = new.iter().find_map(|(name, _)| by.clash(name, true));
    match clash {
        Some((what, help)) => Err(BuildError::Unfit { what: format!("`{}` {what}", build.model), help }.into()),
        None => Ok(()),
    }
}

/// No rows, in the columns of a query and those that the kind adds.
pub(super) fn empty(by: &By, query: &str) -> String {
    let added = match by {
        By::History(history) => format!(", {}", history::columns(history)),
        _ => String::new(),
    };
    format!("SELECT *{added} FROM (\n{query}\n) AS vmesh_query LIMIT 0")
}

/// Makes the table's columns such that they take the new rows and lose nothing; gives them. An error says what they
/// would lose.
pub(super) fn take<S: Filling>(
    session: &S,
    build: &Build,
    fill: &Fill,
    snapshot: &PhysicalTable,
) -> Result<Vec<Column>, WarehouseError> {
    let doing = format!("building `{}`", build.model);
    let engine = session.caps().engine;
    let own = fill.by.added_columns();
    let is_own = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
    let (has, new) = (session.columns(&build.table)?, of_new(session)?);
    let old: Vec<Column> = has.iter().filter(|(name, _)| !is_own(name)).cloned().collect();
    if old == new {
        return Ok(has);
    }
    keeps_time(engine, build, &fill.by, &old, &new)?;
    let is_empty = || one::<bool>(session, &doing, &format!("SELECT count(*) = 0 FROM {}", build.table.quoted()));
    let refused = |changes| BuildError::Load { model: build.model.clone(), changes };
    let waiting = format!("{}.{NEW}", engine.temporary());
    if snapshot.continues.is_none() && is_empty()? {
        session.remake(&doing, &build.table, &empty(&fill.by, &format!("SELECT * FROM {waiting}")))?;
        has_times(engine, &fill.by, &session.columns(&build.table)?)?;
        return session.show_columns(&build.table);
    }
    let mut fitting = fitting(engine, &build.table, &old, &new, fill.on_change).map_err(refused)?;
    for (name, kind) in &fitting.tight {
        let given = new.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let (given, from) = given.map_or((name, kind), |(given, from)| (given, from));
        let kept = types::keeps(engine, &quote(given), from, kind);
        let lost = format!("SELECT count(*) > 0 FROM {waiting} AS {NEW} WHERE NOT ({kept})");
        if one::<bool>(session, &doing, &lost)? {
            return Err(
                refused(vec![format!("`{name}` stays {kind}, which does not hold all of the new values")]).into()
            );
        }
    }
    if fitting.alter.is_empty() {
        return Ok(has);
    }
    let kept = has.iter().filter(|(name, _)| is_own(name)).cloned();
    fitting.columns.extend(kept.map(|column| Evolved { column, is_old: true }));
    session.reshape(&doing, &build.table, &fitting)?;
    session.show_columns(&build.table)
}

/// Those of the table's columns that the new rows or the kind give: name in the table, type, and name in the new rows.
pub(super) fn given<S: Filling>(session: &S, by: &By, columns: &[Column]) -> Result<Vec<Given>, WarehouseError> {
    let (new, own) = (of_new(session)?, by.added_columns());
    let given = |(name, kind): &Column| {
        let is_own = own.iter().any(|own| own.eq_ignore_ascii_case(name));
        let from = new.iter().find(|(other, _)| other.eq_ignore_ascii_case(name) && !is_own).cloned();
        (is_own || from.is_some()).then(|| Given { column: (name.clone(), kind.clone()), from })
    };
    Ok(columns.iter().filter_map(given).collect())
}

/// A column of the table that a load fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// The table's.
    pub(super) column: Column,
    /// That of the new rows; none of what the kind adds.
    pub(super) from: Option<Column>,
}

/// The new rows in the table's columns, as a relation that is called [`NEW`].
pub(super) fn incoming(engine: EngineKind, given: &[Given]) -> String {
    let waiting = format!("{}.{NEW}", engine.temporary());
    if given.iter().all(|given| given.from.as_ref().is_none_or(|from| *from == given.column)) {
        return format!("{waiting} AS {NEW}");
    }
    let cast = |Given { column: (name, kind), from }: &Given| {
        let (given, _) = from.as_ref()?;
        Some(format!("CAST({} AS {kind}) AS {}", quote(given), quote(name)))
    };
    let casts: Vec<String> = given.iter().filter_map(cast).collect();
    format!("(SELECT {} FROM {waiting}) AS {NEW}", casts.join(", "))
}

/// That a time column of numbers says how they are times.
pub(super) fn has_times(engine: EngineKind, by: &By, columns: &[Column]) -> Result<(), WarehouseError> {
    let By::TimeRange { column, format: None } = by else { return Ok(()) };
    let found = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
    match found.map(|(_, kind)| (kind, Type::of(engine, kind))) {
        Some((kind, Type::Integer { .. } | Type::Decimal { .. })) => Err(BuildError::Unfit {
            what: format!("`time_column {column}` is of type {kind}, and has no format"),
            help: "name a column of dates or timestamps, or say how the numbers are times: time_column (ds, '%Y%m%d')",
        }
        .into()),
        _ => Ok(()),
    }
}

/// That a time column of days gets no times: a query that asks for days, as with `BETWEEN @start_date AND @end_date`,
/// would find those of midnight and no others.
fn keeps_time(
    engine: EngineKind,
    build: &Build,
    by: &By,
    old: &[Column],
    new: &[Column],
) -> Result<(), WarehouseError> {
    let By::TimeRange { column, .. } = by else { return Ok(()) };
    let kind = |columns: &[Column]| {
        columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, kind)| kind.clone())
    };
    match (kind(old), kind(new)) {
        (Some(before), Some(now)) if Type::of(engine, &before) == Type::Date && Type::of(engine, &now).has_times() => {
            Err(BuildError::Unfit {
                what: format!("the time column `{column}` of `{}` would change from {before} to {now}", build.model),
                help: "a query between days finds no times but midnight then: compare with `@start_ts` and `@end_ts`, \
                       which makes a new version that is filled anew; or cast the column to DATE in the query",
            }
            .into())
        }
        _ => Ok(()),
    }
}

/// Puts the columns of a table on record, where they are others than before.
pub(in super::super) fn record(session: &impl Filling, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
    let columns = session.columns(table)?;
    let ledger = Ledger(session);
    if let Some(known) = ledger.on_record(table)?.filter(|known| known.columns != columns) {
        ledger.record(&PhysicalTable { columns: columns.clone(), ..known })?;
    }
    Ok(columns)
}
