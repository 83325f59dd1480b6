//! Branches, revisions and ancestry.

use super::super::{CommitId, GitError};
use super::{Sandbox, open};
use crate::domain::name::BranchName;

#[test]
fn branches_and_their_tips() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "feature/x"]);
    let (main, first) = (BranchName::from("main"), sandbox.id("HEAD"));
    let second = sandbox.commit("second");
    let repository = sandbox.open();
    let feature = BranchName::from("feature/x");
    assert_eq!(repository.branches().unwrap(), [(feature, first), (main.clone(), second.clone())]);
    assert_eq!(repository.branch_tip(&main).unwrap(), Some(second));
    for none in ["feature", "no such branch", "a..b", ""] {
        assert_eq!(repository.branch_tip(&BranchName::from(none)).unwrap(), None, "{none}");
    }
    sandbox.git(&["pack-refs", "--all"]);
    assert_eq!(repository.branches().unwrap().len(), 2);
}

#[test]
fn remote_branches_are_named_after_their_remote() {
    let sandbox = Sandbox::new();
    let clone = sandbox.beside("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let names = open(&clone).remote_branches().unwrap();
    assert_eq!(names, [(BranchName::from("origin/main"), sandbox.id("HEAD"))]);
}

#[test]
fn a_revision_is_a_branch_first() {
    let sandbox = Sandbox::new();
    let first = sandbox.id("HEAD");
    let second = sandbox.commit("second");
    // a branch named like a tag, and one named like the beginning of a commit
    sandbox.git(&["tag", "-a", "-m", "v1", "v1", first.as_str()]);
    sandbox.git(&["tag", "same", first.as_str()]);
    sandbox.git(&["branch", "same", second.as_str()]);
    sandbox.git(&["branch", first.short(), second.as_str()]);
    let repository = sandbox.open();
    let resolve = |rev: &str| repository.resolve(rev).unwrap();
    for rev in ["main", "HEAD", "@", "same", first.short(), second.as_str(), second.short()] {
        assert_eq!(resolve(rev), Some(second.clone()), "{rev}");
    }
    for rev in ["main~1", "same^", "HEAD^", "v1", "v1^{commit}", "tags/same", first.as_str(), &first.as_str()[..12]] {
        assert_eq!(resolve(rev), Some(first.clone()), "{rev}");
    }
    for rev in ["", "~1", "nobody", "main:models/a.sql", "HEAD^{tree}", "main~9", "a b", "nul\0", "deadbeef", "--help"]
    {
        assert_eq!(resolve(rev), None, "{rev}");
    }
}

#[test]
fn ancestry() {
    let sandbox = Sandbox::new();
    let base = sandbox.id("HEAD");
    sandbox.diverge();
    let (main, other) = (sandbox.id("main"), sandbox.id("other"));
    sandbox.git(&["checkout", "-q", "--orphan", "island"]);
    let island = sandbox.commit("island");
    let repository = sandbox.open();
    assert_eq!(repository.merge_base(&main, &other).unwrap(), Some(base.clone()));
    assert_eq!(repository.merge_base(&main, &island).unwrap(), None);
    assert!(repository.is_ancestor(&base, &main).unwrap());
    assert!(repository.is_ancestor(&main, &main).unwrap());
    assert!(!repository.is_ancestor(&main, &base).unwrap());
    assert!(!repository.is_ancestor(&main, &other).unwrap());
}

#[test]
fn a_shallow_clone_knows_less() {
    let sandbox = Sandbox::new();
    let base = sandbox.id("HEAD");
    sandbox.diverge();
    let (main, other) = (sandbox.id("main"), sandbox.id("other"));
    let clone = sandbox.beside("clone");
    let url = format!("file://{}", sandbox.top.display());
    sandbox.git(&["clone", "-q", "--depth=1", "--no-single-branch", &url, clone.to_str().unwrap()]);
    let repository = open(&clone);
    assert!(repository.is_shallow());
    assert_eq!(repository.merge_base(&main, &other).unwrap(), None);
    assert!(!repository.is_ancestor(&other, &main).unwrap());
    assert_eq!(repository.files_at(&main, "models", &|_| true).unwrap().files.len(), 2);
    match repository.is_ancestor(&base, &main) {
        Err(GitError::Missing { id }) => assert_eq!(id, base.as_str()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_described() {
    let sandbox = Sandbox::new();
    let commit = sandbox.commit("Subject line\n\nand more");
    let info = sandbox.open().describe(&commit).unwrap();
    assert_eq!((&*info.author, info.seconds, &*info.subject), ("Ada", 1_700_000_000, "Subject line"));
    assert_eq!((info.id.short().len(), info.id.to_string().len()), (8, 40));
    let missing = CommitId::from_record("1234567890".repeat(4));
    assert!(matches!(sandbox.open().describe(&missing), Err(GitError::Missing { .. })));
    let nonsense = CommitId::from_record("zz".to_owned());
    assert!(sandbox.open().describe(&nonsense).is_err());
    assert_eq!(nonsense.short(), "zz");
}

#[test]
fn commits_are_counted() {
    let sandbox = Sandbox::new();
    let base = sandbox.id("HEAD");
    sandbox.diverge();
    sandbox.commit("one more");
    let (main, other) = (sandbox.id("main"), sandbox.id("other"));
    let repository = sandbox.open();
    for (a, b, count) in [(&main, &other, 2), (&other, &main, 1), (&base, &other, 2), (&other, &base, 0)] {
        assert_eq!(repository.commits_between(a, b).unwrap(), count);
    }
    let missing = CommitId::from_record("1234567890".repeat(4));
    assert!(matches!(repository.commits_between(&main, &missing), Err(GitError::Missing { .. })));
}

#[test]
fn a_renamed_branch_knows_its_old_name() {
    let sandbox = Sandbox::new();
    let branch = |name: &str| BranchName::from(name);
    sandbox.git(&["branch", "a'b\"c;$x"]);
    sandbox.git(&["branch", "-m", "a'b\"c;$x", "team/second"]);
    sandbox.git(&["switch", "-q", "team/second"]);
    sandbox.commit("after it");
    let repository = sandbox.open();
    let renamed_from = |name: &str| repository.renamed_from(&branch(name)).unwrap();
    assert_eq!(renamed_from("team/second"), Some(branch("a'b\"c;$x")));
    sandbox.git(&["branch", "-m", "third"]);
    assert_eq!(renamed_from("third"), Some(branch("team/second")));
    // a copy has the log of what it was copied from
    sandbox.git(&["branch", "-c", "third", "fourth"]);
    for name in ["fourth", "main", "team/second", "team", "nobody", ""] {
        assert_eq!(renamed_from(name), None, "{name}");
    }
}

#[test]
fn every_working_tree_tells_its_branch() {
    let sandbox = Sandbox::new();
    for (folder, branch) in [("alice's tree", "alice"), ("gone", "bob")] {
        sandbox.git(&["worktree", "add", "-q", "-b", branch, sandbox.beside(folder).to_str().unwrap()]);
    }
    sandbox.git(&["worktree", "add", "-q", "--detach", sandbox.beside("detached").to_str().unwrap()]);
    std::fs::remove_dir_all(sandbox.beside("gone")).unwrap();
    let alice = sandbox.beside("alice's tree");
    let expected = [(BranchName::from("alice"), alice.clone()), (BranchName::from("main"), sandbox.top.clone())];
    for top in [&sandbox.top, &alice] {
        assert_eq!(open(top).checked_out().unwrap(), expected);
    }
    let bare = sandbox.beside("project.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert_eq!(open(&bare).checked_out().unwrap(), []);
}
