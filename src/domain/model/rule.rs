//! The linter's rules by name, as settings and headers say them. What each looks for is the linter's.

use serde::Serialize;

use super::super::diagnostic::nearest;

/// A rule, in the order in which findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
}
