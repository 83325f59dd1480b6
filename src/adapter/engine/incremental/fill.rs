//! Filling an incremental table: one load after the other, each in a transaction of its own together with its record, so
//! that an interrupted fill goes on where it stopped.

use super::replace::Put;
use super::{Filling, NEW, columns, history, one, replace};
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Body, Build, BuildError, Fill, Load, WarehouseError, Warned, Warning, audit};
use crate::domain::calendar::Filled;
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::{Column, Continued, PhysicalTable};
use crate::domain::evolution::{Evolved, evolve};
use crate::domain::interval::{Interval, Intervals, Moment};
use crate::domain::model::{By, Order};
use crate::domain::name::quote;

/// A fill at work in a session.
pub(in super::super) struct Loader<'b, S> {
    session: &'b S,
    build: &'b Build,
    fill: &'b Fill,
    engine: EngineKind,
    doing: String,
    /// The time, in microseconds since 1970.
    at: i64,
}

impl<'b, S: Filling> Loader<'b, S> {
    /// Of a build that fills its table by loads; none of others.
    pub(in super::super) fn of(session: &'b S, build: &'b Build, at: i64) -> Option<Self> {
        let Body::Loads(fill) = &build.body else { return None };
        let (engine, doing) = (session.caps().engine, format!("building `{}`", build.model));
        Some(Self { session, build, fill, engine, doing, at })
    }

    /// Makes the table if it is not there, and carries out the loads, or some of them if it is to give way.
    pub(in super::super) fn fill(&self) -> Result<PhysicalTable, WarehouseError> {
        let Self { session, build, fill, doing, .. } = self;
        let ledger = Ledger(*session);
        let mut snapshot = match &fill.known {
            Some(known) => known.clone(),
            None => ledger.transaction(doing, |ledger| {
                let (continues, intervals) = session.around(&fill.setup, |_| self.begin())?;
                let filled = Some(Filled { aim: fill.aim, intervals });
                let rows = Some(self.rows()?);
                let columns = session.columns(&build.table)?;
                let made = PhysicalTable { filled, continues, rows, ..ledger.made(build, columns, self.at)? };
                ledger.record(&made)?;
                ledger.stand_for(&build.fingerprint, &build.table)?;
                Ok(made)
            })?,
        };
        for (done, load) in fill.loads.iter().enumerate() {
            if done > 0 && fill.gives_way && session.is_waited_at() {
                break;
            }
            snapshot = ledger.transaction(doing, |_| self.load(load, &snapshot))?;
        }
        self.clear()?;
        Ok(snapshot)
    }

    /// Carries out the loads of a table that is there, whatever it holds: kinds that know no time begin with an empty
    /// table. To be called within a transaction.
    pub(in super::super) fn fill_again(&self) -> Result<(), WarehouseError> {
        let Self { build, fill, .. } = self;
        let Some(known) = &fill.known else { return Ok(()) };
        if matches!(fill.by, By::History(_)) {
            // what was once valid can't be computed again
            return Ok(());
        }
        let doing = format!("building `{}` again", build.model);
        let mut snapshot = known.clone();
        let loaded: Intervals = fill.loads.iter().map(|load| load.interval).collect();
        let held = known.filled.iter().flat_map(|filled| filled.intervals.iter());
        if fill.by.order() != Order::Any || held.into_iter().all(|held| loaded.contains(held)) {
            // all of it is loaded again: an empty table takes the columns of today
            self.session.empty(&doing, &build.table)?;
            snapshot.filled = Some(Filled { aim: known.filled.as_ref().and_then(|f| f.aim), ..Filled::default() });
        }
        for load in &fill.loads {
            snapshot = self.load(load, &snapshot)?;
        }
        self.clear()
    }

    /// Makes the table: an empty one, or one that goes on from the rows of an earlier version, in the new one's columns.
    /// Gives what it went on from, and the spans that it holds.
    fn begin(&self) -> Result<(Option<Continued>, Intervals), WarehouseError> {
        let Self { session, build, fill, doing, .. } = self;
        let empty = columns::empty(&fill.by, &fill.first);
        let table = build.table.quoted();
        let Some(before) = &fill.before else {
            session.vet(doing, &fill.first)?;
            session.remake(doing, &build.table, &empty)?;
            columns::has_times(self.engine, &fill.by, &session.columns(&build.table)?)?;
            return Ok((None, Intervals::default()));
        };
        self.wait(&empty)?;
        let (old, new) = (session.columns(&before.table)?, columns::of_new(*session)?);
        let evolved = evolve(self.engine, &old, &new, fill.on_change)
            .map_err(|changes| BuildError::Columns { model: build.model.clone(), changes })?;
        let own = fill.by.added_columns();
        let is_new = |name: &&&str| !evolved.iter().any(|it| it.is_old && it.column.0.eq_ignore_ascii_case(name));
        if let Some(name) = own.iter().find(is_new) {
            let changes = vec![format!("the history's own column would be called `{name}`")];
            return Err(BuildError::Columns { model: build.model.clone(), changes }.into());
        }
        session.remake(doing, &build.table, &evolve_rows(&evolved, &old, &before.table.quoted()))?;
        self.vet_keys(&table)?;
        if let By::History(history) = &fill.by
            && one::<bool>(*session, doing, &history::is_ambiguous(&table, history))?
        {
            return Err(BuildError::Unfit {
                what: format!("several rows of `{}` that are valid now would have the same `unique_key`", build.model),
                help: "a history goes on with the key that it has, or a finer one; a model of another name begins anew",
            }
            .into());
        }
        audit::run(*session, build, None)?;
        Ok((Some(before.as_source()), before.filled.clone().unwrap_or_default().intervals))
    }

    /// One load; gives the snapshot as it is then.
    fn load(&self, load: &Load, snapshot: &PhysicalTable) -> Result<PhysicalTable, WarehouseError> {
        let Self { session, build, fill, doing, .. } = self;
        let mut filled = snapshot.filled.clone().unwrap_or_default();
        filled.aim = fill.aim.or(filled.aim);
        if fill.by.order() == Order::InTurn {
            // what was built on other rows is loaded again, and is missing until then
            let after = Interval::new(load.interval.start(), Moment::MAX);
            after.into_iter().for_each(|after| filled.intervals.remove(after));
            if filled.intervals.is_empty() && snapshot.continues.is_none() {
                session.empty(doing, &build.table)?;
            }
        }
        filled.intervals.insert(load.interval);
        let mut next = PhysicalTable {
            filled: Some(filled),
            built_at: self.at,
            audited: build.audited.iter().cloned().collect(),
            revision: snapshot.revision + 1,
            inputs: Ledger(*session).inputs_of(build)?,
            ..snapshot.clone()
        };
        next.add_parents(&build.parents);
        next.columns = session.around(&load.around, |_| self.put(load, snapshot))?;
        next.rows = Some(self.rows()?);
        let within = replace::within(self.engine, &fill.by, load.interval, &next.columns)?;
        audit::run(*session, build, Some(&within))?;
        Ledger(*session).record(&next)?;
        Ok(next)
    }

    /// Puts a load's rows into the table; gives its columns.
    fn put(&self, load: &Load, snapshot: &PhysicalTable) -> Result<Vec<Column>, WarehouseError> {
        let Self { session, build, fill, doing, engine, .. } = self;
        self.wait(&load.select)?;
        columns::have_no_clash(*session, build, &fill.by)?;
        let columns = columns::take(*session, build, fill, snapshot)?;
        let given = columns::given(*session, &fill.by, &columns)?;
        let within = replace::within(*engine, &fill.by, load.interval, &columns)?;
        let rows = columns::incoming(*engine, &given);
        self.warn_of_left_out(load.interval, &rows, &within)?;
        self.vet_keys(&rows)?;
        let put = Put { fill, given: &given, columns: &columns, span: load.interval, within: &within };
        session.put(doing, &build.table, &put)?;
        Ok(columns)
    }

    /// Lets the expressions of the kind's key pass, over some rows.
    fn vet_keys(&self, rows: &str) -> Result<(), WarehouseError> {
        match self.fill.by.expressions() {
            [] => Ok(()),
            keys => self.session.vet(&self.doing, &format!("SELECT {} FROM {rows}", keys.join(", "))),
        }
    }

    /// Makes the rows of a query those that wait.
    fn wait(&self, query: &str) -> Result<(), WarehouseError> {
        self.clear()?;
        self.session.vet(&self.doing, query)?;
        self.session.make_waiting(&self.doing, NEW, query)
    }

    /// Forgets the rows that wait.
    fn clear(&self) -> Result<(), WarehouseError> {
        self.session.forget_waiting(&self.doing, NEW)
    }

    fn rows(&self) -> Result<u64, WarehouseError> {
        one(self.session, "counting rows", &format!("SELECT count(*) FROM {}", self.build.table.quoted()))
    }

    /// Rows of a load that lie outside of its span are no other load's business either, where that one doesn't give
    /// them as well.
    fn warn_of_left_out(&self, span: Interval, rows: &str, within: &str) -> Result<(), WarehouseError> {
        if !matches!(self.fill.by, By::TimeRange { .. }) {
            return Ok(());
        }
        let left = format!("SELECT count(*) FROM {rows} WHERE ({within}) IS NOT TRUE");
        let left: u64 = one(self.session, &self.doing, &left)?;
        let Some(mut warnings) = self.build.warnings.lock().ok().filter(|_| left > 0) else { return Ok(()) };
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
}

/// The rows of a table in other columns.
pub(in super::super) fn evolve_rows(evolved: &[Evolved], old: &[Column], rows: &str) -> String {
    let select = |Evolved { column: (name, kind), is_old }: &Evolved| {
        let value = old.iter().find(|(other, _)| *is_old && other.eq_ignore_ascii_case(name));
        let value = value.map_or("NULL".to_owned(), |(other, _)| quote(other));
        format!("CAST({value} AS {kind}) AS {}", quote(name))
    };
    let select: Vec<String> = evolved.iter().map(select).collect();
    format!("SELECT {} FROM {rows}", select.join(", "))
}
