//! A commit's files, and how bytes are read.

use super::super::{BlobId, GitError, Location, Repository, SourceFile, normalize};
use super::{Sandbox, open};

fn paths(files: &[SourceFile]) -> Vec<&str> {
    files.iter().map(|file| &*file.path).collect()
}

#[test]
fn a_commit_has_its_files_at_any_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("README.md", "hello\n");
    let commit = sandbox.commit("readme");
    let repository = sandbox.open();
    let at = |project: &str| repository.files_at(&commit, project, &|path| path.ends_with(".sql")).unwrap();
    for top in ["", ".", "./", "/"] {
        assert_eq!(paths(&at(top)), ["models/a.sql", "models/deep/b.sql"], "{top}");
    }
    for models in ["models", "models/", "./models"] {
        assert_eq!(paths(&at(models)), ["a.sql", "deep/b.sql"], "{models}");
    }
    assert_eq!(paths(&at("models/deep")), ["b.sql"]);
    for none in ["missing", "README.md", "models/a.sql"] {
        assert!(at(none).is_empty(), "{none}");
    }
    let files = at("models");
    assert_eq!(files[0].id.as_str(), sandbox.git(&["rev-parse", "HEAD:models/a.sql"]));
    assert_eq!(repository.read(&files[0]).unwrap(), b"select 1\n");
}

#[test]
#[cfg(unix)]
fn links_submodules_and_odd_names_are_left_out() {
    use std::os::unix::ffi::OsStrExt;
    let inner = Sandbox::new();
    let sandbox = Sandbox::new();
    sandbox.git(&["submodule", "--quiet", "add", inner.top.to_str().unwrap(), "models/lib"]);
    std::os::unix::fs::symlink("a.sql", sandbox.top.join("models/link.sql")).unwrap();
    std::os::unix::fs::symlink("deep", sandbox.top.join("models/linked")).unwrap();
    std::fs::write(sandbox.top.join("models").join(std::ffi::OsStr::from_bytes(b"caf\xe9.sql")), "x").ok();
    let commit = sandbox.commit("odd things");
    let repository = sandbox.open();
    let committed = repository.files_at(&commit, "models", &|_| true).unwrap();
    assert_eq!(paths(&committed), ["a.sql", "deep/b.sql"]);
    let on_disk = repository.files_in_worktree("models", &|_| true, &mut Default::default()).unwrap();
    assert_eq!(paths(&on_disk), ["a.sql", "deep/b.sql"]);
}

#[test]
fn a_bare_repository_has_files_at_commits_only() {
    let sandbox = Sandbox::new();
    let bare = sandbox.beside("project.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let repository = open(&bare);
    assert_eq!(repository.files_at(&sandbox.id("HEAD"), "models", &|_| true).unwrap().len(), 2);
    let error = repository.files_in_worktree("models", &|_| true, &mut Default::default());
    assert!(matches!(error, Err(GitError::NoWorkingTree { .. })));
}

#[test]
fn a_partial_clone_gets_what_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = sandbox.beside("clone");
    let url = format!("file://{}", sandbox.top.display());
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        sandbox.git(&["clone", "-q", filter, "--no-checkout", &url, clone.to_str().unwrap()]);
        let repository = Repository::open(&clone, None).unwrap();
        let files = repository.files_at(&sandbox.id("HEAD"), "models", &|_| true).unwrap();
        assert_eq!(repository.read(&files[0]).unwrap(), b"select 1\n");
        let missing = SourceFile { id: BlobId::from_git("1234567890".repeat(4)), ..files[0].clone() };
        assert!(matches!(repository.read(&missing), Err(GitError::Missing { .. })));
        std::fs::remove_dir_all(&clone).unwrap();
    }
}

#[test]
fn reading_is_the_same_for_every_line_end() {
    let same = |bytes: &[u8]| normalize(bytes.to_vec());
    assert_eq!(same(b"a\r\nb\r\n"), b"a\nb\n");
    assert_eq!(same(b"\xef\xbb\xbfa\r\n"), b"a\n");
    assert_eq!(same(b"a\rb\n\r\r\n\r"), b"a\rb\n\r\n\r");
    assert_eq!(same(b"PAR1\0\r\n"), b"PAR1\0\r\n");
    assert_eq!(same(b""), b"");
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.autocrlf", "false"]);
    sandbox.write("models/a.sql", "\u{feff}select 1\r\n");
    let commit = sandbox.commit("crlf in the blob");
    let repository = sandbox.open();
    let committed = repository.files_at(&commit, "models", &|path| path == "a.sql").unwrap();
    let on_disk = repository.files_in_worktree("models", &|path| path == "a.sql", &mut Default::default()).unwrap();
    assert_eq!(committed[0].location, Location::Blob);
    assert!(matches!(on_disk[0].location, Location::Disk(_)));
    for file in [&committed[0], &on_disk[0]] {
        assert_eq!(repository.read(file).unwrap(), b"select 1\n");
    }
}
