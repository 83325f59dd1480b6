//! Queries of random models in Spark's SQL.

/// One of 28 forms.
pub(super) fn query(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0..14 => plain(a, b, constant, form),
        _ => joined(a, b, constant, form - 14),
    }
}

/// Queries that read one relation after the other.
fn plain(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT * EXCEPT (v), v + {constant} AS v FROM m{a}"),
        2 => format!("FROM m{a} SELECT id, v WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL SELECT id, v + 1 FROM m{b}"),
        5 => format!("SELECT id, v FROM m{a} ORDER BY id, v LIMIT 3 OFFSET {constant}"),
        6 => format!(
            "SELECT id, v FROM (SELECT id, v, row_number() OVER (PARTITION BY id ORDER BY v DESC) AS n FROM m{a}) AS x \
             WHERE n <= {constant} + 1"
        ),
        7 => format!(
            "SELECT id, v FROM (SELECT id, sum(v) OVER by_id AS v FROM m{a} WINDOW by_id AS (PARTITION BY id)) AS x \
             WHERE id <> {constant}"
        ),
        8 => format!("SELECT id, v + {constant} AS w, w * 2 AS v FROM m{a}"),
        9 => format!("SELECT max(id) AS id, max(v) AS v FROM m{a} GROUP BY id % ({constant} + 1) HAVING max(v) > 1"),
        10 => format!("SELECT id, v FROM m{a} MINUS SELECT id, {constant} FROM m{b}"),
        11 => format!("SELECT DISTINCT id, part AS v FROM m{a} LATERAL VIEW explode(array(v, {constant})) AS part"),
        12 => format!(
            "SELECT coalesce(id, 0) AS id, CAST(sum(v) FILTER (WHERE v > {constant}) AS BIGINT) AS v FROM m{a} \
             GROUP BY GROUPING SETS ((id), ())"
        ),
        _ => format!(
            "SELECT id, coalesce(small, big) AS v FROM (SELECT id, v, v > {constant} AS is_big FROM m{a}) \
             PIVOT (max(v) FOR is_big IN (true AS big, false AS small))"
        ),
    }
}

/// Queries that read several relations at once. What joins takes each row once: rows would be multiplied from model to model.
fn joined(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY ALL"),
        1 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        2 => format!("SELECT DISTINCT id, v FROM m{a} NATURAL JOIN m{b} AS o WHERE v <> {constant}"),
        3 => format!(
            "SELECT DISTINCT * FROM (SELECT id, v FROM m{a}) AS x NATURAL LEFT JOIN (SELECT id, v AS w FROM m{b}) AS y"
        ),
        4 => {
            format!("SELECT DISTINCT id, coalesce(b.v, {constant}) AS v FROM m{a} AS a LEFT JOIN m{b} AS b USING (id)")
        }
        5 => format!("SELECT DISTINCT id, v FROM m{a} FULL JOIN m{b} AS o USING (id, v) WHERE id > {constant} - 2"),
        6 => {
            format!("SELECT x.* EXCEPT (v), v + {constant} AS v FROM m{a} AS x LEFT SEMI JOIN m{b} AS o ON x.id = o.id")
        }
        7 => format!("SELECT id, v FROM m{a} AS x LEFT ANTI JOIN m{b} AS o ON x.id = o.id AND x.v < o.v + {constant}"),
        8 => format!("SELECT id, v FROM m{a} INTERSECT ALL SELECT id, v FROM m{b} WHERE v >= {constant}"),
        9 => {
            format!("SELECT o.id, (SELECT count(*) FROM m{b} WHERE id = o.id AND v >= {constant}) AS v FROM m{a} AS o")
        }
        10 => format!(
            "SELECT id, v FROM m{a} AS o WHERE EXISTS (SELECT 1 FROM m{b} AS x WHERE x.id = o.id AND x.v > o.v - {constant})"
        ),
        11 => format!(
            "SELECT id, v FROM m{a} AS o, LATERAL (SELECT count(*) AS n FROM m{b} AS x WHERE x.id = o.id) AS l \
             WHERE l.n > {constant} - 2"
        ),
        12 => format!(
            "WITH RECURSIVE r AS (SELECT DISTINCT id, v FROM m{a} UNION ALL SELECT id, v + 1 FROM r WHERE v < {constant} + 2) \
             SELECT DISTINCT id, v FROM r"
        ),
        _ => format!(
            "SELECT id, v FROM m{a} WHERE id NOT IN (SELECT id FROM m{b} WHERE v = {constant} AND id IS NOT NULL)"
        ),
    }
}
