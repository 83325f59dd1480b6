//! For how long a build may run.

use super::Database;
use crate::adapter::engine::WarehouseError;

impl Database {
    /// Does something that may take as many seconds as the settings say, and no more: the server watches each statement.
    pub(super) fn within_limit<T>(
        &self,
        work: impl FnOnce() -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let seconds = self.location.limits.seconds;
        if seconds == 0 {
            return work();
        }
        let doing = "setting limits";
        self.run(doing, &format!("SET statement_timeout = '{seconds}s'"))?;
        let result = work();
        // of a connection that is lost nothing has to be taken back
        let _ = self.run(doing, "RESET statement_timeout");
        result
    }
}
