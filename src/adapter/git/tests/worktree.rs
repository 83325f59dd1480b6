//! The working tree: what counts, and that no change goes unseen.

use std::fs::{self, FileTimes};
use std::time::{Duration, SystemTime};

use super::super::{CommitId, Location, Rest, SourceFile, StatCache};
use super::{Sandbox, open};

fn scan(sandbox: &Sandbox, stats: &mut StatCache) -> Vec<SourceFile> {
    sandbox.open().files_in_worktree("models", &|path| path.ends_with(".sql"), stats).unwrap().files
}

fn ids(files: &[SourceFile]) -> Vec<(&str, &str)> {
    files.iter().map(|file| (&*file.path, file.id.as_str())).collect()
}

fn paths(sandbox: &Sandbox) -> Vec<String> {
    scan(sandbox, &mut StatCache::default()).into_iter().map(|file| file.path).collect()
}

fn committed(sandbox: &Sandbox, commit: &CommitId) -> Vec<SourceFile> {
    sandbox.open().files_at(commit, "models", &|path| path.ends_with(".sql")).unwrap().files
}

#[test]
fn a_clean_checkout_is_its_commit() {
    let sandbox = Sandbox::new();
    sandbox.write("models/é ü.sql", "select 'ü'\n");
    let commit = sandbox.commit("umlauts");
    for autocrlf in ["false", "true"] {
        sandbox.git(&["config", "core.autocrlf", autocrlf]);
        sandbox.git(&["rm", "-rq", "--cached", "."]);
        sandbox.git(&["reset", "-q", "--hard"]);
        let lines = fs::read(sandbox.top.join("models/a.sql")).unwrap();
        assert_eq!(lines.ends_with(b"\r\n"), autocrlf == "true");
        let files = scan(&sandbox, &mut StatCache::default());
        assert_eq!(ids(&files), ids(&committed(&sandbox, &commit)), "autocrlf={autocrlf}");
        assert_eq!(sandbox.open().read(&files[0]).unwrap(), b"select 1\n");
    }
}

#[test]
fn new_files_count_and_ignored_ones_do_not() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "ignored.sql\n/models/target/\nkept.sql\n");
    sandbox.write("models/new.sql", "select 3\n");
    sandbox.write("models/ignored.sql", "select 4\n");
    sandbox.write("models/target/compiled.sql", "select 5\n");
    sandbox.write("models/folder/other.sql", "select 6\n");
    sandbox.write("models/notes.md", "not wanted\n");
    sandbox.write("models/kept.sql", "tracked all the same\n");
    sandbox.git(&["add", "-f", "models/kept.sql"]);
    fs::remove_file(sandbox.top.join("models/a.sql")).unwrap();
    assert_eq!(paths(&sandbox), ["deep/b.sql", "folder/other.sql", "kept.sql", "new.sql"]);
    // what is tracked in an ignored folder counts, what is beside it does not
    sandbox.git(&["add", "-f", "models/target/compiled.sql"]);
    sandbox.write("models/target/beside.sql", "select 7\n");
    assert_eq!(paths(&sandbox), ["deep/b.sql", "folder/other.sql", "kept.sql", "new.sql", "target/compiled.sql"]);
}

#[test]
fn other_repositories_inside_do_not_count() {
    let sandbox = Sandbox::new();
    sandbox.git(&["init", "-q", "models/other"]);
    sandbox.write("models/other/c.sql", "select 3\n");
    assert_eq!(paths(&sandbox), ["a.sql", "deep/b.sql"]);
    assert!(
        sandbox.open().files_in_worktree("missing", &|_| true, &mut StatCache::default()).unwrap().files.is_empty()
    );
}

#[test]
fn unborn_and_linked_worktrees_have_files() {
    let sandbox = Sandbox::unborn(&[]);
    sandbox.write("models/a.sql", "select 1\n");
    assert_eq!(paths(&sandbox), ["a.sql"]);
    sandbox.commit("first");
    let linked = sandbox.beside("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "alice", linked.to_str().unwrap()]);
    fs::write(linked.join("models/b.sql"), "select 2\n").unwrap();
    let files = open(&linked).files_in_worktree("models", &|_| true, &mut StatCache::default()).unwrap().files;
    assert_eq!(files.len(), 2);
    assert_eq!(files[1].location, Location::Disk(linked.join("models/b.sql")));
}

#[test]
fn an_edit_in_the_same_instant_is_seen() {
    let sandbox = Sandbox::new();
    let mut stats = StatCache::default();
    for round in 0..8 {
        for letter in ["v", "w"] {
            // always the same size, as fast as the machine can
            sandbox.write("models/a.sql", &format!("{letter}{round:03}\n"));
            let files = scan(&sandbox, &mut stats);
            assert_eq!(files[0].id.as_str(), sandbox.git(&["hash-object", "models/a.sql"]));
        }
    }
    assert_eq!(stats, StatCache::default(), "nothing so young is remembered");
}

#[test]
fn what_lay_still_is_remembered_until_it_changes() {
    let sandbox = Sandbox::new();
    let mut stats = StatCache::default();
    let old = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600));
    let path = sandbox.top.join("models/a.sql");
    fs::File::options().append(true).open(&path).unwrap().set_times(old).unwrap();
    std::thread::sleep(Duration::from_millis(2100));
    let before = scan(&sandbox, &mut stats);
    assert_ne!(stats, StatCache::default());
    let stored = serde_json::to_string(&stats).unwrap();
    let mut stats: StatCache = serde_json::from_str(&stored).unwrap();
    // proof that the cache is believed: with another id in it, that one comes back
    let mut forged: StatCache = serde_json::from_str(&stored.replace(before[0].id.as_str(), &"7".repeat(40))).unwrap();
    assert_eq!(scan(&sandbox, &mut forged)[0].id.as_str(), "7".repeat(40));
    assert_eq!(ids(&scan(&sandbox, &mut stats)), ids(&before));
    assert_eq!(serde_json::to_string(&stats).unwrap(), stored);
    // same size, and the time set back as some tools do
    fs::write(&path, "select 9\n").unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_times(old).unwrap();
    assert_eq!(scan(&sandbox, &mut stats)[0].id.as_str(), sandbox.git(&["hash-object", "models/a.sql"]));
    fs::remove_file(&path).unwrap();
    scan(&sandbox, &mut stats);
    assert!(!serde_json::to_string(&stats).unwrap().contains("a.sql"), "what is gone is forgotten");
}

#[test]
fn a_sparse_checkout_has_all_its_files() {
    let sandbox = Sandbox::new();
    let whole = committed(&sandbox, &sandbox.id("HEAD"));
    let sparse = |args: &[&str]| {
        sandbox.git(&[&["sparse-checkout", "set"], args].concat());
        let files = scan(&sandbox, &mut StatCache::default());
        assert!(!sandbox.top.join("models/deep/b.sql").exists());
        assert_eq!(ids(&files), ids(&whole));
        assert_eq!(files[1].location, Location::Blob);
        assert_eq!(sandbox.open().read(&files[1]).unwrap(), b"select 2\n");
    };
    sparse(&["--no-cone", "/models/a.sql"]);
    // libgit2 cannot read this index
    sandbox.write("outside/deep/c.sql", "");
    sparse(&["--cone", "--sparse-index", "other"]);
}

#[test]
fn a_split_index_is_read_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.diverge();
    sandbox.git(&["update-index", "--split-index"]);
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Ready);
    assert_eq!(paths(&sandbox), ["a.sql", "deep/b.sql"]);
    assert!(!sandbox.try_git(&["merge", "main"]).status.success());
    sandbox.git(&["update-index", "--split-index"]);
    assert_eq!(sandbox.open().rest().unwrap(), Rest::Conflicts { files: vec!["models/a.sql".to_owned()] });
    assert_eq!(paths(&sandbox), ["a.sql", "deep/b.sql"]);
}
