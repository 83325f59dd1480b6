//! Our hooks beside everyone else's, run by the real Git.

#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Output, Stdio};

use super::*;
use crate::adapter::git::tests::{Sandbox, git_in};

/// A repository, and a vmesh that writes down how it was called.
struct Hooked {
    sandbox: Sandbox,
    vmesh: PathBuf,
}

impl Hooked {
    fn new() -> Self {
        Self::of(Sandbox::new())
    }

    fn of(sandbox: Sandbox) -> Self {
        let vmesh = sandbox.beside("it's a \"bin\" $HOME/vmesh");
        fs::create_dir_all(vmesh.parent().unwrap()).unwrap();
        let hooked = Self { sandbox, vmesh };
        hooked.vmesh_is("exit 0");
        hooked
    }

    /// What vmesh does after writing down its arguments and whether the caller is a running git.
    fn vmesh_is(&self, body: &str) {
        let log = self.sandbox.beside("vmesh.log");
        let log = log.display();
        let script = format!(
            "#!/bin/sh\ncat >/dev/null\nkill -0 \"$VMESH_GIT_PID\" && printf '%s ' \"$@\" >>'{log}'\necho >>'{log}'\n{body}\n"
        );
        write_executable(&self.vmesh, &script);
    }

    fn dir(&self) -> HooksDir {
        self.sandbox.open().hooks_dir().unwrap()
    }

    fn hook(&self, name: &str) -> PathBuf {
        self.dir().path.join(name)
    }

    /// The user's own hook.
    fn user(&self, text: &str) {
        fs::create_dir_all(self.dir().path).unwrap();
        write_executable(&self.hook("post-checkout"), text);
    }

    fn install(&self) -> Vec<Done> {
        install(&self.dir(), &self.vmesh, false).unwrap().into_iter().map(|change| change.done).collect()
    }

    /// Checks a branch out, with a variable set. What vmesh was called with, and what Git answered.
    fn checkout(&self, variable: Option<(&str, &str)>) -> (String, Output) {
        let log = self.sandbox.beside("vmesh.log");
        fs::remove_file(&log).ok();
        let mut git = git_in(&self.sandbox.top);
        git.args(["checkout", "-q", "-B", "alice"]).envs(variable);
        let output = git.output().unwrap();
        (fs::read_to_string(log).unwrap_or_default(), output)
    }

    fn checkout_calls_vmesh(&self) -> Output {
        let id = self.sandbox.id("HEAD");
        let (log, output) = self.checkout(None);
        assert_eq!(log.trim_end(), format!("hook post-checkout {id} {id} 1"));
        output
    }

    /// Everything in the folder: names, contents, link targets and modes.
    fn picture(&self) -> Vec<(PathBuf, Vec<u8>, Option<PathBuf>, u32)> {
        let mut all: Vec<_> = fs::read_dir(self.dir().path)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
                (path.clone(), fs::read(&path).unwrap_or_default(), fs::read_link(&path).ok(), mode)
            })
            .collect();
        all.sort();
        all
    }
}

fn write_executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn fresh_hooks_call_vmesh_once_each() {
    let hooked = Hooked::new();
    assert_eq!(hooked.install(), [Done::Installed; 4]);
    assert!(hooked.checkout_calls_vmesh().status.success());
    let log = hooked.sandbox.beside("vmesh.log");
    let calls = |args: &[&str]| {
        fs::remove_file(&log).ok();
        hooked.sandbox.git(args);
        fs::read_to_string(&log).unwrap_or_default()
    };
    assert_eq!(calls(&["commit", "-q", "--allow-empty", "-m", "x"]), "hook post-commit \n");
    assert_eq!(
        calls(&["commit", "-q", "--amend", "--allow-empty", "-m", "y"]),
        "hook post-commit \nhook post-rewrite amend \n"
    );
    hooked.sandbox.git(&["switch", "-q", "main"]);
    assert_eq!(calls(&["merge", "-q", "alice"]), "hook post-merge 0 \n");
}

#[test]
fn our_lines_come_before_an_early_exit() {
    let hooked = Hooked::new();
    hooked.user("#!/bin/sh\necho user >&2\nexit 0\n");
    hooked.install();
    assert_eq!(error_text(&hooked.checkout_calls_vmesh()), "user\n");
}

#[test]
fn the_users_exit_status_stays() {
    let hooked = Hooked::new();
    for user in ["#!/bin/sh\nexit 7\n", "#!/usr/bin/env python3\nimport sys; sys.exit(7)\n"] {
        hooked.user(user);
        hooked.install();
        assert_eq!(hooked.checkout_calls_vmesh().status.code(), Some(1), "git says 1 for any failing post-checkout");
        let direct = std::process::Command::new(hooked.hook("post-checkout")).output().unwrap();
        assert_eq!(direct.status.code(), Some(7));
        uninstall(&hooked.dir()).unwrap();
    }
}

#[test]
fn a_failing_vmesh_harms_nobody() {
    let hooked = Hooked::new();
    hooked.vmesh_is("exit 3");
    for shebang in ["#!/bin/sh -eu", "#!/bin/bash", "#!/usr/bin/env bash"] {
        hooked.user(&format!("{shebang}\nset -e\necho user $# >&2\n"));
        hooked.install();
        let output = hooked.checkout_calls_vmesh();
        assert!(output.status.success());
        assert_eq!(error_text(&output), "user 3\n", "{shebang}");
    }
}

#[test]
fn a_hook_in_another_language_runs_after_ours() {
    let hooked = Hooked::new();
    hooked.user("#!/usr/bin/env python3\nimport sys; sys.stderr.write(f'python {len(sys.argv)}\\n')\n");
    assert_eq!(hooked.install()[0], Done::Installed);
    assert_eq!(error_text(&hooked.checkout_calls_vmesh()), "python 4\n");
    assert!(hooked.hook("post-checkout.vmesh-user").exists());
}

#[test]
fn a_linked_hook_runs_after_ours_and_its_target_is_not_touched() {
    let hooked = Hooked::new();
    let target = hooked.sandbox.top.join("hook.sh");
    write_executable(&target, "#!/bin/sh\necho linked >&2\n");
    fs::create_dir_all(hooked.dir().path).unwrap();
    symlink("../../hook.sh", hooked.hook("post-checkout")).unwrap();
    hooked.install();
    assert_eq!(error_text(&hooked.checkout_calls_vmesh()), "linked\n");
    assert_eq!(fs::read_to_string(target).unwrap(), "#!/bin/sh\necho linked >&2\n");
}

#[test]
fn the_users_hook_gets_all_of_stdin() {
    for user in ["#!/bin/sh\nread line; echo \"got $line\"\n", "#!/usr/bin/env python3\nprint('got', input())\n"] {
        let hooked = Hooked::new();
        fs::create_dir_all(hooked.dir().path).unwrap();
        write_executable(&hooked.hook("post-rewrite"), user);
        hooked.install();
        let mut hook = std::process::Command::new(hooked.hook("post-rewrite"));
        hook.current_dir(&hooked.sandbox.top);
        let mut child = hook.arg("rebase").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"old new\n").unwrap();
        assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), "got old new\n");
        assert_eq!(fs::read_to_string(hooked.sandbox.beside("vmesh.log")).unwrap(), "hook post-rewrite rebase \n");
    }
}

#[test]
fn without_the_binary_the_one_in_the_path_is_called_or_none() {
    let hooked = Hooked::new();
    hooked.user("#!/bin/sh\necho user >&2\n");
    hooked.install();
    let elsewhere = hooked.sandbox.beside("bin");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(&hooked.vmesh, elsewhere.join("vmesh")).unwrap();
    let path = format!("{}:{}", elsewhere.display(), std::env::var("PATH").unwrap());
    let (log, _) = hooked.checkout(Some(("PATH", &path)));
    assert!(log.starts_with("hook post-checkout"), "{log}");
    fs::remove_dir_all(&elsewhere).unwrap();
    let (log, output) = hooked.checkout(None);
    assert_eq!((&*log, &*error_text(&output)), ("", "user\n"));
    assert!(output.status.success());
}

#[test]
fn two_variables_switch_ours_off_and_only_ours() {
    let hooked = Hooked::new();
    hooked.user("#!/bin/sh\necho user >&2\n");
    hooked.install();
    for variable in [("VMESH", "0"), ("VMESH_SKIP", "1")] {
        let (log, output) = hooked.checkout(Some(variable));
        assert_eq!((&*log, &*error_text(&output)), ("", "user\n"));
    }
    assert_ne!(hooked.checkout(Some(("VMESH", "1"))).0, "");
}

#[test]
fn linked_worktrees_ring_too() {
    let hooked = Hooked::new();
    hooked.install();
    let linked = hooked.sandbox.beside("linked");
    hooked.sandbox.git(&["worktree", "add", "-q", "-b", "bob", linked.to_str().unwrap()]);
    let log = hooked.sandbox.beside("vmesh.log");
    assert!(fs::read_to_string(&log).unwrap().starts_with("hook post-checkout 0000"));
    assert!(git_in(&linked).args(["checkout", "-q", "-b", "carol"]).status().unwrap().success());
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 2);
}

#[test]
fn a_switched_off_hook_stays_off() {
    let hooked = Hooked::new();
    hooked.user("#!/bin/sh\necho user >&2\n");
    fs::set_permissions(hooked.hook("post-checkout"), Permissions::from_mode(0o644)).unwrap();
    let before = hooked.picture();
    hooked.install();
    assert_eq!(error_text(&hooked.checkout_calls_vmesh()), "");
    // the other order: switched off after ours came in
    uninstall(&hooked.dir()).unwrap();
    assert_eq!(hooked.picture(), before);
    hooked.user("#!/bin/sh\necho user >&2\n");
    hooked.install();
    fs::set_permissions(hooked.hook("post-checkout"), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(status(&hooked.dir()).unwrap()[0].1, HookState::NotExecutable);
    assert_eq!(hooked.install()[0], Done::Updated);
    assert_eq!(error_text(&hooked.checkout_calls_vmesh()), "");
    uninstall(&hooked.dir()).unwrap();
    assert_eq!(hooked.picture(), before);
}

#[test]
fn installing_again_changes_nothing_and_uninstalling_leaves_every_byte() {
    let hooked = Hooked::new();
    let texts: [&[u8]; 10] = [
        b"",
        b"#!/bin/sh",
        b"#!/bin/sh\n",
        b"#!/bin/sh\necho a",
        b"#!/bin/sh\n\necho caf\xe9\n\n",
        b"echo no shebang\n",
        b"echo no newline",
        b"#!/bin/sh\r\necho crlf\r\n",
        b"#!/usr/bin/env python3\nprint()",
        b"\x7fELF\0\0",
    ];
    for text in texts {
        fs::create_dir_all(hooked.dir().path).unwrap();
        fs::write(hooked.hook("post-checkout"), text).unwrap();
        for mode in [0o755, 0o700, 0o644] {
            fs::set_permissions(hooked.hook("post-checkout"), Permissions::from_mode(mode)).unwrap();
            let before = hooked.picture();
            assert_eq!(hooked.install(), [Done::Installed; 4]);
            let installed = hooked.picture();
            assert_eq!(hooked.install(), [Done::AlreadyThere; 4]);
            assert_eq!(hooked.picture(), installed);
            let done = uninstall(&hooked.dir()).unwrap().into_iter().map(|change| change.done);
            assert_eq!(done.collect::<Vec<_>>(), [Done::Removed; 4]);
            assert_eq!(hooked.picture(), before, "{:?} {mode:o}", String::from_utf8_lossy(text));
            assert_eq!(uninstall(&hooked.dir()).unwrap()[0].done, Done::NotThere);
        }
    }
}

#[test]
fn the_state_is_told() {
    let hooked = Hooked::new();
    let states = || status(&hooked.dir()).unwrap().into_iter().map(|(_, state)| state).collect::<Vec<_>>();
    assert_eq!(states(), [HookState::Missing; 4]);
    hooked.user("#!/bin/sh\n");
    assert_eq!(states()[0], HookState::Foreign);
    hooked.install();
    assert_eq!(states(), [HookState::Installed; 4]);
    // an older version's lines, in the user's file and in ours; the user's own lines are kept
    for hook in ["post-checkout", "post-merge"] {
        let path = hooked.hook(hook);
        let text = fs::read_to_string(&path).unwrap().replace("VMESH_SKIP", "VMESH_OLD") + "echo mine >&2\n";
        fs::write(&path, text).unwrap();
    }
    assert_eq!(states()[..3], [HookState::Outdated, HookState::Outdated, HookState::Installed]);
    assert_eq!(hooked.install(), [Done::Updated, Done::Updated, Done::AlreadyThere, Done::AlreadyThere]);
    assert_eq!(states(), [HookState::Installed; 4]);
    assert_eq!(error_text(&hooked.checkout_calls_vmesh()), "mine\n");
    uninstall(&hooked.dir()).unwrap();
    for hook in ["post-checkout", "post-merge"] {
        assert_eq!(fs::read_to_string(hooked.hook(hook)).unwrap(), "#!/bin/sh\necho mine >&2\n");
    }
}

#[test]
fn another_binary_is_an_update() {
    let hooked = Hooked::new();
    hooked.install();
    let before = hooked.picture();
    let changes = install(&hooked.dir(), Path::new("/opt/vmesh"), false).unwrap();
    assert!(changes.iter().all(|change| change.done == Done::Updated));
    assert_eq!(binary(&hooked.dir()).as_deref(), Some(Path::new("/opt/vmesh")));
    assert_eq!(hooked.picture(), before, "the lines are the same on every machine");
}

#[test]
fn lines_that_someone_else_committed_do_nothing_before_the_first_install() {
    let hooked = Hooked::new();
    hooked.install();
    fs::remove_file(record(&hooked.dir())).unwrap();
    let path = format!("{}:{}", hooked.vmesh.parent().unwrap().display(), std::env::var("PATH").unwrap());
    assert_eq!(hooked.checkout(Some(("PATH", &path))).0, "");
    assert_eq!(hooked.install(), [Done::AlreadyThere; 4]);
    hooked.checkout_calls_vmesh();
}

#[test]
fn the_git_directory_is_found_wherever_it_is() {
    let hooked = Hooked::new();
    hooked.install();
    let log = hooked.sandbox.beside("vmesh.log");
    let rings = |dir: &Path, args: &[&str]| {
        fs::remove_file(&log).ok();
        let output = git_in(dir).args(args).output().unwrap();
        assert!(output.status.success(), "{}", error_text(&output));
        assert_eq!(error_text(&output), "", "{args:?}");
        assert!(log.exists(), "{args:?}");
    };
    let (top, beside) = (&hooked.sandbox.top, hooked.sandbox.beside("it's a \"linked\" $HOME"));
    let linked = beside.to_str().unwrap();
    rings(&top.join("models"), &["checkout", "-q", "-b", "a"]);
    rings(beside.parent().unwrap(), &["-C", "repo", "checkout", "-q", "-b", "b"]);
    rings(top, &["worktree", "add", "-q", "-b", "c", linked]);
    rings(&beside, &["checkout", "-q", "-b", "d"]);
    rings(&beside.join("models"), &["checkout", "-q", "-b", "e"]);
    // as libgit2 makes them
    let worktree = fs::read_dir(top.join(".git/worktrees")).unwrap().next().unwrap().unwrap().path();
    fs::write(worktree.join("commondir"), top.join(".git").to_str().unwrap()).unwrap();
    rings(&beside, &["checkout", "-q", "-b", "f"]);
    // a separate git directory
    let elsewhere = hooked.sandbox.beside("elsewhere");
    fs::rename(top.join(".git"), &elsewhere).unwrap();
    fs::write(top.join(".git"), "gitdir: ../elsewhere").unwrap();
    rings(top, &["checkout", "-q", "-b", "h"]);
    let work_tree = format!("--work-tree={}", top.display());
    rings(&beside, &["--git-dir=../elsewhere", &work_tree, "checkout", "-q", "-b", "i"]);
}

#[test]
fn an_eager_hook_rings_when_files_were_changed_and_stays_until_it_is_taken_out() {
    let hooked = Hooked::new();
    hooked.install();
    let dir = hooked.dir();
    let before = hooked.picture();
    assert_eq!(install(&dir, &hooked.vmesh, true).unwrap()[4].done, Done::Installed);
    assert_eq!(hooked.install(), [Done::AlreadyThere; 5]);
    assert_eq!(status(&dir).unwrap()[4], (HookName::PostIndexChange, HookState::Installed));
    let log = hooked.sandbox.beside("vmesh.log");
    let calls = |args: &[&str]| {
        fs::remove_file(&log).ok();
        hooked.sandbox.git(args);
        fs::read_to_string(&log).unwrap_or_default()
    };
    hooked.sandbox.write("models/a.sql", "select 7");
    assert_eq!(calls(&["add", "-A"]), "", "no file was changed");
    // how often depends on Git's version
    for args in [&["stash", "-q"][..], &["stash", "pop", "-q"], &["reset", "-q", "--hard"]] {
        let calls = calls(args);
        assert!(
            !calls.is_empty() && calls.lines().all(|call| call == "hook post-index-change 1 0 "),
            "{args:?}: {calls}"
        );
    }
    let done = uninstall(&dir).unwrap();
    assert_eq!(done.iter().map(|change| change.done).collect::<Vec<_>>(), [Done::Removed; 5]);
    hooked.install();
    assert_eq!(hooked.picture(), before);
}

#[test]
fn a_bare_repository_gets_the_hook_that_follows_pushes() {
    let hooked = Hooked::of(Sandbox::unborn(&["--bare"]));
    for user in ["#!/bin/sh\ncat >&2\n", "#!/usr/bin/env python3\nimport sys; sys.stderr.write(sys.stdin.read())\n"] {
        write_executable(&hooked.hook("post-receive"), user);
        let before = hooked.picture();
        assert_eq!(hooked.install(), [Done::Installed]);
        assert_eq!(hooked.install(), [Done::AlreadyThere]);
        assert_eq!(status(&hooked.dir()).unwrap(), [(HookName::PostReceive, HookState::Installed)]);
        let source = Sandbox::new();
        source.git(&["branch", "alice"]);
        let pushed = source.try_git(&["push", hooked.sandbox.top.to_str().unwrap(), "main", "alice", "--force"]);
        let told = error_text(&pushed);
        let lines =
            |what: &str| told.lines().filter(|line| line.starts_with("remote: ") && line.contains(what)).count();
        assert_eq!((lines("refs/heads/main"), lines("refs/heads/alice")), (1, 1), "{told}");
        let log = hooked.sandbox.beside("vmesh.log");
        assert_eq!(fs::read_to_string(&log).unwrap(), "hook post-receive \n");
        fs::remove_file(log).unwrap();
        uninstall(&hooked.dir()).unwrap();
        assert_eq!(hooked.picture(), before);
        hooked.sandbox.git(&["update-ref", "-d", "refs/heads/main"]);
        hooked.sandbox.git(&["update-ref", "-d", "refs/heads/alice"]);
    }
}

#[test]
fn hooks_that_a_setting_has_killed_are_told_and_taken_out() {
    let hooked = Hooked::new();
    hooked.install();
    assert!(!is_dead(&hooked.dir()).unwrap());
    hooked.sandbox.git(&["config", "core.hooksPath", ".githooks"]);
    assert!(is_dead(&hooked.dir()).unwrap());
    assert_eq!(status(&hooked.dir()).unwrap()[0].1, HookState::Missing);
    hooked.install();
    hooked.checkout_calls_vmesh();
    uninstall(&hooked.dir()).unwrap();
    assert!(!is_dead(&hooked.dir()).unwrap());
    assert_eq!(fs::read_dir(hooked.sandbox.top.join(".githooks")).unwrap().count(), 0);
    hooked.sandbox.git(&["config", "core.hooksPath", "/dev/null"]);
    let error = install(&hooked.dir(), &hooked.vmesh, false);
    assert!(matches!(error, Err(HookError::SwitchedOff { .. })));
    assert_eq!(uninstall(&hooked.dir()).unwrap()[0].done, Done::NotThere);
}

#[test]
fn hooks_of_an_older_vmesh_are_taken_over() {
    // as vmesh 0.1 wrote them
    let old = "# >>> vmesh >>> keeps the branch's environment in step\nif :; then\n  _vmesh='/opt/vmesh'\nfi\n# <<< vmesh <<<\n";
    let chain = "# then\n[ ! -x \"$0.vmesh-user\" ] || exec \"$0.vmesh-user\" \"$@\"\n";
    let hooked = Hooked::new();
    fs::create_dir_all(hooked.dir().path).unwrap();
    write_executable(&hooked.hook("post-commit"), &format!("#!/bin/sh\n{old}echo user\n"));
    write_executable(&hooked.hook("post-checkout"), &format!("#!/bin/sh\n{old}{chain}"));
    write_executable(&hooked.hook("post-checkout.vmesh-user"), "#!/usr/bin/env python3\n");
    assert_eq!(hooked.install(), [Done::Updated, Done::Installed, Done::Updated, Done::Installed]);
    hooked.checkout_calls_vmesh();
    uninstall(&hooked.dir()).unwrap();
    assert_eq!(fs::read_to_string(hooked.hook("post-commit")).unwrap(), "#!/bin/sh\necho user\n");
    assert_eq!(fs::read_to_string(hooked.hook("post-checkout")).unwrap(), "#!/usr/bin/env python3\n");
    assert!(!hooked.hook("post-checkout.vmesh-user").exists());
}

#[test]
fn nothing_is_overwritten() {
    let hooked = Hooked::new();
    hooked.user("#!/usr/bin/env python3\n");
    fs::write(hooked.hook("post-checkout.vmesh-user"), "precious").unwrap();
    let error = install(&hooked.dir(), &hooked.vmesh, false);
    assert!(matches!(error, Err(HookError::InTheWay { path }) if path.ends_with("post-checkout.vmesh-user")));
    hooked.user("#!/bin/sh\n# >>> vmesh >>> but no end\n");
    assert!(matches!(install(&hooked.dir(), &hooked.vmesh, false), Err(HookError::Damaged { .. })));
    assert!(matches!(uninstall(&hooked.dir()), Err(HookError::Damaged { .. })));
}
