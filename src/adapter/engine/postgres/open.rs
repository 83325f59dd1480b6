//! Opening a warehouse: connecting, waiting for the right to write, and making vmesh's records.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postgres::Client;

use super::{Database, Postgres, error, password, service, tls};
use crate::adapter::engine::records::{Caps, Clones, FORMAT, RECORDS, Row, SqlSession};
use crate::adapter::engine::{
    Difference, Engine, Holder, Location, OpenError, Referee, Rows, Trial, Waiting, Warehouse, WarehouseError,
};
use crate::domain::engine_kind::EngineKind;

/// The advisory lock of whoever writes: "vmesh" in hexadecimal digits of ASCII.
const LOCK: i64 = 0x76_6d65_7368;

/// What vmesh's own words mean: a string is what stands between its quotes, and a name without a schema is PostgreSQL's own.
pub(super) const MEANING: &str = "SET standard_conforming_strings = on; SET search_path = pg_catalog, pg_temp";

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(10);

/// How often one who waits asks again.
const LOOK: Duration = Duration::from_millis(50);

/// The right to write: a connection that holds the lock. The server gives that to the next when it is closed.
pub(super) struct Turn {
    _holds: Mutex<Client>,
}

/// The rights that this process has, by warehouse: who opens one again shares it.
static TURNS: Mutex<BTreeMap<String, Weak<Turn>>> = Mutex::new(BTreeMap::new());

/// The records of a warehouse that lies elsewhere; none if there are none yet, and they are only to be read.
pub(in super::super) fn records(
    location: &Location,
    is_written: bool,
    waiting: Waiting<'_>,
) -> Result<Option<Box<dyn SqlSession + Send>>, WarehouseError> {
    let opened = if is_written { Some(write(location, waiting)?) } else { read(location)? };
    Ok(opened.map(|records| Box::new(records) as Box<dyn SqlSession + Send>))
}

fn read(location: &Location) -> Result<Option<Database>, WarehouseError> {
    let warehouse = Database::connect(location, None)?;
    Ok(warehouse.format()?.map(|_| warehouse))
}

fn write(location: &Location, waiting: Waiting<'_>) -> Result<Database, WarehouseError> {
    let turn = turn(location, waiting)?;
    let warehouse = Database::connect(location, Some(turn))?;
    if warehouse.format()?.is_none() {
        let records = RECORDS.replace("UBIGINT", "BIGINT");
        let version = env!("CARGO_PKG_VERSION");
        let row = format!("INSERT INTO vmesh_state.format VALUES ({FORMAT}, 'vmesh {version}');");
        let doing = "making vmesh's records";
        warehouse.transaction(doing, |warehouse| warehouse.run(doing, &format!("{records}\n{row}")))?;
    }
    Ok(warehouse)
}

impl Engine for Postgres {
    fn exists(&self, _location: &Location) -> bool {
        // a database is made by its owner, not by us
        true
    }

    fn read(&self, location: &Location, _waiting: Waiting<'_>) -> Result<Option<Box<dyn Warehouse>>, WarehouseError> {
        Ok(read(location)?.map(|warehouse| Box::new(warehouse) as Box<dyn Warehouse>))
    }

    fn write(&self, location: &Location, waiting: Waiting<'_>) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(write(location, waiting)?))
    }

    fn stamp(&self, location: &Location) -> Vec<(u64, u128)> {
        let never = || vec![(0, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos())];
        Database::connect(location, None).and_then(|warehouse| warehouse.stamp()).unwrap_or_else(|_| never())
    }

    fn test(&self, trial: &Trial, location: &Location) -> Result<Vec<Difference>, WarehouseError> {
        // what a test makes is temporary, and goes with its connection
        let session = Database::connect(location, None)?;
        session.within_limit(|| trial.run_in(&session))
    }

    fn results(&self, trial: &Trial, location: &Location) -> Result<Vec<Rows>, WarehouseError> {
        let session = Database::connect(location, None)?;
        session.within_limit(|| trial.results_in(&session))
    }

    fn referee(&self) -> Box<dyn Referee> {
        Box::new(super::referee::Words)
    }
}

impl Database {
    /// A session on the terms of a location.
    pub(super) fn connect(location: &Location, turn: Option<Arc<Turn>>) -> Result<Self, WarehouseError> {
        let client = client(location)?;
        let (token, open) = (client.cancel_token(), Arc::new(()));
        let is_open = Arc::downgrade(&open);
        location.interrupt.watch(move || {
            if is_open.strong_count() > 0 {
                // what can't be reached any more has nothing to cancel
                let _ = token.cancel_query(tls::connector());
            }
        });
        let caps = Caps {
            engine: EngineKind::Postgres,
            catalog: String::new(),
            begin_to_read: "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            // who waits behind us waits no longer; after a second the server would look for deadlocks, and may end a reader
            // nobody else's publication comes between, even where the server has taken the right to write back
            begin_to_publish: "BEGIN TRANSACTION; SET LOCAL lock_timeout = '100ms'; \
                               SELECT pg_advisory_xact_lock(508641506153)",
            lock: super::swap::lock,
            show: super::session::show,
            // a branch's readers would be in the way of prod's runs
            clones: Clones::Copies,
            readers: Some(super::session::readers),
            take_over: Some(super::roles::take_over),
            unreadable: Some(super::roles::unreadable),
            swap: Some(super::swap::SWAP),
            longest_name: 63,
            has_plain_names: false,
        };
        let warehouse = Self { client: RefCell::new(client), turn, _open: open, location: location.clone(), caps };
        let zone = crate::domain::name::literal(&location.access.opening.timezone);
        let settings = format!(
            "SET TIME ZONE {zone}; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; \
             SET client_min_messages = warning; {MEANING}"
        );
        warehouse.run("opening the warehouse", &settings)?;
        Ok(warehouse)
    }

    /// The version of vmesh's records; `None` if there are none, an error if they are of a newer vmesh.
    fn format(&self) -> Result<Option<u32>, WarehouseError> {
        let doing = "looking for vmesh's records";
        let there = self.all(doing, "SELECT to_regclass('vmesh_state.format') IS NOT NULL")?;
        if !there.first().is_some_and(|row| row.get(0).unwrap_or(false)) {
            return Ok(None);
        }
        let found: Option<i64> = match self.all(doing, "SELECT max(version) FROM vmesh_state.format")?.first() {
            Some(row) => row.get(0)?,
            None => None,
        };
        let found = u32::try_from(found.unwrap_or_default()).unwrap_or(u32::MAX);
        if found > FORMAT {
            return Err(OpenError::Newer { path: self.location.path.clone(), found, known: FORMAT }.into());
        }
        Ok(Some(found))
    }

    /// What changes with everything that is written.
    fn stamp(&self) -> Result<Vec<(u64, u128)>, WarehouseError> {
        if self.format()?.is_none() {
            return Ok(Vec::new());
        }
        let all = |rows: &str, table: &str| {
            format!("(SELECT md5(coalesce(string_agg({rows}, ',' ORDER BY {rows}), '')) FROM vmesh_state.{table})")
        };
        let (environments, tables) =
            (all("name || ' ' || generation", "environments"), all("table_name || ' ' || revision", "tables"));
        let rows = self.all("looking for changes", &format!("SELECT {environments}, {tables}"))?;
        let number = |row: &Row, index| -> Result<u128, WarehouseError> {
            Ok(u128::from_str_radix(&row.get::<String>(index)?, 16).unwrap_or_default())
        };
        let read = |row: &Row| Ok([(0, number(row, 0)?), (0, number(row, 1)?)]);
        Ok(rows.iter().map(read).collect::<Result<Vec<_>, WarehouseError>>()?.concat())
    }
}

/// A new connection.
fn client(location: &Location) -> Result<Client, WarehouseError> {
    let place = || location.path.display().to_string();
    let cannot = |why: String| OpenError::Unreachable { place: place(), message: format!("ERROR: {why}") };
    let url = match &location.server {
        Some(Ok(url)) => url,
        Some(Err(why)) => return Err(cannot(why.clone()).into()),
        None => return Err(cannot("no url in [engine]".to_owned()).into()),
    };
    let url = service::resolved(url).map_err(cannot)?;
    let mut config = postgres::Config::from_str(&url).map_err(|error| cannot(error::words(&error)))?;
    config.connect_timeout(CONNECTING).application_name(&format!("vmesh {}", std::process::id()));
    if let (None, Some(password)) = (config.get_password(), password::found(&config)) {
        config.password(password);
    }
    Ok(config.connect(tls::connector()).map_err(|error| cannot(error::words(&error)))?)
}

/// The right to write, once whoever has it gives it back.
fn turn(location: &Location, waiting: Waiting<'_>) -> Result<Arc<Turn>, WarehouseError> {
    let key = match &location.server {
        Some(Ok(url)) => url.clone(),
        _ => String::new(),
    };
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(turn) = turns.get(&key).and_then(Weak::upgrade) {
        return Ok(turn);
    }
    let mut client = client(location)?;
    let failed = |error: postgres::Error| WarehouseError::Engine {
        doing: "waiting for the warehouse".to_owned(),
        message: error::words(&error),
    };
    let mut first_in_line = None;
    loop {
        if location.interrupt.is_requested() {
            return Err(WarehouseError::Interrupted);
        }
        let tried = Instant::now();
        // a builder on this machine gives way between two models to whoever stands at the door
        first_in_line = first_in_line.or_else(|| location.door.turn());
        let is_ours: bool = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).map_err(failed)?.get(0);
        if is_ours {
            let turn = Arc::new(Turn { _holds: Mutex::new(client) });
            turns.insert(key, Arc::downgrade(&turn));
            return Ok(turn);
        }
        let holder = holder(&mut client).map_err(failed)?;
        let holder = holder.map(|holder| Holder { doing: location.door.doing(holder.pid), ..holder });
        if let Some(turn) = &mut first_in_line {
            turn.tell(holder.as_ref());
        }
        if location.waited.so_far() >= location.patience {
            let waited = location.waited.so_far().as_secs();
            return Err(WarehouseError::Locked { path: location.path.clone(), holder, waited, reading: false });
        }
        if location.waited.is_worth_a_word() {
            waiting(holder.as_ref());
        }
        location.waited.pause(LOOK, tried);
    }
}

/// Who has the lock.
fn holder(client: &mut Client) -> Result<Option<Holder>, postgres::Error> {
    let sql = "SELECT a.application_name, a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database \
               WHERE datname = current_database()) AND (l.classid::bigint << 32 | l.objid::bigint) = $1";
    Ok(client.query_opt(sql, &[&LOCK])?.map(|row| {
        let (name, backend): (String, i32) = (row.get(0), row.get(1));
        let (program, pid) = name.split_once(' ').unwrap_or((&name, ""));
        let pid = pid.parse().unwrap_or(u32::try_from(backend).unwrap_or_default());
        Holder { program: program.to_owned(), pid, doing: None }
    }))
}
