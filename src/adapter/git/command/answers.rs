//! The questions as `git` takes them, and its answers read.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use git2::{ObjectType, Oid};
use sha2::{Digest, Sha256};

use super::super::backend::{Backend, Ignored, RawHead, RawWorktree, Side, TreeEntry};
use super::super::error::{Doing, GitError};
use super::super::files::is_file;
use super::super::head::BRANCHES;
use super::super::history::CommitInfo;
use super::super::id::{BlobId, CommitId, TreeId};
use super::super::index::Entry;
use super::super::merge::MergePreview;
use super::objects::Objects;
use super::{GitCommand, argument, failed, line};
use crate::domain::name::BranchName;

const READ_SETTINGS: &str = "read Git's settings";
const MERGE: &str = "merge two commits";
const READ_TREE: &str = "read the files of a commit";

impl GitCommand {
    /// The commit that a reference or an id comes to.
    fn commit_at(&self, doing: &'static str, mut name: OsString) -> Result<Option<CommitId>, GitError> {
        name.push("^{commit}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options"].map(OsString::from);
        let found = self.ask(doing, &[&args[..], &[name]].concat())?;
        Ok(found.map(|id| CommitId::from_record(text(line(id)))))
    }

    /// An error for a commit that is not there.
    fn require(&self, doing: &'static str, commit: &CommitId) -> Result<(), GitError> {
        let found = self.commit_at(doing, argument(commit, doing)?.into())?;
        found.map(drop).ok_or_else(|| GitError::Missing { id: commit.to_string() })
    }

    /// Where merges write their objects: a directory beside the repository's, which Git looks into as well.
    pub(super) fn scratch(&self) -> io::Result<()> {
        if self.merged.get().is_none() {
            let scratch = tempfile::tempdir()?;
            fs::create_dir(scratch.path().join("info"))?;
            let objects = self.place.common_dir.join("objects").into_os_string();
            fs::write(scratch.path().join("info/alternates"), [objects.as_bytes(), b"\n"].concat())?;
            self.merged.get_or_init(|| scratch);
            // it was told of the repository's own objects only
            self.objects.take();
        }
        Ok(())
    }

    fn is_sha256(&self) -> Result<bool, GitError> {
        if let Some(known) = self.is_sha256.get() {
            return Ok(*known);
        }
        let format = self.tell("read the object format", &["rev-parse", "--show-object-format"])?;
        Ok(*self.is_sha256.get_or_init(|| line(format) == b"sha256"))
    }
}

impl Backend for GitCommand {
    fn head(&self) -> Result<RawHead, GitError> {
        const DOING: &str = "read HEAD";
        let reference = self.ask(DOING, &["symbolic-ref", "--quiet", "HEAD"])?.map(line);
        let name = reference.clone().map_or_else(|| "HEAD".into(), OsString::from_vec);
        Ok(RawHead { commit: self.commit_at(DOING, name)?, reference })
    }

    fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        const DOING: &str = "read a branch";
        let name = [BRANCHES.as_bytes(), &branch.to_bytes()].concat();
        // what Git takes for a revision may be no name: `main~1`, `main@{1}`
        let exact = ["show-ref", "--verify", "--quiet", "--"].map(OsStr::new);
        let is_there = self.run(DOING, &[&exact[..], &[OsStr::from_bytes(&name)]].concat())?.status.success();
        if is_there { self.commit_at(DOING, OsString::from_vec(name)) } else { Ok(None) }
    }

    fn branches(&self, side: Side) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        let under = if side == Side::Local { BRANCHES } else { "refs/remotes/" };
        let format = "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(symref)";
        let lines = self.tell("list the branches", &["for-each-ref", format, under])?;
        let branch = |line: &[u8]| {
            let mut fields = line.split(|byte| *byte == 0);
            let name = fields.next()?.strip_prefix(under.as_bytes())?;
            let id = CommitId::from_record(text(fields.next()?.to_vec()));
            let is_commit = fields.next()? == b"commit";
            // `origin/HEAD` is a pointer to another remote branch, not one of its own
            let is_pointer = side == Side::Remote && !fields.next()?.is_empty();
            (is_commit && !is_pointer).then(|| (BranchName::from_bytes(name), id))
        };
        Ok(lines.split(|byte| *byte == b'\n').filter_map(branch).collect())
    }

    fn commit_named(&self, spec: &str) -> Result<Option<CommitId>, GitError> {
        const DOING: &str = "resolve a revision";
        let args = ["rev-parse", "--verify", "--end-of-options", spec].map(OsStr::new);
        let output = self.run(DOING, &args)?;
        if output.status.success() {
            return self.commit_at(DOING, OsString::from_vec(line(output.stdout)));
        }
        match String::from_utf8_lossy(&output.stderr).contains(" is ambiguous") {
            true => Err(GitError::Ambiguous { rev: spec.to_owned() }),
            false => Ok(None),
        }
    }

    fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        const DOING: &str = "find a merge base";
        let found = self.ask(DOING, &["merge-base", argument(a, DOING)?, argument(b, DOING)?])?;
        Ok(found.map(|id| CommitId::from_record(text(line(id)))))
    }

    fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, GitError> {
        const DOING: &str = "compare two commits";
        let args = ["merge-base", "--is-ancestor", argument(old, DOING)?, argument(new, DOING)?];
        Ok(self.ask(DOING, &args)?.is_some())
    }

    fn commits_between(&self, a: &CommitId, b: &CommitId) -> Result<usize, GitError> {
        const DOING: &str = "count commits";
        self.require(DOING, a)?;
        self.require(DOING, b)?;
        let range = format!("{}..{}", argument(a, DOING)?, argument(b, DOING)?);
        let count = text(line(self.tell(DOING, &["rev-list", "--count", &range])?));
        count.parse().map_err(|_| GitError::Other { doing: DOING, message: format!("{count:?} is no number") })
    }

    fn describe(&self, commit: &CommitId) -> Result<CommitInfo, GitError> {
        const DOING: &str = "read a commit";
        let args = ["show", "--no-patch", "--no-show-signature", "--format=%an%x00%ct%x00%s", argument(commit, DOING)?];
        let answer = text(line(self.tell(DOING, &args)?));
        let mut fields = answer.splitn(3, '\0');
        let mut field = || fields.next().unwrap_or_default().to_owned();
        Ok(CommitInfo {
            id: commit.clone(),
            author: field(),
            seconds: field().parse().unwrap_or_default(),
            subject: field(),
        })
    }

    fn reflog(&self, branch: &BranchName) -> Result<Vec<Vec<u8>>, GitError> {
        const DOING: &str = "read a branch's reflog";
        if self.branch_tip(branch)?.is_none() {
            return Ok(Vec::new());
        }
        let name = OsString::from_vec([BRANCHES.as_bytes(), &branch.to_bytes()].concat());
        let args = ["log", "--walk-reflogs", "--no-show-signature", "-z", "--format=%gs"].map(OsString::from);
        let messages = self.tell(DOING, &[&args[..], &[name, "--".into()]].concat())?;
        Ok(messages.split(|byte| *byte == 0).filter(|message| !message.is_empty()).map(<[u8]>::to_vec).collect())
    }

    fn worktrees(&self) -> Result<Vec<RawWorktree>, GitError> {
        let list = self.tell("list the working trees", &["worktree", "list", "--porcelain", "-z"])?;
        let fields: Vec<&[u8]> = list.split(|byte| *byte == 0).collect();
        let records = fields.split(|field| field.is_empty()).filter(|record| !record.is_empty());
        let mut all = Vec::new();
        for (number, record) in records.enumerate() {
            let value = |key: &[u8]| record.iter().find_map(|field| field.strip_prefix(key));
            // the main one comes first
            let top = value(b"worktree ").filter(|_| number > 0).map(|path| PathBuf::from(OsStr::from_bytes(path)));
            if !record.contains(&&b"bare"[..]) && top.as_ref().is_none_or(|top| top.join(".git").exists()) {
                all.push(RawWorktree { top, reference: value(b"branch ").map(<[u8]>::to_vec) });
            }
        }
        Ok(all)
    }

    fn tree_of(&self, commit: &CommitId) -> Result<TreeId, GitError> {
        const DOING: &str = "read a commit";
        self.require(DOING, commit)?;
        let tree = format!("{}^{{tree}}", argument(commit, DOING)?);
        Ok(TreeId::from_git(text(line(self.tell(DOING, &["rev-parse", "--verify", &tree])?))))
    }

    fn entries(&self, tree: &TreeId, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<TreeEntry>, GitError> {
        let mut top = tree.as_str().to_owned();
        if !folder.is_empty() {
            top = format!("{top}:{folder}");
            let kind = self.run(READ_TREE, &["cat-file", "-t", &top].map(OsStr::new))?;
            if line(kind.stdout) != b"tree" {
                return Ok(Vec::new());
            }
        }
        let list = self.tell(READ_TREE, &["ls-tree", "-r", "-z", "--full-tree", &top])?;
        let found = list.split(|byte| *byte == 0).filter_map(tree_entry);
        Ok(found.filter(|entry| !is_file(entry.mode) || wanted(&entry.path)).collect())
    }

    fn entry(&self, tree: &TreeId, path: &str) -> Result<Option<TreeEntry>, GitError> {
        let list = self.tell(READ_TREE, &["ls-tree", "-z", "--full-tree", tree.as_str(), "--", path])?;
        Ok(list.split(|byte| *byte == 0).filter_map(tree_entry).next())
    }

    fn content(&self, id: &BlobId) -> Result<Vec<u8>, GitError> {
        let mut objects = self.objects.borrow_mut();
        if objects.is_none() {
            *objects = Some(Objects::new(self.git())?);
        }
        let found = objects.as_mut().map_or_else(|| Ok(Vec::new()), |objects| objects.content(id));
        if matches!(found, Err(GitError::Other { .. })) {
            *objects = None;
        }
        found
    }

    fn blob_id(&self, bytes: &[u8]) -> Result<BlobId, GitError> {
        if self.is_sha256()? {
            let hash = Sha256::new().chain_update(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize();
            return Ok(BlobId::from_git(hash.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        Ok(Oid::hash_object(ObjectType::Blob, bytes).doing("hash a file")?.into())
    }

    fn merge(&self, ours: &CommitId, theirs: &CommitId) -> Result<MergePreview, GitError> {
        self.scratch().map_err(|error| GitError::Other { doing: MERGE, message: error.to_string() })?;
        let (our, their) = (argument(ours, MERGE)?, argument(theirs, MERGE)?);
        let args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", our, their].map(OsStr::new);
        let output = self.run(MERGE, &args)?;
        let mut fields = output.stdout.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        let tree = fields.next().map(|tree| TreeId::from_git(text(tree.to_vec())));
        match (output.status.code(), tree) {
            (Some(0), Some(tree)) => Ok(MergePreview::Clean(tree)),
            (Some(1), Some(_)) => {
                let paths: BTreeSet<String> = fields.map(|path| text(path.to_vec())).collect();
                Ok(MergePreview::Conflicts(paths.into_iter().collect()))
            }
            _ => Err(failed(MERGE, &output)),
        }
    }

    fn index(&self) -> Result<Vec<Entry>, GitError> {
        const DOING: &str = "read the index";
        if self.place.top.is_none() {
            return Ok(Vec::new());
        }
        let list = self.tell(DOING, &["ls-files", "--stage", "-t", "-z"])?;
        let lines = list.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let other = || GitError::Other { doing: DOING, message: "git ls-files answers in another form".to_owned() };
        lines.map(|line| entry(line).ok_or_else(other)).collect()
    }

    fn ignored<'a>(&'a self, folder: &'a str) -> Result<Ignored<'a>, GitError> {
        // asked only where something untracked is met
        let others = std::cell::OnceCell::new();
        let list = move || -> Result<BTreeSet<Vec<u8>>, GitError> {
            let args = ["ls-files", "--others", "--exclude-standard", "-z", "--", folder];
            let args = if folder.is_empty() { &args[..4] } else { &args[..] };
            let list = self.tell("list the untracked files", args)?;
            Ok(list.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
        };
        Ok(Box::new(move |path| {
            let others = match others.get() {
                Some(others) => others,
                None => {
                    let list = list()?;
                    others.get_or_init(|| list)
                }
            };
            let within = [path.as_bytes(), b"/"].concat();
            let below = others.range::<Vec<u8>, _>((Bound::Included(&within), Bound::Unbounded)).next();
            Ok(!others.contains(path.as_bytes()) && below.is_none_or(|path| !path.starts_with(&within)))
        }))
    }

    fn setting(&self, key: &str) -> Result<Option<String>, GitError> {
        Ok(self.ask(READ_SETTINGS, &["config", "--get", key])?.map(|value| text(line(value))))
    }

    fn setting_path(&self, key: &str) -> Result<Option<PathBuf>, GitError> {
        let value = self.ask(READ_SETTINGS, &["config", "--type=path", "--get", key])?;
        Ok(value.map(|value| OsString::from_vec(line(value)).into()))
    }
}

/// `<mode> <type> <id>\t<path>`
fn tree_entry(line: &[u8]) -> Option<TreeEntry> {
    let (words, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
    let mut words = words.split(' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let id = BlobId::from_git(words.nth(1)?.to_owned());
    Some(TreeEntry { path: path.to_owned(), mode, id })
}

/// `<tag> <mode> <id> <stage>\t<path>`, the tag being `S` for what a sparse checkout left out.
fn entry(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
    Some(Entry {
        skipped: words.next()? == "S",
        mode: u32::from_str_radix(words.next()?, 8).ok()?,
        id: BlobId::from_git(words.next()?.to_owned()),
        stage: words.next()?.parse().ok()?,
        path: line[tab + 1..].to_vec(),
    })
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
