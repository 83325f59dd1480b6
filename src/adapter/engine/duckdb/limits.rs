//! What the engine may take of the machine, and for how long.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::Database;
use crate::adapter::engine::WarehouseError;

/// How often a statement is told again that it shall end: one that is just about to begin doesn't hear it.
const AGAIN: Duration = Duration::from_millis(50);

impl Database {
    /// Does something that may take as many seconds as the settings say, and no more.
    pub(super) fn within_limit<T>(
        &self,
        work: impl FnOnce() -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let seconds = self.location.limits.seconds;
        if seconds == 0 {
            return work();
        }
        let handle = self.connection.interrupt_handle();
        let (at_work, is_at_work) = channel::<()>();
        let (result, is_late) = std::thread::scope(|scope| {
            let clock = scope.spawn(move || {
                let mut patience = Duration::from_secs(seconds);
                let mut is_late = false;
                while is_at_work.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                    handle.interrupt();
                    (patience, is_late) = (AGAIN, true);
                }
                is_late
            });
            let result = work();
            drop(at_work);
            (result, clock.join().unwrap_or(false))
        });
        match result {
            Err(WarehouseError::Interrupted) if is_late && !self.location.interrupt.is_requested() => {
                Err(WarehouseError::TooLong { seconds })
            }
            result => result,
        }
    }
}
