//! Source trees: the project's files as the working tree or a commit has them, read without checking anything out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::audit_sql::AllAsked;
use super::audits::OwnAudits;
use super::error::Error;
use super::expand::Sight;
use super::loader::Loader;
use super::set_aside::SetAside;
use super::whereabouts::DataFiles;
use super::workspace::{Workspace, from_top, told_from_top};
use crate::adapter::cache::{self, SeedContent};
use crate::adapter::git::{BrokenLink, CommitId, Head, Location, SourceFile, SourceFiles, StatCache, TreeId};
use crate::domain::config::{CONFIG_FILES, Made};
use crate::domain::diagnostic::{Diagnostic, Problem};
use crate::domain::external::{Externals, is_external};
use crate::domain::macros;
use crate::domain::project::{Model, Project, Published, SeedFile, Sources};
use crate::domain::sql;

/// The endings of files that seeds and queries may read.
const DATA: [&str; 9] = ["csv", "tsv", "txt", "parquet", "json", "jsonl", "ndjson", "gz", "zst"];

/// The folders of macros, audits and unit tests, below the project's.
pub(super) const MACROS: &str = "macros";
pub(super) const AUDITS: &str = "audits";
pub(super) const TESTS: &str = "tests";

/// Where a project is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceTree {
    /// The files on disk.
    Working,
    /// A commit.
    Commit(CommitId),
    /// A merge that has not happened.
    Merge(TreeId),
    /// Nothing: there is no commit yet.
    Empty,
}

/// The project's files of one source tree.
#[derive(Debug, Clone)]
pub struct Files {
    by_path: BTreeMap<String, SourceFile>,
    pub(super) tree: SourceTree,
    /// Links that lead to no file.
    pub(super) broken: Vec<BrokenLink>,
    pub(super) submodules: Vec<String>,
}

/// A project, with its files.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The models.
    pub project: Project,
    /// The files.
    pub files: Files,
    /// What its macros can see.
    pub(super) sight: Sight,
    /// Its own audits.
    pub(super) audits: OwnAudits,
    /// What main's `before_all` makes.
    pub(super) made: Vec<Made>,
    /// What of its folder is not read, though it may have been meant to be.
    pub(super) foreign: Vec<String>,
    /// Its models that vmesh can't run, where the settings let them be tables that it doesn't make.
    pub(super) set_aside: Vec<SetAside>,
    /// What vmesh shows besides.
    pub(super) published: Published,
    /// What its models' audits ask, once someone wants to know.
    pub(super) asked: OnceLock<AllAsked>,
}

impl Files {
    pub(super) fn get(&self, path: &str) -> Option<&SourceFile> {
        self.by_path.get(path)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SourceFile> {
        self.by_path.values()
    }

    /// Where on disk those lie that are not what they are called below the project's folder: links led to them.
    pub(super) fn linked<'f>(&'f self, project: &'f Path) -> impl Iterator<Item = &'f Path> {
        self.by_path.values().filter_map(move |file| match &file.location {
            Location::Disk(path) if *path != project.join(&file.path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// The SQL files below a folder of the project.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = &SourceFile> {
        self.by_path.values().filter(move |file| is_below(folder, &file.path) && is_sql(&file.path))
    }

    /// The Python files below a folder of the project.
    pub(super) fn python(&self, folder: &str) -> impl Iterator<Item = &SourceFile> {
        self.by_path.values().filter(move |file| is_below(folder, &file.path) && file.path.ends_with(".py"))
    }

    /// Those that are wanted.
    pub(super) fn part(&self, is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut part = self.clone();
        part.by_path.retain(|path, _| is_wanted(path));
        part
    }

    /// Their paths, told from the project's folder.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(String::as_str)
    }

    /// A hash over paths and contents: equal for equal trees.
    pub fn signature(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (path, file) in &self.by_path {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(file.id.as_str().as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

impl Workspace {
    /// The project's files of a source tree: models and CSV files.
    pub fn files(&self, tree: &SourceTree) -> Result<Files, Error> {
        let wanted = |path: &str| is_wanted(&self.config.models, path) && !self.config.ignored.is_match(path);
        let found = match tree {
            SourceTree::Empty => SourceFiles::default(),
            SourceTree::Commit(commit) => self.repository.files_at(commit, &self.prefix, &wanted)?,
            SourceTree::Merge(tree) => self.repository.files_in_tree(tree, &self.prefix, &wanted)?,
            SourceTree::Working => {
                let file = self.own().stat();
                let before: StatCache = cache::load(&file).unwrap_or_default();
                let mut stats = before.clone();
                let files = self.repository.files_in_worktree(&self.prefix, &wanted, &mut stats)?;
                if stats != before {
                    cache::store(&file, &stats);
                }
                files
            }
        };
        let mut by_path: BTreeMap<_, _> = found.files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let beside = self.beside().into_iter().filter(|path| !by_path.contains_key(path)).collect();
        by_path.extend(self.find_all(tree, &beside)?.into_iter().map(|file| (file.path.clone(), file)));
        Ok(Files { by_path, tree: tree.clone(), broken: found.broken, submodules: found.submodules })
    }

    /// What the project says of tables that no model makes.
    fn externals(&self, files: &Files) -> Result<Externals, Error> {
        let attached = self.config.outside.attached.iter().map(|attached| attached.name.as_str());
        let mut externals = Externals::beside(attached);
        // a schema.yaml may be anything, where SQLMesh never was
        let is_meant =
            |path: &str| is_external(path) && (path.starts_with("external") || self.settings_file != "vmesh.toml");
        for file in files.by_path.values().filter(|file| is_meant(&file.path)) {
            let text = self.text(file)?;
            let wrong = |problem: Problem| Error::Project(self.in_repository(vec![problem.in_file(&file.path, &text)]));
            externals.add(&text).map_err(wrong)?;
        }
        Ok(externals)
    }

    /// The text of a model's file, without macros.
    pub fn model_text(&self, tree: &Tree, model: &Model) -> Result<Arc<str>, Error> {
        match &model.file.expanded {
            Some(expanded) => Ok(expanded.text.as_str().into()),
            None => self.file_text(tree, model),
        }
    }

    /// The text of a model's file, as it was written.
    pub fn file_text(&self, tree: &Tree, model: &Model) -> Result<Arc<str>, Error> {
        match tree.files.by_path.get(&model.path) {
            Some(file) => self.text(file),
            None => Ok("".into()),
        }
    }

    /// The bytes of a seed's CSV file.
    pub fn seed_content(&self, tree: &Tree, seed: &SeedFile) -> Result<Vec<u8>, Error> {
        match tree.files.by_path.get(&seed.path) {
            Some(file) => self.content(file),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn text(&self, file: &SourceFile) -> Result<Arc<str>, Error> {
        let bytes = self.repository.read_text(file).map_err(|error| self.told(error))?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(match text.contains("\r\n") {
            true if is_sql(&file.path) => sql::unify_line_ends(&text).into(),
            true => text.replace("\r\n", "\n").into(),
            false => text.into(),
        })
    }

    /// Models in Python, which nobody may take for read.
    fn python_models(&self, files: &Files) -> Result<Vec<Diagnostic>, Error> {
        let mut problems = Vec::new();
        for file in files.python(&self.config.models) {
            let text = self.text(file)?;
            let Some(span) = macros::python_model(&text) else { continue };
            let what = "models in Python are not supported".to_owned();
            let help = "write it as a query in a .sql file, or have it fill a table of the warehouse, which models read \
                        like any other, and move the file out of the models; in the settings, `unsupported = \"external\"` takes \
                        such models for tables";
            problems.push(Problem { what, span, help: Some(help.to_owned()) }.in_file(&file.path, &text));
        }
        Ok(self.in_repository(problems))
    }

    /// A path of the project, told from the top of the repository.
    pub(super) fn in_top(&self, path: &str) -> String {
        from_top(&self.prefix, path)
    }

    /// Paths in messages count from the top of the repository, where a terminal can open them.
    pub(super) fn in_repository(&self, problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
        told_from_top(&self.prefix, problems)
    }
}

impl Loader {
    /// The project of a source tree, without a look at what prod or the environment shows.
    pub fn tree(&self, tree: &SourceTree) -> Result<Tree, Error> {
        self.assemble(self.files(tree)?, Published::default())
    }

    /// The project of the files at hand, told against the commit that they began with.
    pub fn tree_here(&self, tree: &SourceTree) -> Result<Tree, Error> {
        let files = self.files(tree)?;
        let head = match self.repository.head()? {
            Head::Branch { commit, .. } => commit,
            Head::Detached { commit } => Some(commit),
        };
        let mut published = Published::default();
        if let (Some(head), Some(tip)) = (head, self.main_tip()?)
            && let Some(base) = self.repository.merge_base(&head, &tip)?
        {
            let before = self.files(&SourceTree::Commit(base))?;
            if before.signature() != files.signature()
                && let Ok(before) = self.assemble(before, Published::default())
            {
                published.add(&before.project);
            }
        }
        self.assemble(files, published)
    }

    /// The project that these files make, where vmesh shows this.
    pub fn assemble(&self, mut files: Files, published: Published) -> Result<Tree, Error> {
        let sight = self.sight(&files)?;
        let audits = self.own_audits(&files)?;
        let externals = self.externals(&files)?;
        let data = DataFiles::new(self, &files);
        let (models, mut problems) = self.load(&files, &sight, &|path| data.one(path), &externals)?;
        problems.extend(self.python_models(&files)?);
        let (mut problems, set_aside) = self.set_aside(&files, problems)?;
        problems.extend(self.broken_links(&files));
        self.keep_caches();
        if !problems.is_empty() {
            data.done()?;
            return Err(Error::Project(problems));
        }
        let text =
            |path: &str| files.by_path.get(path).and_then(|file| self.text(file).ok()).unwrap_or_else(|| "".into());
        let made = self.made_for(&files)?;
        let home = self.home().map(|home| home.to_string_lossy().into_owned()).unwrap_or_default();
        let sources = Sources {
            files: models,
            text: &text,
            seed: &|path| data.one(path),
            matching: &|pattern| data.matching(pattern),
            absent: &|path| data.absent(path),
            config: &self.config,
            home: &home,
            externals: &externals,
            published: &published,
            before_all: &made,
            lineages: self.lineages(),
        };
        let project = Project::assemble(&sources);
        self.keep_caches();
        let beside = data.done()?;
        let project = project.map_err(|found| Error::Project(self.in_repository(found)))?;
        self.remember_beside(&beside);
        files.by_path.extend(beside);
        let foreign = self.foreign(&files);
        let tree = Tree { project, files, sight, audits, made, foreign, set_aside, published, asked: OnceLock::new() };
        let wrong = self.wrong_calls(&tree, &tree.published);
        if wrong.is_empty() { Ok(tree) } else { Err(Error::Project(wrong)) }
    }

    /// A seed's content, as far as fingerprints and columns need it.
    pub(super) fn seed(&self, file: &SourceFile) -> Result<SeedFile, Error> {
        let known = self.parsed().borrow().seed(file.id.as_str());
        let content = match known {
            Some(content) => content,
            None => {
                let bytes = self.content(file)?;
                let content = SeedContent { hash: *blake3::hash(&bytes).as_bytes(), header: header(&bytes) };
                self.parsed().borrow_mut().add_seed(file.id.as_str(), content.clone());
                content
            }
        };
        Ok(SeedFile { path: file.path.clone(), hash: content.hash, header: content.header })
    }
}

/// Whether a file, told from the project's folder, is a model or can be read by one.
pub(super) fn is_wanted(models: &str, path: &str) -> bool {
    let Some((_, ending)) = path.rsplit_once('.').filter(|_| !is_litter(path)) else { return false };
    let ending = ending.to_ascii_lowercase();
    let is_source = || [models, MACROS, AUDITS].iter().any(|folder| is_below(folder, path));
    let is_test = || is_below(TESTS, path) && matches!(ending.as_str(), "yaml" | "yml");
    let is_source = (matches!(ending.as_str(), "sql" | "py") && is_source()) || is_external(path);
    is_source || is_test() || DATA.contains(&ending.as_str()) || CONFIG_FILES.contains(&path)
}

/// Whether it is what notebooks, editors and systems leave beside the real files.
fn is_litter(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    folder.split('/').any(|part| matches!(part, ".ipynb_checkpoints" | "__MACOSX"))
        || ["._", ".#", ".~", "~$", "#"].iter().any(|mark| name.starts_with(mark))
}

pub(super) fn is_data(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| DATA.contains(&ending.to_ascii_lowercase().as_str()))
}

pub(super) fn is_below(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn is_sql(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".sql")
}

/// The column names in a CSV file's first line, where they are plain words between commas.
fn header(bytes: &[u8]) -> Option<Vec<String>> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    let names: Vec<String> = line.split(',').map(str::to_owned).collect();
    let plain = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    names.iter().all(plain).then_some(names)
}
