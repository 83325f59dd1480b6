//! The linter: SQLMesh's rules. A rule looks at one model and gives findings, each with its place; where it can't be
//! sure, it says nothing.

mod audits;
mod columns;
mod projections;
mod settings;
mod stars;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeSet;

pub use self::settings::{Linter, LinterTable};
use super::diagnostic::nearest;
use super::limits::FINDINGS;
use super::model::Kind;
use super::name::ModelName;
use super::project::{Model, Project};
use super::sql::{Span, Survey};

/// A rule, in the order in which findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A column that several tables have, or none.
    AmbiguousOrInvalidColumn,
    /// A `SELECT *` over tables whose columns nobody knows.
    InvalidSelectStarExpansion,
    /// Columns without a name of their own, or of the same name.
    NoAmbiguousProjections,
    /// A `SELECT *`.
    NoSelectStar,
    /// A model without audits.
    NoMissingAudits,
    /// A model without a unit test.
    NoMissingUnitTest,
    /// A table that is read and that the project doesn't know.
    NoMissingExternalModels,
}

/// What a violated rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It stops plans.
    Error,
    /// It is told.
    Warning,
}

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
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AmbiguousOrInvalidColumn,
        Self::InvalidSelectStarExpansion,
        Self::NoAmbiguousProjections,
        Self::NoSelectStar,
        Self::NoMissingAudits,
        Self::NoMissingUnitTest,
        Self::NoMissingExternalModels,
    ];

    /// Those that count where a project sets none: the ones that find mistakes.
    pub const DEFAULT: [Self; 3] =
        [Self::AmbiguousOrInvalidColumn, Self::InvalidSelectStarExpansion, Self::NoAmbiguousProjections];

    /// Its name, as SQLMesh has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AmbiguousOrInvalidColumn => "ambiguousorinvalidcolumn",
            Self::InvalidSelectStarExpansion => "invalidselectstarexpansion",
            Self::NoAmbiguousProjections => "noambiguousprojections",
            Self::NoSelectStar => "noselectstar",
            Self::NoMissingAudits => "nomissingaudits",
            Self::NoMissingUnitTest => "nomissingunittest",
            Self::NoMissingExternalModels => "nomissingexternalmodels",
        }
    }

    /// The rule of a name, in any letter case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name().eq_ignore_ascii_case(name.trim()))
    }

    /// What to say of a name that no rule has.
    pub fn suggestion(name: &str) -> String {
        match nearest(name, Self::ALL.map(Self::name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the rules are: {}", Self::ALL.map(Self::name).join(", ")),
        }
    }

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
