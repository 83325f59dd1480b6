//! The linter: the rules that the settings choose, checked on a source tree. Nothing is built, and no warehouse needed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::{BuildError, Error};
use super::expand::of_blueprint;
use super::session::Session;
use super::tree::{SourceTree, Tree};
use super::workspace::Workspace;
use crate::domain::config::Level;
use crate::domain::diagnostic::{Diagnostic, Excerpt};
use crate::domain::lint::{self, Place, Subject};
use crate::domain::model::Rule;
use crate::domain::name::ModelName;
use crate::domain::project::Model;
use crate::domain::unit_test;

/// A violated rule.
#[derive(Debug)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Whether it stops plans.
    pub level: Level,
    /// The model.
    pub model: ModelName,
    /// What is wrong, and where.
    pub problem: Diagnostic,
}

impl Workspace {
    /// Where the models to be linted are read from: the working tree, or without one, main's tip.
    pub fn source_here(&self) -> Result<SourceTree, Error> {
        Ok(match (&self.folder, self.main_tip()?) {
            (Some(_), _) => SourceTree::Working,
            (None, Some(tip)) => SourceTree::Commit(tip),
            (None, None) => SourceTree::Empty,
        })
    }

    /// The violations in the models that are `wanted`, by model and place.
    pub fn lint(&self, tree: &Tree, wanted: &dyn Fn(&ModelName) -> bool) -> Result<Vec<Violation>, Error> {
        let rules: Vec<(Rule, Level)> = self.config.linter.rules().collect();
        let needs_tests = rules.iter().any(|(rule, _)| *rule == Rule::NoMissingUnitTest);
        let tested = if needs_tests { self.tested(tree)? } else { BTreeSet::new() };
        let mut violations = Vec::new();
        for model in tree.project.models().filter(|model| wanted(&model.name)) {
            let text = self.model_text(tree, model)?;
            let written = text.get(model.file.query_span.clone()).unwrap_or_default();
            let survey = model.file.query.as_ref().and_then(|query| query.survey(written));
            let subject = Subject { project: &tree.project, model, survey: survey.as_ref(), tested: &tested };
            let file_text = self.file_text(tree, model)?;
            let mut of_model = Vec::new();
            for (rule, level) in rules.iter().filter(|(rule, _)| !lint::is_ignored(model, *rule)) {
                for finding in rule.check(&subject) {
                    let problem = Diagnostic::new(finding.what)
                        .at(excerpt(model, &file_text, &finding.place))
                        .note(format!("rule `{}`", rule.name()))
                        .help(finding.help);
                    let problem = of_blueprint(problem, model.file.blueprint());
                    of_model.push(Violation { rule: *rule, level: *level, model: model.name.clone(), problem });
                }
            }
            of_model.sort_by_key(|violation| violation.problem.at.as_ref().map(|at| at.span.start));
            violations.append(&mut of_model);
        }
        for at in violations.iter_mut().filter_map(|violation| violation.problem.at.as_mut()) {
            at.path = self.in_top(&at.path);
        }
        Ok(violations)
    }

    /// The models that have a unit test.
    fn tested(&self, tree: &Tree) -> Result<BTreeSet<ModelName>, Error> {
        let mut models = BTreeSet::new();
        let mut problems = Vec::new();
        for (path, text) in self.test_files(tree)? {
            match unit_test::parse(&path, &text) {
                Ok(tests) => models.extend(tests.into_iter().map(|test| test.model)),
                Err(mut found) => problems.append(&mut found),
            }
        }
        if problems.is_empty() { Ok(models) } else { Err(Error::Project(self.in_repository(problems))) }
    }
}

impl Session<'_> {
    /// Lints all of a project whose settings choose rules, before anything is done with it: an error if one of level
    /// error is violated, else the warnings.
    pub fn lint_first(&self, tree: &Tree) -> Result<Vec<Violation>, Error> {
        if self.skip_linter || !self.config.linter.stops_plans {
            return Ok(Vec::new());
        }
        let violations = self.lint(tree, &|_| true)?;
        let (errors, warnings): (Vec<Violation>, Vec<Violation>) =
            violations.into_iter().partition(|violation| violation.level == Level::Error);
        if errors.is_empty() { Ok(warnings) } else { Err(BuildError::Lint(errors).into()) }
    }
}

/// A place of a model's file, as it was written.
fn excerpt(model: &Model, text: &Arc<str>, place: &Place) -> Excerpt {
    let file = &model.file;
    let span = match place {
        Place::Query(span) => file.query_span.start + span.start..file.query_span.start + span.end,
        Place::Header => file.place.clone(),
    };
    Excerpt { path: model.path.clone(), text: text.clone(), span: file.original(&span), label: String::new() }
}
