//! Laying out the files of models and audits: only those whose meaning surely stays as it is.

use std::path::{Path, PathBuf};

use super::error::{Error, io};
use super::expand::Sight;
use super::session::Session;
use super::tree::{AUDITS, SourceTree};
use crate::domain::format::{self, Kept};
use crate::domain::interval::Times;
use crate::domain::{model, sql};

/// A file, and what became of it.
#[derive(Debug)]
pub struct Laid {
    /// The file, from the top of the repository.
    pub path: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was laid out before.
    Same,
    /// It is laid out now, or would be.
    Changed,
    /// It stays as it is, and why.
    Kept(&'static str),
    /// It stays as it is because its header says so.
    Unformatted,
}

impl Session<'_> {
    /// Lays out the files of the working tree that are named, or lie in a folder that is; all of them if none is. With
    /// `check`, none is written.
    pub fn format(&self, paths: &[PathBuf], check: bool) -> Result<Vec<Laid>, Error> {
        let Some(folder) = &self.folder else {
            let git_dir = self.repository.git_dir().to_owned();
            return Err(crate::adapter::git::GitError::NoWorkingTree { git_dir }.into());
        };
        let files = self.files(&SourceTree::Working)?;
        let sight = self.sight(&files)?;
        let all: Vec<&str> =
            files.below(&self.config.models).chain(files.below(AUDITS)).map(|file| file.path.as_str()).collect();
        let mut laid = Vec::new();
        for path in named(folder, &all, paths)? {
            let file = folder.join(path);
            let text = std::fs::read(&file).map_err(io("read", &file))?;
            let (outcome, new) = match String::from_utf8(text) {
                Ok(text) => lay_out(&sight, &text),
                Err(_) => (Outcome::Kept("it is not UTF-8"), None),
            };
            if let Some(new) = new.filter(|_| !check) {
                std::fs::write(&file, new).map_err(io("write", &file))?;
            }
            laid.push(Laid { path: self.in_top(path), outcome });
        }
        Ok(laid)
    }
}

/// Those of all files that are meant; whoever names something else is told.
fn named<'f>(folder: &Path, all: &[&'f str], paths: &[PathBuf]) -> Result<Vec<&'f str>, Error> {
    if paths.is_empty() {
        return Ok(all.to_vec());
    }
    let top = folder.canonicalize().map_err(io("find", folder))?;
    let mut meant = Vec::new();
    for path in paths {
        let full = path.canonicalize().map_err(io("find", path))?;
        let inside: Vec<&str> = all.iter().filter(|file| top.join(file).starts_with(&full)).copied().collect();
        if inside.is_empty() {
            return Err(Error::Usage {
                what: format!("{} is no model or audit of the project, nor a folder with any", path.display()),
                help: "vmesh fmt models/marts".to_owned(),
            });
        }
        meant.extend(inside);
    }
    meant.sort_unstable();
    meant.dedup();
    Ok(meant)
}

/// What becomes of a text, and the new one if it is another.
fn lay_out(sight: &Sight, text: &str) -> (Outcome, Option<String>) {
    let before = Meaning::of(sight, text);
    if before.as_ref().is_some_and(|before| before.unformatted) {
        return (Outcome::Unformatted, None);
    }
    match format::format(text) {
        Err(kept) => (Outcome::Kept(reason(kept)), None),
        Ok(new) if new == text => (Outcome::Same, None),
        Ok(_) if before.is_none() => (Outcome::Kept("it can't be read: vmesh plan says why"), None),
        // macros look at more than words
        Ok(new) if Meaning::of(sight, &new) != before => {
            (Outcome::Kept("its macros would make something else of it"), None)
        }
        Ok(new) => (Outcome::Changed, Some(new)),
    }
}

fn reason(kept: Kept) -> &'static str {
    match kept {
        Kept::Unread => "a string, a quoted name or a comment in it never ends",
        Kept::Jinja => "it has Jinja in it",
        Kept::Changed => "words or comments would not come out as they are",
        Kept::Restless => "its layout would not come to rest",
    }
}

/// What a file says once its macros are expanded.
#[derive(PartialEq, Eq)]
struct Meaning {
    words: Vec<String>,
    /// The canonical form of a model's query; an audit's words must do.
    query: Option<[u8; 32]>,
    unformatted: bool,
}

impl Meaning {
    /// `None` if the file can't be read.
    fn of(sight: &Sight, text: &str) -> Option<Self> {
        let expansion = sight.expand(text, &Times::LOADING).ok()?;
        let expanded = expansion.as_ref().map_or(text, |expansion| expansion.text.as_str());
        let lexemes = sql::lex(expanded).ok()?;
        let words = lexemes.iter().filter_map(|lexeme| expanded.get(lexeme.span.clone()).map(str::to_owned)).collect();
        let model = model::parse(expanded).ok();
        let unformatted = model.as_ref().is_some_and(|file| file.about.unformatted);
        Some(Self { words, query: model.and_then(|file| file.query).map(|query| query.canonical), unformatted })
    }
}
