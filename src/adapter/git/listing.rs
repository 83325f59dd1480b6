//! The project's files of one source tree, whichever it is: what lies in its folder, and what links there lead to.

use std::collections::BTreeMap;

use super::error::GitError;
use super::files::join;
use super::links::{Broken, BrokenLink, Node, Nodes, Origin, follow};

/// Folders that links lead to; a few that hold a few each come to more than any disk has.
const MOST_FOLDERS: usize = 256;

/// What a source tree has of a project, before its bytes are looked at.
pub(super) struct Listing<'a> {
    nodes: &'a dyn Nodes,
    wanted: &'a dyn Fn(&str) -> bool,
    pub(super) found: Vec<Found>,
    pub(super) broken: Vec<BrokenLink>,
    /// Submodules, by their paths within the project.
    pub(super) submodules: Vec<String>,
    /// Git's attributes, by the path of their file from the top of the repository.
    pub(super) attributes: BTreeMap<String, Origin>,
    /// The links to folders that we are in.
    within: Vec<String>,
    folders: usize,
}

/// A file of the project.
pub(super) struct Found {
    /// Its path within the project.
    pub(super) path: String,
    /// Its own path from the top of the repository: another one, where a link led to it.
    pub(super) own: String,
    pub(super) origin: Origin,
}

impl<'a> Listing<'a> {
    fn empty(nodes: &'a dyn Nodes, wanted: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            nodes,
            wanted,
            found: Vec::new(),
            broken: Vec::new(),
            submodules: Vec::new(),
            attributes: BTreeMap::new(),
            within: Vec::new(),
            folders: 0,
        }
    }

    /// The files below the folder `project` whose path there is `wanted`.
    pub(super) fn of(nodes: &'a dyn Nodes, project: &str, wanted: &'a dyn Fn(&str) -> bool) -> Result<Self, GitError> {
        let mut listing = Self::empty(nodes, wanted);
        listing.attributes_above(project)?;
        listing.folder(project, "")?;
        listing.found.sort_by(|a, b| a.path.cmp(&b.path));
        listing.broken.sort_by(|a, b| a.path.cmp(&b.path));
        listing.submodules.sort();
        Ok(listing)
    }

    /// The one file that a path from the top of the repository comes to; nothing where that is no file.
    pub(super) fn of_file(nodes: &'a dyn Nodes, path: &str) -> Result<Result<Self, Broken>, GitError> {
        let mut listing = Self::empty(nodes, &|_| false);
        Ok(match follow(nodes, path)? {
            Ok((own, Node::File(origin))) => {
                listing.attributes_above(&own)?;
                listing.found.push(Found { path: path.to_owned(), own, origin });
                Ok(listing)
            }
            Ok(_) => Err(Broken::Missing),
            Err(why) => Err(why),
        })
    }

    /// `own` is the folder's path from the top of the repository, `shown` the one that it has within the project.
    fn folder(&mut self, own: &str, shown: &str) -> Result<(), GitError> {
        let wanted = self.wanted;
        let found = self.nodes.below(own, &|path| is_attributes(path) || wanted(&join(shown, path)))?;
        for (path, node) in found {
            let (own, shown) = (join(own, &path), join(shown, &path));
            match node {
                Node::File(origin) if is_attributes(&path) => {
                    self.attributes.insert(own, origin);
                }
                Node::File(origin) => self.found.push(Found { path: shown, own, origin }),
                Node::Link(target) => self.link(&own, shown, target)?,
                Node::Submodule => self.submodules.push(shown),
                Node::Folder => {}
            }
        }
        Ok(())
    }

    fn link(&mut self, own: &str, shown: String, target: String) -> Result<(), GitError> {
        let why = match follow(self.nodes, own)? {
            Err(why) => why,
            Ok((own, Node::File(origin))) => {
                if (self.wanted)(&shown) {
                    self.attributes_above(&own)?;
                    self.found.push(Found { path: shown, own, origin });
                }
                return Ok(());
            }
            Ok((_, Node::Submodule)) => {
                self.submodules.push(shown);
                return Ok(());
            }
            Ok((folder, _)) => {
                let is_above = |link: &str| folder.is_empty() || link.starts_with(&format!("{folder}/"));
                if is_above(own) || self.within.iter().any(|link| link == own) {
                    Broken::Circle
                } else if self.folders == MOST_FOLDERS {
                    Broken::TooMany
                } else {
                    self.folders += 1;
                    self.within.push(own.to_owned());
                    self.attributes_above(&folder)?;
                    self.folder(&folder, &shown)?;
                    self.within.pop();
                    return Ok(());
                }
            }
        };
        self.broken.push(BrokenLink { path: shown, target, why });
        Ok(())
    }

    /// Attributes hold for all that lies below their folder.
    fn attributes_above(&mut self, path: &str) -> Result<(), GitError> {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        for folder in above.chain((!path.is_empty()).then_some("")) {
            let file = join(folder, ATTRIBUTES);
            // a link in this place is nothing to Git either
            if !self.attributes.contains_key(&file)
                && let Some(Node::File(origin)) = self.nodes.look(&file)?
            {
                self.attributes.insert(file, origin);
            }
        }
        Ok(())
    }
}

/// The files that Git takes attributes from.
const ATTRIBUTES: &str = ".gitattributes";

fn is_attributes(path: &str) -> bool {
    path.strip_suffix(ATTRIBUTES).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}
