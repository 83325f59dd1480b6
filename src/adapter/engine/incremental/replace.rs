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

/// The statements, where `within` is the condition that a row's time lies in the load's span.
pub(super) fn statements(engine: EngineKind, table: &str, fill: &Fill, given: &[Given], within: &str) -> Vec<String> {
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
            // of several rows with one key, always the same one
            let one = format!(
                "(SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {} DESC) AS vmesh_number FROM {rows}) AS numbered \
                 WHERE vmesh_number = 1",
                key.join(", "),
                engine.whole_row(NEW)
            );
            vec![delete_same(engine, table, key, &rows), insert(&one)]
        }
        By::Partition(parts) => vec![delete_same(engine, table, parts, &rows), insert(&rows)],
        By::Unmanaged(true) => vec![format!("DELETE FROM {table}"), insert(&rows)],
        By::Unmanaged(false) => vec![insert(&rows)],
        By::History(history) => {
            history::Load { engine, table, history, given, rows: &rows, now: fill.now }.statements()
        }
    }
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
    let (value, cast) = match Type::of(engine, kind) {
        Type::Moment => (name, "TIMESTAMPTZ"),
        Type::Timestamp(_) => (name, "TIMESTAMP"),
        Type::Date => (format!("CAST({name} AS TIMESTAMP)"), "TIMESTAMP"),
        _ => match engine.read_time(&name, format) {
            Some(value) => (value, "TIMESTAMP"),
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
    let moment = |moment: Moment| {
        let text = moment.to_string().replace('T', " ").replace('Z', "");
        if cast == "TIMESTAMPTZ" { format!("{cast} '{text}+00:00'") } else { format!("{cast} '{text}'") }
    };
    Ok(format!("({value} >= {} AND {value} < {})", moment(interval.start()), moment(interval.end())))
}
