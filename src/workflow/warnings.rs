//! What is accepted, and is hardly what was meant.

use super::set_aside::SetAside;
use super::tree::Tree;
use crate::domain::diagnostic::nearest;
use crate::domain::name::ModelName;
use crate::domain::project::Model;
use crate::domain::sql::{Span, policy};

impl Tree {
    /// What of its folder has no part in it, though it may have been meant to.
    pub fn notes(&self) -> Vec<String> {
        self.foreign.iter().cloned().chain(self.set_aside.iter().map(SetAside::to_string)).collect()
    }

    /// The warnings about each model's header.
    pub fn warnings(&self) -> Vec<(&ModelName, String)> {
        let of_model = |model| {
            let file: &Model = model;
            let written = file.file.warnings.iter().cloned();
            let all = written.chain(same_columns(file)).chain(unknown_columns(file));
            let all = all.chain(self.unknown_arguments(file)).chain(sees_paths(file));
            all.map(|warning| (&file.name, warning)).collect::<Vec<_>>()
        };
        self.project.models().flat_map(of_model).collect()
    }

    /// Arguments of audits that these never look at.
    fn unknown_arguments(&self, model: &Model) -> Vec<String> {
        let mut warnings = Vec::new();
        for call in &model.file.audits {
            let Some(audit) = self.custom_audit(model, &call.name) else { continue };
            for argument in call.arguments.iter().filter(|argument| !audit.takes(&argument.name)) {
                warnings.push(format!("audit `{}` takes no `{}`", call.name, argument.name));
            }
        }
        warnings
    }
}

/// Files from outside are read by paths from the root, which a query may see.
fn sees_paths(model: &Model) -> Option<String> {
    let is_outside = |literal: &Span| {
        let is_relative = |path: &str| !policy::from_root(path) && !policy::is_remote(path);
        model.outside_files.iter().any(|file| file.literal == *literal && is_relative(&file.path))
    };
    let mut seen = model.file.files.iter().filter(|file| file.is_seen && file.literal.as_ref().is_some_and(is_outside));
    let path = &seen.next()?.path;
    Some(format!("the query sees names of files: they are told from the root of the disk, not as `{path}` is written"))
}

/// Columns that are one to DuckDB, whatever `normalization_strategy` says: it gives the second another name.
fn same_columns(model: &Model) -> Option<String> {
    let (one, other) = model.file.query.as_ref()?.repeated.as_ref().filter(|(one, other)| one != other)?;
    Some(format!("columns `{one}` and `{other}` differ by letter case only, and are one to DuckDB: rename one"))
}

/// Columns that a header describes and that the model surely doesn't have.
fn unknown_columns(model: &Model) -> Vec<String> {
    let Some(columns) = &model.columns else { return Vec::new() };
    let about = &model.file.about;
    let described = about.comments.columns.keys().filter(|_| about.describes);
    let described = described.map(|name| ("column_descriptions", name));
    let named = about.grain.iter().map(|name| ("grain", name)).chain(described);
    let unknown = named.filter(|(_, name)| !columns.iter().any(|column| column.eq_ignore_ascii_case(name)));
    let told = |(property, name): (&str, &String)| match nearest(name, columns.iter().map(String::as_str)) {
        Some(near) => format!("`{property}` names `{name}`, which is no column: did you mean `{near}`?"),
        None => format!("`{property}` names `{name}`, which is no column"),
    };
    unknown.map(told).collect()
}
