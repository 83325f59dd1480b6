//! The statements that put a load's rows in the place of old ones.

use super::columns::{Given, incoming};
use super::{NEW, history};
use crate::adapter::engine::{BuildError, Fill, WarehouseError};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::interval::{Interval, Moment};
use crate::domain::model::By;
use crate::domain::name::quote;
use crate::domain::types::Type;

/// A load whose rows wait.
pub(in super::super) struct Put<'a> {
    /// How its table is filled.
    pub(in super::super) fill: &'a Fill,
    /// The columns that it fills.
    pub(super) given: &'a [Given],
    /// All columns of the table.
    pub(in super::super) columns: &'a [Column],
    /// Its span.
    pub(in super::super) span: Interval,
    /// The condition that a row's time lies in it.
    pub(in super::super) within: &'a str,
}

impl Put<'_> {
    /// Its statements.
    pub(super) fn statements(&self, engine: EngineKind, table: &str) -> Vec<String> {
        let Self { fill, given, within, .. } = *self;
        let rows = incoming(engine, given);
        let listed: Vec<String> = given.iter().map(|given| quote(&given.column.0)).collect();
        let listed = listed.join(", ");
        let insert = |from: &str| format!("INSERT INTO {table} ({listed}) SELECT {listed} FROM {from}");
        match &fill.by {
            By::TimeRange { .. } => {
                // rows of other spans are those loads' business
                vec![format!("DELETE FROM {table} WHERE {within}"), insert(&format!("{rows} WHERE {within}"))]
            }
            By::UniqueKey(key) => {
                vec![delete_same(engine, table, key, &rows), insert(&one_of_each(engine, key, &rows))]
            }
            By::Partition(parts) => vec![delete_same(engine, table, parts, &rows), insert(&rows)],
            By::Unmanaged(true) => vec![format!("DELETE FROM {table}"), insert(&rows)],
            By::Unmanaged(false) => vec![insert(&rows)],
            By::History(history) => {
                history::Load { engine, table, history, given, rows: &rows, now: fill.now }.statements()
            }
        }
    }
}

/// Of the new rows one of each key: of several, always the same one.
pub(super) fn one_of_each(engine: EngineKind, key: &[String], rows: &str) -> String {
    format!(
        "(SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {} DESC) AS vmesh_number FROM {rows}) AS numbered \
         WHERE vmesh_number = 1",
        key.join(", "),
        engine.whole_row(NEW)
    )
}

/// Deletes the rows whose expressions have the same values as one of the new rows. NULL equals NULL.
fn delete_same(engine: EngineKind, table: &str, expressions: &[String], rows: &str) -> String {
    let named: Vec<String> = expressions.iter().enumerate().map(|(at, text)| format!("{text} AS k{at}")).collect();
    let same = engine.are_same((0..expressions.len()).map(|at| (format!("old.k{at}"), format!("new.k{at}"))));
    let (named, id) = (named.join(", "), engine.row_id());
    format!(
        "DELETE FROM {table} WHERE {id} IN (SELECT old.vmesh_row FROM (SELECT {id} AS vmesh_row, {named} FROM {table}) \
         AS old JOIN (SELECT DISTINCT {named} FROM {rows}) AS new ON {same})"
    )
}

/// The condition that a row's time lies in a span; true where the kind knows no time.
pub(super) fn within(
    engine: EngineKind,
    by: &By,
    interval: Interval,
    columns: &[Column],
) -> Result<String, WarehouseError> {
    let By::TimeRange { column, format } = by else { return Ok("true".to_owned()) };
    let found = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
    let (name, kind) = found.map_or((quote(column), ""), |(name, kind)| (quote(name), kind));
    let format = format.as_deref().unwrap_or("%Y-%m-%d");
    let (moment, timestamp) = engine.times();
    let (value, cast) = match Type::of(engine, kind) {
        Type::Moment => (name, moment),
        Type::Timestamp(_) => (name, timestamp),
        Type::Date => (format!("CAST({name} AS {timestamp})"), timestamp),
        _ => match engine.read_time(&name, format) {
            Some(value) => (value, timestamp),
            None => {
                return Err(BuildError::Unfit {
                    what: format!(
                        "`time_column {column}` has the format '{format}', which this engine has no words for"
                    ),
                    help: "make the column one of dates or timestamps: then it needs no format",
                }
                .into());
            }
        },
    };
    let at = |time: Moment| {
        let text = time.to_string().replace('T', " ").replace('Z', "");
        if cast == moment { format!("{cast} '{text}+00:00'") } else { format!("{cast} '{text}'") }
    };
    Ok(format!("({value} >= {} AND {value} < {})", at(interval.start()), at(interval.end())))
}
