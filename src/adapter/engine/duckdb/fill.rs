//! Filling an incremental table: one load after the other, each in a transaction of its own together with its record, so
//! that an interrupted fill goes on where it stopped.

use super::{Database, history};
use crate::adapter::engine::audit;
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Body, Build, BuildError, Fill, Load, Records, Tables, WarehouseError, Warned, Warning};
use crate::domain::calendar::Filled;
use crate::domain::environment::{Column, Continued, PhysicalTable};
use crate::domain::evolution::{Evolved, evolve, fitting};
use crate::domain::interval::{Interval, Intervals, Moment};
use crate::domain::model::{By, Order, Policy};
use crate::domain::name::{TableName, literal, quote};
use crate::domain::types::{self, Type};

/// Where the new rows wait: a temporary table of this connection.
pub(super) const NEW: &str = "temp.vmesh_new";

impl Database {
    /// Makes the table if it is not there, and carries out the loads, or some of them if it is to give way. `at` is the
    /// time in microseconds since 1970.
    pub(super) fn fill_by_loads(&self, build: &Build, fill: &Fill, at: i64) -> Result<PhysicalTable, WarehouseError> {
        let doing = format!("building `{}`", build.model);
        let aim = fill.aim;
        let mut snapshot = match &fill.known {
            Some(known) => known.clone(),
            None => self.transaction(&doing, |warehouse| {
                let (continues, intervals) =
                    warehouse.around(&fill.setup, |warehouse| warehouse.begin(&doing, build, fill))?;
                let filled = Some(Filled { aim, intervals });
                let rows = Some(warehouse.rows_of(&build.table)?);
                let made = PhysicalTable {
                    filled,
                    continues,
                    rows,
                    ..Ledger(warehouse).made(build, warehouse.columns(&build.table)?, at)?
                };
                Ledger(warehouse).record(&made)?;
                warehouse.stand_for(&build.fingerprint, &build.table)?;
                Ok(made)
            })?,
        };
        for (done, load) in fill.loads.iter().enumerate() {
            if done > 0 && fill.gives_way && self.location.door.is_waited_at() {
                break;
            }
            snapshot = self.transaction(&doing, |warehouse| warehouse.load(build, fill, load, &snapshot, at))?;
        }
        self.run(&doing, &format!("DROP TABLE IF EXISTS {NEW}"))?;
        Ok(snapshot)
    }

    /// Makes the table: an empty one, or one that goes on from the rows of an earlier version, in the new one's columns.
    /// Gives what it went on from, and the spans that it holds.
    fn begin(&self, doing: &str, build: &Build, fill: &Fill) -> Result<(Option<Continued>, Intervals), WarehouseError> {
        let empty = empty(&fill.by, &fill.first);
        let table = build.table.quoted();
        let Some(before) = &fill.before else {
            self.run_one(doing, &format!("CREATE OR REPLACE TABLE {table} AS {empty}"))?;
            has_times(&fill.by, &self.columns(&build.table)?)?;
            return Ok((None, Intervals::default()));
        };
        self.run_one(doing, &format!("CREATE OR REPLACE TEMP TABLE vmesh_new AS {empty}"))?;
        let columns = evolve(&self.columns(&before.table)?, &self.new_columns()?, fill.on_change)
            .map_err(|changes| BuildError::Columns { model: build.model.clone(), changes })?;
        if let By::History(history) = &fill.by {
            let times = [&history.valid_from, &history.valid_to];
            let is_new =
                |name: &&&String| !columns.iter().any(|it| it.is_old && it.column.0.eq_ignore_ascii_case(name));
            if let Some(name) = times.iter().find(is_new) {
                let changes = vec![format!("the history's own column would be called `{name}`")];
                return Err(BuildError::Columns { model: build.model.clone(), changes }.into());
            }
        }
        let select = |evolved: &Evolved| {
            let (name, kind) = &evolved.column;
            let value = if evolved.is_old { quote(name) } else { "NULL".to_owned() };
            format!("CAST({value} AS {kind}) AS {}", quote(name))
        };
        let select: Vec<String> = columns.iter().map(select).collect();
        let (select, rows) = (select.join(", "), before.table.quoted());
        self.run(doing, &format!("CREATE OR REPLACE TABLE {table} AS SELECT {select} FROM {rows}"))?;
        if let By::History(history) = &fill.by
            && self.one::<bool>(doing, &history::is_ambiguous(&table, history))?
        {
            return Err(BuildError::Unfit {
                what: format!("several rows of `{}` that are valid now would have the same `unique_key`", build.model),
                help: "a history goes on with the key that it has, or a finer one; a model of another name begins anew",
            }
            .into());
        }
        audit::run(self, build, None)?;
        Ok((Some(before.as_source()), before.filled.clone().unwrap_or_default().intervals))
    }

    /// Carries out the loads of a table that is there, whatever it holds: kinds that know no time begin with an empty
    /// table. To be called within a transaction.
    pub(super) fn reload(&self, build: &Build, at: i64) -> Result<(), WarehouseError> {
        let doing = format!("building `{}` again", build.model);
        let Body::Loads(fill) = &build.body else { return Ok(()) };
        let Some(known) = &fill.known else { return Ok(()) };
        if matches!(fill.by, By::History(_)) {
            // what was once valid can't be computed again
            return Ok(());
        }
        let mut snapshot = known.clone();
        let loaded: Intervals = fill.loads.iter().map(|load| load.interval).collect();
        let held = known.filled.iter().flat_map(|filled| filled.intervals.iter());
        if fill.by.order() != Order::Any || held.into_iter().all(|held| loaded.contains(held)) {
            // all of it is loaded again: an empty table takes the columns of today
            self.run(&doing, &format!("DELETE FROM {}", build.table.quoted()))?;
            snapshot.filled = Some(Filled { aim: known.filled.as_ref().and_then(|f| f.aim), ..Filled::default() });
        }
        for load in &fill.loads {
            snapshot = self.load(build, fill, load, &snapshot, at)?;
        }
        self.run(&doing, &format!("DROP TABLE IF EXISTS {NEW}"))
    }

    /// One load; gives the snapshot as it is then.
    fn load(
        &self,
        build: &Build,
        fill: &Fill,
        load: &Load,
        snapshot: &PhysicalTable,
        at: i64,
    ) -> Result<PhysicalTable, WarehouseError> {
        let doing = format!("building `{}`", build.model);
        let mut filled = snapshot.filled.clone().unwrap_or_default();
        filled.aim = fill.aim.or(filled.aim);
        if fill.by.order() == Order::InTurn {
            // what was built on other rows is loaded again, and is missing until then
            let after = Interval::new(load.interval.start(), Moment::MAX);
            after.into_iter().for_each(|after| filled.intervals.remove(after));
            if filled.intervals.is_empty() && snapshot.continues.is_none() {
                self.run(&doing, &format!("DELETE FROM {}", build.table.quoted()))?;
            }
        }
        filled.intervals.insert(load.interval);
        let mut next = PhysicalTable {
            filled: Some(filled),
            built_at: at,
            audited: build.audited.iter().cloned().collect(),
            revision: snapshot.revision + 1,
            inputs: Ledger(self).inputs_of(build)?,
            ..snapshot.clone()
        };
        next.add_parents(&build.parents);
        next.columns = self.around(&load.around, |warehouse| {
            warehouse.run_one(&doing, &format!("CREATE OR REPLACE TEMP TABLE vmesh_new AS\n{}", load.select))?;
            let columns = warehouse.take_columns(build, fill, snapshot)?;
            let (new, own) = (warehouse.new_columns()?, own_columns(&fill.by));
            let is_given = |name: &str| {
                let mut given = new.iter().map(|(name, _)| name.as_str()).chain(own.iter().copied());
                given.any(|given| given.eq_ignore_ascii_case(name))
            };
            let given: Vec<Column> = columns.iter().filter(|(name, _)| is_given(name)).cloned().collect();
            warehouse.warn_of_left_out(&doing, build, fill, load.interval, &given)?;
            let statements = statements(&build.table.quoted(), fill, load.interval, &given);
            statements.iter().try_for_each(|statement| warehouse.run_one(&doing, statement))?;
            Ok(columns)
        })?;
        next.rows = Some(self.rows_of(&build.table)?);
        audit::run(self, build, Some(&within(&fill.by, load.interval, &next.columns)))?;
        Ledger(self).record(&next)?;
        Ok(next)
    }

    /// Makes the table's columns such that they take the new rows and lose nothing; gives them. An error says what they
    /// would lose.
    fn take_columns(
        &self,
        build: &Build,
        fill: &Fill,
        snapshot: &PhysicalTable,
    ) -> Result<Vec<Column>, WarehouseError> {
        let doing = format!("building `{}`", build.model);
        let table = build.table.quoted();
        let own = own_columns(&fill.by);
        let is_own = |name: &str| own.iter().any(|own| own.eq_ignore_ascii_case(name));
        let (has, new) = (self.columns(&build.table)?, self.new_columns()?);
        let old: Vec<Column> = has.iter().filter(|(name, _)| !is_own(name)).cloned().collect();
        if old == new {
            return Ok(has);
        }
        keeps_time(build, &fill.by, &old, &new)?;
        let is_empty = || self.one::<bool>(&doing, &format!("SELECT count(*) = 0 FROM {table}"));
        let refused = |changes| BuildError::Load { model: build.model.clone(), changes };
        if snapshot.continues.is_none() && is_empty()? {
            self.run(
                &doing,
                &format!("CREATE OR REPLACE TABLE {table} AS {}", empty(&fill.by, &format!("FROM {NEW}"))),
            )?;
            has_times(&fill.by, &self.columns(&build.table)?)?;
            return self.show_columns(&build.table);
        }
        let fitting = fitting(&build.table, &old, &new, fill.on_change).map_err(refused)?;
        for (name, kind) in &fitting.tight {
            let kept = types::keeps(&quote(name), kind);
            if self.one::<bool>(&doing, &format!("SELECT count(*) > 0 FROM {NEW} AS vmesh_new WHERE NOT ({kept})"))? {
                return Err(
                    refused(vec![format!("`{name}` stays {kind}, which does not hold all of the new values")]).into()
                );
            }
        }
        if fitting.alter.is_empty() {
            return Ok(has);
        }
        fitting.alter.iter().try_for_each(|statement| self.run(&doing, statement))?;
        self.show_columns(&build.table)
    }

    /// Rows of a load that lie outside of its span are no other load's business either, where that one doesn't give
    /// them as well.
    fn warn_of_left_out(
        &self,
        doing: &str,
        build: &Build,
        fill: &Fill,
        span: Interval,
        columns: &[Column],
    ) -> Result<(), WarehouseError> {
        if !matches!(fill.by, By::TimeRange { .. }) {
            return Ok(());
        }
        let within = within(&fill.by, span, columns);
        let left: u64 =
            self.one(doing, &format!("SELECT count(*) FROM {NEW} AS vmesh_new WHERE ({within}) IS NOT TRUE"))?;
        let Some(mut warnings) = build.warnings.lock().ok().filter(|_| left > 0) else { return Ok(()) };
        let known = warnings.iter_mut().find_map(|warned| match &mut warned.name {
            Warning::LeftOut(spans) => Some((spans, &mut warned.count)),
            Warning::Audit(_) => None,
        });
        match known {
            Some((spans, count)) => {
                spans.push(span);
                *count += left;
            }
            None => warnings.push(Warned { name: Warning::LeftOut(vec![span]), count: left }),
        }
        Ok(())
    }

    /// The columns of the new rows.
    fn new_columns(&self) -> Result<Vec<Column>, WarehouseError> {
        self.columns(&TableName { schema: "temp".to_owned(), name: "vmesh_new".to_owned() })
    }
}

/// The columns that a kind adds to those of its query.
fn own_columns(by: &By) -> Vec<&str> {
    match by {
        By::History(history) => vec![&history.valid_from, &history.valid_to],
        _ => Vec::new(),
    }
}

/// No rows, in the columns of a query and those that the kind adds.
fn empty(by: &By, query: &str) -> String {
    let added = match by {
        By::History(history) => format!(", {}", history::columns(history)),
        _ => String::new(),
    };
    format!("SELECT *{added} FROM (\n{query}\n) LIMIT 0")
}

/// That a time column of numbers says how they are times.
fn has_times(by: &By, columns: &[Column]) -> Result<(), WarehouseError> {
    let By::TimeRange { column, format: None } = by else { return Ok(()) };
    let kind = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, kind)| kind.as_str());
    let is_number = |kind: &str| kind.ends_with("INT") || kind.ends_with("INTEGER") || kind.starts_with("DECIMAL");
    match kind.filter(|kind| is_number(kind)) {
        Some(kind) => Err(BuildError::Unfit {
            what: format!("`time_column {column}` is of type {kind}, and has no format"),
            help: "name a column of dates or timestamps, or say how the numbers are times: time_column (ds, '%Y%m%d')",
        }
        .into()),
        None => Ok(()),
    }
}

/// That a time column of days gets no times: a query that asks for days, as with `BETWEEN @start_date AND @end_date`,
/// would find those of midnight and no others.
fn keeps_time(build: &Build, by: &By, old: &[Column], new: &[Column]) -> Result<(), WarehouseError> {
    let By::TimeRange { column, .. } = by else { return Ok(()) };
    let kind = |columns: &[Column]| {
        columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, kind)| kind.clone())
    };
    match (kind(old), kind(new)) {
        (Some(before), Some(now)) if Type::parse(&before) == Type::Date && Type::parse(&now).has_times() => {
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

/// The statements that put the new rows in the place of the old ones.
fn statements(table: &str, fill: &Fill, interval: Interval, columns: &[Column]) -> Vec<String> {
    let known = columns.iter().map(|(name, _)| literal(&name.to_lowercase())).collect::<Vec<_>>().join(", ");
    let listed = match fill.on_change.additive {
        Policy::Ignore => format!("COLUMNS(lambda name: lower(name) IN ({known}))"),
        _ => "*".to_owned(),
    };
    let insert = |rest: &str| format!("INSERT INTO {table} BY NAME SELECT {listed} FROM {NEW} AS vmesh_new {rest}");
    match &fill.by {
        By::TimeRange { .. } => {
            let within = within(&fill.by, interval, columns);
            // rows of other spans are those loads' business
            vec![format!("DELETE FROM {table} WHERE {within}"), insert(&format!("WHERE {within}"))]
        }
        By::UniqueKey(key) => {
            // of several rows with one key, always the same one
            let one =
                format!("QUALIFY row_number() OVER (PARTITION BY {} ORDER BY vmesh_new DESC) = 1", key.join(", "));
            vec![delete_same(table, key), insert(&one)]
        }
        By::Partition(parts) => vec![delete_same(table, parts), insert("")],
        By::Unmanaged(true) => vec![format!("DELETE FROM {table}"), insert("")],
        By::Unmanaged(false) => vec![insert("")],
        By::History(history) => history::statements(table, history, columns, fill.now),
    }
}

/// Deletes the rows whose expressions have the same values as one of the new rows. NULL equals NULL.
fn delete_same(table: &str, expressions: &[String]) -> String {
    let named: Vec<String> = expressions.iter().enumerate().map(|(at, text)| format!("{text} AS k{at}")).collect();
    let equal: Vec<String> =
        (0..expressions.len()).map(|at| format!("old.k{at} IS NOT DISTINCT FROM new.k{at}")).collect();
    let (named, equal) = (named.join(", "), equal.join(" AND "));
    format!(
        "DELETE FROM {table} WHERE rowid IN (SELECT old.row FROM (SELECT rowid AS row, {named} FROM {table}) AS old \
         JOIN (SELECT DISTINCT {named} FROM {NEW}) AS new ON {equal})"
    )
}

/// The condition that a row's time lies in a span; true where the kind knows no time.
fn within(by: &By, interval: Interval, columns: &[Column]) -> String {
    let By::TimeRange { column, format } = by else { return "true".to_owned() };
    let kind = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map_or("", |(_, kind)| kind);
    let name = quote(column);
    let (value, cast) = match kind.to_ascii_uppercase().as_str() {
        "TIMESTAMP WITH TIME ZONE" => (name, "TIMESTAMPTZ"),
        kind if kind.starts_with("TIMESTAMP") => (name, "TIMESTAMP"),
        "DATE" => (format!("CAST({name} AS TIMESTAMP)"), "TIMESTAMP"),
        _ => {
            let format = literal(format.as_deref().unwrap_or("%Y-%m-%d"));
            (format!("strptime(CAST({name} AS VARCHAR), {format})"), "TIMESTAMP")
        }
    };
    let moment = |moment: Moment| {
        let text = moment.to_string().replace('T', " ").replace('Z', "");
        if cast == "TIMESTAMPTZ" { format!("{cast} '{text}+00:00'") } else { format!("{cast} '{text}'") }
    };
    format!("({value} >= {} AND {value} < {})", moment(interval.start()), moment(interval.end()))
}
