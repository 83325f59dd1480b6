//! Moving a warehouse from among the files of a working tree to where no branch can write.
//!
//! The move is one rename, announced before: a process that is killed leaves the warehouse at one of the two places, and
//! [`Place::of`](super::place::Place) finds it at either.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::{Error, io};
use super::place::{self, Moved};
use super::session::Session;
use crate::adapter::cache;
use crate::adapter::engine::{COMPANIONS, companion};

impl Session<'_> {
    /// Moves the warehouse below the git directory; gives its new path.
    pub fn move_warehouse(&self) -> Result<PathBuf, Error> {
        let from = &self.place.path;
        if self.place.is_below_git() || place::in_working_tree(from).is_none() {
            return Err(Error::Usage {
                what: format!("the warehouse is where no branch can write: {}", from.display()),
                help: "nothing needs to be done".to_owned(),
            });
        }
        if !self.engine.exists(&self.location) {
            return Err(Error::Usage {
                what: format!("there is no warehouse at {}", from.display()),
                help: "take `path` out of the settings, and the first plan makes one where no branch can write"
                    .to_owned(),
            });
        }
        // with the file to ourselves, all is written into it, and nothing is left beside it
        drop(self.write_warehouse()?);
        let shared = self.shared();
        let folder = shared.warehouse_folder(&self.prefix);
        std::fs::create_dir_all(&folder).map_err(io("create", &folder))?;
        let to = shared.warehouse(&self.prefix, from.file_name().unwrap_or_default());
        if to.exists() {
            return Err(Error::Usage {
                what: format!("a warehouse is there already: {}", to.display()),
                help: "move it away first".to_owned(),
            });
        }
        let marker = shared.moved(&self.prefix);
        if !cache::store(&marker, &Moved { from: from.clone(), to: to.clone() }) {
            return Err(io("write", marker)(std::io::ErrorKind::Other.into()));
        }
        carry(from, &to).map_err(io("move", from))?;
        for ending in COMPANIONS {
            let (left, right) = (companion(from, ending), companion(&to, ending));
            if left.exists() {
                carry(&left, &right).map_err(io("move", left))?;
            }
        }
        // a process that has the file open by its old name may still write: wait until it has ended
        let location = self.location.at(to.clone());
        drop(self.engine.write(&location, &mut |holder| self.waiting(holder))?);
        self.link()?;
        Ok(to)
    }
}

/// Moves a file, to another file system as well.
fn carry(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {}
        done => return done,
    }
    let part = companion(to, ".part");
    std::fs::copy(from, &part)?;
    File::open(&part)?.sync_all()?;
    std::fs::rename(&part, to)?;
    std::fs::remove_file(from)
}
