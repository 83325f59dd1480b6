//! What a terminal shows, at 80 and at 120 columns: every screen that people read, in a pseudo-terminal of that width.

/// Takes the `screens` of a module at both widths.
macro_rules! at_both_widths {
    () => {
        #[test]
        fn at_80_columns() {
            insta::assert_snapshot!(screens(80));
        }

        #[test]
        fn at_120_columns() {
            insta::assert_snapshot!(screens(120));
        }
    };
}

mod beginnings;
mod builds;
mod everyday;
mod faults;
mod help;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{Sandbox, wait_until};

/// More rows than any screen has.
const ROWS: u16 = 2000;

/// A terminal of some width in a sandbox, and all that it has shown.
struct Terminal<'a> {
    sandbox: &'a Sandbox,
    columns: u16,
    told: String,
}

impl<'a> Terminal<'a> {
    fn new(sandbox: &'a Sandbox, columns: u16) -> Self {
        Self { sandbox, columns, told: String::new() }
    }

    /// Runs a command, and keeps what is on the screen when it has ended.
    fn show(&mut self, command: &str) {
        let printed = self.sandbox.shell(&format!("{} </dev/null", self.typed(command))).out;
        self.keep(command, &printed);
    }

    /// The same, with each line of progress that was on the screen meanwhile.
    fn show_progress(&mut self, command: &str) {
        let printed = self.sandbox.shell(&format!("{} </dev/null", self.typed(command))).out;
        let lines = printed.split(['\r', '\n']).map(|line| self.seen(line));
        let mut lines: Vec<String> = lines.filter(|line| line.starts_with("* ")).collect();
        lines.dedup();
        self.told.push_str(&format!("$ {command}\n(meanwhile)\n{}(and then)\n", lines.concat()));
        self.told.push_str(&format!("{}\n", self.seen(&printed)));
    }

    /// Runs a command of which some words are waited for; when they are there, something is typed or done.
    fn converse(&mut self, command: &str, course: &[(&str, Then)]) {
        let log = self.sandbox.path().join("../terminal.log");
        let mut running = Running(start(self.sandbox, &format!("exec {}", self.typed(command)), &log));
        let mut keys = running.0.stdin.take().unwrap();
        let printed = || std::fs::read_to_string(&log).unwrap_or_default();
        for (words, then) in course {
            wait_until(words, || printed().contains(words));
            match then {
                Then::Type(text) => keys.write_all(text.as_bytes()).unwrap(),
                Then::Do(something) => something(),
            }
        }
        running.0.wait().unwrap();
        self.keep(command, &printed());
    }

    /// Runs something of which the screen shows nothing.
    fn aside(&self, script: &str) {
        let done = self.sandbox.shell(script);
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    }

    /// All screens, each behind its command.
    fn told(self) -> String {
        self.told
    }

    fn keep(&mut self, command: &str, printed: &str) {
        self.told.push_str(&format!("$ {command}\n{}\n", self.seen(printed)));
    }

    /// The shell's words for a command in such a terminal.
    fn typed(&self, command: &str) -> String {
        let within = format!("stty cols {} rows 60; {command}", self.columns).replace('\'', "'\\''");
        format!("env TERM=xterm script -qefc '{within}' /dev/null")
    }

    /// What a terminal shows of what was printed, but for what differs from day to day.
    fn seen(&self, printed: &str) -> String {
        let mut parser = vt100::Parser::new(ROWS, self.columns, 0);
        parser.process(printed.replace("^D\u{8}\u{8}", "").as_bytes());
        let root = self.sandbox.path().parent().unwrap().to_str().unwrap().to_owned();
        let seen = lines(parser.screen()).replace(&root, "/tmp/sandbox");
        seen.lines().map(|line| format!("{}\n", still(&timeless(line)).trim_end())).collect()
    }
}

/// The lines of a screen: one that ran over the terminal's edge is one line.
fn lines(screen: &vt100::Screen) -> String {
    let (_, columns) = screen.size();
    let mut lines = String::new();
    for (row, text) in screen.rows(0, columns).enumerate() {
        lines.push_str(&text);
        let runs_over = u16::try_from(row).is_ok_and(|row| screen.row_wrapped(row)) && !text.ends_with(' ');
        lines.push_str(if runs_over { "" } else { "\n" });
    }
    lines.trim_end().to_owned()
}

/// What is done when some words are on the screen.
enum Then<'a> {
    /// These keys are pressed.
    Type(&'a str),
    /// Something happens elsewhere.
    Do(&'a dyn Fn()),
}

/// A terminal that is closed when dropped, whatever runs in it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What Ctrl-C types.
const INTERRUPT: &str = "\u{3}";

/// Starts a script that writes what it prints to a file.
fn start(sandbox: &Sandbox, script: &str, log: &Path) -> Child {
    let mut command = sandbox.shell_command(&sandbox.path(), script);
    command.stdin(Stdio::piped()).stdout(File::create(log).unwrap());
    command.spawn().unwrap()
}

/// A line without ids, ages and times; each is as wide as before.
fn timeless(line: &str) -> String {
    let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let of = |word: &str| {
        let inner = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match inner.len() >= 8 && inner.chars().all(|c| c.is_ascii_hexdigit()) {
            true => word.replacen(inner, &"#".repeat(inner.len()), 1),
            false => word.to_owned(),
        }
    };
    let line: String = words.map(of).collect();
    let line = line.replace("1 minute ago", "just now").replace("2 minutes ago", "just now");
    unnumbered(&seconds(&line))
}

/// A line without the numbers that the system gives.
fn unnumbered(line: &str) -> String {
    let mut line = line.to_owned();
    for before in ["vmesh-demo-", "(PID ", "(process ", "127.0.0.1:"] {
        if let Some(at) = line.find(before).map(|at| at + before.len()) {
            let digits = line[at..].len() - line[at..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
            line.replace_range(at..at + digits, "#####");
        }
    }
    line
}

/// A line without the digits of how long something took: `in 0.31 s`.
fn seconds(line: &str) -> String {
    let mut told = String::new();
    let mut parts = line.split(" in ");
    told.extend(parts.next());
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (number, rest) = part.split_at(digits);
        let is_time = digits > 0 && rest.starts_with(" s");
        let number = if is_time { number.replace(|c: char| c.is_ascii_digit(), "#") } else { number.to_owned() };
        told.push_str(&format!(" in {number}{rest}"));
    }
    told
}

/// A line of progress as if its wheel stood still, and its clock; any other as it is.
fn still(line: &str) -> String {
    let mut parts = line.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(wheel), Some(clock), Some(rest))
            if wheel.chars().count() == 1 && clock.ends_with('s') && rest.contains("building ") =>
        {
            let clock = clock.replace(|c: char| c.is_ascii_digit(), "#");
            match rest.split_once(" · about ").and_then(|(done, rest)| Some((done, rest.split_once(" s to go")?))) {
                Some((done, (_, rest))) => format!("* {clock} {done} · about ## s to go{rest}"),
                None => format!("* {clock} {rest}"),
            }
        }
        _ => line.to_owned(),
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/screens/snapshots");
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        let columns = if name.contains("at_80_columns") { 80 } else { 120 };
        let text = std::fs::read_to_string(file.path()).unwrap();
        let screens = text.split_once("\n---\n").unwrap().1;
        let ours = screens.split("$ ").filter(|screen| !is_what_people_wrote(screen));
        let lines = ours.flat_map(|screen| screen.lines().skip(1)).filter(|line| !is_quoted(line));
        let wide = lines.filter(|line| line.chars().count() > columns);
        assert_eq!(wide.collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
    }
}

/// Whether a screen shows the text of models, which stays as people wrote it.
fn is_what_people_wrote(screen: &&str) -> bool {
    let theirs = ["render", "blame", "diff\n", "query 'SELECT nothing", "fmt"];
    theirs.iter().any(|it| screen.starts_with(&format!("vmesh {it}")))
}

/// Whether it is the line of a file, in a problem.
fn is_quoted(line: &&str) -> bool {
    line.split_once(" | ").is_some_and(|(number, _)| number.trim().parse::<usize>().is_ok())
}
