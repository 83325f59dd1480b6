//! Random queries in layers, and the same parts in other layers: a condition moves through a subquery, two layers become one,
//! a key is said twice.

use std::collections::BTreeSet;

use super::queries::Dice;

const COLUMNS: [&str; 4] = ["id", "k", "a", "b"];
/// What the innermost layer reads: relations with these columns, and names that are those of columns, too. Neighbours are much
/// like each other.
const BASES: [&str; 22] = [
    "raw.r1",
    "(SELECT id, k, x AS a, y AS b FROM raw.r2) AS p",
    "raw.r1 LEFT JOIN raw.r3 USING (k)",
    "raw.r1 JOIN raw.r3 USING (k)",
    "raw.r1 SEMI JOIN raw.r3 USING (k)",
    "raw.r1 ANTI JOIN raw.r3 USING (k)",
    "raw.r1 FULL JOIN raw.r3 USING (k)",
    "raw.r1 NATURAL JOIN (SELECT id, k, x FROM raw.r2) AS q",
    "raw.r1 NATURAL JOIN (SELECT id, x FROM raw.r2) AS q",
    "raw.r1 NATURAL JOIN (SELECT k, x FROM raw.r2) AS q",
    "raw.r1 AS p JOIN (SELECT k AS j, z FROM raw.r3) AS q ON p.id > q.j",
    "raw.r1 AS k JOIN (SELECT k AS j, z FROM raw.r3) AS a ON k.id > a.j",
    "(SELECT * FROM raw.r1 UNION ALL SELECT id, k, x, y FROM raw.r2) AS p",
    "(SELECT * FROM raw.r1 UNION SELECT id, k, x, y FROM raw.r2) AS p",
    "(SELECT * FROM raw.r1 UNION ALL SELECT id, k, y, x FROM raw.r2) AS p",
    "(SELECT * FROM raw.r1 EXCEPT SELECT id, k, x, y FROM raw.r2) AS p",
    "(SELECT id, 2 AS k, a, b FROM raw.r1 LEFT JOIN raw.r2 USING (id, k)) AS p",
    "(SELECT id, 2 AS k, a, b FROM raw.r1 LEFT JOIN raw.r2 USING (id)) AS p",
    "(SELECT k AS id, 2 AS k, a, b FROM raw.r1 LEFT JOIN raw.r2 USING (k)) AS p",
    "(SELECT k AS id, 2 AS k, a, b FROM raw.r1 LEFT JOIN raw.r2 USING (k, id)) AS p",
    "(SELECT DISTINCT id, k, a, 1 AS b FROM raw.r1) AS a",
    "(SELECT DISTINCT id, k, a, a AS b FROM raw.r1) AS a",
];
const WINDOWS: [&str; 6] =
    ["", "PARTITION BY id", "PARTITION BY k", "PARTITION BY id, k", "PARTITION BY a ORDER BY k", "ORDER BY k"];

/// Where a part of a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    Item,
    Where,
    Group,
    Having,
    /// Of a window that is called `w`.
    Window,
    Qualify,
    Order,
    Limit,
    /// Without a key: a plain DISTINCT.
    Distinct,
}

use Clause::{Distinct, Group, Having, Item, Limit, Order, Qualify, Where, Window};

/// One SELECT.
type Layer = Vec<(Clause, String)>;

fn column(dice: &mut Dice) -> &'static str {
    dice.one(&COLUMNS)
}

fn aggregate(dice: &mut Dice) -> String {
    match dice.roll(4) {
        0 => "count(*)".to_owned(),
        _ => format!("{}({})", dice.one(&["max", "min", "sum"]), column(dice)),
    }
}

fn windowed(dice: &mut Dice) -> String {
    match dice.percent(35) {
        true => format!("{} OVER w", aggregate(dice)),
        false => format!("{} OVER ({})", aggregate(dice), dice.one(&WINDOWS)),
    }
}

/// A value that only depends on one row, mostly.
fn value(dice: &mut Dice) -> String {
    match dice.roll(16) {
        0 | 1 | 7..10 => windowed(dice),
        4 => format!("unnest([{}, {}])", column(dice), column(dice)),
        5 => aggregate(dice),
        2 => format!("{} + {}", column(dice), dice.number()),
        3 => format!("(SELECT max(z) FROM raw.r3 AS {0} WHERE {0}.k = {1})", dice.one(&["a", "s"]), column(dice)),
        6 => format!("(SELECT count(*) FROM raw.r2 AS s WHERE s.x = {} AND s.k > {})", column(dice), column(dice)),
        _ => column(dice).to_owned(),
    }
}

fn part(dice: &mut Dice, clause: Clause) -> String {
    match clause {
        Item => value(dice),
        Where => match dice.roll(6) {
            0 => {
                let not = dice.one(&["", "NOT "]);
                format!("{} {not}IN (SELECT {} FROM raw.r3 AS s)", column(dice), dice.one(&["z", "w", "s.k"]))
            }
            1 => {
                let not = dice.one(&["", "NOT "]);
                format!("{not}EXISTS (SELECT 1 FROM raw.r3 AS s WHERE s.z = {})", column(dice))
            }
            _ => format!("{} > {}", value(dice), dice.number()),
        },
        Having => format!("{} > {}", aggregate(dice), dice.number()),
        Qualify => format!("{} > {}", windowed(dice), dice.number()),
        Window => dice.one(&WINDOWS).to_owned(),
        Group => column(dice).to_owned(),
        Order => format!("{}{}", column(dice), dice.one(&["", "", " DESC"])),
        Limit => (1 + dice.roll(4)).to_string(),
        Distinct => if dice.percent(50) { column(dice) } else { "" }.to_owned(),
    }
}

fn layer(dice: &mut Dice) -> Layer {
    let mut layer = Layer::new();
    let is_grouped = dice.percent(30);
    for (clause, percent) in [(Where, 45), (Having, 25), (Qualify, 12), (Order, 20), (Limit, 12), (Distinct, 12)] {
        if dice.percent(percent) && (clause != Having || is_grouped) {
            layer.push((clause, part(dice, clause)));
        }
    }
    for _ in 0..if is_grouped { dice.roll(3) } else { 0 } {
        layer.push((Group, part(dice, Group)));
    }
    for name in COLUMNS {
        let is_key = layer.contains(&(Group, name.to_owned()));
        let text = match dice.roll(3) {
            _ if is_key => name.to_owned(),
            _ if is_grouped => aggregate(dice),
            0 => value(dice),
            _ => name.to_owned(),
        };
        layer.push((Item, format!("{text} AS {name}")));
    }
    // rows of no order are those of another query each time
    if layer.iter().any(|it| it.0 == Limit) {
        layer.push((Order, part(dice, Order)));
    }
    if layer.iter().any(|it| it.1.contains("OVER w")) {
        layer.push((Window, part(dice, Window)));
    }
    layer
}

/// The text of a layer over what it reads.
fn text_of(layer: &Layer, from: &str) -> String {
    let of = |clause: Clause| layer.iter().filter(move |it| it.0 == clause).map(|it| it.1.as_str()).collect::<Vec<_>>();
    let mut names = BTreeSet::new();
    let items = of(Item).into_iter().filter(|item| names.insert(item.rsplit(' ').next()));
    let keys: Vec<&str> = of(Distinct).into_iter().filter(|key| !key.is_empty()).collect();
    let distinct = match (of(Distinct).is_empty(), keys.is_empty()) {
        (true, _) => String::new(),
        (_, true) => "DISTINCT ".to_owned(),
        (_, false) => format!("DISTINCT ON ({}) ", keys.join(", ")),
    };
    let mut text = format!("SELECT {distinct}{} FROM {from}", items.collect::<Vec<_>>().join(", "));
    for (clause, word, between) in [
        (Where, "WHERE", " AND "),
        (Group, "GROUP BY", ", "),
        (Having, "HAVING", " AND "),
        (Window, "WINDOW w AS", "|"),
        (Qualify, "QUALIFY", " AND "),
        (Order, "ORDER BY", ", "),
    ] {
        if !of(clause).is_empty() {
            let mut parts = of(clause).join(between);
            // of rows that the keys don't tell apart, any may be left
            if clause == Order {
                parts.push_str(&format!(", {}", COLUMNS.join(", ")));
            }
            // there is one window
            let parts = if clause == Window { format!("({})", of(clause)[0]) } else { parts };
            text.push_str(&format!(" {word} {parts}"));
        }
    }
    of(Limit).first().into_iter().for_each(|limit| text.push_str(&format!(" LIMIT {limit}")));
    text
}

/// The text of a query, whose layers lie one around the other.
fn query(base: &str, layers: &[Layer]) -> String {
    let mut from = base.to_owned();
    for (number, layer) in layers.iter().enumerate() {
        let text = text_of(layer, &from);
        from = if number + 1 == layers.len() { text } else { format!("({text}) AS {}", ["t", "a", "k"][number % 3]) };
    }
    from
}

/// Puts a part into another place, or does what else people do with the parts of a query.
fn move_one(dice: &mut Dice, base: &mut &'static str, layers: &mut Vec<Layer>) {
    let (one, other) = (dice.roll(layers.len()), dice.roll(layers.len()));
    let others: Vec<usize> = (0..layers[one].len()).filter(|at| layers[one][*at].0 != Item).collect();
    let at = match others.is_empty() || dice.percent(30) {
        true => dice.roll(layers[one].len()),
        false => others[dice.roll(others.len())],
    };
    match dice.roll(16) {
        12 if layers[one][at].0 != Item => {
            layers[one].remove(at);
        }
        12..15 => {
            let (clause, before) = layers[one][at].clone();
            let name = before.rfind(" AS ").map_or("", |name| &before[name..]);
            layers[one][at].1 = format!("{}{}", part(dice, clause), if clause == Item { name } else { "" });
        }
        0..4 => {
            let (clause, text) = layers[one].remove(at);
            let to = dice.roll(layers[other].len() + 1);
            layers[other].insert(to, (elsewhere(dice, clause), text));
        }
        4 => {
            let twice = layers[one][at].clone();
            layers[other].push(twice);
        }
        5 | 6 if one != other => layers.swap(one, other),
        7 | 8 if one + 1 < layers.len() => {
            let outer = layers.remove(one + 1);
            // its items are those of the inner layer where they are its columns
            let passed_on = COLUMNS.map(|name| (Item, format!("{name} AS {name}")));
            let kept: Layer = outer.into_iter().filter(|part| !passed_on.contains(part)).collect();
            layers[one].splice(0..0, kept);
        }
        9 => {
            // a layer becomes two
            let clause = layers[one][at].0;
            let (out, within): (Layer, Layer) = layers[one].drain(..).partition(|it| it.0 == clause && clause != Item);
            let items = COLUMNS.iter().map(|name| (Item, format!("{name} AS {name}")));
            let out = out.into_iter().chain(items).collect();
            layers[one] = within;
            layers.insert(one + dice.roll(2), out);
        }
        10 => *base = dice.one(&BASES),
        15 => {
            let beside = BASES.iter().position(|it| it == base).map_or(0, |at| at ^ 1);
            *base = BASES[beside];
        }
        11 if layers.len() > 1 => {
            layers.remove(one);
        }
        _ => layers[one].rotate_left(at),
    }
}

/// A clause in which a part of another one may stand.
fn elsewhere(dice: &mut Dice, clause: Clause) -> Clause {
    match clause {
        Where | Having | Qualify if dice.percent(30) => [Where, Having, Qualify][dice.roll(3)],
        Group | Order | Distinct if dice.percent(20) => [Group, Order, Distinct][dice.roll(3)],
        _ => clause,
    }
}

/// A query, and another one of its parts.
pub(super) fn pair(dice: &mut Dice) -> (String, String) {
    let mut base = dice.one(&BASES);
    let mut layers: Vec<Layer> = (0..1 + dice.roll(3)).map(|_| layer(dice)).collect();
    let text = query(base, &layers);
    for _ in 0..1 + dice.roll(2) {
        move_one(dice, &mut base, &mut layers);
        layers.retain(|layer| layer.len() > 1);
        if layers.is_empty() {
            break;
        }
    }
    let other = query(base, &layers);
    (text, other)
}
