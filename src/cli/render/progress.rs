//! The line of progress: what is being built now, how much is done, and how long the rest will take. It is redrawn as time
//! goes by.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::event::about;
use super::visible::visible;
use crate::domain::name::ModelName;
use crate::workflow::event::Begun;

/// The line, if there is one: shared with what ends vmesh before the time.
#[derive(Clone, Default)]
pub(in crate::cli) struct Progress(Arc<Mutex<Option<Line>>>);

struct Line {
    bar: ProgressBar,
    builds: Arc<Mutex<Builds>>,
}

/// What is known of the builds.
#[derive(Default)]
struct Builds {
    running: Vec<Running>,
    built: usize,
    total: usize,
    /// How long those that had not begun would take, when the last one began.
    left: Option<(Duration, Instant)>,
}

struct Running {
    model: ModelName,
    expected: Option<Duration>,
    since: Instant,
}

impl Progress {
    /// Takes the line away.
    pub(in crate::cli) fn clear(&self) {
        if let Some(line) = lock(&self.0).take() {
            line.bar.finish_and_clear();
        }
    }

    /// Adds a build that begins.
    pub(super) fn begin(&self, begun: &Begun) {
        let mut line = lock(&self.0);
        line.get_or_insert_with(Line::drawn).change(|builds| {
            builds.total = begun.total;
            let since = Instant::now();
            builds.running.push(Running { model: begun.model.clone(), expected: begun.expected, since });
            builds.left = begun.left.map(|left| (left, since));
        });
    }

    /// Takes out a build that is over.
    pub(super) fn end(&self, model: &ModelName) {
        self.change(|builds| builds.running.retain(|running| running.model != *model));
    }

    /// Counts a build that is done.
    pub(super) fn count(&self, model: &ModelName) {
        self.end(model);
        self.change(|builds| builds.built += 1);
    }

    fn change(&self, how: impl FnOnce(&mut Builds)) {
        if let Some(line) = &*lock(&self.0) {
            line.change(how);
        }
    }

    /// How many builds there are, if any has begun.
    pub(super) fn total(&self) -> Option<usize> {
        lock(&self.0).as_ref().map(|line| lock(&line.builds).total)
    }

    /// Does what prints something, above the line if there is one.
    pub(super) fn above(&self, print: impl FnOnce()) {
        match &*lock(&self.0) {
            Some(line) => line.bar.suspend(print),
            None => print(),
        }
    }
}

impl Line {
    fn drawn() -> Self {
        let builds = Arc::new(Mutex::new(Builds::default()));
        let known = builds.clone();
        let bar = ProgressBar::new_spinner();
        // the template is constant: if it were wrong, the default one would do
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {state}building {wide_msg}") {
            bar.set_style(style.with_key("state", move |_: &ProgressState, line: &mut dyn Write| {
                // a line that can't be written is drawn without it
                let _ = line.write_str(&lock(&known).state(Instant::now()));
            }));
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, builds }
    }

    fn change(&self, how: impl FnOnce(&mut Builds)) {
        let names = {
            let mut builds = lock(&self.builds);
            how(&mut builds);
            builds.names()
        };
        // drawing asks for what is known of the builds: nothing of that may be held here
        self.bar.set_message(visible(&names).into_owned());
    }
}

impl Builds {
    fn names(&self) -> String {
        self.running.iter().map(|running| running.model.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// How much is done and how long the rest will take, as far as that is worth a word.
    fn state(&self, now: Instant) -> String {
        let mut state = String::new();
        if self.total > 1 {
            state.push_str(&format!("{}/{} built · ", self.built, self.total));
        }
        let half = Duration::from_millis(500);
        if let Some(time) = self.to_go(now).and_then(|time| about(time + half)) {
            state.push_str(&format!("{time} to go · "));
        }
        state
    }

    /// How long it takes until all is built: those that have not begun, and what runs.
    fn to_go(&self, now: Instant) -> Option<Duration> {
        let (left, since) = self.left?;
        let rest = |time: Duration, since| time.saturating_sub(now.saturating_duration_since(since));
        let running = self.running.iter().map(|running| Some(rest(running.expected?, running.since)));
        let longest = running.collect::<Option<Vec<_>>>()?.into_iter().max().unwrap_or_default();
        Some(longest.max(rest(left, since)))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_and_what_is_to_come_is_told_as_time_goes_by() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let running = |name, expected, since| Running {
            model: ModelName::parse(name).unwrap(),
            expected: Some(Duration::from_secs(expected)),
            since: at(since),
        };
        let mut builds = Builds { total: 6, left: Some((Duration::from_secs(6), at(0))), ..Builds::default() };
        builds.running = vec![running("m.long", 15, 0), running("m.s1", 3, 0)];
        assert_eq!(builds.state(at(0)), "0/6 built · about 15 s to go · ");
        assert_eq!(builds.names(), "m.long, m.s1");
        builds.running.pop();
        builds.built = 1;
        assert_eq!(builds.state(at(9)), "1/6 built · about 6 s to go · ");
        assert_eq!(builds.state(at(20)), "1/6 built · ");
        builds.running.push(Running { expected: None, ..running("m.new", 1, 9) });
        assert_eq!(builds.state(at(9)), "1/6 built · ", "nobody knows how long one takes");
        builds.total = 1;
        assert_eq!(builds.state(at(9)), "");
    }
}
