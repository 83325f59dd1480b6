//! HEAD in all its states, and when Git is at rest.

use super::super::{Head, Rest};
use super::{Sandbox, open};
use crate::domain::name::BranchName;

fn branch(name: &str) -> BranchName {
    BranchName::from(name)
}

#[test]
fn a_branch_before_and_after_its_first_commit() {
    let sandbox = Sandbox::unborn(&[]);
    assert_eq!(sandbox.open().head().unwrap(), Head::Branch { name: branch("main"), commit: None });
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Ready);
    let first = sandbox.commit("first");
    assert_eq!(sandbox.open().head().unwrap(), Head::Branch { name: branch("main"), commit: Some(first) });
}

#[test]
fn a_detached_head_is_at_a_commit() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "--detach"]);
    assert_eq!(sandbox.open().head().unwrap(), Head::Detached { commit: sandbox.id("HEAD") });
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Detached);
    // as other tools leave it
    sandbox.git(&["update-ref", "refs/jj/root", "HEAD"]);
    sandbox.git(&["symbolic-ref", "HEAD", "refs/jj/root"]);
    assert_eq!(sandbox.open().head().unwrap(), Head::Detached { commit: sandbox.id("refs/jj/root") });
}

#[test]
#[cfg(target_os = "linux")]
fn a_branch_whose_name_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let refs = sandbox.top.join(".git/refs/heads");
    std::fs::copy(refs.join("main"), refs.join(name)).unwrap();
    std::fs::write(sandbox.top.join(".git/HEAD"), b"ref: refs/heads/caf\xe9\n").unwrap();
    let repository = sandbox.open();
    let Head::Branch { name, commit: Some(commit) } = repository.head().unwrap() else { panic!() };
    assert_eq!(name, BranchName::from_bytes(b"caf\xe9"));
    assert_eq!(repository.branch_tip(&name).unwrap(), Some(commit));
}

#[test]
fn conflicts_are_seen_whatever_left_them() {
    let sandbox = Sandbox::new();
    sandbox.diverge();
    let rest = || sandbox.open().rest().unwrap();
    for merge in [&["merge", "main"][..], &["merge", "--squash", "main"]] {
        assert!(!sandbox.try_git(merge).status.success());
        assert_eq!(rest(), Rest::Conflicts { files: vec!["models/a.sql".to_owned()] });
        sandbox.git(&["reset", "-q", "--hard"]);
    }
    sandbox.write("models/a.sql", "select 'stashed'\n");
    sandbox.git(&["stash", "-q"]);
    sandbox.write("models/a.sql", "select 'changed'\n");
    sandbox.commit("changed");
    assert!(!sandbox.try_git(&["stash", "pop"]).status.success());
    assert_eq!(rest(), Rest::Conflicts { files: vec!["models/a.sql".to_owned()] });
    sandbox.git(&["reset", "-q", "--hard"]);
    assert_eq!(rest(), Rest::Ready);
}

#[test]
fn an_open_repository_sees_what_changes() {
    let sandbox = Sandbox::new();
    sandbox.diverge();
    let repository = sandbox.open();
    assert_eq!(repository.rest().unwrap(), Rest::Ready);
    assert!(!sandbox.try_git(&["merge", "main"]).status.success());
    assert_eq!(repository.rest().unwrap(), Rest::Conflicts { files: vec!["models/a.sql".to_owned()] });
    sandbox.git(&["merge", "--abort"]);
    assert_eq!(repository.rest().unwrap(), Rest::Ready);
    sandbox.git(&["switch", "-q", "main"]);
    assert!(matches!(repository.head().unwrap(), Head::Branch { name, .. } if name == branch("main")));
}

#[test]
fn a_rebase_or_bisect_in_progress_is_busy() {
    let sandbox = Sandbox::new();
    sandbox.diverge();
    for backend in ["--merge", "--apply"] {
        assert!(!sandbox.try_git(&["rebase", backend, "main"]).status.success());
        assert_eq!(sandbox.open().rest().unwrap(), Rest::Busy { what: "rebase" }, "{backend}");
        sandbox.git(&["rebase", "--abort"]);
    }
    sandbox.commit("more");
    sandbox.git(&["bisect", "start", "HEAD", "HEAD~2"]);
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Busy { what: "bisect" });
    sandbox.git(&["bisect", "reset"]);
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Ready);
}

#[test]
fn a_merge_that_only_lacks_its_commit_is_at_rest() {
    let sandbox = Sandbox::new();
    sandbox.git(&["switch", "-qc", "alice"]);
    sandbox.write("models/c.sql", "select 3\n");
    sandbox.commit("alice");
    sandbox.git(&["switch", "-q", "main"]);
    // what post-merge sees
    sandbox.git(&["merge", "-q", "--no-ff", "--no-commit", "alice"]);
    assert!(sandbox.top.join(".git/MERGE_HEAD").exists());
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Ready);
}

#[test]
fn each_worktree_has_its_own_head() {
    let sandbox = Sandbox::new();
    let linked = sandbox.beside("linked");
    sandbox.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    assert_eq!(open(&linked).rest().unwrap(), Rest::Detached);
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Ready);
}

#[test]
fn a_bare_repository_is_always_at_rest() {
    let sandbox = Sandbox::new();
    let bare = sandbox.beside("project.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert_eq!(open(&bare).rest().unwrap(), Rest::Ready);
}
