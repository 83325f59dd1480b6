//! The whole story on a scratch repository, with the real git and the real vmesh, each command printed before it runs.

use std::path::Path;
use std::process::Command;

use super::render::{BOLD, DIM, paint};
use super::setup::binary;
use super::{DONE, Verdict, args, error, say};
use crate::workflow::error::Error;

/// The file that the story edits.
const MODEL: &str = "models/marts/orders.sql";
/// The unit test that goes with it.
const TEST: &str = "tests/test_orders.yaml";

/// `vmesh demo`
pub(super) fn demo(args: &args::Demo) -> Verdict {
    let folder = match &args.dir {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("vmesh-demo-{}", std::process::id())),
    };
    let occupied = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(Error::Usage {
            what: format!("{} is not empty", folder.display()),
            help: "vmesh demo --dir <a new folder>".to_owned(),
        });
    }
    let io = |source| Error::Io { doing: "create", path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(io)?;
    let story = Story { folder: &folder.canonicalize().map_err(io)?, binary: &binary()? };
    Ok(if story.tell()? { DONE } else { error::FAILED })
}

struct Story<'a> {
    folder: &'a Path,
    binary: &'a Path,
}

impl Story<'_> {
    /// Tells it; false if a command failed.
    fn tell(&self) -> Result<bool, Error> {
        say(&format!("{}\n", paint(DIM, format!("a scratch repository in {}", self.folder.display()))));
        self.says("A project: twelve models over four CSV files, a repository, the hooks.");
        let mut good = self.run("vmesh init");
        self.write("vmesh.toml", |text| text.replace("\"background\" ", "\"inline\"     "))?;
        self.git_identity();
        self.says("Commit on main: the hook promotes it. Every model is built once.");
        good &= self.run("git add --all") && self.run("git commit --quiet -m 'first models'");
        good &= self.run("vmesh status");
        self.says("A branch is an environment. Nothing is built: it shows prod's tables.");
        good &= self.run("git switch --quiet -c alice");
        self.says("Change one model and its unit test: returned orders count as negative revenue.");
        self.write(MODEL, |text| text.replace("THEN 0 ELSE", "THEN -totals.total ELSE"))?;
        self.write(TEST, |text| {
            text.replace("pieces: 1, total: 0}", "pieces: 1, total: -99.00}").replace("worth_nothing", "negative")
        })?;
        good &= self.run("git commit --quiet --all -m 'returns are negative'");
        self.says("Only it and what reads it were built. What differs?");
        good &= self.run("vmesh diff");
        good &= self.run("vmesh table-diff marts.orders --limit 3");
        good &= self.run("vmesh query \"SELECT sum(total) AS revenue FROM marts.orders\" --env prod");
        good &= self.run("vmesh query \"SELECT sum(total) AS revenue FROM marts.orders\"");
        self.says("Back on main, and to the branch again: nothing to do.");
        good &= self.run("git switch --quiet main") && self.run("git switch --quiet alice");
        self.says("Merge: prod repoints. Nothing is built, because the branch built it.");
        good &= self.run("git switch --quiet main");
        good &= self.run("git merge --quiet --no-edit --no-ff alice");
        good &= self.run("vmesh query \"SELECT sum(total) AS revenue FROM marts.orders\"");
        self.says("A mistake? Prod's pointers go back at once.");
        good &= self.run("vmesh rollback --yes");
        good &= self.run("vmesh log");
        self.says("Forward again, and clean up.");
        good &= self.run("vmesh promote --yes");
        good &= self.run("git branch --quiet -D alice") && self.run("vmesh gc --yes");
        good &= self.run("vmesh envs");
        if good {
            let folder = self.folder.display();
            say(&format!("\nThe repository is yours to play with:\n  cd {folder}\n"));
        }
        Ok(good)
    }

    fn says(&self, text: &str) {
        say(&format!("\n{}\n", paint(BOLD, text)));
    }

    /// Prints a command line and runs it.
    fn run(&self, line: &str) -> bool {
        say(&format!("{} {line}\n", paint(DIM, "$")));
        let folder = self.binary.parent().unwrap_or(Path::new("."));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path)));
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.folder);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "VMESH", "VMESH_SKIP"] {
            command.env_remove(name);
        }
        if let Ok(path) = path {
            command.env("PATH", path);
        }
        let done = command.status().is_ok_and(|status| status.success());
        if !done {
            tell!("`{line}` failed");
        }
        done
    }

    /// Gives the scratch repository an author, if git has none: someone tries vmesh on a fresh machine.
    fn git_identity(&self) {
        let git = |args: &[&str]| Command::new("git").args(args).current_dir(self.folder).output();
        for (key, value) in [("user.name", "vmesh demo"), ("user.email", "demo@example.com")] {
            if !git(&["config", key]).is_ok_and(|output| output.status.success()) {
                // if it can't be set, the commit will say so
                let _ = git(&["config", key, value]);
            }
        }
    }

    fn write(&self, path: &str, change: impl FnOnce(&str) -> String) -> Result<(), Error> {
        let file = self.folder.join(path);
        let io = |doing| {
            let path = file.clone();
            move |source| Error::Io { doing, path, source }
        };
        let text = std::fs::read_to_string(&file).map_err(io("read"))?;
        std::fs::write(&file, change(&text)).map_err(io("write"))
    }
}
