//! Finding repositories of every shape, and refusing those libgit2 cannot read.

use std::path::Path;

use super::super::open::FromEnv;
use super::super::{GitError, Head, MergePreview, Repository, Rest, libgit2};
use super::{Sandbox, git_in, open, open_as};

fn told(here: &Path, git_dir: &str, work_tree: Option<&str>) -> Option<FromEnv> {
    Some(FromEnv { here: here.to_owned(), git_dir: git_dir.into(), work_tree: work_tree.map(Into::into) })
}

#[test]
fn a_subfolder_belongs_to_its_repository() {
    let sandbox = Sandbox::new();
    let repository = open(&sandbox.top.join("models/deep"));
    assert_eq!(repository.top(), Some(&*sandbox.top));
    assert_eq!(repository.main_top(), sandbox.top);
    assert_eq!(repository.git_dir(), sandbox.top.join(".git"));
    assert!(!repository.is_bare() && !repository.is_shallow() && !repository.is_linked_worktree());
}

#[test]
fn a_linked_worktree_knows_the_main_one() {
    let sandbox = Sandbox::new();
    let linked = sandbox.beside("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "alice", linked.to_str().unwrap()]);
    // as hooks are run there: GIT_DIR set, at the top
    let git_dir = sandbox.top.join(".git/worktrees/linked");
    for told in [None, told(&linked, git_dir.to_str().unwrap(), None)] {
        let repository = open_as(&linked, told).unwrap();
        assert_eq!(repository.top(), Some(&*linked));
        assert_eq!(repository.main_top(), sandbox.top);
        assert_eq!(repository.git_dir(), git_dir);
        assert_eq!(repository.common_dir(), sandbox.top.join(".git"));
        assert!(repository.is_linked_worktree());
        assert!(matches!(repository.head().unwrap(), Head::Branch { name, .. } if name.as_str() == "alice"));
    }
}

#[test]
fn a_bare_repository_has_no_top() {
    let sandbox = Sandbox::new();
    for (name, main_top) in [("project.git", "project.git"), ("holder/.bare", "holder")] {
        let bare = sandbox.beside(name);
        sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        // as hooks of a push are run
        for told in [None, told(&bare, ".", None)] {
            let repository = open_as(&bare, told).unwrap();
            assert!(repository.is_bare());
            assert_eq!((repository.top(), repository.main_top()), (None, sandbox.beside(main_top)));
        }
        let linked = sandbox.beside(&name.replace(['.', '/'], "-"));
        assert!(git_in(&bare).args(["worktree", "add", "-q"]).arg(&linked).status().unwrap().success());
        let repository = open(&linked);
        assert!(!repository.is_bare() && repository.is_linked_worktree());
        assert_eq!((repository.top(), repository.main_top()), (Some(&*linked), sandbox.beside(main_top)));
    }
}

#[test]
fn a_separate_git_directory_is_followed() {
    let sandbox = Sandbox::new();
    let git_dir = sandbox.beside("elsewhere");
    sandbox.git(&["init", "-q", "--separate-git-dir", git_dir.to_str().unwrap()]);
    let (top, absolute) = (&sandbox.top, git_dir.to_str().unwrap());
    for told in [None, told(top, "../elsewhere", None), told(top, absolute, Some("."))] {
        let repository = open_as(&sandbox.top.join("models"), told).unwrap();
        assert_eq!((repository.top(), repository.git_dir()), (Some(&*sandbox.top), &*git_dir));
        assert_eq!(repository.main_top(), sandbox.top);
    }
}

#[test]
fn a_push_into_a_working_tree_is_seen_from_its_git_directory() {
    let sandbox = Sandbox::new();
    let git_dir = sandbox.top.join(".git");
    let repository = open_as(&git_dir, told(&git_dir, ".", None)).unwrap();
    assert_eq!(repository.top(), Some(&*sandbox.top));
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let inner = Sandbox::new();
    let outer = Sandbox::new();
    outer.git(&["submodule", "--quiet", "add", inner.top.to_str().unwrap(), "lib"]);
    let repository = open(&outer.top.join("lib/models"));
    assert_eq!(repository.git_dir(), outer.top.join(".git/modules/lib"));
    assert_eq!((repository.top(), repository.main_top()), (Some(&*outer.top.join("lib")), outer.top.join("lib")));
}

#[test]
fn the_environment_does_not_reach_other_repositories() {
    let (hook, other) = (Sandbox::new(), Sandbox::new());
    let repository = open_as(&other.top.join("models"), told(&hook.top, ".git", None)).unwrap();
    assert_eq!(repository.top(), Some(&*other.top));
}

#[test]
fn what_git_tells_its_hooks_holds_from_any_folder() {
    let sandbox = Sandbox::new();
    let linked = sandbox.beside("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "alice", linked.to_str().unwrap()]);
    let separate = Sandbox::new();
    let elsewhere = separate.beside("elsewhere");
    separate.git(&["init", "-q", "--separate-git-dir", elsewhere.to_str().unwrap()]);
    let outer = Sandbox::new();
    outer.git(&["submodule", "--quiet", "add", sandbox.top.to_str().unwrap(), "lib"]);
    for (top, git_dir) in [
        (&sandbox.top, sandbox.top.join(".git")),
        (&linked, sandbox.top.join(".git/worktrees/linked")),
        (&separate.top, elsewhere),
        (&outer.top.join("lib"), outer.top.join(".git/modules/lib")),
    ] {
        for folder in [top.clone(), top.join("models"), top.join("models/deep")] {
            let absolute = git_dir.to_str().unwrap();
            for (git_dir_said, work_tree) in [(absolute, None), (".git", None), (absolute, Some(".")), (".", None)] {
                let repository = open_as(&folder, told(&folder, git_dir_said, work_tree)).unwrap();
                assert_eq!((repository.top(), repository.git_dir()), (Some(&**top), &*git_dir), "{git_dir_said}");
            }
        }
    }
    // a hook that goes into another repository means that one
    let repository = open_as(&outer.top, told(&outer.top, sandbox.top.join(".git").to_str().unwrap(), None)).unwrap();
    assert_eq!(repository.top(), Some(&*outer.top));
}

#[test]
fn init_names_the_first_branch() {
    let dir = tempfile::tempdir().unwrap();
    let repository = Repository::init(&dir.path().join("new/project"), "trunk").unwrap();
    assert!(matches!(repository.head().unwrap(), Head::Branch { name, commit: None } if name.as_str() == "trunk"));
    assert!(repository.branches().unwrap().is_empty());
}

#[test]
fn no_repository_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    for start in [dir.path().to_owned(), dir.path().join("missing")] {
        let error = open_as(&start, None).err();
        assert!(matches!(error, Some(GitError::NotARepository { .. })), "{error:?}");
    }
}

#[test]
fn what_libgit2_cannot_read_git_reads() {
    for options in [
        &["--ref-format=reftable"][..],
        &["--object-format=sha256"],
        &["--ref-format=reftable", "--object-format=sha256"],
    ] {
        let sandbox = Sandbox::unborn(options);
        assert!(matches!(libgit2::open(&sandbox.top), Err(GitError::Unsupported { .. })));
        sandbox.write("models/a.sql", "select 1\n");
        let first = sandbox.commit("first");
        sandbox.diverge();
        sandbox.git(&["branch", "old"]);
        sandbox.git(&["branch", "-m", "old", "new"]);
        let linked = sandbox.beside("linked");
        sandbox.git(&["worktree", "add", "-q", "-b", "alice", linked.to_str().unwrap()]);
        for top in [&sandbox.top, &linked] {
            let git_dir = if *top == linked { sandbox.top.join(".git/worktrees/linked") } else { top.join(".git") };
            for told in [None, told(top, git_dir.to_str().unwrap(), None)] {
                let repository = Repository::open(&top.join("models"), told).unwrap();
                assert_eq!((repository.top(), repository.git_dir()), (Some(&**top), &*git_dir));
                assert_eq!((repository.main_top(), repository.is_bare()), (sandbox.top.clone(), false));
            }
        }
        let repository = Repository::open(&sandbox.top, None).unwrap();
        let (main, other) = (sandbox.id("main"), sandbox.id("other"));
        assert!(matches!(repository.head().unwrap(), Head::Branch { commit: Some(commit), .. } if commit == other));
        assert_eq!(repository.rest().unwrap(), Rest::Ready);
        assert_eq!(repository.merge_base(&main, &other).unwrap(), Some(first));
        assert_eq!(repository.renamed_from(&"new".into()).unwrap(), Some("old".into()));
        let committed = repository.files_at(&other, "models", &|_| true).unwrap().files;
        let on_disk = repository.files_in_worktree("models", &|_| true, &mut Default::default()).unwrap().files;
        assert_eq!(committed[0].id, on_disk[0].id);
        assert_eq!(repository.read(&committed[0]).unwrap(), b"select 'other'\n");
        let conflicts = MergePreview::Conflicts(vec!["models/a.sql".to_owned()]);
        assert_eq!(repository.merge_preview(&main, &other).unwrap(), conflicts);
        let branches = repository.checked_out().unwrap().into_iter().map(|(branch, _)| branch.to_string());
        assert_eq!(branches.collect::<Vec<_>>(), ["alice", "other"]);
        assert!(!sandbox.try_git(&["merge", "main"]).status.success());
        assert_eq!(repository.rest().unwrap(), Rest::Conflicts { files: vec!["models/a.sql".to_owned()] });
    }
}

#[test]
#[cfg(unix)]
fn a_repository_of_another_user_is_refused() {
    let sandbox = Sandbox::new();
    // only root can give files away
    if std::os::unix::fs::chown(&sandbox.top, Some(65534), None).is_err() {
        return;
    }
    match open_as(&sandbox.top, None).err() {
        Some(GitError::NotOwned { path }) => assert_eq!(path.canonicalize().unwrap(), sandbox.top),
        other => panic!("{other:?}"),
    }
}
