//! THE FACE. Arguments in, text out; the only room that knows a terminal.

/// [`tell()`] with the arguments of `format!`.
macro_rules! tell {
    ($($argument:tt)*) => { $crate::cli::tell(&format!($($argument)*)) };
}

mod args;
mod blame;
mod candidates;
mod checking;
mod demo;
mod ending;
mod error;
mod examples;
mod fmt;
mod hook;
mod lint;
mod manage;
mod merging;
mod moving;
mod other_engine;
mod page;
mod read;
mod render;
mod setup;
mod status;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::FromArgMatches as _;
use clap_complete::CompleteEnv;

use self::args::{Cli, Command};
use self::ending::LastWords;
use self::render::event::Teller;
use self::render::progress::Progress;
use self::render::visible::visible;
use crate::adapter::engine::{Interrupt, WarehouseError};
use crate::adapter::process;
use crate::workflow::background::catch_up::CaughtUp;
use crate::workflow::background::failure;
use crate::workflow::background::seal::Known;
use crate::workflow::error::Error;
use crate::workflow::event::Report;
use crate::workflow::session::Session;

/// What a command came to.
type Verdict = Result<u8, Error>;

/// All is done.
const DONE: u8 = 0;

/// What every command has at hand.
struct Face {
    teller: Teller,
    interrupt: Interrupt,
    /// The format asked for: `text` if none was.
    format: Format,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Csv,
    JsonLines,
    Parquet,
    Markdown,
}

/// The environment variable by which a shell asks for completions.
const COMPLETE: &str = "VMESH_COMPLETE";

/// Runs the command line.
pub fn main() -> ExitCode {
    process::with_stack(here_and_now)
}

fn here_and_now() -> ExitCode {
    CompleteEnv::with_factory(examples::command).var(COMPLETE).complete();
    let cli = Cli::from_arg_matches(&examples::command().get_matches()).unwrap_or_else(|error| error.exit());
    let interrupt = Interrupt::default();
    let words = last_words(&cli.command);
    let progress = Progress::default();
    ending::at_ctrl_c(&interrupt, words, progress.clone());
    let format = match format(&cli) {
        Ok(format) => format,
        Err(problem) => return ExitCode::from(error::print(&problem)),
    };
    let face = Face { teller: Teller::new(progress), interrupt, format };
    let verdict = run(&face, cli.command);
    face.teller.clear();
    ExitCode::from(match verdict {
        Ok(code) => code,
        Err(Error::Warehouse(WarehouseError::Interrupted)) if words != LastWords::Kept && !face.is_json() => {
            words.tell();
            error::INTERRUPTED
        }
        Err(problem) => {
            if face.is_json() {
                say_json(&error::json(&problem));
            }
            error::print(&problem)
        }
    })
}

/// What is told where Ctrl-C ends a command: who writes to the warehouse wants to know what became of that.
fn last_words(command: &Command) -> LastWords {
    match command {
        Command::Watch => LastWords::None,
        Command::Page(args) if args.serve => LastWords::None,
        Command::Plan(_)
        | Command::Promote(_)
        | Command::Run(_)
        | Command::Rollback(_)
        | Command::Check(_)
        | Command::Invalidate(_)
        | Command::Gc(_)
        | Command::Init(_)
        | Command::Demo(_)
        | Command::Hook(_) => LastWords::Kept,
        _ => LastWords::Interrupted,
    }
}

fn format(cli: &Cli) -> Result<Format, Error> {
    let is_query = matches!(cli.command, Command::Query(_));
    let has_markdown = matches!(cli.command, Command::Plan(_) | Command::Diff(_) | Command::TableDiff(_));
    let wrong = |typed: &str, known: &str| Error::Usage {
        what: format!("`{typed}` is no format of this command"),
        help: format!("--format {known}"),
    };
    match cli.format.as_deref() {
        None if cli.json => Ok(Format::Json),
        None | Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json),
        Some("markdown") if has_markdown => Ok(Format::Markdown),
        Some("table") if is_query => Ok(Format::Text),
        Some("csv") if is_query => Ok(Format::Csv),
        Some("jsonl") if is_query => Ok(Format::JsonLines),
        Some("parquet") if is_query => Ok(Format::Parquet),
        Some(other) if is_query => Err(wrong(other, "table|csv|json|jsonl|parquet")),
        Some(other) => Err(wrong(other, "text|json")),
    }
}

fn run(face: &Face, command: Command) -> Verdict {
    match command {
        Command::Init(args) => setup::init(face, &args),
        Command::Demo(args) => demo::demo(&args),
        Command::Status => status::status(face),
        Command::Plan(args) => moving::plan(face, &args),
        Command::Promote(args) => moving::promote(face, &args),
        Command::Run(args) => moving::run(face, &args),
        Command::Test(args) => checking::test(face, &args),
        Command::Ls(args) => read::ls(face, &args),
        Command::Audit(args) => checking::audit(face, &args),
        Command::Lint(args) => lint::lint(face, &args),
        Command::Fmt(args) => fmt::fmt(face, &args),
        Command::Rollback(args) => moving::rollback(face, &args),
        Command::Envs => read::envs(face),
        Command::Log(args) => match &args.subject {
            Some(subject) => blame::log(face, subject, args.rev.as_deref(), args.limit),
            None => read::log(face, &args),
        },
        Command::Blame(args) => blame::blame(face, &args),
        Command::Diff(args) => read::diff(face, &args),
        Command::TableDiff(args) => read::table_diff(face, &args),
        Command::Query(args) => read::query(face, &args),
        Command::Check(args) => checking::check(face, &args),
        Command::Render(args) => read::render(face, &args),
        Command::Lineage(args) => read::lineage(face, &args),
        Command::Dag(args) => read::dag(face, &args),
        Command::Page(args) => page::page(face, &args),
        Command::CreateExternalModels => setup::create_external_models(face),
        Command::Invalidate(args) => manage::invalidate(face, &args),
        Command::Gc(args) => manage::gc(face, &args),
        Command::Watch => hook::watch(face),
        Command::Stop => hook::stop(face),
        Command::Hooks(args) => setup::hooks(face, &args),
        Command::Hook(args) => hook::hook(face, &args),
        Command::Doctor(args) => setup::doctor(face, &args),
        Command::Completions(args) => setup::completions(&args),
        Command::Man(args) => setup::man(face, &args, examples::command()),
    }
}

impl Face {
    /// The session of the current folder; a queue that hooks left is worked off on the way, and what failed in the
    /// background is told until somebody has seen it.
    fn session(&self) -> Result<Session<'_>, Error> {
        let session = self.revived()?;
        for failure in failure::unseen(&session)? {
            tell!("note: {}", render::reconciled::failed(&failure));
        }
        Ok(session)
    }

    /// The same for the command that tells of failures itself.
    fn revived(&self) -> Result<Session<'_>, Error> {
        let session = self.session_of(&self.teller)?;
        session.revive_worker()?;
        Ok(session)
    }

    /// The session of a command that only reads: it waits for the warehouse once, and closes it before it prints.
    fn reading(&self) -> Result<Session<'_>, Error> {
        let session = self.session()?;
        session.keep_open();
        Ok(session)
    }

    /// The same where what Git did unheard is made good first. With what is known of a branch in step.
    fn caught_up(&self) -> Result<(Session<'_>, Option<Known>), Error> {
        self.catch_up(self.session()?)
    }

    fn catch_up<'s>(&'s self, mut session: Session<'s>) -> Result<(Session<'s>, Option<Known>), Error> {
        session.keep_open();
        let caught_up = session.catch_up();
        self.teller.clear();
        let known = match caught_up {
            Ok(CaughtUp::Nothing(known)) => known,
            Ok(CaughtUp::Reconciled(reconciled)) => {
                if let Some(line) = render::reconciled::render(&reconciled, false) {
                    tell(&line);
                }
                None
            }
            // the command itself works on what is there
            Err(problem) => {
                error::print(&problem);
                None
            }
        };
        Ok((session, known))
    }

    fn session_of<'r>(&self, report: &'r dyn Report) -> Result<Session<'r>, Error> {
        let here = here()?;
        Session::open(&here, report, &self.interrupt)
    }

    fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints a result: the JSON if that was asked for, the text otherwise.
    fn print(&self, text: impl FnOnce() -> String, json: impl FnOnce() -> serde_json::Value) {
        self.teller.clear();
        if self.is_json() {
            say_json(&json());
        } else {
            say(&text());
        }
    }

    /// Whether there is a terminal to ask on.
    fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question on the terminal. Without one, `yes` must have been typed.
    fn confirm(&self, question: &str, yes: bool, flag: &str) -> Result<bool, Error> {
        if yes {
            return Ok(true);
        }
        if !Self::can_ask() || self.is_json() {
            return Err(Error::Usage {
                what: "this asks before it changes anything, and there is no terminal to ask on".to_owned(),
                help: format!("add {flag}"),
            });
        }
        self.teller.clear();
        anstream::eprint!("{} [y/N] ", visible(question));
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        Ok(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// A problem as it is printed: drawing must never fail either.
#[cfg(test)]
pub(crate) fn drawn(problem: &crate::domain::diagnostic::Diagnostic) -> String {
    render::diagnostic::render(problem, false)
}

/// The current folder.
fn here() -> Result<std::path::PathBuf, Error> {
    std::env::current_dir().map_err(|source| Error::Io { doing: "find", path: ".".into(), source })
}

/// Prints to stdout, for people. Whoever closed the pipe has read enough.
fn say(text: &str) {
    say_exactly(&visible(text));
}

/// Prints a JSON document to stdout.
fn say_json(value: &serde_json::Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    say_exactly(&format!("{}\n", render::visible::json(&text)));
}

/// Prints data to stdout.
fn say_exactly(text: &str) {
    let mut out = anstream::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a line to stderr, for people. Whoever closed it hears nothing: a hook whose terminal is gone has to end, too.
fn tell(text: &str) {
    let width = render::table::width().filter(|_| std::io::stderr().is_terminal());
    // what has several lines was laid out before
    let laid_out = if text.contains('\n') { text.to_owned() } else { render::wrap::wrap(text, width) };
    let _ = writeln!(anstream::stderr(), "{}", visible(&laid_out));
}
