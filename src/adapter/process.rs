//! Processes and threads: whether another process still runs, and stacks that are large enough.

use std::path::Path;
use std::process::{Command, Stdio};

/// The stack of threads that call the engine, which goes through the query of each WITH clause and of each view below the
/// last one by recursion. What is not used of it costs nothing.
pub const STACK: usize = 128 << 20;

/// Does a piece of work in a thread whose stack is large enough, if there can be one.
pub fn with_stack<T: Send>(work: fn() -> T) -> T {
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.ok().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    done.unwrap_or_else(work)
}

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

/// What a variable of the environment says, if it is set and is text.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
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
