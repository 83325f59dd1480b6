//! A bell that many events ring and that is heard once: after a burst, when it is quiet again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Editors write a file in several steps: files are quiet when nothing happened for so long.
const QUIET_FILES: Duration = Duration::from_millis(150);
/// Git moves HEAD after it has written the files and let go of the index.
const QUIET_GIT: Duration = Duration::from_millis(400);
/// Files that are never quiet are looked at this long after the first event.
const LONGEST: Duration = Duration::from_secs(5);
/// A lock in which nothing has happened for so long was left behind.
const STALE: Duration = Duration::from_secs(30);

/// What the bell told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Something changed, and it is quiet again.
    Change(Ring),
    /// Nothing, as long as one was willing to wait.
    Nothing,
    /// The end was asked for.
    End,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ring {
    /// Files of the project.
    pub files: bool,
    /// What Git has checked out, or a branch.
    pub git: bool,
    /// Folders came or went: others have to be watched.
    pub folders: bool,
}

impl Ring {
    pub(super) const FILES: Self = Self { files: true, git: false, folders: false };
    pub(super) const GIT: Self = Self { files: false, git: true, folders: false };
    /// Everything may have changed.
    pub const ALL: Self = Self { files: true, git: true, folders: true };

    fn and(self, other: Self) -> Self {
        Self { files: self.files || other.files, git: self.git || other.git, folders: self.folders || other.folders }
    }
}

/// A bell that events ring and one thread waits for.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    /// When it was rung first since it was heard.
    first: Option<Instant>,
    last: Option<Instant>,
    ended: bool,
}

impl State {
    fn quiet(&self) -> Duration {
        if self.ring.git { QUIET_GIT } else { QUIET_FILES }
    }
}

impl Bell {
    /// Rings it.
    pub fn ring(&self, ring: Ring) {
        let mut state = self.state();
        state.ring = state.ring.and(ring);
        let now = Instant::now();
        state.first.get_or_insert(now);
        state.last = Some(now);
        self.rung.notify_all();
    }

    /// Git is at work: no reason to ring, but what was rung for may not be all yet.
    pub(super) fn hush(&self) {
        let mut state = self.state();
        if state.first.is_some() {
            state.ring.git = true;
            state.last = Some(Instant::now());
        }
    }

    /// Ends all waiting.
    pub fn end(&self) {
        self.state().ended = true;
        self.rung.notify_all();
    }

    /// When it was last rung, if nobody has heard that yet and it is quiet again.
    pub fn unheard(&self) -> Option<Instant> {
        let state = self.state();
        state.last.filter(|last| state.first.is_some() && last.elapsed() >= state.quiet())
    }

    /// Waits for a ring, and then until it is quiet and Git is not `busy`: that is one change, however many events.
    pub fn wait(&self, patience: Duration, busy: &dyn Fn() -> bool) -> Heard {
        let start = Instant::now();
        let mut state = self.state();
        loop {
            let pause = match (state.ended, state.first, state.last) {
                (true, ..) => return Heard::End,
                (false, Some(first), Some(last)) => {
                    let (quiet, silence) = (state.quiet(), last.elapsed());
                    if silence < quiet && first.elapsed() < LONGEST {
                        quiet - silence
                    } else if silence < STALE && busy() {
                        QUIET_FILES
                    } else {
                        return Heard::Change(std::mem::take(&mut *state).ring);
                    }
                }
                _ if start.elapsed() >= patience => return Heard::Nothing,
                _ => patience.saturating_sub(start.elapsed()),
            };
            // a spurious wake-up only looks once more
            state = self.rung.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing that can panic runs under the lock: what is in it is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_is_heard_once() {
        let bell = Bell::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..50 {
                    bell.ring(Ring::FILES);
                    std::thread::sleep(SOON);
                }
                bell.ring(Ring { folders: true, ..Ring::default() });
            });
            let heard = bell.wait(Duration::from_secs(60), &|| false);
            assert_eq!(heard, Heard::Change(Ring { files: true, folders: true, git: false }));
        });
        assert_eq!(bell.unheard(), None);
        assert_eq!(bell.wait(SOON, &|| false), Heard::Nothing);
    }

    #[test]
    fn nothing_is_heard_while_git_is_busy() {
        let bell = Bell::default();
        let looks = std::cell::Cell::new(0);
        let busy = || {
            looks.set(looks.get() + 1);
            looks.get() < 3
        };
        bell.ring(Ring::FILES);
        assert_eq!(bell.wait(SOON, &busy), Heard::Change(Ring::FILES));
        assert_eq!(looks.get(), 3);
    }

    #[test]
    fn git_at_work_is_no_reason_to_ring_and_takes_longer_to_be_quiet() {
        let bell = Bell::default();
        bell.hush();
        assert_eq!(bell.wait(SOON, &|| false), Heard::Nothing);
        bell.ring(Ring::FILES);
        bell.hush();
        let start = Instant::now();
        assert!(matches!(bell.wait(SOON, &|| false), Heard::Change(_)));
        assert!(start.elapsed() >= QUIET_GIT);
    }

    #[test]
    fn the_end_is_heard_at_once_whenever_it_was_asked_for() {
        let bell = Bell::default();
        bell.end();
        bell.ring(Ring::FILES);
        assert_eq!(bell.wait(Duration::from_secs(60), &|| true), Heard::End);
        let bell = Bell::default();
        std::thread::scope(|scope| {
            scope.spawn(|| bell.end());
            assert_eq!(bell.wait(Duration::from_secs(60), &|| true), Heard::End);
        });
    }
}
