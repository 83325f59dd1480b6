//! Queries of random models in PostgreSQL's SQL.

/// One of 24 forms.
pub(super) fn query(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY a.id"),
        2 => format!("SELECT id, v FROM m{a} WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL SELECT id, v + 1 FROM m{b}"),
        5 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        6 => format!("SELECT id, v FROM m{a} ORDER BY 1, 2 LIMIT 3 OFFSET {constant}"),
        7 => format!(
            "WITH RECURSIVE r AS (SELECT id, v FROM m{a} UNION SELECT id, v + 1 FROM r WHERE v < {constant} + 2) \
             SELECT id, v FROM r"
        ),
        8 => format!(
            "SELECT id, v FROM (SELECT id, v, row_number() OVER (PARTITION BY id ORDER BY v DESC) AS n FROM m{a}) AS x \
             WHERE n <= {constant} + 1"
        ),
        9 => format!(
            "SELECT id, v FROM (SELECT id, sum(v) OVER by_id AS v FROM m{a} WINDOW by_id AS (PARTITION BY id)) AS x \
             WHERE id <> {constant}"
        ),
        10 => format!("SELECT DISTINCT id, v FROM m{a} NATURAL JOIN m{b} AS o WHERE v <> {constant}"),
        11 => format!(
            "SELECT DISTINCT * FROM (SELECT id, v FROM m{a}) AS x NATURAL LEFT JOIN (SELECT id, v AS w FROM m{b}) AS y"
        ),
        12 => {
            format!("SELECT DISTINCT id, coalesce(b.v, {constant}) AS v FROM m{a} AS a LEFT JOIN m{b} AS b USING (id)")
        }
        13 => format!("SELECT DISTINCT id, v FROM m{a} FULL JOIN m{b} AS o USING (id, v) WHERE id > {constant} - 2"),
        14 => format!("SELECT x.*, v + {constant} AS extra{a} FROM m{a} AS x"),
        15 => format!("SELECT id, renamed + {constant} AS v FROM (SELECT id, v AS renamed FROM m{a}) AS x"),
        16 => format!("SELECT max(id) AS id, max(v) AS v FROM m{a} GROUP BY id % ({constant} + 1)"),
        17 => format!("SELECT DISTINCT ON (id) id, v FROM m{a} WHERE v <> {constant} ORDER BY id, v DESC NULLS LAST"),
        18 => format!("SELECT id, v FROM m{a} UNION SELECT id, {constant} FROM m{b}"),
        19 => {
            format!("SELECT o.id, (SELECT count(*) FROM m{b} WHERE id = o.id AND v >= {constant}) AS v FROM m{a} AS o")
        }
        20 => format!(
            "SELECT id, v FROM m{a} AS o WHERE EXISTS (SELECT 1 FROM m{b} AS x WHERE x.id = o.id AND x.v > o.v - {constant})"
        ),
        21 => {
            format!("SELECT id, w * 2 AS v FROM (SELECT id, v + {constant} AS w FROM m{a}) AS x WHERE w > {constant}")
        }
        22 => format!(
            "SELECT id, v FROM m{a} AS o, LATERAL (SELECT count(*) AS n FROM m{b} AS x WHERE x.id = o.id) AS l \
             WHERE l.n > {constant} - 2"
        ),
        _ => format!(
            "SELECT coalesce(id, 0) AS id, CAST(sum(v) FILTER (WHERE v > {constant}) AS BIGINT) AS v FROM m{a} \
             GROUP BY GROUPING SETS ((id), ())"
        ),
    }
}
