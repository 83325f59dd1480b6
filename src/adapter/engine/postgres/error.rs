//! What PostgreSQL's errors mean, and how they are told: with the line that they point at, as `psql` does.

use postgres::error::{DbError, ErrorPosition, SqlState};

use super::Database;
use crate::adapter::engine::records::HELD;
use crate::adapter::engine::{BuildError, OpenError, WarehouseError};

/// What vmesh can't do on PostgreSQL so far.
pub(super) fn not_yet(what: &str) -> WarehouseError {
    BuildError::Unfit {
        what: format!("{what} can't be used on PostgreSQL yet"),
        help: "docs/postgres.md says what can",
    }
    .into()
}

impl Database {
    /// Sorts an engine's error by what can be done about it.
    pub(super) fn failed(&self, doing: &str, sent: &str, error: &postgres::Error) -> WarehouseError {
        let Some(told) = error.as_db_error() else {
            if self.location.interrupt.is_requested() {
                return WarehouseError::Interrupted;
            }
            if error.is_closed() {
                return self.lost("");
            }
            return WarehouseError::Engine { doing: doing.to_owned(), message: format!("ERROR: {}", words(error)) };
        };
        if matches!(told.severity(), "FATAL" | "PANIC") {
            return self.lost(&format!(": {}", told.message()));
        }
        if *told.code() == SqlState::QUERY_CANCELED {
            return match self.location.limits.seconds {
                seconds if seconds > 0 && !self.location.interrupt.is_requested() => {
                    WarehouseError::TooLong { seconds }
                }
                _ => WarehouseError::Interrupted,
            };
        }
        if [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(told.code()) {
            // a publication has let readers go first for half a minute
            return WarehouseError::Locked {
                path: self.location.path.clone(),
                holder: None,
                waited: HELD.as_secs(),
                reading: false,
            };
        }
        WarehouseError::Engine { doing: doing.to_owned(), message: message(told, sent) }
    }
}

impl Database {
    /// The server, or somebody, has ended the connection: no model is to blame.
    fn lost(&self, why: &str) -> WarehouseError {
        let message = format!("ERROR: the connection was lost{why}");
        OpenError::Unreachable { place: self.location.path.display().to_string(), message }.into()
    }
}

/// An error that is not the server's, in all its words.
pub(super) fn words(error: &postgres::Error) -> String {
    use std::error::Error;
    match (error.as_db_error(), error.source()) {
        (Some(told), _) => message(told, ""),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

fn message(told: &DbError, sent: &str) -> String {
    let mut message = format!("{}: {}", told.severity(), told.message());
    for more in [told.detail(), told.hint()].into_iter().flatten() {
        message.push_str(&format!(" ({more})"));
    }
    if let Some(ErrorPosition::Original(position)) = told.position() {
        message.push_str(&excerpt(sent, *position as usize));
    }
    message
}

/// The line that a position points into, which is told in characters from 1.
fn excerpt(sent: &str, position: usize) -> String {
    let Some(at) = position.checked_sub(1) else { return String::new() };
    let before: String = sent.chars().take(at).collect();
    let number = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let Some(line) = sent.split('\n').nth(number - 1) else { return String::new() };
    let indent = " ".repeat("LINE : ".len() + number.to_string().len() + column);
    format!("\n\nLINE {number}: {line}\n{indent}^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_line_and_a_place_in_it() {
        let sent = "SELECT é,\n  sum(amout)\nFROM t";
        assert_eq!(excerpt(sent, 17), "\n\nLINE 2:   sum(amout)\n              ^");
        assert_eq!(crate::domain::engine_message::place(&excerpt(sent, 17), sent), sent.find("amout"));
        assert_eq!(excerpt(sent, 0), "");
    }
}
