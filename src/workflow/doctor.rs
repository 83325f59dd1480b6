//! Checking the set-up and every record against what is really there. Changes nothing.

use std::collections::BTreeSet;

use super::error::Error;
use super::session::Session;
use crate::adapter::git::Head;
use crate::adapter::hooks::{self, HookState};
use crate::domain::environment::State;
use crate::domain::name::{EnvName, TableName};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at, and what was found.
    pub what: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, and could be better.
    Warning,
    /// Broken.
    Bad,
}

fn good(what: impl Into<String>) -> Finding {
    Finding { level: Level::Good, what: what.into(), help: None }
}

fn warning(what: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { level: Level::Warning, what: what.into(), help: Some(help.into()) }
}

fn bad(what: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { level: Level::Bad, what: what.into(), help: Some(help.into()) }
}

impl Session<'_> {
    /// Looks at everything.
    pub fn doctor(&self) -> Result<Vec<Finding>, Error> {
        let mut findings = vec![self.check_head()?];
        findings.extend(self.check_hooks()?);
        findings.push(match self.target(None, None).and_then(|target| self.prepare(target)) {
            Ok(prepared) => good(format!("{} models, no problem in them", prepared.desired.project.order().len())),
            Err(Error::Detached) => warning("no branch is checked out", "git switch <branch>"),
            Err(Error::Project(problems)) => {
                bad(format!("{} problems in the project's files", problems.len()), "vmesh plan shows them")
            }
            Err(error) => return Err(error),
        });
        let path = self.location.path.display();
        if !self.location.exists() {
            findings.push(good(format!("no warehouse yet; the first plan makes {path}")));
            return Ok(findings);
        }
        let state = self.state()?;
        findings.push(good(format!(
            "{path}: {} environments, {} snapshots",
            state.environments.len(),
            state.snapshots.len()
        )));
        findings.extend(self.check_records(&state));
        Ok(findings)
    }

    fn check_head(&self) -> Result<Finding, Error> {
        Ok(match self.repository.head()? {
            Head::Branch { name, commit: None } => good(format!("on `{name}`, before its first commit")),
            Head::Branch { name, .. } => {
                let environment = self.config.environment(&name);
                good(format!("on `{name}`: environment `{environment}`"))
            }
            Head::Detached { .. } => warning("HEAD is detached: it has no environment", "git switch <branch>"),
        })
    }

    fn check_hooks(&self) -> Result<Vec<Finding>, Error> {
        let folder = self.repository.hooks_dir()?;
        let mut findings = Vec::new();
        let states = hooks::status(&folder)?;
        let missing: Vec<&str> =
            states.iter().filter(|(_, state)| *state != HookState::Installed).map(|(hook, _)| hook.as_str()).collect();
        if missing.is_empty() {
            findings.push(good(format!("hooks are installed in {}", folder.path.display())));
        } else {
            let what = format!("hooks are not installed or out of date: {}", missing.join(", "));
            findings.push(warning(what, "vmesh hooks install"));
        }
        if let Some(manager) = folder.manager {
            let what = format!("{manager} manages the hooks and may overwrite them");
            findings.push(warning(what, format!("add `vmesh hook <name>` to {manager}'s settings")));
        }
        Ok(findings)
    }

    /// Every pointer has its table, every view shows what its pointer says.
    fn check_records(&self, state: &State) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut expected: BTreeSet<TableName> = BTreeSet::new();
        for environment in state.environments.values() {
            let mut wrong = Vec::new();
            for (model, fingerprint) in &environment.pointers {
                let view = model.view(&environment.name, self.config.pattern);
                let table = state.built(fingerprint).map(|snapshot| &snapshot.table);
                if table.is_none() || state.views.get(&view) != table {
                    wrong.push(view.to_string());
                }
                expected.insert(view);
            }
            if !wrong.is_empty() {
                let help = if environment.name.is_prod() { "vmesh promote" } else { "vmesh plan" };
                findings.push(bad(format!("views that don't show their snapshot: {}", wrong.join(", ")), help));
            }
        }
        let stray: Vec<String> =
            state.views.keys().filter(|view| !expected.contains(view)).map(ToString::to_string).collect();
        if !stray.is_empty() {
            findings.push(warning(
                format!("views over snapshots that no environment records: {}", stray.join(", ")),
                "drop them, or leave them: vmesh does not touch them",
            ));
        }
        let prod = EnvName::prod();
        if findings.is_empty() {
            findings.push(good("every view shows its snapshot"));
        }
        if !state.environments.contains_key(&prod) {
            findings.push(warning("nothing was promoted yet: there is no prod", "vmesh promote"));
        }
        findings
    }
}
