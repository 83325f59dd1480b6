//! What `analyse` and `splice` promise, by example and by chance.

use proptest::prelude::*;

use super::*;

fn hash(text: &str) -> [u8; 32] {
    analyse(text).canonical
}

/// The dotted names of the tables read.
fn reads(text: &str) -> Vec<String> {
    let reads = analyse(text).reads.unwrap_or_else(|| panic!("no reads: {text}"));
    for read in &reads {
        let written = text[read.span.clone()].replace('"', "");
        assert_eq!(written, read.parts.join("."), "{text}");
    }
    reads.into_iter().map(|read| read.parts.join(".")).collect()
}

/// The outputs as text: names, and `N.*` for all columns of read N.
fn outputs(text: &str) -> Option<Vec<String>> {
    let show = |output| match output {
        Output::Column(name) => name,
        Output::All { read, except } if except.is_empty() => format!("{read}.*"),
        Output::All { read, except } => format!("{read}.* except {}", except.join(",")),
    };
    Some(analyse(text).outputs?.into_iter().map(show).collect())
}

/// The uses as text: `qualifier.column:candidates`.
fn uses(text: &str) -> Vec<String> {
    let show = |used: ColumnUse| {
        assert_eq!(text[used.span.clone()].replace('"', ""), used.column, "{text}");
        let qualifier = used.qualifier.map_or(String::new(), |qualifier| qualifier + ".");
        let candidates: Vec<String> = used.candidates.iter().map(usize::to_string).collect();
        format!("{qualifier}{}:{}", used.column, candidates.join("|"))
    };
    analyse(text).uses.into_iter().map(show).collect()
}

/// The text with every table replaced by `p."its_name"`.
fn spliced(text: &str) -> String {
    splice(text, &analyse(text), &|read| Some(format!("p.{}", read.parts.join("_"))))
}

#[test]
fn spellings_of_one_meaning_hash_alike() {
    let table: &[&[&str]] = &[
        &[
            "select a from t",
            "SELECT a\r\nFROM t;",
            "select /* x */ a -- y\nfrom t ;",
            "Select a From T",
            "select a from \"T\"",
        ],
        &["select a x from t k", "select a as x from t as k"],
        &["select a as x from t where (a = 1)", "select (a) as x from t where a = 1"],
        &["select 1 from t where a = 1 and (b <> 2)", "select 1 from t where (a = 1) and b != 2"],
        &["select 1 from t join u on a = b", "select 1 from t inner join u on (a = b)"],
        &["select 1 from t left join u on true", "select 1 from t left outer join u on true"],
        &["select a::int as i from t", "select cast(a as int) as i from t"],
        &["select a from t", "from t select a"],
        &["select sum(a) as s from t", "select SUM(a) as s from t"],
        &["with c as (select 1 as a) select a from C", "WITH c AS (select 1 as a) select a from \"c\""],
        &[
            "with c as materialized (select 1 as a) select a from c",
            "WITH c AS /* x */ MATERIALIZED (select 1 as a) select a from c",
        ],
        &["select a, from t", "select a from t"],
        &["select a from t order by a limit 2", "select a from t order by (a) limit (2)"],
        &["select sum(a) as s from t group by b", "select sum(a) as s from t group by (b)"],
        &[
            "select sum(a) over (partition by b order by -c) as s from t where a like 'x' and b = -1",
            "select sum(a) over (partition by (b) order by -(c)) as s from t where (a) like ('x') and b = -(1)",
        ],
        &["select a from t group by rollup (a, b)", "SELECT a FROM t GROUP BY ROLLUP ((a), (\"b\"))"],
        &["select a from t group by grouping sets (a, ())", "select a from t group by grouping sets ((a), ())"],
        // By tokens.
        &["from x: t select a", "FROM x: t  SELECT a -- c"],
    ];
    for group in table {
        for other in *group {
            assert_eq!(hash(group[0]), hash(other), "{} | {other}", group[0]);
        }
    }
}

#[test]
fn what_may_change_a_row_or_a_name_changes_the_hash() {
    let table = [
        ("select a from t", "select b from t"),
        ("select a as x from t", "select a as X from t"),
        ("select a from t", "select A as a from t"),
        ("select 'a' from t", "select 'A' from t"),
        ("select 'a' from t", "select \"a\" from t"),
        ("select 'a ' as x", "select 'a' as x"),
        ("select a from t", "select distinct a from t"),
        ("select a from t union select 1", "select a from t union all select 1"),
        ("select a, b from t", "select b, a from t"),
        ("select (a + b) * c as x from t", "select a + b * c as x from t"),
        ("select (1,) as x", "select (1) as x"),
        ("select a from t left join u using (a)", "select a from t join u using (a)"),
        ("select a::int as x from t", "select try_cast(a as int) as x from t"),
        ("select a::int as x from t", "select a::bigint as x from t"),
        ("select {'A': 1} as x", "select {'a': 1} as x"),
        ("select struct_pack(A := 1) as x", "select struct_pack(a := 1) as x"),
        ("select user as x from t", "select \"user\" as x from t"),
        ("select x'00' as a", "select x '00' as a"),
        ("select alias(FOO) as x from t", "select alias(foo) as x from t"),
        ("from 'X.parquet'", "from 'x.parquet'"),
        ("from \"X.parquet\"", "from \"x.parquet\""),
        ("select 1 in ('a')", "select 1 in 'a'"),
        ("select 1 as x from (t) as q", "select 1 as x from t as q"),
        ("select cast(not exists (select 1) as int) + 1 as x", "select not exists (select 1)::int + 1 as x"),
        ("select cast(a = any ([1]) as text) as x from t", "select a = any ([1])::text as x from t"),
        ("select list(a order by all) as x from t", "select list(a order by \"all\") as x from t"),
        ("select coalesce(a, b) as x from t", "select \"coalesce\"(a, b) as x from t"),
        (
            "select count(*) as n from t group by grouping sets (rollup (a), b)",
            "select count(*) as n from t group by grouping sets ((rollup (a)), b)",
        ),
        ("select -2147483648 as x", "select -(2147483648) as x"),
        ("select a from t group by (a, b)", "select a from t group by a, b"),
        ("select a from t join u on true join v on true", "select a from t join (u join v on true) on true"),
        ("with c as materialized (select 1 as a) from c", "with c as (select 1 as a) from c"),
        ("with c as not materialized (select 1 as a) from c", "with c as materialized (select 1 as a) from c"),
        ("select a from t asof join u on a > b", "select a from t join u on a > b"),
        ("select a from t positional join u", "select a from t cross join u"),
        ("select 'a'\n'b' as x", "select 'a' 'b' as x"),
        ("select a from t order by a", "select a from t order by a desc"),
        ("select a from t limit 1", "select a from t limit 2"),
        ("select count(*) from t group by rollup (a)", "select count(*) from t group by cube (a)"),
        ("select a <- 1 as x from x: t", "select a < - 1 as x from x: t"),
        ("select 1 as `a b`", "select 1 as `a  b`"),
        ("'", "''"),
    ];
    for (one, other) in table {
        assert_ne!(hash(one), hash(other), "{one} | {other}");
    }
}

/// Fingerprints of every user's models are made of these: a change here means a new [`CANON_VERSION`].
#[test]
fn hashes_stay_the_same() {
    let golden = [
        (
            "select a, sum(b) as Total from raw.t as x join u using (id) where a in (1, 2) group by all",
            "69a2025cf5649aac5a5fb6e25fab04c6af3ea0e1b3c4c002a623fd4eddea8c47",
        ),
        ("from x: t", "4bc2e0c7d5de2fd3c5a652cee8b43bffbaa40edd588d1a72d5642b053983db9b"),
        ("'", "b382fc75e61d00295d9100d63920a82daac873c1438846ded02153cd2e409bf9"),
    ];
    for (text, expected) in golden {
        let hex: String = hash(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "{text}");
    }
}

#[test]
fn says_why_a_tree_is_not_used() {
    let table = [
        ("select a from t", None),
        ("select a year from t", Some("an implicit alias that is a keyword")),
        ("select a from t positional join u", Some("an implicit table alias that is a keyword")),
        ("table t", Some("expected")),
        ("select {{ x }}", Some("")),
        ("'", Some("never ends")),
    ];
    for (text, expected) in table {
        match (analyse(text).form, expected) {
            (Form::Tree, None) => {}
            (Form::Tokens { why }, Some(part)) => assert!(why.to_lowercase().contains(part), "{text}: {why}"),
            (form, _) => panic!("{text}: {form:?}"),
        }
    }
    assert_eq!(analyse("select a from t positional join u").reads, None);
    assert_eq!(analyse("select a from t group by rollup (a)").reads.unwrap().len(), 1);
}

#[test]
fn reads_are_tables_that_no_cte_names() {
    let table: &[(&str, &[&str])] = &[
        ("select 1", &[]),
        ("from raw.Orders o join db.s.\"T x\" using (id)", &["raw.Orders", "db.s.T x"]),
        ("with a as (select * from b) select * from A, c", &["b", "c"]),
        ("with a as (select * from a) select * from a", &["a"]),
        ("with a as (select * from b), b as (select 1) select * from a", &["b"]),
        ("with a as (select 1) select * from main.a", &["main.a"]),
        ("with a as (select 1) select (select max(x) from a), (with a as (select * from z) select 1 from a)", &["z"]),
        ("select * from (with a as (select 1) select * from a), a", &["a"]),
        ("with recursive r as (select 1 as n union all select n + 1 from r) select * from r", &[]),
        ("with recursive r as (select n from r union all select n + 1 from r) select * from r", &["r"]),
        ("with recursive r as (select n from r) select * from r", &["r"]),
        ("with recursive r as (select 1 as n intersect select n from r) select * from r", &["r"]),
        ("with recursive r as (select 1 as n union all by name select n from r) select * from r", &["r"]),
        ("with recursive r as (with q as (select * from r) select 1 as n union all select n from q) from r", &["r"]),
        ("with recursive r as ((select 1 as n) union (select n from (select * from r))) select * from r", &[]),
        ("select * from t where a in (select b from u) and exists (select 1 from v where v.a = t.a)", &["t", "u", "v"]),
        (
            "select * from t, lateral (select * from u where u.a = t.a) l order by (select max(a) from w)",
            &["t", "u", "w"],
        ),
        ("select * from (a join b on true) left join c on true", &["a", "b", "c"]),
        ("select * from range(3), read_csv('x.csv'), 'y.parquet', unnest([1])", &[]),
        ("from t select é, x", &["t"]),
        ("select * from t pivot (sum(x) for y in (1, 2))", &["t"]),
    ];
    for (text, expected) in table {
        assert_eq!(&reads(text), expected, "{text}");
    }
}

#[test]
fn functions_and_files_are_told_apart() {
    let found =
        analyse("select query('x') from read_csv('a.csv') c, 'b.parquet', query_table('t'), range(3)").functions;
    let kinds: Vec<FunctionKind> = found.into_iter().map(|function| function.kind).collect();
    let file = FunctionKind::File("b.parquet".into());
    use FunctionKind::Function;
    assert_eq!(kinds, [Function, file, Function, Function]);
    assert_eq!(analyse("with query(a) as (select 1) select a from query").functions, []);
}

#[test]
fn outputs_are_proven_or_unknown() {
    let table: &[(&str, Option<&[&str]>)] = &[
        ("select a, t.b, c as X, (d) from t", Some(&["a", "b", "X", "d"])),
        ("select a + 1 from t", None),
        ("select count(*) from t", None),
        ("select * from t, u", Some(&["0.*", "1.*"])),
        ("from t", Some(&["0.*"])),
        ("select u.*, 1 as x from t join u on true", Some(&["1.*", "x"])),
        ("select * exclude (a, B) replace (1 as c) from t", Some(&["0.* except a,B"])),
        ("select * rename (a as b) from t", None),
        ("select * from t join u using (id)", Some(&["0.*", "1.* except id"])),
        (
            "select * exclude (a) from t join (u join v using (x)) using (id)",
            Some(&["0.* except a", "1.* except a,id", "2.* except a,x,id"]),
        ),
        ("select * from t join (select * from u, v) using (id)", None),
        ("select t.* from t join u using (id)", Some(&["0.*"])),
        ("select * from t natural join u", None),
        ("select * from t semi join u using (id)", Some(&["0.*"])),
        ("with c as (select a, b as y from t) select *, 1 as z from c", Some(&["a", "y", "z"])),
        ("with c(p) as (select a, b as y from t) select * from c as d", Some(&["p", "y"])),
        ("with recursive c as (select 1 as n union all select n + 1 from c) select * from c", Some(&["n"])),
        ("select * from (select * from t) as q(z)", None),
        ("select * exclude (y) from (select a, b as y from t)", Some(&["a"])),
        ("select * from (select t.a, u.a from t, u)", None),
        ("select * exclude (a) from (select * from t, u)", None),
        ("select a from t union all select b from u", Some(&["a"])),
        ("select a from t union by name select b from u", None),
        ("select unnest(s) as x from t", None),
        ("select columns('a.*') from t", None),
        ("select x.* from t", None),
        ("values (1)", None),
        ("select * from range(3)", None),
        ("select a as x, a as X from t", None),
    ];
    for (text, expected) in table {
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(outputs(text), expected, "{text}");
    }
}

#[test]
fn only_sure_columns_are_used() {
    let table: &[(&str, &[&str])] = &[
        ("select a, t.b from t where c = 1", &["a:0", "t.b:0", "c:0"]),
        ("select a from t join u on t.x = u.y", &["a:0|1", "t.x:0", "u.y:1"]),
        ("select \"A\" from t as k where K.b > 1", &["A:0", "K.b:0"]),
        ("select sum(a) as a, a + 1 from t", &[]),
        ("select current_date, user, rowid, t.rowid from t", &[]),
        ("select t from t", &[]),
        ("select list_transform(l, lambda x: x + y) from t", &["l:0"]),
        ("select struct_pack(k := a), j -> 'b', columns(c) from t", &["a:0"]),
        ("select a[1], s.f[1], s.f.g from t", &["a:0"]),
        ("select a from t group by b having c > 1 order by d", &["a:0"]),
        ("select a from t, range(3)", &[]),
        ("select a from t, (select 1 as x) d", &[]),
        ("select a from t as k(z)", &[]),
        ("with c as (select a from t) select b from c", &["a:0"]),
        // DuckDB never looks at what nothing reads.
        ("with c as (select a from t) select b from u", &["b:1"]),
        ("with c as (select a from t), d as (select * from c) select b from u", &["b:1"]),
        ("select a from t where exists (select b from u where u.id = t.id)", &["a:0", "b:0|1", "u.id:1", "t.id:0"]),
        ("select a from t where b in (select c from t where t.d = 1)", &["a:0", "b:0", "c:0|1", "t.d:1|0"]),
        ("select x from t, (select a, t.b from u)", &["a:0|1", "t.b:0"]),
        ("select raw.orders, raw.orders.id from raw.orders, x as raw", &[]),
        ("select a year, b from t", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(&uses(text), expected, "{text}");
    }
}

#[test]
fn splicing_keeps_all_else_as_written() {
    let table = [
        ("select a\n -- é\nfrom  t", "select a\n -- é\nfrom  p.t AS \"t\""),
        ("select t.a from raw.T k, u as v", "select t.a from p.raw_T k, p.u as v"),
        ("select raw.o.id from raw.o order by raw.O.id", "select \"o\".id from p.raw_o AS \"o\" order by \"o\".id"),
        ("select db.raw.o.id, main.t.x from raw.o, t", "select \"o\".id, \"t\".x from p.raw_o AS \"o\", p.t AS \"t\""),
        ("select raw.o.s.f[1] from raw.o", "select \"o\".s.f[1] from p.raw_o AS \"o\""),
        ("select raw.o.id from raw.o as raw", "select raw.o.id from p.raw_o as raw"),
        ("with t as (select * from t) select * from t", "with t as (select * from p.t AS \"t\") select * from t"),
        (
            "select 1 from a.o where exists (select 1 from u where u.id = a.o.id and o.x)",
            "select 1 from p.a_o AS \"a.o\" where exists (select 1 from p.u AS \"u\" where u.id = \"a.o\".id and \"a.o\".x)",
        ),
        ("from \"a\"\"b\"", "from p.a\"b AS \"a\"\"b\""),
        (
            "select a.o.id, b.o.id from a.o join b.o on a.o.id = b.o.id",
            "select \"a.o\".id, \"b.o\".id from p.a_o AS \"a.o\" join p.b_o AS \"b.o\" on \"a.o\".id = \"b.o\".id",
        ),
        (
            "select 1 from a.o where exists (select 1 from b.o where o.id = a.o.id)",
            "select 1 from p.a_o AS \"a.o\" where exists (select 1 from p.b_o AS \"o\" where o.id = \"a.o\".id)",
        ),
        (
            "select o.id from a.o where exists (select 1 from x as o where o.id = a.o.id)",
            "select \"a.o\".id from p.a_o AS \"a.o\" where exists (select 1 from p.x as o where o.id = \"a.o\".id)",
        ),
        (
            "with o as (select o.id from a.o) select o.id from o",
            "with o as (select o.id from p.a_o AS \"o\") select o.id from o",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(spliced(text), expected);
    }
    let text = "select 1 from a, b";
    let only_b = |read: &Read| (read.parts == ["b"]).then(|| "c".to_owned());
    assert_eq!(splice(text, &analyse(text), &only_b), "select 1 from a, c AS \"b\"");
}

#[test]
fn two_relations_of_one_name_are_left_to_duckdb() {
    for text in ["select o.id from a.o, x as o", "select 1 from t, x as t", "select o.* from a.o, b.o"] {
        let query = analyse(text);
        assert_eq!(query.reads, None, "{text}");
    }
}

#[test]
fn a_query_survives_being_cached() {
    for text in ["select a from raw.t, range(3), 'x' where raw.t.b = 1", "select", "'"] {
        let query = analyse(text);
        let json = serde_json::to_string(&query).unwrap();
        assert_eq!(serde_json::from_str::<Query>(&json).unwrap(), query);
    }
}

#[test]
fn deep_queries_get_a_stack_or_their_tokens() {
    let list = format!("select 1 as x where 1 in ({}1)", "1 + 1, ".repeat(50_000));
    let fine = [
        format!("select {}a as x from t", "a + ".repeat(900)),
        format!("select 1 as x from t where {}true", "a = 1 and ".repeat(450)),
        vec!["select a from t"; 900].join(" union all "),
        format!("select a{} as x from t", "::int".repeat(450)),
        format!("select a{} as x from t", " is null".repeat(450)),
        list,
    ];
    for text in fine {
        assert_eq!(analyse(&text).form, Form::Tree, "{}", &text[..30]);
    }
    let parts = ["a + ", "not ", "- ", "(", "[", "case when ", "(select ", "f(", "interval ", "lambda x: ", "{'a': "];
    for part in parts {
        for count in [100, 900, 100_000] {
            analyse(&format!("select {}a from t", part.repeat(count)));
        }
    }
    for part in
        ["::int", "[1]", ".f()", " is null", " collate b", " at time zone 'x'", "!", " union select 1", " + a[1]"]
    {
        for count in [100, 900, 100_000] {
            analyse(&format!("select a{} from t", part.repeat(count)));
        }
    }
}

/// Queries of many kinds, all in the tree form.
const QUERIES: &[&str] = &[
    "select a, b as \"B\", sum(c) over (partition by d order by e rows between 1 preceding and current row) from t",
    "with x as (select * exclude (a) from raw.t), y as materialized (select 1 as n) select x.*, y.n from x, y where x.b = 'it''s'",
    "select case when a > 1 then 'x' else coalesce(b, 'y') end as c from t left join u on t.id = u.id group by all having count(*) > 1",
    "from t select a where a in (select b from u) and not exists (select 1 from v) order by a desc nulls last limit 10",
    "select a::decimal(10, 2) as m, date '2020-01-01' + interval 1 day as d, [1, 2][1], {'k': a}, l -> '$.x' from t",
    "select list_transform([1], lambda q : q + 1) as l from t qualify row_number() over (order by a) = 1",
];

fn blanks() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![" ", "\n", "\t", "\r\n", " /* c; 'x' */ ", " -- \"c\n", "  ", "/* a /* b */ */ "])
}

proptest! {
    #[test]
    fn blanks_between_tokens_never_count(
        query in prop::sample::select(QUERIES),
        blanks in prop::collection::vec(blanks(), 200),
    ) {
        let lexemes = lex(query).unwrap();
        let words = lexemes.iter().zip(&blanks).map(|(lexeme, blank)| format!("{blank}{}", &query[lexeme.span.clone()]));
        let text: String = words.collect();
        prop_assert_eq!(analyse(query).form, Form::Tree);
        prop_assert_eq!(hash(query), hash(&text), "{}", text);
    }

    #[test]
    fn any_text_is_analysed(text in "(?s).{0,80}") {
        analyse(&text).survey(&text);
    }

    #[test]
    fn any_mix_of_tokens_is_analysed(words in prop::collection::vec(prop::sample::select(vec![
        "select", "from", "with", "recursive", "as", "(", ")", "[", "]", "{", "}", ",", ".", "*", "t", "\"T\"", "s.t", "'x'", "1",
        "union", "all", "join", "on", "using", "where", "in", "not", "lambda", ":", "->", "::", "int", "pivot", "for", "table",
        "values", "order by", "group by", "exclude", "replace", "lateral", "materialized", "over", "case", "when", "end", ";",
        "a", "=", "@", "$1", "interval", "day", "exists", "natural", "é", "limit", "query(", "distinct", "is", "null",
    ]), 0..25)) {
        let text = words.join(" ");
        let query = analyse(&text);
        query.survey(&text);
        if query.labels.is_empty() {
            prop_assert_eq!(splice(&text, &query, &|_| None), text.clone());
        }
        for read in query.reads.iter().flatten() {
            prop_assert!(text.get(read.span.clone()).is_some());
        }
        splice(&text, &query, &|_| Some("x".into()));
    }
}
