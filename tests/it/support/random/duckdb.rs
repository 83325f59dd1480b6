//! Queries of random models in DuckDB's SQL.

/// Queries as they have always been written.
pub(super) fn plain(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY ALL"),
        2 => format!("FROM m{a} SELECT id, v WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL BY NAME SELECT v, id FROM m{b}"),
        5 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        6 => format!("SELECT * FROM m{a} ORDER BY ALL LIMIT 3 OFFSET {constant}"),
        _ => format!(
            "WITH RECURSIVE r AS (SELECT id, v FROM m{a} UNION SELECT id, v + 1 FROM r WHERE v < {constant} + 2) \
             SELECT id, v FROM r"
        ),
    }
}

/// Queries as DuckDB lets one write them. What joins takes each row once: rows would be multiplied from model to model.
pub(super) fn modern(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!(
            "SELECT id, v FROM m{a} QUALIFY row_number() OVER (PARTITION BY id ORDER BY v DESC) <= {constant} + 1"
        ),
        1 => format!(
            "SELECT id, sum(v) OVER by_id AS v FROM m{a} WINDOW by_id AS (PARTITION BY id) \
             QUALIFY count(*) OVER by_id > 0 AND id <> {constant}"
        ),
        2 => format!("SELECT DISTINCT id, v FROM m{a} NATURAL JOIN m{b} AS o WHERE v <> {constant}"),
        3 => format!("SELECT DISTINCT * FROM (SELECT id, v FROM m{a}) NATURAL LEFT JOIN (SELECT id, v AS w FROM m{b})"),
        4 => {
            format!("SELECT DISTINCT id, coalesce(b.v, {constant}) AS v FROM m{a} AS a LEFT JOIN m{b} AS b USING (id)")
        }
        5 => format!("SELECT DISTINCT id, v FROM m{a} FULL JOIN m{b} AS o USING (id, v) WHERE id > {constant} - 2"),
        6 => format!("SELECT * EXCLUDE (v), v + {constant} AS v FROM m{a}"),
        7 => format!("SELECT * REPLACE (v * {constant} AS v) FROM m{a}"),
        8 => format!("SELECT id, renamed + {constant} AS v FROM (SELECT * RENAME (v AS renamed) FROM m{a})"),
        9 => format!("SELECT COLUMNS(lambda c: c IN ('id', 'v')) FROM m{a} WHERE v >= {constant}"),
        10 => format!(
            "SELECT max(COLUMNS(*)) AS '\\0' FROM m{a} WHERE COLUMNS(*) IS NOT NULL GROUP BY id % ({constant} + 1)"
        ),
        11 => format!("SELECT DISTINCT ON (id) id, v FROM m{a} WHERE v <> {constant} ORDER BY id, v DESC NULLS LAST"),
        12 => format!("SELECT * FROM m{a} UNION BY NAME SELECT *, {constant} AS extra FROM (SELECT id, v FROM m{b})"),
        13 => {
            format!("SELECT o.id, (SELECT count(*) FROM m{b} WHERE id = o.id AND v >= {constant}) AS v FROM m{a} AS o")
        }
        14 => format!(
            "SELECT id, v FROM m{a} AS o WHERE EXISTS (FROM m{b} AS x WHERE x.id = o.id AND x.v > o.v - {constant})"
        ),
        _ => format!("SELECT id, v + {constant} AS w, w * 2 AS v FROM m{a} WHERE w > {constant}"),
    }
}
