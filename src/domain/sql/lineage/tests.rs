//! What a change of something that is read does to the lineage of a query, and what it doesn't.

use super::*;

/// `p` has columns a, b, c; `q` has b and d; `raw` may have any.
fn parents(text: &str, edit: &dyn Fn(&str, &mut Parent)) -> Result<Lineage, Unknown> {
    let query = crate::domain::sql::analyse(text);
    let reads = query.reads.unwrap_or_default();
    let parent = |read: &crate::domain::sql::Read| {
        let name = read.parts.join(".");
        let rows = Print::of("rows", [name.as_bytes()]);
        let known = |names: &[&str]| {
            let column = |column: &&str| ((*column).to_owned(), Print::of(column, [name.as_bytes()]));
            ParentColumns::Known(names.iter().map(column).collect())
        };
        let columns = match name.as_str() {
            "p" | "s.p" => known(&["a", "b", "c"]),
            "q" => known(&["b", "d"]),
            _ => ParentColumns::Open(rows),
        };
        let mut parent = Parent::new(rows, rows, columns);
        edit(&name, &mut parent);
        parent
    };
    let parents: Vec<Parent> = reads.iter().map(parent).collect();
    of_text(EngineKind::DuckDb, text, &parents.iter().collect::<Vec<_>>())
}

fn told(text: &str) -> Lineage {
    parents(text, &|_, _| ()).unwrap_or_else(|unknown| panic!("{text}: {unknown:?}"))
}

/// What decides all that a query gives, where one column of `p` means something else.
fn with_changed(text: &str, column: &str) -> Lineage {
    let edit = |name: &str, parent: &mut Parent| {
        if let (true, ParentColumns::Known(columns)) = (name.ends_with('p'), &mut parent.columns) {
            let found = columns.iter_mut().find(|(name, _)| name == column).unwrap();
            found.1 = Print::of("changed", []);
        }
    };
    parents(text, &edit).unwrap_or_else(|unknown| panic!("{text}: {unknown:?}"))
}

/// Which parts of a query's lineage a change of a column of `p` reaches: the rows, and columns by name.
fn reached(text: &str, column: &str) -> Vec<String> {
    let (before, after) = (told(text), with_changed(text, column));
    let rows = (before.rows.print != after.rows.print).then(|| "rows".to_owned());
    let columns = before.columns.iter().zip(&after.columns);
    let columns = columns.filter(|(one, other)| one.1.print != other.1.print).map(|(one, _)| one.0.clone());
    rows.into_iter().chain(columns).collect()
}

#[test]
fn a_column_reaches_what_takes_it() {
    for (text, column, expected) in [
        ("SELECT a, b + 1 AS n FROM p", "a", "a"),
        ("SELECT a, b + 1 AS n FROM p", "b", "n"),
        ("SELECT a, b + 1 AS n FROM p", "c", ""),
        ("SELECT * FROM p", "c", "c"),
        ("SELECT * EXCLUDE (c) FROM p", "c", ""),
        ("SELECT * REPLACE (b + c AS b) FROM p", "c", "b c"),
        ("SELECT a FROM p WHERE b > 1", "b", "rows"),
        ("SELECT a, count(*) AS n FROM p GROUP BY a", "a", "rows a"),
        ("SELECT a, sum(b) AS n FROM p GROUP BY 1", "b", "n"),
        ("SELECT a, sum(b) AS n FROM p GROUP BY 1", "a", "rows a"),
        ("SELECT a, sum(b) AS n FROM p GROUP BY ALL", "a", "rows a"),
        ("SELECT a, sum(b) AS n FROM p GROUP BY ALL HAVING max(c) > 1", "c", "rows"),
        ("SELECT DISTINCT a, b FROM p", "b", "rows b"),
        ("SELECT DISTINCT a FROM p", "b", ""),
        ("SELECT DISTINCT ON (a) b FROM p ORDER BY c", "a", "rows"),
        ("SELECT a FROM p ORDER BY b LIMIT 3", "b", "rows"),
        ("SELECT a, row_number() OVER (PARTITION BY b ORDER BY c) AS n FROM p", "c", "n"),
        ("SELECT a FROM p QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) = 1", "c", "rows"),
        ("SELECT a, sum(b) OVER w AS n FROM p WINDOW w AS (ORDER BY c)", "c", "rows a n"),
        ("SELECT p.a, q.d FROM p JOIN q ON p.b = q.b", "b", "rows"),
        ("SELECT p.a, q.d FROM p JOIN q ON p.b = q.b", "c", ""),
        ("SELECT a, b, d FROM p JOIN q USING (b)", "b", "rows b"),
        ("SELECT a FROM p SEMI JOIN q ON p.b = q.b", "b", "rows"),
        ("SELECT d FROM q WHERE EXISTS (SELECT 1 FROM p WHERE p.b = q.b AND a > 0)", "a", "rows"),
        ("SELECT d FROM q WHERE b IN (SELECT b FROM p)", "b", "rows"),
        ("SELECT d, (SELECT max(a) FROM p) AS m FROM q", "a", "rows m"),
        ("SELECT d, (SELECT max(a) FROM p) AS m FROM q", "b", ""),
        ("WITH x AS (SELECT * FROM p), y AS (SELECT a, c FROM x) SELECT a AS one FROM y", "c", ""),
        ("WITH x AS (SELECT * FROM p) SELECT a AS one FROM x WHERE c IS NULL", "c", "rows"),
        ("SELECT a FROM (SELECT a, b FROM p UNION ALL SELECT b, d FROM q) AS u", "b", ""),
        ("SELECT a FROM (SELECT a, b FROM p UNION SELECT b, d FROM q) AS u", "b", "rows"),
        ("SELECT a FROM (SELECT a, b FROM p EXCEPT ALL SELECT b, d FROM q) AS u", "b", "rows"),
        ("SELECT a, d FROM p UNION ALL BY NAME SELECT d FROM q", "a", "a"),
        ("SELECT a AS x, x + b AS y FROM p", "a", "x y"),
        ("SELECT sum(b) AS a FROM p GROUP BY a", "b", "rows a"),
        ("SELECT list_transform([a], x -> x + b) AS l FROM p", "b", "l"),
        ("SELECT unnest([a, b]) AS n, c FROM p", "b", "rows n"),
        ("SELECT a, u.x FROM p, unnest([b]) AS u(x)", "b", "rows x"),
        ("FROM p SELECT a", "b", ""),
        ("SELECT p AS r, a FROM p", "b", "r"),
        ("SELECT a, d FROM p NATURAL JOIN q", "b", "rows"),
        ("SELECT a, d FROM p NATURAL JOIN q", "c", ""),
        ("SELECT m FROM (SELECT * RENAME (a AS m) FROM p)", "a", "m"),
        ("SELECT m FROM (SELECT * RENAME (a AS m) FROM p)", "b", ""),
        (
            "WITH RECURSIVE x AS (SELECT a, b FROM p UNION ALL SELECT a + 1, b FROM x WHERE a < 3) SELECT a FROM x",
            "b",
            "rows a",
        ),
        (
            "WITH RECURSIVE x AS (SELECT a, b FROM p UNION ALL SELECT a + 1, b FROM x WHERE a < 3) SELECT a FROM x",
            "c",
            "",
        ),
        ("SELECT s.p.a FROM s.p", "a", "a"),
        ("SELECT CASE WHEN a > 0 THEN b END AS n, CAST(c AS INT) AS c FROM p", "c", "c"),
        ("SELECT x.a FROM p AS x LEFT JOIN raw AS r ON r.id = x.b", "b", "rows"),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        // `d` of the UNION BY NAME is q's
        let text = text.replace("SELECT a, d FROM p UNION", "SELECT a FROM p UNION");
        assert_eq!(reached(&text, column), expected, "{column} in {text}");
    }
}

/// What says something else has another lineage, also where it takes the same columns.
#[test]
fn what_says_something_else_differs() {
    for (one, other) in [
        ("SELECT x.a FROM p AS x JOIN p AS y ON x.a = y.b", "SELECT y.a FROM p AS x JOIN p AS y ON x.a = y.b"),
        ("SELECT x.a FROM p AS x JOIN p AS y ON x.a < y.a", "SELECT x.a FROM p AS x JOIN p AS y ON y.a < x.a"),
        ("SELECT x.a FROM raw AS x, raw AS y", "SELECT y.a FROM raw AS x, raw AS y"),
        (
            "SELECT a FROM p AS x WHERE (SELECT max(y.b) FROM p AS y WHERE y.c = x.c) > 1",
            "SELECT a FROM p AS x WHERE (SELECT max(x.b) FROM p AS y WHERE y.c = x.c) > 1",
        ),
        (
            "SELECT a FROM p AS x WHERE EXISTS (FROM p AS y SELECT 1 WHERE y.a = x.b)",
            "SELECT a FROM p AS x WHERE EXISTS (FROM p AS y SELECT 1 WHERE x.a = y.b)",
        ),
        // an aggregate of the query around: one row
        ("SELECT 1 AS n, (SELECT max(d) FROM p) AS m FROM q", "SELECT 1 AS n, (SELECT max(a) FROM p) AS m FROM q"),
        (
            "WITH RECURSIVE x AS (SELECT a FROM p UNION ALL SELECT a + 1 FROM x WHERE a < 3) SELECT a FROM x",
            "WITH RECURSIVE x AS (SELECT a FROM p UNION ALL SELECT a + 1 FROM x WHERE a < 4) SELECT a FROM x",
        ),
        ("SELECT a - b AS n FROM p", "SELECT b - a AS n FROM p"),
        ("SELECT a AS n, b AS m FROM p", "SELECT b AS n, a AS m FROM p"),
        ("SELECT a, b FROM p", "SELECT b, a FROM p"),
        ("SELECT a FROM p", "SELECT a AS A FROM p"),
        ("SELECT a FROM p UNION ALL SELECT b FROM p", "SELECT b FROM p UNION ALL SELECT a FROM p"),
        ("SELECT a FROM p EXCEPT SELECT b FROM p", "SELECT a FROM p INTERSECT SELECT b FROM p"),
        ("SELECT a FROM p UNION SELECT b FROM p", "SELECT a FROM p UNION ALL SELECT b FROM p"),
        ("SELECT p.a FROM p LEFT JOIN q ON p.b = q.b", "SELECT p.a FROM p RIGHT JOIN q ON p.b = q.b"),
        ("SELECT p.a FROM p LEFT JOIN q ON p.b = q.b", "SELECT p.a FROM p JOIN q ON p.b = q.b"),
        ("SELECT p.a FROM p SEMI JOIN q ON p.b = q.b", "SELECT p.a FROM p ANTI JOIN q ON p.b = q.b"),
        ("SELECT d FROM q WHERE b IN (SELECT b FROM p)", "SELECT d FROM q WHERE b NOT IN (SELECT b FROM p)"),
        ("SELECT a FROM p ORDER BY b LIMIT 3", "SELECT a FROM p ORDER BY b DESC LIMIT 3"),
        ("SELECT a FROM p ORDER BY b LIMIT 3", "SELECT a FROM p ORDER BY b LIMIT 4"),
        ("SELECT a FROM p WHERE b > 0", "SELECT a FROM p QUALIFY b > 0"),
        ("SELECT 1 AS n FROM p", "SELECT count(*) AS n FROM p"),
        ("SELECT sum(a) AS n FROM p", "SELECT sum(DISTINCT a) AS n FROM p"),
        ("SELECT sum(a) AS n FROM p GROUP BY b", "SELECT sum(a) AS n FROM p GROUP BY c"),
        ("SELECT sum(a) FILTER (b > 0) AS n FROM p", "SELECT sum(a) FILTER (b > 1) AS n FROM p"),
        ("SELECT CAST(a AS INT) AS n FROM p", "SELECT CAST(a AS BIGINT) AS n FROM p"),
        ("SELECT {'a': a} AS n FROM p", "SELECT {'A': a} AS n FROM p"),
        ("SELECT a FROM p, q", "SELECT a FROM p"),
        ("SELECT x FROM (VALUES (1), (2)) AS t(x)", "SELECT x FROM (VALUES (1), (3)) AS t(x)"),
        ("SELECT x FROM (VALUES (1), (2)) AS t(x)", "SELECT x FROM (VALUES (1), (2), (2)) AS t(x)"),
        ("SELECT * EXCLUDE (a) FROM p", "SELECT * EXCLUDE (b) FROM p"),
        ("SELECT x FROM range(3) AS t(x)", "SELECT x FROM range(4) AS t(x)"),
        ("SELECT a FROM p ORDER BY row_number() OVER w LIMIT 1 WINDOW w AS (ORDER BY b)", "SELECT a FROM p"),
    ] {
        let decided = |text: &str| {
            let lineage = parents(text, &|_, _| ()).ok()?;
            Some((
                lineage.rows.print,
                lineage.columns.into_iter().map(|(name, it)| (name, it.print)).collect::<Vec<_>>(),
            ))
        };
        assert!(decided(one) != decided(other) || decided(one).is_none(), "{one}\n{other}");
    }
}

#[test]
fn a_name_may_mean_several_things() {
    // the raw table of the subquery may have a column `a`, or it is that of `p` outside
    let text = "SELECT b FROM p WHERE EXISTS (SELECT 1 FROM raw AS r WHERE r.id = a)";
    assert_eq!(reached(text, "a"), ["rows"]);
    // a column beside an alias of its name
    assert_eq!(reached("SELECT b AS a FROM p WHERE a > 0", "a"), ["rows"]);
    assert_eq!(reached("SELECT b AS a FROM p WHERE a > 0", "b"), ["rows", "a"]);
}

#[test]
fn a_column_that_is_added_counts_where_it_takes_a_name_away() {
    let add = |column: &str| {
        let column = column.to_owned();
        move |name: &str, parent: &mut Parent| {
            if let ("p", ParentColumns::Known(columns)) = (name, &mut parent.columns) {
                columns.push((column.clone(), Print::of("new", [])));
            }
        }
    };
    for (text, column, same) in [
        ("SELECT a FROM p", "z", true),
        ("SELECT a FROM (SELECT * FROM p) AS x", "z", true),
        ("SELECT * FROM p", "z", false),
        ("SELECT a, (SELECT max(d) FROM q WHERE q.b = z) AS m FROM p, r", "z", false),
        ("SELECT d FROM q WHERE EXISTS (SELECT 1 FROM p WHERE p.a = d)", "d", false),
        ("SELECT DISTINCT * FROM p", "z", false),
        ("SELECT p AS r FROM p", "z", false),
        ("SELECT a FROM p NATURAL JOIN q", "z", true),
        ("SELECT a FROM p NATURAL JOIN q", "d", false),
    ] {
        let (before, after) = (told(text), parents(text, &add(column)));
        assert_eq!(after == Ok(before), same, "{text}");
    }
    // two tables have it now: DuckDB refuses the query
    let ambiguous = parents("SELECT a, d FROM p JOIN q ON p.b = q.b", &add("d"));
    assert_eq!(ambiguous, Err(Unknown("a name that two columns have")));
}

#[test]
fn what_comes_out_differently_each_time_is_known_as_such() {
    for (text, rows, column) in [
        ("SELECT a FROM p", false, false),
        ("SELECT random() AS a FROM p", false, true),
        ("SELECT current_date AS a FROM p", false, true),
        ("SELECT first(a) AS a FROM p", false, true),
        ("SELECT first(a ORDER BY b) AS a FROM p", false, false),
        ("SELECT row_number() OVER () AS a FROM p", false, true),
        ("SELECT row_number() OVER (ORDER BY b) AS a FROM p", false, false),
        ("SELECT a FROM p LIMIT 3", true, false),
        ("SELECT a FROM p ORDER BY a LIMIT 3", false, false),
        ("SELECT a FROM p WHERE c < now()", true, false),
        ("SELECT DISTINCT ON (a) a FROM p", true, false),
        ("SELECT a FROM p USING SAMPLE 10", true, false),
    ] {
        match parents(text, &|_, _| ()) {
            Ok(lineage) => assert_eq!((lineage.rows.unstable, lineage.columns[0].1.unstable), (rows, column), "{text}"),
            Err(unknown) => assert!(text.contains("SAMPLE"), "{text}: {unknown:?}"),
        }
    }
}

#[test]
fn what_is_not_understood_is_said() {
    for (text, why) in [
        ("SELECT * FROM raw", "a star over columns that the files don't tell"),
        ("SELECT raw FROM raw", "a row used as a value, of columns that the files don't tell"),
        ("SELECT a FROM p NATURAL JOIN raw", "NATURAL JOIN over columns that the files don't tell"),
        ("SELECT my_macro(a) AS a FROM p", "a function that is not known"),
        ("SELECT a + 1 FROM p", "a column without a name of its own"),
        (
            "SELECT d_1 FROM (SELECT b AS d, c AS d, max(a) FROM p GROUP BY ALL)",
            "two columns of one name beside one without a name of its own",
        ),
        ("SELECT COLUMNS('z') FROM p", "COLUMNS of a pattern that no column has"),
        ("SELECT COLUMNS('\\w') FROM p", "COLUMNS of a pattern that is not a simple one"),
        ("SELECT COLUMNS('a') + 1 AS n FROM p", "a function that is not known"),
        ("SELECT COLUMNS('max') FROM (SELECT max(a) FROM p)", "COLUMNS over columns without plain names"),
        ("SELECT hash(*) AS h FROM p", "a star in an expression"),
        ("SELECT zz FROM p", "a name that no table has"),
        ("SELECT a FROM p JOIN raw USING (a)", "USING a column that the files don't tell"),
        ("WITH RECURSIVE x AS (SELECT a FROM p LIMIT 1) SELECT * LIKE 'a' FROM x", "a text that can't be read"),
        ("SELECT a FROM p WHERE b = $1", "a parameter"),
        ("SELECT a FROM p UNION SELECT b, d FROM q", "a set operation over different numbers of columns"),
    ] {
        assert_eq!(parents(text, &|_, _| ()).map(|_| ()), Err(Unknown(why)), "{text}");
    }
}

#[test]
fn the_spelling_does_not_count() {
    let one = told("select p.a, sum(b) as n from p group by 1");
    let other = told("SELECT p.A, (SUM(p.b)) n\nFROM p -- all\nGROUP BY 1");
    assert_eq!(one.rows.print, other.rows.print);
    assert_eq!(one.columns[1].1, other.columns[1].1);
}

#[test]
fn columns_come_from_columns() {
    let lineage = told("WITH x AS (SELECT a + b AS n, c FROM p) SELECT n, d FROM x JOIN q ON x.c = q.b WHERE d > 0");
    let from = |origin: &Origin| lineage.from(origin).map(|(read, name)| format!("{read}.{name}")).collect::<Vec<_>>();
    assert_eq!(from(&lineage.columns[0].1), ["0.a", "0.b"]);
    assert_eq!(from(&lineage.columns[1].1), ["1.d"]);
    assert_eq!(from(&lineage.rows), ["0.c", "1.b", "1.d"]);
}

/// As DuckDB's `QueryResult::DeduplicateColumns` does, tried on DuckDB.
#[test]
fn of_columns_that_share_a_name_the_first_keeps_it() {
    for (text, names) in [
        ("SELECT 1 AS d, 2 AS d", "d d_1"),
        ("SELECT 1 AS D, 2 AS d, 3 AS d", "D d_1 d_2"),
        ("SELECT 1 AS d, 2 AS d, 3 AS d_1", "d d_1 d_1_1"),
        ("SELECT 1 AS d_1, 2 AS d, 3 AS d", "d_1 d d_2"),
        ("SELECT 1 AS d, 2 AS d, 3 AS d, 4 AS d_1, 5 AS d_1", "d d_1 d_2 d_1_1 d_1_2"),
        ("SELECT * FROM p JOIN q ON p.b = q.b", "a b c b_1 d"),
        ("SELECT *, 1 AS b FROM (SELECT * FROM p JOIN q ON p.b = q.b)", "a b c b_1 d b_2"),
        ("SELECT * FROM (SELECT a, a FROM p) AS x(a_1)", "a_1 a"),
        ("WITH x AS (SELECT a, a FROM p) SELECT * FROM x AS y(a_1)", "a_1 a_1_1"),
        ("SELECT COLUMNS('^b') FROM p, q", "b b_1"),
        ("SELECT COLUMNS('a|c') FROM p", "a c"),
    ] {
        let columns: Vec<String> = told(text).columns.into_iter().map(|(name, _)| name).collect();
        assert_eq!(columns.join(" "), names, "{text}");
    }
    // the second is found by the name that it was given, and hides that of a table around
    let text = "SELECT (SELECT max(b_1) FROM (SELECT p.b, q.b FROM p, q)) AS n FROM (SELECT a AS b_1 FROM p) AS o";
    assert_eq!(reached(text, "a"), [""; 0]);
    // a server refuses it, or means that of a table around
    let print = Print::of("p", []);
    let read = Parent::new(print, print, ParentColumns::Open(print));
    let told = of_text(EngineKind::Postgres, "SELECT a, a FROM p", &[&read]);
    assert_eq!(told, Err(Unknown("two columns of one name")));
}

/// `SELECT max(a)` has a column without a name of its own: a name that nothing else has may be it.
#[test]
fn a_name_may_be_one_that_duckdb_makes_up() {
    let text = "SELECT (SELECT max(\"max(a)\") FROM (SELECT max(a) FROM p)) AS n FROM (SELECT b AS \"max(a)\" FROM p)";
    assert_eq!(reached(text, "a"), ["rows", "n"]);
}

#[test]
fn what_means_something_else_has_another_lineage() {
    let seen = |text: &str| {
        let lineage = told(text);
        let columns = lineage.columns.into_iter().map(|(name, origin)| (name, origin.print));
        (lineage.rows.print, columns.collect::<Vec<_>>())
    };
    for (one, other) in [
        // a column that a query within passes on from its second table is not one of the second table around it
        (
            "SELECT i.a AS n FROM (SELECT y.a FROM p AS x JOIN p AS y ON x.a = y.b) AS i JOIN p AS o ON i.a < o.a",
            "SELECT o.a AS n FROM (SELECT y.a FROM p AS x JOIN p AS y ON x.a = y.b) AS i JOIN p AS o ON i.a < o.a",
        ),
        (
            "SELECT i.b AS n FROM (SELECT y.a, y.b FROM p AS x JOIN p AS y ON x.a = y.b) AS i JOIN p AS o ON i.a < o.a",
            "SELECT i.b AS n FROM (SELECT y.a, y.b FROM p AS x JOIN p AS y ON x.a = y.b) AS i JOIN p AS o ON o.a < i.a",
        ),
        (
            "WITH c AS (SELECT y.a FROM p AS x, p AS y WHERE x.a = y.b) SELECT i.a FROM c AS i, p AS o WHERE i.a < o.a",
            "WITH c AS (SELECT y.a FROM p AS x, p AS y WHERE x.a = y.b) SELECT i.a FROM c AS i, p AS o WHERE o.a < i.a",
        ),
        // nor is what a query within takes from one around it what is further outside
        (
            "SELECT (SELECT sum((SELECT z.c FROM (SELECT x.a AS c) AS z)) FROM p AS x) AS k FROM p AS w",
            "SELECT (SELECT sum((SELECT w.a FROM (SELECT x.a AS c) AS z)) FROM p AS x) AS k FROM p AS w",
        ),
        // of an outer join, a side's own column may be NULL where the name alone is not
        ("SELECT p.b FROM p FULL JOIN q USING (b)", "SELECT b FROM p FULL JOIN q USING (b)"),
        ("SELECT p.b FROM p NATURAL RIGHT JOIN q", "SELECT b FROM p NATURAL RIGHT JOIN q"),
        ("SELECT count(p.b) AS n FROM p RIGHT JOIN q USING (b)", "SELECT count(b) AS n FROM p RIGHT JOIN q USING (b)"),
        ("SELECT p.* FROM p FULL JOIN q USING (b)", "SELECT a, b, c FROM p FULL JOIN q USING (b)"),
        ("SELECT * EXCLUDE (d) FROM p FULL JOIN q USING (b)", "SELECT p.* FROM p FULL JOIN q USING (b)"),
        (
            "SELECT a FROM p FULL JOIN q USING (b) WHERE p.b IS NULL",
            "SELECT a FROM p FULL JOIN q USING (b) WHERE b IS NULL",
        ),
        // the fields of a struct are called like what it was made of
        (
            "SELECT struct_pack(x) AS z FROM (SELECT a AS x FROM p)",
            "SELECT struct_pack(y) AS z FROM (SELECT a AS y FROM p)",
        ),
        ("SELECT * REPLACE (a + 1 AS a) FROM p", "SELECT * REPLACE (a + 1 AS A) FROM p"),
    ] {
        assert_ne!(seen(one), seen(other), "{one} | {other}");
    }
}
