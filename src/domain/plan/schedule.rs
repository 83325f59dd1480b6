//! In which order a plan's models are built: each after what its table is made of, and after what its audits read. What is
//! below a model that failed is left out; all else is built.

use std::collections::BTreeSet;

use super::super::name::ModelName;

/// A model that is to be built, and what it waits for.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The model.
    pub model: ModelName,
    /// The models whose tables its own is made of.
    pub parents: BTreeSet<ModelName>,
    /// The other models that its audits read.
    pub audited_with: BTreeSet<ModelName>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Build a model.
    Build {
        /// The model.
        model: ModelName,
        /// Whether its audits have to be run when all is built: audits may read each other's models in a circle.
        audits_late: bool,
    },
    /// Leave out a model: one above it failed.
    Skip(ModelName),
    /// Wait for a build that is at work; with none at work, all is done.
    Wait,
}

/// The models that are still to be built.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Those that have not begun.
    waiting: Vec<Turn>,
    /// Those that have not ended.
    unfinished: BTreeSet<ModelName>,
    /// Those that failed, and what is below them.
    stuck: BTreeSet<ModelName>,
}

impl Schedule {
    /// Of these models, parents first; some may be known to be stuck.
    pub fn new(turns: impl IntoIterator<Item = Turn>, stuck: BTreeSet<ModelName>) -> Self {
        let waiting: Vec<Turn> = turns.into_iter().filter(|turn| !stuck.contains(&turn.model)).collect();
        let unfinished = waiting.iter().map(|turn| turn.model.clone()).collect();
        Self { waiting, unfinished, stuck }
    }

    /// How many have not begun.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a model has not begun.
    pub fn is_waiting(&self, model: &ModelName) -> bool {
        self.waiting.iter().any(|turn| turn.model == *model)
    }

    /// The next thing to do, where `is_idle` says that no build is at work.
    pub fn next(&mut self, is_idle: bool) -> Next {
        let built = |turn: &&Turn| turn.parents.is_disjoint(&self.unfinished);
        let ready = |turn: &Turn| built(&turn) && turn.audited_with.is_disjoint(&self.unfinished);
        let at = self.waiting.iter().position(ready);
        let in_circle = || self.waiting.iter().position(|turn| is_idle && built(&turn));
        let Some(index) = at.or_else(in_circle) else { return Next::Wait };
        let Turn { model, parents, .. } = self.waiting.remove(index);
        if !parents.is_disjoint(&self.stuck) {
            self.failed(&model);
            return Next::Skip(model);
        }
        Next::Build { model, audits_late: at.is_none() }
    }

    /// A model was built.
    pub fn built(&mut self, model: &ModelName) {
        self.unfinished.remove(model);
    }

    /// A model could not be built.
    pub fn failed(&mut self, model: &ModelName) {
        self.unfinished.remove(model);
        self.stuck.insert(model.clone());
    }

    /// Those that failed, and those that were left out.
    pub fn into_stuck(self) -> BTreeSet<ModelName> {
        self.stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> ModelName {
        ModelName::parse(name).unwrap()
    }

    fn names(names: &str) -> BTreeSet<ModelName> {
        names.split_whitespace().map(name).collect()
    }

    fn turn(model: &str, parents: &str, audited_with: &str) -> Turn {
        Turn { model: name(model), parents: names(parents), audited_with: names(audited_with) }
    }

    fn build(model: &str) -> Next {
        Next::Build { model: name(model), audits_late: false }
    }

    #[test]
    fn children_wait_for_their_parents_and_others_do_not() {
        let turns = [turn("a", "", ""), turn("b", "a", ""), turn("c", "", "")];
        let mut schedule = Schedule::new(turns, BTreeSet::new());
        assert_eq!([schedule.next(true), schedule.next(false)], [build("a"), build("c")]);
        assert_eq!(schedule.next(false), Next::Wait);
        schedule.built(&name("a"));
        assert_eq!(schedule.next(false), build("b"));
        assert_eq!((schedule.next(true), schedule.waiting()), (Next::Wait, 0));
    }

    #[test]
    fn what_is_below_a_failure_is_left_out() {
        let turns = [turn("a", "", ""), turn("b", "a", ""), turn("c", "b", ""), turn("d", "", "")];
        let mut schedule = Schedule::new(turns, BTreeSet::new());
        assert_eq!([schedule.next(true), schedule.next(false)], [build("a"), build("d")]);
        schedule.failed(&name("a"));
        assert_eq!([schedule.next(false), schedule.next(false)], [Next::Skip(name("b")), Next::Skip(name("c"))]);
        assert_eq!(schedule.into_stuck(), names("a b c"));
    }

    #[test]
    fn what_was_stuck_stays_so_in_the_next_turn() {
        let turns = [turn("a", "", ""), turn("b", "a", "")];
        let mut schedule = Schedule::new(turns, names("a"));
        assert_eq!(schedule.next(true), Next::Skip(name("b")));
        assert_eq!(schedule.next(true), Next::Wait);
    }

    #[test]
    fn audits_wait_for_what_they_read_and_a_circle_of_them_for_the_end() {
        let turns = [turn("a", "", "b"), turn("b", "", "a"), turn("c", "", "a")];
        let mut schedule = Schedule::new(turns, BTreeSet::new());
        assert_eq!(schedule.next(false), Next::Wait, "something may end that opens the circle");
        assert_eq!(schedule.next(true), Next::Build { model: name("a"), audits_late: true });
        schedule.built(&name("a"));
        assert_eq!([schedule.next(true), schedule.next(false)], [build("b"), build("c")]);
    }
}
