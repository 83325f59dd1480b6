//! Bringing a branch in step while somebody looks whether that still makes sense: the branch may change meanwhile, and
//! people may want it to end.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::super::error::Error;
use super::input_stamp::InputStamp;
use super::queue::Queue;
use super::reconcile::Reconciled;
use crate::adapter::engine::Interrupt;

/// How often to look whether the work shall end before its time.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// After a branch was planned anew this often, its build is left to finish: who changes it every minute gets an
/// environment now and then all the same.
const MOST_TURNS: usize = 3;

/// What work in the background came to.
#[derive(Debug)]
pub enum Outcome {
    /// It was done, or failed.
    Done(Result<Reconciled, Error>),
    /// The branch changed in the meantime: it is planned anew.
    Superseded,
    /// `vmesh stop` ended it, or took it back.
    Stopped,
}

/// Why work ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Interrupted,
    Stopped,
    Superseded,
}

/// How a branch is looked at while it is worked on, from another thread than the one that works.
pub(super) trait Lookout: Send {
    /// Whether something was heard since the last call that finds the branch other than it was.
    fn hears_other(&mut self, than: &InputStamp) -> bool;

    /// What the branch's environment would be made from now; none where that can't be read.
    fn look(&self) -> Option<InputStamp>;
}

/// One attempt at a branch.
pub(super) struct Supervised<'a> {
    /// Ends it, and the process with it.
    pub(super) interrupt: &'a Interrupt,
    /// Where `vmesh stop` may end it; none where it doesn't reach.
    pub(super) stop: Option<&'a Queue>,
    /// When it was asked for, in nanoseconds since 1970: `vmesh stop` ends what was asked for before.
    pub(super) asked: u64,
    /// What it is made from; none where that can't be read.
    pub(super) before: Option<InputStamp>,
    /// How often the branch was planned anew since it was last done.
    pub(super) turns: &'a mut usize,
}

impl Supervised<'_> {
    /// Does the work, and says what it came to; `None` if the process shall end.
    pub(super) fn run(
        self,
        lookout: &mut dyn Lookout,
        work: impl FnOnce(&Interrupt) -> Result<Reconciled, Error>,
    ) -> Option<Outcome> {
        let before = self.before.as_ref().filter(|_| *self.turns < MOST_TURNS);
        let mut ending = || {
            if self.interrupt.is_requested() {
                Some(Ending::Interrupted)
            } else if self.stop.is_some_and(|queue| queue.is_stopped(self.asked)) {
                Some(Ending::Stopped)
            } else {
                before.filter(|before| lookout.hears_other(before)).map(|_| Ending::Superseded)
            }
        };
        let (result, ending) = watched(&mut ending, work);
        let outcome = match (result, ending) {
            (Err(_), Some(Ending::Interrupted)) => return None,
            (Err(_), Some(Ending::Stopped)) => Outcome::Stopped,
            (Err(_), Some(Ending::Superseded)) => Outcome::Superseded,
            // an error in files that are no longer there is of no interest
            (Err(_), None) if before.is_some() && lookout.look().as_ref() != before => Outcome::Superseded,
            (result, _) => Outcome::Done(result),
        };
        *self.turns = if matches!(outcome, Outcome::Superseded) { *self.turns + 1 } else { 0 };
        Some(outcome)
    }
}

/// Does a piece of work, and ends it early once `ending` says why.
fn watched<T>(
    ending: &mut (dyn FnMut() -> Option<Ending> + Send),
    work: impl FnOnce(&Interrupt) -> T,
) -> (T, Option<Ending>) {
    let own = Interrupt::default();
    std::thread::scope(|scope| {
        let (at_work, is_at_work) = channel::<()>();
        let watching = scope.spawn(|| {
            let is_at_work = is_at_work;
            let mut why = None;
            while is_at_work.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                why = why.or_else(&mut *ending);
                if why.is_some() {
                    // again and again: a statement that is just about to begin doesn't hear it
                    own.request();
                }
            }
            why
        });
        let result = work(&own);
        drop(at_work);
        (result, watching.join().ok().flatten())
    })
}
