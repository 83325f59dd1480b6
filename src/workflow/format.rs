//! Laying out the files of models and audits: only those whose meaning surely stays as it is.

use std::path::{Path, PathBuf};

use super::error::{Error, io};
use super::loader::Loader;
use super::tree::{AUDITS, SourceTree, is_below};
use crate::domain::format::{self, Kept};
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

impl Loader {
    /// Lays out the files of the working tree that are named, or lie in a folder that is; all of them if none is. With
    /// `check`, none is written.
    pub fn format(&self, paths: &[PathBuf], check: bool) -> Result<Vec<Laid>, Error> {
        let Some(folder) = &self.folder else {
            let git_dir = self.repository.git_dir().to_owned();
            return Err(crate::adapter::git::GitError::NoWorkingTree { git_dir }.into());
        };
        let files = self.files(&SourceTree::Working)?;
        let sight = self.sight(&files)?;
        // columns that macros ask for; a project with problems can be laid out, too
        let project = self.tree(&SourceTree::Working).ok().map(|tree| tree.project);
        let columns = |parts: &[String]| project.as_ref()?.columns_of(parts);
        let all: Vec<&str> =
            files.below(&self.config.models).chain(files.below(AUDITS)).map(|file| file.path.as_str()).collect();
        let mut laid = Vec::new();
        for path in named(folder, &all, paths)? {
            let file = folder.join(path);
            let text = std::fs::read(&file).map_err(io("read", &file))?;
            let (outcome, new) = match String::from_utf8(text) {
                Ok(text) => lay_out(text.as_str(), &|text| match is_below(AUDITS, path) {
                    true => Meaning::of(&[text]),
                    false => Meaning::of(&sight.texts(path, &text.into(), &columns)?),
                }),
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

/// The files that the arguments name. An argument that names no file is an error.
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

/// What becomes of a text, and the new one if it is another. `meaning` gives nothing of a text that can't be read.
fn lay_out(text: &str, meaning: &dyn Fn(&str) -> Option<Meaning>) -> (Outcome, Option<String>) {
    let before = meaning(text);
    if before.as_ref().is_some_and(|before| before.unformatted) {
        return (Outcome::Unformatted, None);
    }
    match format::format(text) {
        Err(kept) => (Outcome::Kept(reason(kept)), None),
        Ok(new) if new == text => (Outcome::Same, None),
        Ok(_) if before.is_none() => (Outcome::Kept("it can't be read: vmesh plan says why"), None),
        // macros look at more than words
        Ok(new) if meaning(&new) != before => (Outcome::Kept("its macros would make something else of it"), None),
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
#[derive(Default, PartialEq, Eq)]
struct Meaning {
    words: Vec<String>,
    /// The canonical forms of the models' queries; an audit's words must do.
    queries: Vec<Option<[u8; 32]>>,
    /// What views are commented with: comments behind columns tell of these.
    comments: Vec<Option<model::Comments>>,
    unformatted: bool,
}

impl Meaning {
    /// That of a file that makes these texts; `None` if one can't be read.
    fn of(texts: &[impl AsRef<str>]) -> Option<Self> {
        let mut meaning = Self::default();
        for text in texts {
            let text = text.as_ref();
            let lexemes = sql::lex(text).ok()?;
            meaning.words.extend(lexemes.iter().filter_map(|lexeme| text.get(lexeme.span.clone()).map(str::to_owned)));
            let model = model::parse(text).ok();
            meaning.unformatted |= model.as_ref().is_some_and(|file| file.about.unformatted);
            meaning.comments.push(model.as_ref().map(|file| file.about.comments.clone()));
            meaning.queries.push(model.and_then(|file| file.query).map(|query| query.canonical));
        }
        Some(meaning)
    }
}
