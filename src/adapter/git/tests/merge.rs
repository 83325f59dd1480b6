//! What a merge would give.

use super::super::{GitError, MergePreview, SourceFile, TreeId};
use super::Sandbox;

/// Every file below the git directory.
fn files_of_git(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let mut folders = vec![sandbox.top.join(".git")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn clean(preview: MergePreview) -> TreeId {
    match preview {
        MergePreview::Clean(tree) => tree,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_fits_together_is_merged_in_memory() {
    let sandbox = Sandbox::new();
    let lines = |first: &str, last: &str| format!("{first}\n{}{last}\n", "line\n".repeat(20));
    sandbox.write("models/long.sql", &lines("a", "z"));
    sandbox.commit("long");
    sandbox.git(&["switch", "-qc", "other"]);
    sandbox.write("models/long.sql", &lines("other", "z"));
    sandbox.git(&["mv", "models/deep/b.sql", "models/moved.sql"]);
    let other = sandbox.commit("other");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.write("models/long.sql", &lines("a", "main"));
    sandbox.write("models/deep/b.sql", "select 22\n");
    let main = sandbox.commit("main");
    let before = files_of_git(&sandbox);
    let repository = sandbox.open();
    let tree = clean(repository.merge_preview(&main, &other).unwrap());
    let files = repository.files_in_tree(&tree, "models", &|_| true).unwrap().files;
    let read = |file: &SourceFile| (file.path.clone(), String::from_utf8(repository.read(file).unwrap()).unwrap());
    let expected =
        [("a.sql", "select 1\n".into()), ("long.sql", lines("other", "main")), ("moved.sql", "select 22\n".into())];
    assert_eq!(files.iter().map(read).collect::<Vec<_>>(), expected.map(|(path, text)| (path.to_owned(), text)));
    assert_eq!(files_of_git(&sandbox), before);
    assert_eq!(clean(repository.merge_preview(&main, &other).unwrap()), tree, "once more");
    sandbox.git(&["merge", "-q", "other"]);
    assert_eq!(tree.as_str(), sandbox.git(&["rev-parse", "HEAD^{tree}"]));
}

#[test]
fn merges_that_need_no_merging() {
    let sandbox = Sandbox::new();
    let old = sandbox.id("HEAD");
    sandbox.write("models/c.sql", "select 3\n");
    let new = sandbox.commit("newer");
    let repository = sandbox.open();
    for (ours, theirs) in [(&old, &new), (&new, &old), (&new, &new)] {
        let tree = clean(repository.merge_preview(ours, theirs).unwrap());
        assert_eq!(tree.as_str(), sandbox.git(&["rev-parse", "main^{tree}"]));
        assert_eq!(repository.files_in_tree(&tree, "", &|path| path.ends_with("c.sql")).unwrap().files.len(), 1);
    }
}

#[test]
fn conflicts_are_named_wherever_they_are() {
    let sandbox = Sandbox::new();
    sandbox.write("notes/é ü.md", "outside of the project\n");
    sandbox.commit("notes");
    sandbox.diverge();
    sandbox.write("notes/é ü.md", "other\n");
    let other = sandbox.commit("other notes");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["rm", "-q", "notes/é ü.md"]);
    let main = sandbox.commit("no notes");
    let conflicts = sandbox.open().merge_preview(&main, &other).unwrap();
    assert_eq!(conflicts, MergePreview::Conflicts(vec!["models/a.sql".to_owned(), "notes/é ü.md".to_owned()]));
}

#[test]
fn histories_without_a_common_commit_are_not_merged() {
    let sandbox = Sandbox::new();
    let main = sandbox.id("HEAD");
    sandbox.git(&["checkout", "-q", "--orphan", "island"]);
    let island = sandbox.commit("island");
    match sandbox.open().merge_preview(&main, &island) {
        Err(GitError::Unrelated { ours, theirs }) => assert_eq!((ours, theirs), (main, island)),
        other => panic!("{other:?}"),
    }
}
