//! What Git makes of a file's bytes on checkout, where `.gitattributes` say so: filters (as Git LFS has them), `ident`
//! and `working-tree-encoding`. Line ends are not of these: a file is read with those that Git keeps.
//!
//! The attributes are those of the file's own source tree; the programs that filter are those of the user's own
//! settings, as Git itself runs them. A filter that nobody has set up is none. Such a file is always read from Git's
//! object database, whatever its copy on disk looks like. Where no attribute speaks of a file, nothing is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::backend::Backend;
use super::command::{Driver, GitCommand, Rules};
use super::error::GitError;
use super::files::{Location, SourceFile};
use super::id::BlobId;
use super::links::Origin;
use super::listing::Listing;
use super::open::Repository;

/// The attributes that change a file's bytes.
pub(super) const NAMES: [&str; 3] = ["filter", "ident", "working-tree-encoding"];

/// A file whose bytes Git changes on checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// The bytes that Git keeps.
    pub(super) blob: BlobId,
    /// Its own path from the top of the repository, which attributes are told by.
    pub(super) path: String,
    /// Its filter, if it has one.
    pub(super) driver: Option<Driver>,
    pub(super) is_encoded: bool,
    /// What is done to it, in words that differ where it is something else.
    means: String,
    /// Which attributes hold.
    pub(super) rules: Rules,
}

impl Filtered {
    /// The file of this path within the project.
    pub(super) fn file(self, path: String) -> SourceFile {
        let means = blake3::hash(self.means.as_bytes()).to_hex();
        let id = BlobId::from_git(format!("{}+{}", self.blob, &means[..12]));
        SourceFile { path, id, location: Location::Filtered(self) }
    }

    /// Whether nothing but its encoding is changed.
    pub(super) fn is_only_encoded(&self) -> bool {
        self.is_encoded && self.driver.is_none()
    }
}

/// The texts of a tree's attributes, and of those that hold for all trees.
struct Attributes<'a> {
    /// By the path of their file.
    own: BTreeMap<String, Vec<u8>>,
    /// This machine's.
    others: &'a [Vec<u8>],
}

impl Attributes<'_> {
    /// The ends of the paths of files that may have an attribute of interest.
    fn suspects(&self) -> BTreeSet<String> {
        let texts = self.own.values().chain(self.others).map(|text| String::from_utf8_lossy(text));
        let texts: Vec<_> = texts.collect();
        let lines = || texts.iter().flat_map(|text| text.lines()).filter_map(split);
        let mut names: BTreeSet<&str> = NAMES.into();
        // macros, and macros of macros
        loop {
            let before = names.len();
            for (pattern, mut attributes) in lines() {
                if let Some(macro_name) = pattern.strip_prefix("[attr]")
                    && attributes.any(|one| names.contains(name(one)))
                {
                    names.insert(macro_name);
                }
            }
            if names.len() == before {
                break;
            }
        }
        let said = lines().filter(|(pattern, attributes)| {
            !pattern.starts_with("[attr]") && attributes.clone().any(|one| names.contains(name(one)))
        });
        said.map(|(pattern, _)| ending(pattern)).collect()
    }

    /// A hash over all of it.
    fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let own = self.own.iter().map(|(path, text)| (path.as_bytes(), text));
        for (path, text) in own.chain(self.others.iter().map(|text| (&b""[..], text))) {
            for part in [path, text] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

/// A line's pattern and its attributes.
fn split(line: &str) -> Option<(&str, std::str::SplitWhitespace<'_>)> {
    let line = line.trim_start();
    let (pattern, rest) = match line.strip_prefix('"') {
        // what is quoted may hold blanks and quotes; which files it means is Git's to say
        Some(quoted) => ("*", quoted.split_once('"')?.1),
        None => line.split_once(char::is_whitespace)?,
    };
    (!pattern.starts_with('#')).then(|| (pattern, rest.split_whitespace()))
}

/// `filter` of `filter=lfs`, `-filter` and `!filter`.
fn name(attribute: &str) -> &str {
    attribute.trim_start_matches(['-', '!']).split('=').next().unwrap_or_default()
}

/// `.csv` of `*.csv`; nothing where a pattern doesn't tell how a path ends.
fn ending(pattern: &str) -> String {
    let last = pattern.rsplit('/').next().unwrap_or_default();
    let ending = last.strip_prefix('*').unwrap_or_default();
    if ending.contains(['*', '?', '[', '\\']) { String::new() } else { ending.to_lowercase() }
}

impl Repository {
    /// For each file of a listing: what Git does to its bytes on checkout, if anything. `committed` says that the attributes
    /// are those of a commit, not those that lie on disk.
    pub(super) fn filtered(&self, listing: &Listing<'_>, committed: bool) -> Result<Vec<Option<Filtered>>, GitError> {
        let mut filtered = vec![None; listing.found.len()];
        let attributes = Attributes { own: self.texts(&listing.attributes)?, others: self.everywhere()? };
        let suspects = attributes.suspects();
        if suspects.is_empty() {
            return Ok(filtered);
        }
        let is_suspect = |path: &str| {
            let path = path.to_lowercase();
            suspects.iter().any(|ending| path.ends_with(ending.as_str()))
        };
        let asked: Vec<usize> =
            (0..listing.found.len()).filter(|index| is_suspect(&listing.found[*index].own)).collect();
        if asked.is_empty() {
            return Ok(filtered);
        }
        let git = self.git();
        let rules = if committed { git.rules_of(&attributes.key(), &attributes.own)? } else { Rules::OnDisk };
        let paths: Vec<&str> = asked.iter().map(|index| listing.found[*index].own.as_str()).collect();
        let mut drivers = BTreeMap::new();
        for (index, [filter, ident, encoding]) in asked.iter().zip(git.attributes(&rules, &paths)?) {
            let driver = match filter {
                Some(name) => match drivers.get(&name) {
                    Some(known) => Option::clone(known),
                    None => drivers.entry(name.clone()).or_insert(self.driver(&name)?).clone(),
                },
                None => None,
            };
            if driver.is_none() && ident.is_none() && encoding.is_none() {
                continue;
            }
            let found = &listing.found[*index];
            let file = Filtered {
                blob: match &found.origin {
                    Origin::Blob(id) => id.clone(),
                    // told below
                    Origin::Disk(..) => BlobId::from_git(String::new()),
                },
                path: found.own.clone(),
                is_encoded: encoding.is_some(),
                means: format!("{driver:?} {ident:?} {encoding:?}"),
                driver,
                rules: rules.clone(),
            };
            filtered[*index] = Some(file);
        }
        self.name_blobs(listing, &mut filtered)?;
        Ok(filtered)
    }

    /// Says which blobs the files on disk are: those of the index where Git takes them for unchanged, and what
    /// `git add` would make of them where not.
    fn name_blobs(&self, listing: &Listing<'_>, filtered: &mut [Option<Filtered>]) -> Result<(), GitError> {
        let on_disk = listing.found.iter().zip(filtered).filter(|(found, _)| matches!(found.origin, Origin::Disk(..)));
        let mut files: Vec<&mut Filtered> = on_disk.filter_map(|(_, file)| file.as_mut()).collect();
        if files.is_empty() {
            return Ok(());
        }
        let (index, modified) = {
            let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            let wanted: BTreeSet<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
            let entries = self.backend.index()?.into_iter();
            let entries = entries.filter(|entry| entry.stage == 0 && wanted.contains(&*entry.path));
            let index: BTreeMap<Vec<u8>, BlobId> = entries.map(|entry| (entry.path, entry.id)).collect();
            (index, self.git().modified(&paths)?)
        };
        let mut changed = Vec::new();
        for file in &mut files {
            match index.get(file.path.as_bytes()).filter(|_| !modified.contains(file.path.as_bytes())) {
                Some(id) => file.blob = id.clone(),
                None => changed.push(&mut **file),
            }
        }
        let ids = self.git().cleaned(&changed.iter().map(|file| &**file).collect::<Vec<_>>())?;
        changed.into_iter().zip(ids).for_each(|(file, id)| file.blob = id);
        Ok(())
    }

    /// A filter; `None` for one that nobody has set up.
    fn driver(&self, name: &str) -> Result<Option<Driver>, GitError> {
        // no setting can be called so
        if name.is_empty() || name.contains(char::is_control) {
            return Ok(None);
        }
        let setting = |key: &str| self.backend.setting(&format!("filter.{name}.{key}"));
        let (clean, smudge, process) = (setting("clean")?, setting("smudge")?, setting("process")?);
        let is_set = [&clean, &smudge, &process].into_iter().flatten().any(|command| !command.is_empty());
        Ok(is_set.then(|| Driver { name: name.to_owned(), clean, smudge, process }))
    }

    fn texts(&self, files: &BTreeMap<String, Origin>) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
        let text = |(path, origin): (&String, &Origin)| {
            let text = match origin {
                Origin::Blob(id) => self.backend.content(id)?,
                Origin::Disk(path, _) => {
                    std::fs::read(path).map_err(|source| GitError::Io { doing: "read", path: path.clone(), source })?
                }
            };
            Ok((path.clone(), text))
        };
        files.iter().map(text).collect()
    }

    /// The attributes that this machine's owner sets for every tree.
    fn everywhere(&self) -> Result<&[Vec<u8>], GitError> {
        if let Some(known) = self.attributes.get() {
            return Ok(known);
        }
        let named = self.backend.setting_path("core.attributesFile")?;
        let usual = || {
            let home = |below: &str| std::env::var_os("HOME").map(|home| Path::new(&home).join(below));
            let config = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
            config.or_else(|| home(".config")).map(|config| config.join("git/attributes"))
        };
        let places =
            [named.or_else(usual), Some(self.common_dir().join("info/attributes")), Some("/etc/gitattributes".into())];
        let texts = places.into_iter().flatten().filter_map(|place| std::fs::read(place).ok());
        Ok(self.attributes.get_or_init(|| texts.collect()))
    }

    /// A file's bytes as Git would check them out.
    pub(super) fn converted(&self, file: &Filtered) -> Result<Vec<u8>, GitError> {
        let git = self.git();
        match git.smudged(file) {
            // what a merge in memory made is nowhere else
            Err(_) if !git.has(&file.blob)? => {
                git.keep(&self.backend.content(&file.blob)?)?;
                git.smudged(file)
            }
            done => done,
        }
    }

    /// The ids that files on disk have once they are added: whether Git takes their CRLF for LF, attributes and settings
    /// say.
    pub(super) fn ids_once_added(&self, paths: &[&str]) -> Result<Vec<BlobId>, GitError> {
        if paths.is_empty() { Ok(Vec::new()) } else { self.git().ids_once_added(paths) }
    }

    /// A file's bytes as Git keeps them.
    pub(super) fn kept(&self, file: &Filtered) -> Result<Vec<u8>, GitError> {
        match self.backend.content(&file.blob) {
            // what `git add` would make of it, only the `git` that made it has
            Err(GitError::Missing { .. }) => self.git().content(&file.blob),
            done => done,
        }
    }

    /// The `git` that runs filters.
    fn git(&self) -> &GitCommand {
        self.filtering.get_or_init(|| GitCommand::new(self.place.clone()))
    }
}
