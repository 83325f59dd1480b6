//! The engine that is Apache Spark, through Spark Connect. The only place that imports `spark_connect_core`.
//!
//! Spark changes one table or view at a time, and goes on with a statement whose client has died. So the records lie elsewhere,
//! in a DuckDB file or a PostgreSQL database, and say what shall be; the catalogue follows:
//!
//! | in `vmesh_snapshots` | is |
//! |---|---|
//! | `orders__0a1b2c3d4e5f__9f8e7d6c` | the rows of one attempt to fill a table: never written again |
//! | `orders__0a1b2c3d4e5f` | the table: a view of the attempts that count |
//!
//! | file | is about |
//! |---|---|
//! | `journal` | changes of views: on record with the pointers, carried out afterwards, one by one, again after a crash |
//! | `attempts` | on record before they are sent, so that an orphan is found, stopped and dropped |
//! | `connection`, `error` | a session of the server · what it says |
//! | `open`, `session` | opening both · the two layers |
//! | `build`, `seed`, `loads` | filling tables |
//! | `content` | the pieces that a table's rows are |
//! | `query`, `wrong`, `same_rows`, `scratch` | asking |

mod attempts;
mod build;
#[cfg(feature = "spark")]
mod connection;
#[cfg(not(feature = "spark"))]
#[path = "without.rs"]
mod connection;
mod content;
mod error;
mod journal;
mod loads;
mod open;
mod query;
mod referee;
mod same_rows;
mod scratch;
mod seed;
mod session;
mod wrong;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use self::connection::Connection;
use self::journal::Owner;
use super::records::{Caps, SqlSession};
use super::{Location, Warehouse, WarehouseError};

/// The engine.
pub(super) struct Spark;

/// An open warehouse: its records, and a session of the server.
struct Database {
    records: Box<dyn SqlSession + Send>,
    /// Another session of the records, for what is on record whatever becomes of a transaction.
    aside: OnceCell<Box<dyn SqlSession + Send>>,
    server: OnceCell<Connection>,
    /// The tables that the running transaction has changed, as they are called in SQL, and the query of their rows.
    in_flight: RefCell<BTreeMap<String, String>>,
    owner: Owner,
    /// Whether the records are open for writing.
    is_written: bool,
    location: Location,
    caps: Caps,
}

impl Warehouse for Database {}

impl Database {
    /// The server, which is asked for the first time now or was before.
    fn server(&self) -> Result<&Connection, WarehouseError> {
        if let Some(server) = self.server.get() {
            return Ok(server);
        }
        let server = Connection::open(&self.location)?;
        Ok(self.server.get_or_init(|| server))
    }
}
