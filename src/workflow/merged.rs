//! A merge, planned before it happens: merged in memory, told as prod will show it, and built ahead, so that the merge
//! itself only swaps pointers.

use std::collections::BTreeMap;

use super::build::Unshown;
use super::error::{BranchError, BuildError, Error, ProdError};
use super::loader::Loader;
use super::planning::{Prepared, Target};
use super::session::{Session, now};
use super::tree::SourceTree;
use crate::adapter::git::{CommitId, Head, MergePreview};
use crate::domain::config::{Config, Statement};
use crate::domain::environment::Preview;
use crate::domain::name::{BranchName, EnvName, ModelName};

/// The setting whose statements are run before anything is built.
pub const BEFORE_ALL: &str = "before_all";

impl Session<'_> {
    /// What prod will show once a branch (the current one if none is named) is merged into main as it is now.
    pub fn merge_target(&self, name: Option<&str>) -> Result<Target, Error> {
        let main = &self.config.main;
        let tip =
            self.main_tip()?.ok_or_else(|| Error::Prod(ProdError::NothingCommitted { main: main.to_string() }))?;
        let (branch, commit) = self.to_merge(name)?;
        let tree = match self.repository.merge_preview(&tip, &commit)? {
            MergePreview::Clean(tree) => tree,
            MergePreview::Conflicts(paths) => return Err(self.conflicts(&branch, &[&tip, &commit], paths)?),
        };
        Ok(Target {
            environment: EnvName::prod(),
            branch,
            tree: SourceTree::Merge(tree),
            commit: Some(commit),
            base: Some(tip.clone()),
            tip: Some(tip),
            take_over: false,
            timing: self.timing,
        })
    }

    /// The branch to merge and its commit. Another clone's `origin/alice` counts as `alice`: automation has no other.
    fn to_merge(&self, name: Option<&str>) -> Result<(BranchName, CommitId), Error> {
        let Some(name) = name else {
            return match self.repository.head()? {
                Head::Branch { name, commit: Some(commit) } => Ok((name, commit)),
                Head::Branch { name, commit: None } => {
                    Err(ProdError::NothingCommitted { main: name.to_string() }.into())
                }
                Head::Detached { commit } => Ok((BranchName::from(commit.short()), commit)),
            };
        };
        let branches = self.repository.branches()?.into_iter();
        let found = branches
            .filter(|(branch, _)| branch.as_str() == name || self.config.environment(branch).as_str() == name)
            .min_by_key(|(branch, _)| branch.as_str() != name);
        if let Some(found) = found {
            return Ok(found);
        }
        let mut remote = self.repository.remote_branches()?.into_iter();
        if let Some((branch, commit)) = remote.find(|(branch, _)| branch.as_str() == name) {
            let short = branch.as_str().split_once('/').map_or(name, |(_, short)| short);
            return Ok((BranchName::from(short), commit));
        }
        match self.repository.resolve(name)? {
            Some(commit) => Ok((BranchName::from(name), commit)),
            None => Err(self.unknown_environment(name)?),
        }
    }

    /// Builds what a merge needs, and keeps it until the merge. With `build` false, it fails rather than build. Moves no
    /// pointer. Gives what was built.
    pub fn build_ahead(&self, prepared: &Prepared, build: bool) -> Result<Vec<ModelName>, Error> {
        let warehouse = self.write_warehouse()?;
        let scope = self.scope_of(&prepared.target.environment);
        let state = warehouse.state(&scope)?;
        let plan = prepared.plan(self, &state)?;
        if plan.builds().next().is_some() && self.settings_changed(prepared)?.contains(&BEFORE_ALL) {
            return Err(Error::Usage {
                what:
                    "the merge changes `before_all`, so nothing can be built ahead of it: it is run once it is main's"
                        .to_owned(),
                help: "merge, and vmesh promote builds".to_owned(),
            });
        }
        if !plan.is_done() {
            self.lint_first(&prepared.desired)?;
        }
        if !build && plan.builds().next().is_some() {
            let models = plan.builds().map(|step| step.model.clone()).collect();
            return Err(BuildError::BuildsNeeded { environment: plan.environment, models }.into());
        }
        warehouse.check_free(&plan.views())?;
        if !plan.is_done() {
            self.before_all(prepared, &*warehouse)?;
        }
        let Unshown { warehouse, plan, built } = self.build_unshown(prepared, warehouse, &|plan| plan)?;
        let tables = plan.tables().into_values().collect();
        warehouse.keep_preview(&Preview { branch: plan.source.branch, at: now(), tables })?;
        Ok(built)
    }
}

impl Loader {
    /// The error of a merge that does not go: which models both sides changed.
    fn conflicts(&self, branch: &BranchName, sides: &[&CommitId], paths: Vec<String>) -> Result<Error, Error> {
        let mut names = BTreeMap::new();
        for side in sides {
            match self.tree(&SourceTree::Commit((*side).clone())) {
                Ok(tree) => {
                    names.extend(tree.project.models().map(|model| (self.in_top(&model.path), model.name.to_string())));
                }
                // a side whose models can't be read has no names for its files
                Err(Error::Project(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let (mut models, mut others) = (Vec::new(), Vec::new());
        for path in paths {
            match names.get(&path) {
                Some(model) => models.push(model.clone()),
                None => others.push(path),
            }
        }
        Ok(Error::Branch(BranchError::Conflicts {
            branch: branch.to_string(),
            main: self.config.main.to_string(),
            models,
            others,
        }))
    }

    /// What a merge changes of main's settings that no plan of models tells: what counts from the merge on.
    pub fn settings_changed(&self, prepared: &Prepared) -> Result<Vec<&'static str>, Error> {
        let now = self.committed_settings()?;
        let now = now.map(|settings| self.settings_read(settings.file, &settings.text)).transpose()?;
        let then = self.settings_once_merged(&prepared.desired.files)?;
        let same: [(&'static str, Same); 4] = [
            (BEFORE_ALL, |now, then| texts(&now.before_all).eq(texts(&then.before_all))),
            ("after_all", |now, then| texts(&now.after_all).eq(texts(&then.after_all))),
            ("the warehouse", |now, then| (&now.warehouse, &now.gateway) == (&then.warehouse, &then.gateway)),
            ("names and folders", |now, then| {
                (now.pattern, &now.models, &now.main) == (then.pattern, &then.models, &then.main)
            }),
        ];
        Ok(same
            .into_iter()
            .filter(|(_, same)| match (&now, &then) {
                (Some(now), Some(then)) => !same(now, then),
                (now, then) => now.is_some() || then.is_some(),
            })
            .map(|(name, _)| name)
            .collect())
    }
}

/// Whether two versions of the settings say the same of something.
type Same = fn(&Config, &Config) -> bool;

fn texts(statements: &[Statement]) -> impl Iterator<Item = &str> {
    statements.iter().map(|statement| statement.text.as_str())
}
