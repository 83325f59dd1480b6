//! Other processes: whether one still runs.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether the process still runs; `false` where nobody can tell.
pub fn is_running(pid: u32) -> bool {
    if Path::new("/proc/self/stat").exists() {
        // `PID (NAME) STATE …`, where a name may hold anything; a zombie has ended, whether anyone asks for it or not
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        return stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']));
    }
    let mut kill = Command::new("kill");
    kill.args(["-0", &pid.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    cfg!(unix) && kill.status().is_ok_and(|status| status.success())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_process_runs_until_it_has_ended_even_if_nobody_asked_for_it() {
        assert!(is_running(std::process::id()));
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        assert!(is_running(child.id()));
        drop(child.stdin.take());
        while is_running(child.id()) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().unwrap();
    }
}
