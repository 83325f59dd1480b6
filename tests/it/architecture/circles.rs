//! No module of domain uses one that uses it in turn, however long the way round.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, is_test, sources};

/// Which modules each module uses, and the first file that does.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn domain_has_no_circle() {
    let found = circle(uses("domain"));
    assert!(found.is_empty(), "modules of domain use each other in a circle:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found() {
    let module = |used: &[&str]| used.iter().map(|name| ((*name).to_owned(), "a file".to_owned())).collect();
    let all = [("top", &["a"][..]), ("a", &["b", "c"]), ("b", &["a", "c"]), ("c", &[])];
    let with_circle: Uses = all.iter().map(|(name, used)| ((*name).to_owned(), module(used))).collect();
    assert_eq!(circle(with_circle.clone()), ["a uses b in a file", "b uses a in a file"]);
    let mut without = with_circle;
    without.get_mut("b").unwrap().remove("a");
    assert!(circle(without).is_empty());
    assert_eq!(names("{a::X, b::{c, d::e}, f}"), ["a", "b", "f"]);
    assert_eq!(names("a::{b, c};\nuse d;"), ["a"]);
}

/// A circle, as who uses whom and where; empty if there is none.
fn circle(mut uses: Uses) -> Vec<String> {
    // what uses nobody is in no circle; without it, everybody that is left uses somebody that is left
    while let Some(last) = uses.keys().find(|name| uses[*name].keys().all(|used| !uses.contains_key(used))).cloned() {
        uses.remove(&last);
    }
    let Some(first) = uses.keys().next() else { return Vec::new() };
    let mut way = vec![first];
    loop {
        let next = uses[way[way.len() - 1]].keys().find(|used| uses.contains_key(*used)).unwrap();
        let before = way.iter().position(|passed| *passed == next);
        way.push(next);
        if let Some(before) = before {
            let steps = way[before..].windows(2);
            return steps.map(|step| format!("{} uses {} in {}", step[0], step[1], uses[step[0]][step[1]])).collect();
        }
    }
}

/// The modules of a room, by the paths in their code: `crate::room::x`, and `super::x` where that is the room's.
fn uses(room: &str) -> Uses {
    let sources = sources();
    let files =
        sources.iter().filter_map(|(name, text)| Some((name, name.strip_prefix(room)?.strip_prefix('/')?, text)));
    let files: Vec<_> = files.filter(|(name, below, _)| !is_test(name) && *below != "mod.rs").collect();
    let module = |below: &str| below.trim_end_matches(".rs").split('/').next().unwrap().to_owned();
    let all: BTreeSet<String> = files.iter().map(|(_, below, _)| module(below)).collect();
    let mut uses: Uses = all.iter().map(|name| (name.clone(), BTreeMap::new())).collect();
    for (name, below, text) in files {
        let depth = below.trim_end_matches("/mod.rs").split('/').count();
        let (own, code) = (module(below), code(text));
        for prefix in [format!("crate::{room}::"), "super::".repeat(depth)] {
            let is_whole = |at: &usize| !code[..*at].ends_with(|c: char| c == ':' || c == '_' || c.is_alphanumeric());
            let places = code.match_indices(&prefix).map(|(at, _)| at).filter(is_whole);
            for used in places.flat_map(|at| names(&code[at + prefix.len()..])) {
                if used != own && all.contains(&used) {
                    uses.get_mut(&own).unwrap().entry(used).or_insert_with(|| name.clone());
                }
            }
        }
    }
    uses
}

/// The first names of a path: one, or several where it begins with a brace.
fn names(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|c| *c == '_' || c.is_alphanumeric()).collect();
    let Some(list) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut found, mut depth) = (vec![name(list)], 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(name(&list[at + 1..])),
            _ => {}
        }
    }
    found
}
