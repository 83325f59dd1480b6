//! The history of prod's pointers, as differences: what each promotion moved.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Pointer, State};
use crate::domain::name::{ModelName, TableName};

/// What prod shows of a model since a promotion, and by which hash its view is commented; none: no longer anything.
pub type Moved = Option<(Pointer, Option<String>)>;

/// One entry of the history of prod's pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// The generation of prod that it made.
    pub generation: u64,
    /// The commit of main that prod shows since.
    pub commit: String,
    /// `promote` or `rollback`.
    pub action: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The models of which prod shows something else since.
    #[serde(skip)]
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
        let young = self.promotions.iter().rev().take_while(|promotion| promotion.at >= keep_after).count();
        let first = self.promotions.len().saturating_sub(young.max(2));
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

    /// The promotion before the one that made what prod shows: with what rollbacks did left out, so that two rollbacks in
    /// a row go two promotions back.
    pub fn promotion_before(&self) -> Option<&Promotion> {
        let shown = &self.prod()?.pointers;
        // the models of which prod showed something else than today
        let mut differ: BTreeSet<&ModelName> = shown.keys().collect();
        let (mut before, mut last) = (None, None);
        for promotion in &self.promotions {
            for (model, moved) in &promotion.moved {
                match moved.as_ref().map(|(pointer, _)| pointer) == shown.get(model) {
                    true => _ = differ.remove(model),
                    false => _ = differ.insert(model),
                }
            }
            match promotion.action == "promote" {
                true if differ.is_empty() => before = last,
                true => last = Some(promotion),
                false => {}
            }
        }
        before
    }
}

impl Promotion {
    /// What it moved pointers to.
    fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        self.moved.values().flatten().map(|(pointer, _)| pointer)
    }
}
