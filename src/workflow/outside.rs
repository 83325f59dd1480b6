//! What main's settings let models read besides the warehouse and what is committed: where that is, and that neither Git nor
//! a link has put something else there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::place::{guard, in_working_tree};
use super::tree::Tree;
use super::workspace::Workspace;
use crate::adapter::engine::{Access, AccessToken, AttachedDatabase, EngineSecret};
use crate::adapter::git::Repository;
use crate::adapter::process;
use crate::adapter::source_files::{self, fixed_part, is_glob, meant, stamp};
use crate::domain::config::{Attached, EnvText, Freshness, Hidden, Secret};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::State;
use crate::domain::model::Kind;
use crate::domain::name::{EnvName, ModelName};
use crate::domain::project::{Model, Project};
use crate::domain::sql::Span;
use crate::domain::sql::policy;

/// A text of the settings, with what the environment says of it; or why there is none.
fn resolved(text: &EnvText) -> Result<(String, Vec<Hidden>), String> {
    text.resolve(process::variable).map_err(|name| format!("the environment has no {name}"))
}

/// A secret as the engine is told it.
fn engine_secret(secret: &Secret) -> EngineSecret {
    let mut hidden = Vec::new();
    let option = |(name, text): &(String, EnvText)| {
        let (text, of_environment) = resolved(text)?;
        hidden.extend(of_environment);
        Ok((name.clone(), text))
    };
    let options = secret.options.iter().map(option).collect();
    EngineSecret { name: secret.name.clone(), options, hidden }
}

impl Workspace {
    /// The project's folder in the main worktree, which paths of the settings are told from; none where there is no working
    /// tree.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|_| self.repository.main_top().join(&self.prefix))
    }

    /// What is opened with the warehouse.
    pub(super) fn access(&self) -> Access {
        let mut access = Access { opening: self.config.opening.clone(), ..Access::default() };
        access.opening.extensions_from = access.opening.extensions_from.map(|from| match policy::is_remote(&from) {
            true => from,
            false => self.absolute(&from).unwrap_or(from),
        });
        for path in self.config.outside.files.iter().map(|files| &files.path) {
            let Some(there) = self.absolute(path).filter(|there| self.is_unlinked(there)) else { continue };
            match path.is_empty() || path.ends_with('/') || Path::new(&there).is_dir() || policy::is_remote(path) {
                true => access.folders.push(format!("{}/", there.trim_end_matches('/'))),
                false => access.files.push(there),
            }
        }
        access.databases =
            self.config.outside.attached.iter().map(|attached| self.attached_database(attached)).collect();
        access.secrets = self.config.opening.secrets.iter().map(engine_secret).collect();
        access
    }

    /// How the engine's server is reached, or why that can't be told; none where there is no server.
    pub(super) fn server(&self) -> Option<Result<String, String>> {
        Some(resolved(self.config.opening.server.as_ref()?).map(|(url, _)| url))
    }

    /// What tells with which token the server lets one in.
    pub(super) fn token(&self) -> AccessToken {
        let command = self.config.opening.token_command.as_ref();
        AccessToken::of_command(command.map(|command| resolved(command).map(|(command, _)| command)))
    }

    /// How the database of the records is reached, where these lie elsewhere than the tables.
    pub(super) fn state_server(&self) -> Option<Result<String, String>> {
        Some(resolved(self.config.opening.state.as_ref()?).map(|(url, _)| url))
    }

    /// A path of the settings from the root of the disk; an address as it is.
    fn absolute(&self, path: &str) -> Option<String> {
        if policy::from_root(path) || policy::is_remote(path) {
            return Some(path.to_owned());
        }
        let there = self.home()?.join(path);
        let there = super::place::lexical(&there).to_string_lossy().into_owned();
        Some(if path.ends_with('/') { format!("{there}/") } else { there })
    }

    /// Whether no link leads there that Git has: a branch would choose where.
    fn is_unlinked(&self, path: &str) -> bool {
        let is_tracked = |link: PathBuf| {
            let found = self.in_working_tree(&link).map(|(there, below)| there.tracked_among(&[text(&below)]));
            found.is_some_and(|tracked| !matches!(tracked, Ok(None)))
        };
        policy::is_remote(path) || !source_files::links_to(Path::new(path)).into_iter().any(is_tracked)
    }

    fn attached_database(&self, attached: &Attached) -> AttachedDatabase {
        let (said, hidden) = match resolved(&attached.target) {
            Ok((text, hidden)) => (Ok(text), hidden),
            Err(why) => (Err(why), Vec::new()),
        };
        let place = |path: String| match attached.kind.is_file() {
            true => match self.absolute(&path) {
                // neither Git nor a link of a branch's may lead there
                Some(there) if guard(Path::new(&there)).is_err() => {
                    Err("Git has it, or a link on the way to it: a branch may have put it there".to_owned())
                }
                Some(there) => Ok(there),
                None => Err("this repository has no working tree".to_owned()),
            },
            false => Ok(path),
        };
        AttachedDatabase { name: attached.name.clone(), kind: attached.kind, target: said.and_then(place), hidden }
    }

    /// Refuses to build a model that would read, in the place of files from outside, what a checkout has put there; or that
    /// would leave out some of the files that its pattern means.
    pub(super) fn check_outside(&self, tree: &Tree, model: &Model) -> Result<(), Error> {
        let mut problems = Vec::new();
        for model in tree.project.read_through(model) {
            problems.extend(self.wrong_sources(tree, model)?);
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Project(problems)),
        }
    }

    /// What is wrong with the files that a model's own query reads.
    fn wrong_sources(&self, tree: &Tree, model: &Model) -> Result<Vec<Diagnostic>, Error> {
        let mut problems = Vec::new();
        let at = |span: &Span| {
            let start = model.file.query_span.start;
            self.excerpt(tree, model, &(start + span.start..start + span.end))
        };
        for file in &model.outside_files {
            let there = tree.project.on_disk(&file.path);
            if policy::is_remote(&there) {
                continue;
            }
            if let Some(git) = self.within_git(&there) {
                let what = format!("`{}` means what is Git's own: {git}", file.path);
                let help = "name a folder of the sources in the path, or a pattern that means their files alone";
                problems.push(Diagnostic::new(what).at(at(&file.literal)?).help(help));
            } else if let Some(tracked) = self.tracked(&there)? {
                let what = format!("`{tracked}` is Git's, and no source: a branch may have put it there");
                let help = "sources are files that Git doesn't have: check out main, have Git ignore the folder, or let the \
                            pattern mean their files alone";
                problems.push(Diagnostic::new(what).at(at(&file.literal)?).help(help));
            }
        }
        for file in &model.file.files {
            let is_committed =
                !model.outside_files.iter().any(|outside| Some(&outside.literal) == file.literal.as_ref());
            let allowed = self.config.outside.allowed(&file.path).filter(|path| is_committed && is_glob(path));
            let Some(path) = allowed.filter(|path| !policy::is_remote(path)) else { continue };
            if let Some(untracked) = self.untracked(&tree.project.on_disk(&path))? {
                let what = format!("`{}` means committed files, and others that no commit has: {untracked}", file.path);
                let help = "keep the two in folders of their own, and read each by a path of its own";
                problems.push(Diagnostic::new(what).at(at(file.literal.as_ref().unwrap_or(&file.span))?).help(help));
            }
        }
        Ok(problems)
    }

    /// The first of the files that a path or pattern means that lies in a git directory.
    fn within_git(&self, path: &str) -> Option<String> {
        let own = [self.repository.common_dir(), self.repository.git_dir()];
        let is_git = |file: &PathBuf| {
            let real = file.canonicalize().unwrap_or_else(|_| file.clone());
            file.iter().any(|part| part.eq_ignore_ascii_case(".git")) || own.iter().any(|own| real.starts_with(own))
        };
        meant(path, &fixed_part(path)).into_iter().find(is_git).map(|file| text(&file))
    }

    /// What the files were that a model reads and whose changes make it due; none where it reads none of these.
    pub(super) fn source_stamp(&self, project: &Project, model: &Model) -> Option<String> {
        let mut hasher = blake3::Hasher::new();
        let mut counts = false;
        let files = project.read_through(model).into_iter().flat_map(|model| &model.outside_files);
        for file in files {
            let freshness = self.config.outside.freshness(&file.path);
            if freshness == Freshness::Ignore || policy::is_remote(&file.path) {
                continue;
            }
            counts = true;
            let there = project.on_disk(&file.path);
            for path in meant(&there, &fixed_part(&there)) {
                hasher.update(&stamp(&path, freshness));
            }
        }
        counts.then(|| hasher.finalize().to_hex()[..16].to_owned())
    }

    /// The models whose sources have changed since their tables were filled, as an environment shows them.
    pub fn moved(&self, project: &Project, environment: &EnvName, state: &State) -> BTreeSet<ModelName> {
        let has_moved = |model: &&Model| {
            let shown = state.pointer(environment, &model.name).and_then(|shown| state.existing(&shown.table));
            let now = self.source_stamp(project, model);
            now.is_some() && shown.is_some_and(|shown| shown.inputs.sources != now)
        };
        let reading = project.models().filter(|model| model.kind == Kind::Full && project.reads_outside_files(model));
        reading.filter(has_moved).map(|model| model.name.clone()).collect()
    }

    /// The first of the files that a path or pattern means, or of the links on the way to them, that Git has in a working
    /// tree of this repository.
    fn tracked(&self, path: &str) -> Result<Option<String>, Error> {
        let fixed = fixed_part(path);
        for link in source_files::links_to(&fixed) {
            if let Some((repository, below)) = self.in_working_tree(&link)
                && let Some(tracked) = repository.tracked_among(&[text(&below)])?
            {
                return Ok(Some(tracked));
            }
        }
        let Some((repository, folder)) = self.folder_in_tree(&fixed) else { return Ok(None) };
        // most sources lie where Git has nothing: then no file is looked at
        if !folder.as_os_str().is_empty() && repository.tracked_among(&[text(&folder)])?.is_none() {
            return Ok(None);
        }
        let suspects = meant(path, &fixed);
        let suspects = suspects.iter().map(|path| text(&folder.join(path.strip_prefix(&fixed).unwrap_or(path))));
        Ok(repository.tracked_among(&suspects.collect::<Vec<_>>())?)
    }

    /// The first of the files that a pattern means and that Git doesn't have.
    fn untracked(&self, path: &str) -> Result<Option<String>, Error> {
        let fixed = fixed_part(path);
        let Some((repository, folder)) = self.folder_in_tree(&fixed) else { return Ok(None) };
        for file in meant(path, &fixed) {
            let from_top = text(&folder.join(file.strip_prefix(&fixed).unwrap_or(&file)));
            if repository.tracked_among(&[from_top])?.is_none() {
                return Ok(Some(text(&file)));
            }
        }
        Ok(None)
    }

    /// The working tree of this repository that a path lies in, and the path from its top.
    fn in_working_tree(&self, path: &Path) -> Option<(Repository, PathBuf)> {
        in_working_tree(path).filter(|(there, _)| there.common_dir() == self.repository.common_dir())
    }

    /// The same of a folder, which may be the top.
    fn folder_in_tree(&self, folder: &Path) -> Option<(Repository, PathBuf)> {
        let (repository, below) = self.in_working_tree(&folder.join("x"))?;
        Some((repository, below.parent().map(Path::to_owned).unwrap_or_default()))
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
