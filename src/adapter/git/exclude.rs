//! Files that are none of Git's business: whether Git tracks them all the same, and how it is told to leave them alone.

use std::path::Path;

use super::error::GitError;
use super::head::Head;
use super::open::Repository;

/// The first line of what vmesh adds to `info/exclude`.
const HEADING: &str = "# vmesh's warehouse";

impl Repository {
    /// The repository whose working tree or git directory holds a folder, whatever the environment says.
    pub fn holding(folder: &Path) -> Result<Self, GitError> {
        Self::open(folder, None)
    }

    /// The first of these paths, or a file below one of them, that Git tracks here, in any letter case: some file
    /// systems know none. Paths are told from the top of the working tree.
    pub fn tracked_among(&self, paths: &[String]) -> Result<Option<String>, GitError> {
        let paths: Vec<String> = paths.iter().map(|path| path.to_lowercase()).collect();
        let is_one = |file: &str| {
            let file = file.to_lowercase();
            paths
                .iter()
                .any(|path| file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        let added = self.backend.index()?.into_iter().map(|entry| String::from_utf8_lossy(&entry.path).into_owned());
        if let Some(path) = added.into_iter().find(|path| is_one(path)) {
            return Ok(Some(path));
        }
        let (Head::Branch { commit: Some(commit), .. } | Head::Detached { commit }) = self.head()? else {
            return Ok(None);
        };
        Ok(self.paths_at(&commit, &is_one)?.into_iter().next())
    }

    /// Whether Git ignores a file of this path, told from the top of the working tree, if nobody has added it.
    pub fn ignores(&self, path: &str) -> Result<bool, GitError> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        (self.backend.ignored(folder)?)(path)
    }

    /// Has Git ignore these paths, told from the top of the working tree, by the repository's own `info/exclude`, which
    /// no branch can change.
    pub fn exclude(&self, paths: &[String]) -> Result<(), GitError> {
        let path = self.common_dir().join("info").join("exclude");
        let failed = |source| GitError::Io { doing: "write", path: path.clone(), source };
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<String> = paths.iter().map(|path| format!("/{}", escape(path))).collect();
        let missing: Vec<&String> = lines.iter().filter(|line| !text.lines().any(|there| there == *line)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !text.lines().any(|line| line == HEADING) {
            text.push_str(&format!("{HEADING}\n"));
        }
        missing.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        std::fs::create_dir_all(self.common_dir().join("info")).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)
    }
}

/// A path in which Git's patterns mean nothing but themselves.
fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for letter in path.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | ' ') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
