//! How long builds will take, as earlier ones tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::step::Step;
use crate::domain::name::ModelName;

/// Builds that have not begun.
#[derive(Debug)]
pub struct Left<'p> {
    /// How long all of them will take, one by one.
    all: Duration,
    /// How long it takes from a build's begin until the last of those that wait for it, through others too, has ended: the
    /// longest comes last.
    chains: Vec<(Duration, &'p ModelName)>,
    begun: BTreeSet<&'p ModelName>,
}

impl<'p> Left<'p> {
    /// Of builds, parents first: each with its time, and with those of them that have to be there before it. None where
    /// there is none, or the time of one is not known.
    pub fn of<A>(builds: impl IntoIterator<Item = (&'p ModelName, Option<Duration>, A)>) -> Option<Self>
    where
        A: IntoIterator<Item = &'p ModelName>,
    {
        let timed = builds.into_iter().map(|(model, time, after)| Some((model, time?, after)));
        let timed: Vec<_> = timed.collect::<Option<_>>()?;
        let all = timed.iter().map(|(_, time, _)| time).sum();
        let (mut chains, mut below) = (Vec::new(), BTreeMap::<&ModelName, Duration>::new());
        for (model, time, after) in timed.into_iter().rev() {
            let chain = time + below.get(model).copied().unwrap_or_default();
            chains.push((chain, model));
            for before in after {
                let longest = below.entry(before).or_default();
                *longest = chain.max(*longest);
            }
        }
        chains.sort_unstable();
        (!chains.is_empty()).then_some(Self { all, chains, begun: BTreeSet::new() })
    }

    /// The same, of a plan's steps.
    pub fn of_steps(builds: impl IntoIterator<Item = &'p Step>) -> Option<Self> {
        Self::of(builds.into_iter().map(|step| (&step.model, step.expected, &step.after)))
    }

    /// How long they will take with so many at a time: all of them shared out, but not less than the longest chain in which
    /// each waits for another.
    pub fn time(&self, at_a_time: usize) -> Duration {
        let shared = self.all / u32::try_from(at_a_time.max(1)).unwrap_or(u32::MAX);
        self.chains.last().map_or(shared, |(longest, _)| shared.max(*longest))
    }

    /// Takes a build that begins out of them.
    pub fn begin(&mut self, build: &'p Step) {
        self.all = self.all.saturating_sub(build.expected.unwrap_or_default());
        self.begun.insert(&build.model);
        while self.chains.pop_if(|(_, model)| self.begun.contains(model)).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long builds take, three at a time: each with its seconds and what it waits for.
    fn seconds(builds: &[(&str, u64, &[&str])]) -> Option<u64> {
        let name = |name: &str| ModelName::parse(name).unwrap();
        let owned = builds.iter().map(|(model, time, after)| (name(model), *time, after.iter().map(|it| name(it))));
        let owned: Vec<(_, _, Vec<ModelName>)> =
            owned.map(|(model, time, after)| (model, time, after.collect())).collect();
        let known = |time: u64| (time > 0).then(|| Duration::from_secs(time));
        let left = Left::of(owned.iter().map(|(model, time, after)| (model, known(*time), after)));
        left.map(|left| left.time(3).as_secs())
    }

    #[test]
    fn builds_share_the_workers_and_wait_for_each_other() {
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&[("a", 6, &[]), ("b", 6, &[]), ("c", 6, &[]), ("d", 6, &[])]), Some(8));
        assert_eq!(seconds(&[("a", 7, &[]), ("b", 7, &["a"]), ("c", 7, &["b"])]), Some(21));
        assert_eq!(seconds(&[("a", 1, &[]), ("b", 9, &["a"]), ("c", 2, &["a"]), ("d", 3, &["b", "c"])]), Some(13));
        // what takes as long as nobody knows makes the whole unknown
        assert_eq!(seconds(&[("a", 7, &[]), ("b", 0, &["a"])]), None);
        // a parent that is there is waited for by nobody
        assert_eq!(seconds(&[("b", 7, &["a"])]), Some(7));
    }
}
