//! A commit's files, and how bytes are read.

use super::super::{BlobId, Broken, GitError, Location, MergePreview, Repository, SourceFile};
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
    let at = |project: &str| repository.files_at(&commit, project, &|path| path.ends_with(".sql")).unwrap().files;
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
fn submodules_are_told_and_odd_names_left_out() {
    use std::os::unix::ffi::OsStrExt;
    let inner = Sandbox::new();
    let sandbox = Sandbox::new();
    sandbox.git(&["submodule", "--quiet", "add", inner.top.to_str().unwrap(), "models/lib"]);
    std::fs::write(sandbox.top.join("models").join(std::ffi::OsStr::from_bytes(b"caf\xe9.sql")), "x").ok();
    let commit = sandbox.commit("odd things");
    let repository = sandbox.open();
    let committed = repository.files_at(&commit, "models", &|_| true).unwrap();
    let on_disk = repository.files_in_worktree("models", &|_| true, &mut Default::default()).unwrap();
    for found in [committed, on_disk] {
        assert_eq!(paths(&found.files), ["a.sql", "deep/b.sql"]);
        assert_eq!(found.submodules, ["lib"]);
    }
}

#[test]
#[cfg(unix)]
fn links_are_followed_within_the_tree_and_no_further() {
    let sandbox = Sandbox::new();
    let link = |target: &str, path: &str| {
        std::fs::create_dir_all(sandbox.top.join(path).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, sandbox.top.join(path)).unwrap();
    };
    sandbox.write("shared/c.sql", "select 3\n");
    sandbox.write("shared/more/d.sql", "select 4\n");
    sandbox.write(".gitignore", "ignored.sql\nhidden\n");
    sandbox.write("models/ignored.sql", "secret\n");
    std::fs::write(sandbox.beside("outside.sql"), "secret\n").unwrap();
    link("a.sql", "models/file.sql");
    link("../shared", "models/folder");
    link("folder/more/../c.sql", "models/chain.sql");
    link("../folder/more", "models/deep/through");
    for (target, path) in [
        ("../../outside.sql", "models/x1.sql"),
        ("/etc/passwd", "models/x2.sql"),
        ("../.git/config", "models/x3.sql"),
        ("nosuch.sql", "models/x4.sql"),
        ("x5.sql", "models/x5.sql"),
        (".", "models/x6"),
        ("ignored.sql", "models/x7.sql"),
        ("../shared/../../repo/shared/c.sql", "models/x8.sql"),
    ] {
        link(target, path);
    }
    let commit = sandbox.commit("links");
    // vmesh's own, as it is where the settings say so
    link("/tmp", "models/hidden");
    let repository = sandbox.open();
    let committed = repository.files_at(&commit, "models", &|path| path.ends_with(".sql")).unwrap();
    let on_disk =
        repository.files_in_worktree("models", &|path| path.ends_with(".sql"), &mut Default::default()).unwrap();
    let mut ids = Vec::new();
    for found in [committed, on_disk] {
        let all = "a.sql chain.sql deep/b.sql deep/through/d.sql file.sql folder/c.sql folder/more/d.sql";
        assert_eq!(paths(&found.files).join(" "), all);
        let why: Vec<Broken> = found.broken.iter().map(|link| link.why).collect();
        use Broken::{Absolute, Circle, Git, Missing, Outside};
        assert_eq!(why, [Outside, Absolute, Git, Missing, Circle, Circle, Missing, Outside], "{:?}", found.broken);
        let text = |index: usize| String::from_utf8(repository.read(&found.files[index]).unwrap()).unwrap();
        assert_eq!([1, 3, 4].map(text), ["select 3\n", "select 4\n", "select 1\n"]);
        ids.push(found.files.into_iter().map(|file| file.id).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1]);
    // any path, from the top of the repository
    let at = |path: &str| repository.file_at(&commit, path).unwrap().map(|file| repository.read(&file).unwrap());
    let here = |path: &str| {
        repository.named_in_worktree(&[path]).unwrap().remove(0).map(|file| repository.read(&file).unwrap())
    };
    for path in ["shared/c.sql", "models/folder/c.sql", "models/chain.sql", "models/x2.sql", "models", ".git/config"] {
        assert_eq!(at(path), here(path), "{path}");
    }
    assert_eq!(at("models/folder/c.sql"), Ok(b"select 3\n".to_vec()));
}

#[test]
#[cfg(unix)]
fn a_few_links_are_no_bomb() {
    let sandbox = Sandbox::new();
    for level in 0..9 {
        for number in 0..9 {
            let path = sandbox.top.join(format!("bomb/{level}/{number}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(format!("../{}", level + 1), path).unwrap();
        }
    }
    sandbox.write("bomb/9/a.sql", "select 1\n");
    std::os::unix::fs::symlink("../bomb/0", sandbox.top.join("models/bomb")).unwrap();
    let commit = sandbox.commit("a bomb");
    let found = sandbox.open().files_at(&commit, "models", &|path| path.ends_with(".sql")).unwrap();
    assert!(found.broken.iter().any(|link| link.why == Broken::TooMany));
}

#[test]
fn what_a_filter_gives_is_the_same_everywhere() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "filter.shout.clean", "tr A-Z a-z"]);
    sandbox.git(&["config", "filter.shout.smudge", "tr a-z A-Z"]);
    sandbox.write(".gitattributes", "*.csv filter=shout\n*.txt ident\n/models/*.enc working-tree-encoding=UTF-16\n");
    sandbox.write("models/a.csv", "ONE\n");
    sandbox.write("models/b.txt", "$Id$\n");
    sandbox.write("models/plain.csv2", "ONE\n");
    std::fs::write(sandbox.top.join("models/c.enc"), b"\xff\xfea\0\n\0").unwrap();
    let commit = sandbox.commit("filtered");
    sandbox.git(&["rm", "-rq", "--cached", "."]);
    sandbox.git(&["reset", "-q", "--hard"]);
    let repository = sandbox.open();
    let mut stats = Default::default();
    let committed = repository.files_at(&commit, "models", &|_| true).unwrap().files;
    let on_disk = repository.files_in_worktree("models", &|_| true, &mut stats).unwrap().files;
    let same = |one: &[SourceFile], other: &[SourceFile]| {
        for (one, other) in one.iter().zip(other) {
            assert_eq!((&one.path, &one.id), (&other.path, &other.id));
            assert_eq!(repository.read(one).unwrap(), repository.read(other).unwrap(), "{}", one.path);
        }
        assert_eq!(one.len(), other.len());
    };
    same(&committed, &on_disk);
    let read = |name: &str| {
        let file = on_disk.iter().find(|file| file.path == name).unwrap();
        (repository.read(file).unwrap(), repository.read_text(file).unwrap())
    };
    assert_eq!(read("a.csv").0, b"ONE\n");
    assert!(read("b.txt").0.starts_with(b"$Id: "));
    assert_eq!(read("c.enc").1, b"a\n");
    assert!(read("c.enc").0.contains(&0));
    assert_eq!(read("plain.csv2").0, b"ONE\n");
    // changed, and new: as they will be committed
    sandbox.write("models/a.csv", "TWO\n");
    sandbox.write("models/new.csv", "THREE\n");
    let changed = repository.files_in_worktree("models", &|_| true, &mut stats).unwrap().files;
    assert_eq!(repository.read(&changed[0]).unwrap(), b"TWO\n");
    let commit = sandbox.commit("changed");
    let committed = repository.files_at(&commit, "models", &|_| true).unwrap().files;
    same(&committed, &changed);
    // what a sparse checkout leaves out
    sandbox.git(&["sparse-checkout", "set", "--no-cone", "/models/plain.csv2", "/.gitattributes"]);
    let sparse = repository.files_in_worktree("models", &|_| true, &mut Default::default()).unwrap().files;
    same(&sparse, &committed);
    // an older commit has attributes of its own
    sandbox.git(&["sparse-checkout", "disable"]);
    sandbox.write(".gitattributes", "");
    sandbox.git(&["commit", "-qm", "no filters", ".gitattributes"]);
    let without = sandbox.id("HEAD");
    let file = repository.file_at(&without, "models/a.csv").unwrap().unwrap();
    assert_eq!(repository.read(&file).unwrap(), b"two\n");
    let file = repository.file_at(&commit, "models/a.csv").unwrap().unwrap();
    assert_eq!(repository.read(&file).unwrap(), b"TWO\n");
}

#[test]
fn a_merge_in_memory_is_filtered_too() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "filter.shout.clean", "tr A-Z a-z"]);
    sandbox.git(&["config", "filter.shout.smudge", "./shout.sh"]);
    sandbox.write("shout.sh", "#!/bin/sh\nexec tr a-z A-Z\n");
    sandbox.git(&["add", "shout.sh"]);
    sandbox.git(&["update-index", "--chmod=+x", "shout.sh"]);
    std::process::Command::new("chmod").arg("+x").arg(sandbox.top.join("shout.sh")).status().unwrap();
    sandbox.write("models/.gitattributes", "[attr]loud filter=shout\nd.* loud\n");
    sandbox.write("models/d.csv", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    sandbox.commit("base");
    sandbox.git(&["switch", "-qc", "other"]);
    sandbox.write("models/d.csv", "A\n2\n3\n4\n5\n6\n7\n8\n9\n");
    let theirs = sandbox.commit("other");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.write("models/d.csv", "1\n2\n3\n4\n5\n6\n7\n8\nZ\n");
    let ours = sandbox.commit("main");
    let repository = sandbox.open();
    let MergePreview::Clean(tree) = repository.merge_preview(&ours, &theirs).unwrap() else { panic!() };
    let files = repository.files_in_tree(&tree, "models", &|path| path.ends_with(".csv")).unwrap().files;
    assert_eq!(repository.read(&files[0]).unwrap(), b"A\n2\n3\n4\n5\n6\n7\n8\nZ\n");
}

#[test]
fn attributes_that_name_no_filter_change_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("models/x.csv", "1\n");
    for said in ["filter=", "filter", "-filter", "filter=a.b", "filter=\u{fc}", "filter==", "!ident", "text=auto"] {
        sandbox.write(".gitattributes", &format!("\"*.csv\" {said}\nmodels/** {said}\n[attr]m {said}\n* m\n"));
        let commit = sandbox.commit(said);
        let repository = sandbox.open();
        let committed = repository.files_at(&commit, "models", &|_| true).unwrap().files;
        let on_disk = repository.files_in_worktree("models", &|_| true, &mut Default::default()).unwrap().files;
        assert_eq!(committed.len(), 3);
        for (one, other) in committed.iter().zip(&on_disk) {
            assert_eq!((&one.location, &one.id), (&Location::Blob, &other.id), "{said}");
        }
    }
}

#[test]
fn what_a_filter_does_not_give_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "*.csv filter=store\n");
    sandbox.write("models/a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    let commit = sandbox.commit("a pointer");
    let read = || {
        let repository = sandbox.open();
        let of = |file: SourceFile| repository.read(&file).unwrap_err();
        let committed = of(repository.file_at(&commit, "models/a.csv").unwrap().unwrap());
        let here = of(repository.named_in_worktree(&["models/a.csv"]).unwrap().remove(0).unwrap());
        [committed, here]
    };
    // nobody has set the filter up: it is none, but these bytes are no rows
    assert!(read().iter().all(|error| matches!(error, GitError::StandIn { of: "Git LFS", .. })));
    sandbox.git(&["config", "filter.store.smudge", "echo gone >&2; exit 1"]);
    sandbox.git(&["config", "filter.store.clean", "cat"]);
    for required in ["false", "true"] {
        sandbox.git(&["config", "filter.store.required", required]);
        for error in read() {
            let GitError::Filter { path, by, message } = error else { panic!("{error:?}") };
            assert_eq!((path.as_str(), by.as_str()), ("models/a.csv", "filter `store`"));
            assert!(message.contains("gone"), "{message}");
        }
    }
}

#[test]
fn a_bare_repository_has_files_at_commits_only() {
    let sandbox = Sandbox::new();
    let bare = sandbox.beside("project.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let repository = open(&bare);
    assert_eq!(repository.files_at(&sandbox.id("HEAD"), "models", &|_| true).unwrap().files.len(), 2);
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
        let files = repository.files_at(&sandbox.id("HEAD"), "models", &|_| true).unwrap().files;
        assert_eq!(repository.read(&files[0]).unwrap(), b"select 1\n");
        let missing = SourceFile { id: BlobId::from_git("1234567890".repeat(4)), ..files[0].clone() };
        assert!(matches!(repository.read(&missing), Err(GitError::Missing { .. })));
        std::fs::remove_dir_all(&clone).unwrap();
    }
}

#[test]
fn a_file_is_read_as_git_keeps_it() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.autocrlf", "false"]);
    sandbox.write("models/a.sql", "\u{feff}select 1\r\n");
    let commit = sandbox.commit("crlf in the blob");
    let repository = sandbox.open();
    let committed = repository.files_at(&commit, "models", &|path| path == "a.sql").unwrap().files;
    let on_disk =
        repository.files_in_worktree("models", &|path| path == "a.sql", &mut Default::default()).unwrap().files;
    assert_eq!(committed[0].location, Location::Blob);
    assert!(matches!(on_disk[0].location, Location::Disk(_)));
    for file in [&committed[0], &on_disk[0]] {
        assert_eq!(repository.read(file).unwrap(), b"select 1\r\n");
    }
    // whatever Git does to line ends, a file on disk has the id and the bytes that `git add` would give it
    for (attributes, autocrlf, kept) in [
        ("", "false", &b"a\r\nb\r\n"[..]),
        ("", "input", b"a\nb\n"),
        ("* -text\n", "true", b"a\r\nb\r\n"),
        ("*.sql text\n", "false", b"a\nb\n"),
        ("*.sql eol=crlf\n", "false", b"a\nb\n"),
    ] {
        sandbox.git(&["config", "core.autocrlf", autocrlf]);
        sandbox.write(".gitattributes", attributes);
        sandbox.write("models/b.sql", "a\r\nb\r\n");
        let repository = sandbox.open();
        let found = repository.files_in_worktree("models", &|path| path == "b.sql", &mut Default::default());
        let file = &found.unwrap().files[0];
        assert_eq!(repository.read(file).unwrap(), kept, "{attributes:?} {autocrlf}");
        sandbox.git(&["add", "models/b.sql"]);
        let staged = sandbox.git(&["ls-files", "--stage", "models/b.sql"]);
        assert!(staged.contains(file.id.as_str()), "{attributes:?} {autocrlf}: {staged}");
        sandbox.git(&["rm", "-q", "--cached", "models/b.sql"]);
    }
}
