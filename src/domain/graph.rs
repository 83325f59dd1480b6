//! Who reads whom: the order to build in, circles, and what lies below a model.

use std::collections::{BTreeMap, BTreeSet};

/// Every node after the nodes it reads; among those that are free, by name. `Err` holds circles that have no node in common,
/// each node reading the next and the last reading the first.
pub fn order<N: Ord + Clone>(reads: &BTreeMap<N, Vec<N>>) -> Result<Vec<N>, Vec<Vec<N>>> {
    let mut waiting: BTreeMap<&N, usize> = BTreeMap::new();
    let mut readers: BTreeMap<&N, Vec<&N>> = BTreeMap::new();
    for (node, parents) in reads {
        let parents: BTreeSet<&N> = parents.iter().filter(|parent| reads.contains_key(parent)).collect();
        waiting.insert(node, parents.len());
        for parent in parents {
            readers.entry(parent).or_default().push(node);
        }
    }
    let mut free: BTreeSet<&N> = waiting.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
    let mut order = Vec::with_capacity(reads.len());
    while let Some(node) = free.pop_first() {
        order.push(node.clone());
        for reader in readers.get(node).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(reader) {
                *count -= 1;
                if *count == 0 {
                    free.insert(reader);
                }
            }
        }
    }
    if order.len() == reads.len() { Ok(order) } else { Err(circles(reads, &order.into_iter().collect())) }
}

/// Circles among the nodes that are not in `done`: each of them reads another such node, so following reads from any of them
/// must meet a node twice, on the way or on an earlier one.
fn circles<N: Ord + Clone>(reads: &BTreeMap<N, Vec<N>>, done: &BTreeSet<N>) -> Vec<Vec<N>> {
    let stuck = |node: &&N| reads.contains_key(*node) && !done.contains(*node);
    let (mut circles, mut seen) = (Vec::new(), BTreeSet::<&N>::new());
    for start in reads.keys().filter(stuck) {
        let mut path: Vec<&N> = Vec::new();
        let mut next = Some(start);
        while let Some(node) = next.filter(|node| seen.insert(node)) {
            path.push(node);
            next = reads.get(node).into_iter().flatten().find(stuck);
        }
        let begin = next.and_then(|met| path.iter().position(|node| *node == met));
        circles.extend(begin.map(|begin| path[begin..].iter().map(|node| (*node).clone()).collect()));
    }
    circles
}

/// The given nodes and everything that reads them, however far away.
pub fn below<N: Ord + Clone>(reads: &BTreeMap<N, Vec<N>>, start: impl IntoIterator<Item = N>) -> BTreeSet<N> {
    let mut readers: BTreeMap<&N, Vec<&N>> = BTreeMap::new();
    for (node, parents) in reads {
        for parent in parents {
            readers.entry(parent).or_default().push(node);
        }
    }
    let mut found: BTreeSet<N> = BTreeSet::new();
    let mut todo: Vec<N> = start.into_iter().collect();
    while let Some(node) = todo.pop() {
        // many ways may lead to a node: it is left once
        if found.insert(node.clone()) {
            todo.extend(readers.get(&node).into_iter().flatten().map(|reader| (*reader).clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(edges: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        edges.iter().map(|(node, parents)| ((*node).to_owned(), owned(parents))).collect()
    }

    #[test]
    fn parents_come_first() {
        let graph = reads(&[("a", &["c", "b"]), ("b", &["c"]), ("c", &["outside"]), ("d", &[])]);
        assert_eq!(order(&graph).unwrap(), ["c", "b", "a", "d"]);
    }

    #[test]
    fn a_circle_is_named_without_what_hangs_on_it() {
        let graph = reads(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &[])]);
        assert_eq!(order(&graph).unwrap_err(), [["b", "c"]]);
    }

    #[test]
    fn circles_that_have_nothing_in_common_are_all_named() {
        let graph =
            reads(&[("a", &["b"]), ("b", &["a"]), ("c", &["a"]), ("d", &["d"]), ("e", &["f", "d"]), ("f", &["e"])]);
        assert_eq!(order(&graph).unwrap_err(), [vec!["a", "b"], vec!["d"], vec!["e", "f"]]);
    }

    #[test]
    fn below_is_transitive_and_includes_the_start() {
        let graph = reads(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])]);
        assert_eq!(below(&graph, ["a".to_owned()]), ["a", "b", "c"].map(String::from).into());
    }

    #[test]
    fn below_takes_no_longer_where_many_ways_lead() {
        // sixty diamonds on top of each other: 2^60 ways
        let side = |n: usize, reads: Vec<usize>| (n, reads);
        let diamonds = (0..60).flat_map(|n| {
            let top = 3 * n;
            [side(top + 1, vec![top]), side(top + 2, vec![top]), side(top + 3, vec![top + 1, top + 2])]
        });
        let graph: BTreeMap<usize, Vec<usize>> = diamonds.chain([(0, Vec::new())]).collect();
        assert_eq!(below(&graph, [0]).len(), 181);
    }
}
