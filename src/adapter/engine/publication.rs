//! What is to be published.

use std::collections::BTreeMap;

use crate::domain::environment::{Owner, PhysicalTable, Pointer, PromotionAction};
use crate::domain::model::Comments;
use crate::domain::name::{BranchName, EnvName, ModelName, SchemaPattern};

/// What an environment shall show, and from which state on.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// The environment.
    pub environment: &'a EnvName,
    /// The generation that the plan was made against; `None`: it must not exist yet.
    pub expected: Option<u64>,
    /// Its branch.
    pub branch: &'a BranchName,
    /// The commit it was planned from.
    pub commit: Option<&'a str>,
    /// Whether files differed from that commit.
    pub dirty: bool,
    /// The merge base with main.
    pub base: Option<&'a str>,
    /// Main's tip now (prod only).
    pub tip: Option<&'a str>,
    /// Every model with what to show of it.
    pub pointers: &'a BTreeMap<ModelName, Pointer>,
    /// What the views are commented with; none for those that have no comment.
    pub comments: &'a BTreeMap<ModelName, Comments>,
    /// Tables that stand below others from now on than those which they were filled from, as they go on record.
    pub relinked: &'a [PhysicalTable],
    /// Who publishes.
    pub owner: &'a Owner,
    /// The environment, at its generation, whose place this one takes: its branch was renamed.
    pub replaces: Option<(&'a EnvName, u64)>,
    /// How schemas are named.
    pub pattern: SchemaPattern,
    /// For prod's history: `promote` or `rollback`.
    pub action: PromotionAction,
    /// Now, in seconds since 1970.
    pub at: i64,
}
