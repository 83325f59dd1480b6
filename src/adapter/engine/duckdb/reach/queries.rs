//! Random queries, and random edits of them.

use std::collections::BTreeMap;

/// Few names, so that columns have names in common, and added ones take names away.
const NAMES: [&str; 10] = ["a", "b", "c", "d", "x", "y", "z", "k", "u", "w"];
/// Relations and their columns.
pub(super) type Relations = BTreeMap<String, Vec<String>>;
/// Numbers that look random and are the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub(super) fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.roll(of.len())]
    }

    pub(super) fn column(&mut self, of: &[String]) -> String {
        of[self.roll(of.len())].clone()
    }

    fn name(&mut self) -> String {
        self.one(&NAMES).to_owned()
    }

    pub(super) fn number(&mut self) -> usize {
        self.roll(5)
    }

    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn expression(&mut self, columns: &[String], depth: usize) -> String {
        let kind = self.roll(100);
        match kind {
            _ if kind < 35 || depth > 1 => self.column(columns),
            35..60 => {
                let right = if self.percent(50) { self.number().to_string() } else { self.column(columns) };
                format!("{} {} {right}", self.expression(columns, depth + 1), self.one(&["+", "-", "*"]))
            }
            60..70 => format!("coalesce({}, {})", self.expression(columns, depth + 1), self.number()),
            70..80 => {
                let (when, then) = (self.column(columns), self.expression(columns, depth + 1));
                format!("CASE WHEN {when} > {} THEN {then} ELSE {} END", self.number(), self.number())
            }
            80..90 => format!("({})", self.expression(columns, depth + 1)),
            _ => self.number().to_string(),
        }
    }

    fn condition(&mut self, columns: &[String]) -> String {
        format!("{} {} {}", self.column(columns), self.one(&["=", "<", ">", "<>", "<="]), self.number())
    }

    fn filter(&mut self, columns: &[String]) -> String {
        if self.percent(50) { format!(" WHERE {}", self.condition(columns)) } else { String::new() }
    }

    /// A list of columns with aliases, later ones over earlier ones now and then; and the aliases.
    fn items(&mut self, columns: &[String], count: usize) -> (String, Vec<String>) {
        let (mut items, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let name = self.name();
            if names.contains(&name) {
                continue;
            }
            let mut from = columns.to_vec();
            if !names.is_empty() && self.percent(35) {
                from.push(self.column(&names));
            }
            items.push(format!("{} AS {name}", self.expression(&from, 0)));
            names.push(name);
        }
        (items.join(", "), names)
    }

    fn some_items(&mut self, columns: &[String]) -> String {
        let count = 1 + self.roll(4);
        self.items(columns, count).0
    }

    pub(super) fn query(&mut self, relations: &Relations) -> String {
        let names: Vec<&String> = relations.keys().collect();
        let p = names[self.roll(names.len())].clone();
        let columns = relations[&p].clone();
        let others: Vec<String> = names.into_iter().filter(|name| **name != p).cloned().collect();
        let kind = self.roll(100);
        match (kind, others.is_empty()) {
            (0..16, _) => format!("SELECT {} FROM {p}{}", self.some_items(&columns), self.filter(&columns)),
            (16..24, _) => self.star(&p, &columns),
            (24..34, _) => {
                let count = 1 + self.roll(4);
                let (items, names) = self.items(&columns, count);
                let last = if self.percent(50) { "*".to_owned() } else { self.column(&names) };
                let (inner, outer) = (self.filter(&columns), self.filter(&names));
                format!(
                    "WITH s AS (SELECT * FROM {p}), t AS (SELECT {items} FROM s{inner}) SELECT {last} FROM t{outer}"
                )
            }
            (34..44, _) => self.aggregate(&p, &columns),
            (44..49, _) => format!("SELECT DISTINCT {} FROM {p}", self.some_items(&columns)),
            (49..58, false) => {
                let q = self.column(&others);
                let (left, right) = (self.items(&columns, 1).0, self.items(&relations[&q], 1).0);
                let op = self.one(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "UNION ALL BY NAME", "UNION BY NAME"]);
                format!("SELECT {left} FROM {p} {op} SELECT {right} FROM {q}")
            }
            (58..76, false) => {
                let q = self.column(&others);
                self.join((&p, &columns), (&q, &relations[&q]))
            }
            (76..86, false) => {
                let q = self.column(&others);
                self.subquery((&p, &columns), (&q, &relations[&q]))
            }
            (86..92, _) => self.window(&p, &columns),
            (92..95, _) => {
                let (one, other) = (self.expression(&columns, 0), self.expression(&columns, 0));
                format!("SELECT unnest([{one}, {other}]) AS u, {} AS {}0 FROM {p}", self.column(&columns), self.name())
            }
            (95..98, _) => {
                format!("SELECT {} FROM {p} ORDER BY ALL LIMIT {}", self.some_items(&columns), 1 + self.roll(4))
            }
            _ => self.odd(&p, &columns),
        }
    }

    fn star(&mut self, p: &str, columns: &[String]) -> String {
        let star = match self.roll(4) {
            0 => "*".to_owned(),
            1 => format!("*, {}", self.items(columns, 1).0),
            2 => format!("* EXCLUDE ({})", self.column(columns)),
            _ => format!("* REPLACE ({} AS {})", self.expression(columns, 0), self.column(columns)),
        };
        format!("SELECT {star} FROM {p}{}", self.filter(columns))
    }

    fn aggregate(&mut self, p: &str, columns: &[String]) -> String {
        let (key, of) = (self.column(columns), self.column(columns));
        let f = self.one(&["sum", "max", "min", "count"]);
        match self.roll(5) {
            0 => {
                format!(
                    "SELECT {key} AS {}0, {f}({of}) AS ag FROM {p}{} GROUP BY {key}",
                    self.name(),
                    self.filter(columns)
                )
            }
            1 => format!("SELECT {} AS g, {f}({of}) AS ag FROM {p} GROUP BY 1", self.expression(columns, 0)),
            2 => {
                format!(
                    "SELECT {} AS {}0, {f}({of}) AS ag FROM {p} GROUP BY ALL",
                    self.expression(columns, 0),
                    self.name()
                )
            }
            3 => format!("SELECT {f}({of}) AS ag, count(*) AS n FROM {p}{}", self.filter(columns)),
            _ => format!(
                "SELECT {key}, {f}({of}) AS ag FROM {p} GROUP BY {key} HAVING {f}({}) > {}",
                self.column(columns),
                self.number()
            ),
        }
    }

    fn join(&mut self, (p, left): (&str, &[String]), (q, right): (&str, &[String])) -> String {
        let common: Vec<String> = left.iter().filter(|name| right.contains(name)).cloned().collect();
        let apart = left.iter().filter(|name| !right.contains(name));
        let apart: Vec<String> = apart.chain(right.iter().filter(|name| !left.contains(name))).cloned().collect();
        let kind = self.one(&["JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN"]);
        if !common.is_empty() && self.percent(45) {
            let by = self.column(&common);
            let from = match self.roll(4) {
                0 => format!("{p} NATURAL {kind} {q}"),
                1 => return format!("SELECT {} FROM {p} SEMI JOIN {q} USING ({by})", self.some_items(left)),
                _ => format!("{p} {kind} {q} USING ({by})"),
            };
            let columns: Vec<String> = [vec![by], apart].concat();
            return format!("SELECT {} FROM {from}", self.some_items(&columns));
        }
        let (a, b) = (self.column(left), self.column(right));
        let items: Vec<String> = (0..1 + self.roll(3))
            .map(|at| {
                let item = match self.roll(3) {
                    0 if !apart.is_empty() => self.expression(&apart, 0),
                    1 => format!("r.{}", self.column(right)),
                    _ => format!("l.{}", self.column(left)),
                };
                format!("{item} AS {}{at}", self.name())
            })
            .collect();
        let items = match self.percent(15) {
            true => format!("l.*, r.{} AS {}9", self.column(right), self.name()),
            false => items.join(", "),
        };
        format!("SELECT {items} FROM {p} AS l {kind} {q} AS r ON l.{a} = r.{b}")
    }

    fn subquery(&mut self, (p, left): (&str, &[String]), (q, right): (&str, &[String])) -> String {
        let both = [left, right].concat();
        match self.roll(3) {
            0 => format!(
                "SELECT {} AS {}0, (SELECT {}({}) FROM {q} AS i WHERE i.{} = {}) AS sub FROM {p}",
                self.column(left),
                self.name(),
                self.one(&["max", "sum", "count"]),
                self.column(&both),
                self.column(right),
                self.column(left)
            ),
            1 => format!(
                "SELECT {} FROM {p} WHERE {} IN (SELECT {} FROM {q})",
                self.some_items(left),
                self.column(left),
                self.column(&both)
            ),
            _ => format!(
                "SELECT {} FROM {p} WHERE {}EXISTS (SELECT 1 FROM {q} WHERE {} = {})",
                self.some_items(left),
                self.one(&["", "NOT "]),
                self.column(&both),
                self.column(right)
            ),
        }
    }

    fn window(&mut self, p: &str, columns: &[String]) -> String {
        let (a, b, by) = (self.column(columns), self.column(columns), self.column(columns));
        let name = self.name();
        match self.roll(4) {
            0 => format!("SELECT {a} AS {name}0, sum({b}) OVER (PARTITION BY {by}) AS sw FROM {p}"),
            1 => format!(
                "SELECT {a} AS {name}0, {b} AS {name}1, rank() OVER (ORDER BY {by}) AS rk FROM {p} QUALIFY rk <= 2"
            ),
            2 => format!("SELECT {a} AS {name}0, max({b}) OVER w AS m FROM {p} WINDOW w AS (PARTITION BY {by})"),
            _ => format!(
                "SELECT {a} AS {name}0, {b} AS q FROM {p} QUALIFY max({by}) OVER (PARTITION BY {a}) > {}",
                self.number()
            ),
        }
    }

    fn odd(&mut self, p: &str, columns: &[String]) -> String {
        let column = self.column(columns);
        match self.roll(3) {
            0 => format!("SELECT {} AS st, {column} AS {}0 FROM {p}", p.rsplit('.').next().unwrap(), self.name()),
            1 => format!("SELECT COLUMNS('{column}|{}') FROM {p}", self.name()),
            _ => format!(
                "WITH RECURSIVE t AS (SELECT {column} AS n FROM {p} UNION SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t"
            ),
        }
    }

    /// Another text of a model, and whether SQLMesh takes it for one that changes nothing below.
    pub(super) fn edit(&mut self, sql: &str, columns: &[String]) -> (String, bool) {
        let column = self.column(columns);
        match self.roll(100) {
            0..30 => {
                let (name, number) = (self.name(), self.number());
                let is_simple = ["SELECT DISTINCT", "WITH"].iter().all(|start| !sql.starts_with(start))
                    && ["UNION", "EXCEPT", "INTERSECT"].iter().all(|op| !sql.contains(op));
                match sql.find(" FROM ").filter(|_| is_simple) {
                    Some(at) => (format!("{}, {number} AS {name}{}", &sql[..at], &sql[at..]), true),
                    None => (format!("SELECT *, {number} AS {name} FROM ({sql}) AS q"), false),
                }
            }
            30..45 => (format!("SELECT * REPLACE ({column} + 1 AS {column}) FROM ({sql}) AS q"), false),
            45..60 => {
                let items = columns.iter().map(|name| match *name == column {
                    true => format!("{name} * 2 AS {name}"),
                    false => name.clone(),
                });
                (format!("SELECT {} FROM ({sql}) AS q", items.collect::<Vec<_>>().join(", ")), false)
            }
            60..70 => (format!("SELECT * REPLACE (CAST({column} AS BIGINT) AS {column}) FROM ({sql}) AS q"), false),
            70..80 => (format!("SELECT * EXCLUDE ({column}) FROM ({sql}) AS q"), false),
            80..88 => (format!("SELECT * FROM ({sql}) AS q WHERE {column} IS DISTINCT FROM {}", self.number()), false),
            88..94 => {
                let mut columns = columns.to_vec();
                columns.rotate_left(1);
                (format!("SELECT {} FROM ({sql}) AS q", columns.join(", ")), false)
            }
            _ => (format!("SELECT DISTINCT * FROM ({sql}) AS q"), false),
        }
    }
}
