//! The history of prod's pointers, as differences: what each promotion moved.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Pointer, State};
use crate::domain::name::{ModelName, TableName};

/// What prod shows of a model since a promotion, and by which hash its view is commented; none: no longer anything.
pub type Moved = Option<(Pointer, Option<String>)>;

/// What moves prod's pointers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PromotionAction {
    /// To a commit that was not shown before, or is built again.
    Promote,
    /// Back to what a promotion before showed.
    Rollback,
}

impl PromotionAction {
    const ROLLBACK: &str = "rollback";

    /// Its word in records and in what people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => Self::ROLLBACK,
        }
    }

    /// The action of a word.
    pub fn read(word: &str) -> Self {
        if word == Self::ROLLBACK { Self::Rollback } else { Self::Promote }
    }
}

/// One entry of the history of prod's pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// The generation of prod that it made.
    pub generation: u64,
    /// The commit of main that prod shows since.
    pub commit: String,
    /// What moved the pointers.
    pub action: PromotionAction,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The models of which prod shows something else since.
    #[serde(skip)]
    pub moved: BTreeMap<ModelName, Moved>,
}

/// The part of prod's history that no rollback reaches any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfReach {
    /// How many promotions that are.
    pub count: usize,
    /// The generation of the first one that is kept.
    pub before: u64,
    /// What that one moves from then on: all that prod showed since.
    pub moved: BTreeMap<ModelName, Moved>,
}

impl State {
    /// What prod showed since a promotion, and what its views were commented with.
    pub fn shown_since(&self, generation: u64) -> (BTreeMap<ModelName, Pointer>, BTreeMap<ModelName, String>) {
        let mut shown = BTreeMap::new();
        for promotion in self.promotions.iter().take_while(|promotion| promotion.generation <= generation) {
            shown.extend(&promotion.moved);
        }
        let shown = || shown.iter().filter_map(|(model, moved)| Some((*model, moved.as_ref()?)));
        let pointers = shown().map(|(model, (pointer, _))| (model.clone(), pointer.clone())).collect();
        let comments = shown().filter_map(|(model, (_, comments))| Some((model.clone(), comments.clone()?))).collect();
        (pointers, comments)
    }

    /// How many pointers each promotion moved; comments are no pointers.
    pub fn pointers_moved(&self) -> Vec<usize> {
        let mut shown: BTreeMap<&ModelName, &Pointer> = BTreeMap::new();
        let mut counts = Vec::new();
        for promotion in &self.promotions {
            let mut count = 0;
            for (model, moved) in &promotion.moved {
                let pointer = moved.as_ref().map(|(pointer, _)| pointer);
                let before = match pointer {
                    Some(pointer) => shown.insert(model, pointer),
                    None => shown.remove(model),
                };
                count += usize::from(before != pointer);
            }
            counts.push(count);
        }
        counts
    }

    /// The tables that prod shows or has shown, whatever the models were called: a rollback may show them again.
    pub fn promoted_tables(&self) -> BTreeSet<&TableName> {
        let now = self.prod().into_iter().flat_map(|prod| prod.pointers.values());
        now.chain(self.promotions.iter().flat_map(Promotion::pointers)).map(|pointer| &pointer.table).collect()
    }

    /// The tables that prod or its history within `keep_after` (seconds since 1970) points at, the promotion before the
    /// current one always included: what a rollback needs.
    pub fn kept_for_rollback(&self, keep_after: i64) -> BTreeSet<&TableName> {
        let first = self.first_kept(keep_after);
        let mut kept: BTreeMap<&ModelName, &Pointer> = BTreeMap::new();
        for (model, moved) in self.promotions.iter().take(first + 1).flat_map(|promotion| &promotion.moved) {
            match moved {
                Some((pointer, _)) => _ = kept.insert(model, pointer),
                None => _ = kept.remove(model),
            }
        }
        let later = self.promotions.iter().skip(first + 1).flat_map(Promotion::pointers);
        kept.into_values().chain(later).map(|pointer| &pointer.table).collect()
    }

    /// The first promotion that is kept for rollbacks: the last but one, or an earlier one that is young enough.
    fn first_kept(&self, keep_after: i64) -> usize {
        let young = self.promotions.iter().rev().take_while(|promotion| promotion.at >= keep_after).count();
        self.promotions.len().saturating_sub(young.max(2))
    }

    /// What of the history no rollback reaches any more; none if there is nothing.
    pub fn out_of_reach(&self, keep_after: i64) -> Option<OutOfReach> {
        let count = self.first_kept(keep_after);
        let first = self.promotions.get(count).filter(|_| count > 0)?;
        let (pointers, mut comments) = self.shown_since(first.generation);
        let moved = |(model, pointer)| {
            let comments = comments.remove(&model);
            (model, Some((pointer, comments)))
        };
        Some(OutOfReach { count, before: first.generation, moved: pointers.into_iter().map(moved).collect() })
    }

    /// The promotion before the one that made what prod shows: with what rollbacks did left out, so that two rollbacks in
    /// a row go two promotions back.
    pub fn promotion_before(&self) -> Option<&Promotion> {
        let prod = self.prod()?;
        let shown = &prod.pointers;
        // the models of which prod showed something else than today
        let mut differ: BTreeSet<&ModelName> = shown.keys().collect();
        let (mut before, mut last) = (None, None);
        // where a revert showed the same again, the commit tells at which of the two prod stands
        let mut of_commit = None;
        for promotion in &self.promotions {
            for (model, moved) in &promotion.moved {
                // a version that was made anew is none to go back to
                let version = moved.as_ref().map(|(pointer, _)| pointer.fingerprint);
                match version == shown.get(model).map(|pointer| pointer.fingerprint) {
                    true => _ = differ.remove(model),
                    false => _ = differ.insert(model),
                }
            }
            match promotion.action == PromotionAction::Promote {
                true if differ.is_empty() => {
                    before = last;
                    if prod.commit.as_ref() == Some(&promotion.commit) {
                        of_commit = Some(last);
                    }
                }
                true => last = Some(promotion),
                false => {}
            }
        }
        of_commit.unwrap_or(before)
    }
}

impl Promotion {
    /// What it moved pointers to.
    fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        self.moved.values().flatten().map(|(pointer, _)| pointer)
    }
}
