//! Tests of names: readable where they can be, never shared.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn env(branch: &str) -> String {
    EnvName::for_branch(&BranchName::from(branch)).to_string()
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= IDENTIFIER_BYTES
        && name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[test]
fn plain_branches_keep_their_words() {
    let cases = [
        ("alice", "dev__alice"),
        ("feature/new-orders", "dev__feature__new_orders"),
        ("fix_1", "dev__fix___1"),
        ("2024-q1", "dev__2024_q1"),
    ];
    for (branch, expected) in cases {
        assert_eq!(env(branch), expected);
    }
    for odd in ["Feature/X", "release/1.2", "日本語", "prod", "main", "a--b", "-a", "x_x0123456789ab", ""] {
        assert!(looks_hashed(&env(odd)), "{odd} → {}", env(odd));
    }
    assert!(env("Feature/X").starts_with("dev__feature_x_x"));
}

#[test]
fn hostile_branches_never_meet() {
    let long = "a".repeat(250);
    let longer = format!("{}b", &long[..249]);
    let names = [
        "Feature/X",
        "feature/x",
        "FEATURE/X",
        "a-b",
        "a_b",
        "a/b",
        "a.b",
        "a--b",
        "a-_b",
        "x';drop schema prod;--",
        "\"q\"",
        "`q`",
        "$(id)",
        "-rf",
        "HEAD",
        "@x",
        "café",
        "cafe\u{301}",
        "日本語",
        "ветка",
        "🚀",
        "a\u{200b}b",
        "ı",
        "K",
        &long,
        &longer,
        "prod",
        "main",
        "Prod",
        "information_schema",
        "_",
        "__",
        "-",
        "a_",
        "_a",
        "",
        "x_x0123456789ab",
        "x-x0123456789ab",
        "release/1.2.3",
        "vmesh_state",
        "dev__alice",
        "dev",
        "caf\\xe9",
    ];
    let mut seen = BTreeMap::new();
    for name in names {
        let env = env(name);
        assert!(is_identifier(&env), "{name} → {env}");
        assert_eq!(seen.insert(env.clone(), name), None, "{name} → {env}");
    }
}

#[test]
fn bytes_that_are_no_text_survive() {
    let name = BranchName::from_bytes(b"caf\xe9/\xff");
    assert_eq!(name.as_str(), "caf\\xe9/\\xff");
    assert_eq!(name.to_bytes(), b"caf\xe9/\xff");
}

#[test]
fn models_are_shown_where_people_look() {
    let place = |branch: &str, model: &str| {
        let env = EnvName::for_branch(&BranchName::from(branch));
        ModelName::parse(model).unwrap().view(&env, SchemaPattern::EnvFirst).to_string()
    };
    assert_eq!(place("alice", "customers"), "dev__alice.customers");
    assert_eq!(place("alice", "Analytics.Customers"), "dev__alice__analytics.customers");
    assert_eq!(place("alice/analytics", "customers"), "dev__alice__analytics__main.customers");
    let prod = |model: &str| ModelName::parse(model).unwrap().view(&EnvName::prod(), SchemaPattern::EnvFirst);
    assert_eq!(prod("customers").to_string(), "prod.customers");
    assert_eq!(prod("analytics.customers").to_string(), "analytics.customers");
}

#[test]
fn tables_of_snapshots_are_readable_and_short() {
    let table = |model: &str| TableName::snapshot(&ModelName::parse(model).unwrap(), "0123456789abcdef").name;
    assert_eq!(table("analytics.customers"), "analytics__customers__0123456789ab");
    assert!(is_identifier(&table(&format!("{}.{}", "s".repeat(60), "m".repeat(60)))));
}

/// Every name of up to five letters over an alphabet of trouble.
fn small_names() -> Vec<String> {
    let letters = ['a', 'A', '-', '_', '/', '.'];
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..5 {
        last = last.iter().flat_map(|name| letters.map(|letter| format!("{name}{letter}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

#[test]
fn no_two_small_names_meet() {
    let names = small_names();
    let envs: std::collections::BTreeSet<String> = names.iter().map(|name| env(name)).collect();
    assert_eq!(envs.len(), names.len());
}

#[test]
fn no_two_pairs_of_environment_and_schema_meet() {
    let branches = ["a", "a/a", "a/a/a", "a-a", "a_a", "a/main", "main", "dev", "dev/a", "A", "a/a_a", "x/a.b"];
    let schemas = [
        None,
        Some("a"),
        Some("a_a"),
        Some("a__a"),
        Some("main"),
        Some("dev"),
        Some("_a"),
        Some("a_"),
        Some("dev_a"),
        Some("a.b"),
    ];
    let named = [EnvName::named("staging").unwrap(), EnvName::named("a").unwrap()];
    for pattern in [SchemaPattern::EnvFirst, SchemaPattern::SchemaFirst] {
        let mut seen: BTreeMap<String, (String, Option<&str>)> = BTreeMap::new();
        let envs = branches.map(|branch| EnvName::for_branch(&BranchName::from(branch)));
        for env in envs.iter().chain(&named).chain([&EnvName::prod()]) {
            for schema in schemas {
                if env.is_prod() && schema.is_some_and(|schema| reserved_schema(schema, &named).is_some()) {
                    continue;
                }
                let place = env.schema(schema, pattern);
                assert!(env.is_prod() || is_identifier(&place), "{place}");
                let other = seen.insert(place.clone(), (env.to_string(), schema));
                assert_eq!(other, None, "{env} {schema:?} → {place}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_two_branches_have_two_environments(a in "\\PC{1,60}", b in "\\PC{1,60}") {
        prop_assert!(is_identifier(&env(&a)));
        prop_assert_eq!(a == b, env(&a) == env(&b));
    }

    #[test]
    fn near_branches_have_two_environments(a in "[a-z/_-]{1,12}", b in "[a-z/_-]{1,12}") {
        prop_assert_eq!(a == b, env(&a) == env(&b));
    }

    #[test]
    fn branches_come_back_as_bytes(bytes in proptest::collection::vec(any::<u8>().prop_filter("Git refuses it", |b| *b != b'\\'), 0..40)) {
        prop_assert_eq!(BranchName::from_bytes(&bytes).to_bytes(), bytes);
    }
}

#[test]
fn wrong_rows_of_two_models_never_share_a_table() {
    let environments = ["alice", "alice/a", "alice-a", "ALICE", &"x".repeat(200)].map(env);
    let models = ["a", "a.a", "a_a", "a__a", "a.b_c", "a_b.c", "é", "🚀", "", " ", &"y".repeat(200)];
    let mut seen = BTreeMap::new();
    for environment in environments.iter().map(|env| EnvName::from_record(env.clone())).chain([EnvName::prod()]) {
        for model in models.iter().filter_map(|name| ModelName::parse(name)) {
            let table = TableName::wrong_rows(&environment, &model);
            assert!(is_identifier(&table.name), "{table}");
            assert_eq!(seen.insert(table.clone(), (environment.clone(), model.clone())), None, "{table}");
        }
    }
}
