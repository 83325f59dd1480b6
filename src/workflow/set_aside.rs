//! Models that vmesh can't run, where the settings say that they are tables which it doesn't make.

use std::collections::BTreeMap;
use std::fmt;

use super::error::Error;
use super::tree::Files;
use super::workspace::Workspace;
use crate::domain::config::OnUnsupported;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::model::{self, Unsupported};

/// A model that vmesh takes for a table which it doesn't make.
#[derive(Debug, Clone)]
pub(super) struct SetAside {
    /// Its file, from the top of the repository.
    pub path: String,
    /// What it is.
    pub model: Unsupported,
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.model.name.as_ref().map_or("it".to_owned(), |name| format!("`{name}`"));
        write!(f, "`{}` is {}: {name} is read as a table that vmesh doesn't make", self.path, self.model.what)
    }
}

impl SetAside {
    /// Whether a query means it by this name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.model.name.as_ref().is_some_and(|own| own.to_string().eq_ignore_ascii_case(name))
    }
}

impl Workspace {
    /// The problems of the files that vmesh can run, and the models that it can't.
    pub(super) fn set_aside(
        &self,
        files: &Files,
        problems: Vec<Diagnostic>,
    ) -> Result<(Vec<Diagnostic>, Vec<SetAside>), Error> {
        if self.config.unsupported == OnUnsupported::Error {
            return Ok((problems, Vec::new()));
        }
        let path_of = |problem: &Diagnostic| problem.at.as_ref().map(|at| at.path.clone());
        let mut found: BTreeMap<String, Unsupported> = BTreeMap::new();
        for file in files.below(&self.config.models).chain(files.python(&self.config.models)) {
            let path = self.in_top(&file.path);
            if !problems.iter().any(|problem| path_of(problem).as_ref() == Some(&path)) {
                continue;
            }
            let text = self.text(file)?;
            let model =
                if file.path.ends_with(".py") { Some(model::in_python(&text)) } else { model::unsupported(&text) };
            found.extend(model.map(|model| (path, model)));
        }
        let is_rest = |problem: &Diagnostic| path_of(problem).is_none_or(|path| !found.contains_key(&path));
        let rest = problems.into_iter().filter(is_rest).collect();
        Ok((rest, found.into_iter().map(|(path, model)| SetAside { path, model }).collect()))
    }
}
