//! The linter: SQLMesh's rules. A rule looks at one model and gives findings, each with its place; where it can't be
//! sure, it says nothing.

mod audits;
mod columns;
mod projections;
mod stars;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeSet;

use super::limits::FINDINGS;
use super::model::{Kind, Rule};
use super::name::ModelName;
use super::project::{Model, Project};
use super::sql::{Span, Survey};

/// A place where a rule is violated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub what: String,
    /// Where.
    pub place: Place,
    /// What to do about it.
    pub help: String,
}

/// A place in a model's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In its query; the span counts from there.
    Query(Span),
    /// The model's name or header.
    Header,
}

/// What a rule looks at.
pub struct Subject<'a> {
    /// The project, for the columns of other models.
    pub project: &'a Project,
    /// The model.
    pub model: &'a Model,
    /// Its query; `None` where our parser can't be believed, and for seeds.
    pub survey: Option<&'a Survey>,
    /// The models that have a unit test.
    pub tested: &'a BTreeSet<ModelName>,
}

impl Rule {
    /// Where a model violates the rule.
    pub fn check(self, subject: &Subject<'_>) -> Vec<Finding> {
        let mut findings = match self {
            Self::AmbiguousOrInvalidColumn => columns::ambiguous_or_invalid(subject),
            Self::InvalidSelectStarExpansion => stars::not_expanded(subject),
            Self::NoAmbiguousProjections => projections::ambiguous(subject),
            Self::NoSelectStar => stars::any(subject),
            Self::NoMissingAudits => audits::missing(subject),
            Self::NoMissingUnitTest => audits::untested(subject),
            Self::NoMissingExternalModels => externals(subject),
        };
        findings.truncate(FINDINGS);
        findings
    }
}

/// Whether a model's header switches a rule off.
pub fn is_ignored(model: &Model, rule: Rule) -> bool {
    model.file.about.ignored_rules.iter().any(|ignored| ignored == "all" || Rule::named(ignored) == Some(rule))
}

fn externals(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(query) = &subject.model.file.query else { return Vec::new() };
    let reads = query.reads.iter().flatten().zip(&subject.model.reads);
    let is_declared = |parts: &[String]| subject.project.externals().get(parts).is_some();
    let is_temporary = |parts: &[String]| subject.model.file.is_temporary(parts);
    let unknown =
        reads.filter(|(read, model)| model.is_none() && !is_declared(&read.parts) && !is_temporary(&read.parts));
    let unknown = unknown.map(|(read, _)| Finding {
        what: format!("`{}` reads `{}`, which the project doesn't declare", subject.model.name, read.parts.join(".")),
        place: Place::Query(read.span.clone()),
        help: "declare it in external_models.yaml, with its columns".to_owned(),
    });
    unknown.collect()
}

/// Whether a model has rows of its own that someone queries.
fn is_kept(model: &Model) -> bool {
    model.kind != Kind::Embedded
}
