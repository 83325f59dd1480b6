//! Events, told on stderr: on a terminal one line that is redrawn, elsewhere a line each.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::HumanCount;

use super::progress::Progress;
use super::{count, diagnostic, plan, some};
use crate::adapter::engine::{Doing, Holder, Warning};
use crate::domain::name::ModelName;
use crate::workflow::build::Cutoff;
use crate::workflow::event::{Event, Report};

/// Of more builds, a terminal is told one by one of those that took a second.
const MANY: usize = 50;

/// Tells events to a person.
pub(in crate::cli) struct Teller {
    progress: Progress,
    quiet: bool,
}

impl Teller {
    /// One for commands.
    pub(in crate::cli) fn new(progress: Progress) -> Self {
        Self { progress, quiet: false }
    }

    /// One that tells nothing but why it waits: for hooks.
    pub(in crate::cli) fn quiet() -> Self {
        Self { progress: Progress::default(), quiet: true }
    }

    /// Takes a half-drawn line away.
    pub(in crate::cli) fn clear(&self) {
        self.progress.clear();
    }
}

impl Report for Teller {
    fn report(&self, event: &Event) {
        match event {
            Event::Waiting { holder } => {
                let name = if self.quiet { "vmesh: " } else { "" };
                self.print(&format!("{name}{}", waiting(holder.as_ref())));
            }
            Event::PlanningAgain => self.print("the environment moved in the meantime: planning again"),
            Event::Moment(moment) => stop_for_tests(moment),
            Event::Warning { model, audit, count } => self.print(&warning(model.as_ref(), audit, *count)),
            Event::Problem(problem) => self.print(&diagnostic::render(problem, true)),
            Event::Building(_) | Event::Ended(_) | Event::Built { .. } | Event::SameRows(_) if self.quiet => {}
            Event::SameRows(cutoff) => self.print(&same_rows(cutoff)),
            Event::Building(begun) if std::io::stderr().is_terminal() => self.progress.begin(begun),
            Event::Building(_) => {}
            Event::Ended(model) => self.progress.end(model),
            Event::Built { model, took, rows } => {
                self.progress.count(model);
                if took.as_secs() > 0 || self.progress.total().is_none_or(|total| total <= MANY) {
                    self.print(&built(model, *took, *rows));
                }
            }
        }
    }
}

impl Teller {
    /// Prints a line, above the line of progress if there is one.
    fn print(&self, line: &str) {
        self.progress.above(|| tell!("{line}"));
    }
}

/// What was built.
pub(in crate::cli) fn built(model: &ModelName, took: Duration, rows: Option<u64>) -> String {
    let rows = rows.map_or_else(String::new, |rows| format!(" · {}", rows_counted(rows)));
    format!("built {model} in {:.2} s{rows}", took.as_secs_f64())
}

fn rows_counted(rows: u64) -> String {
    format!("{} {}", HumanCount(rows), if rows == 1 { "row" } else { "rows" })
}

/// A time that nobody knows for sure; none if it is not worth a word.
pub(in crate::cli) fn about(time: Duration) -> Option<String> {
    match time.as_secs() {
        0 => None,
        seconds @ 1..90 => Some(format!("about {seconds} s")),
        seconds @ 90..5400 => Some(format!("about {} min", (seconds + 30) / 60)),
        seconds => Some(format!("about {} h", (seconds + 1800) / 3600)),
    }
}

/// What has the same rows as before, and what need not be built because of that.
pub(in crate::cli) fn same_rows(cutoff: &Cutoff) -> String {
    let told = match &cutoff.same[..] {
        [(model, Some(rows))] => format!("{model}: the same {} as before", rows_counted(*rows)),
        [(model, None)] => format!("{model}: the same rows as before in columns that are taken below"),
        all => {
            let names: Vec<&ModelName> = all.iter().map(|(model, _)| model).collect();
            format!("{}: the same rows as before", some(&names, 4))
        }
    };
    match cutoff.spared.len() {
        0 => told,
        spared => format!("{told}; {} below not built", count(spared, "model")),
    }
}

/// What is wrong of some rows, and stops nothing.
pub(in crate::cli) fn warning(model: Option<&ModelName>, what: &Warning, rows: u64) -> String {
    let (lie, are) = if rows == 1 { ("lies", "is") } else { ("lie", "are") };
    let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    let of = model.map(|model| format!(" of `{model}`")).unwrap_or_default();
    match what {
        Warning::Audit(audit) => format!("warning: audit `{audit}`{of}: {rows} wrong · vmesh audit shows them"),
        Warning::LeftOut(loads) => {
            let spans = plan::spans(loads).unwrap_or_default();
            let spans = if loads.len() > 1 { format!("the spans that were loaded: {spans}") } else { spans };
            format!("warning: {rows}{of} {lie} outside of {spans}, and {are} left out")
        }
    }
}

/// Whom one waits for.
pub(in crate::cli) fn waiting(holder: Option<&Holder>) -> String {
    format!("waiting for the warehouse: {}", has(holder, "it"))
}

/// Who has the warehouse, and what they do there.
pub(in crate::cli) fn has(holder: Option<&Holder>, warehouse: &str) -> String {
    match holder {
        Some(Holder { pid, doing: Some(doing), .. }) => {
            let Doing { branch, model, count: (index, total), .. } = doing;
            format!("vmesh (process {pid}) is building {model}, {index} of {total}, for {branch}")
        }
        Some(holder) if holder.is_vmesh() => format!("vmesh (process {}) has {warehouse}", holder.pid),
        Some(Holder { program, pid, .. }) => format!("{program} (PID {pid}) has {warehouse}"),
        None => format!("another process has {warehouse}"),
    }
}

/// Tests that kill vmesh in the midst of its work name the moment in `VMESH_TEST_KILL_AT`.
fn stop_for_tests(moment: &str) {
    if std::env::var_os("VMESH_TEST_KILL_AT").is_some_and(|wanted| wanted == moment) {
        let pid = std::process::id().to_string();
        // SIGKILL, from outside, as a crash would be: no destructor runs
        let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        std::thread::sleep(Duration::from_secs(10));
    }
}
