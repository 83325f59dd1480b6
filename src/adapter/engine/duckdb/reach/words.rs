//! Random queries in queries, and one word of each replaced by another.

use super::RAW;
use super::queries::Dice;

const JOINS: [&str; 5] = [" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " SEMI JOIN "];
/// How queries call what they read, by how deep they lie.
const NAMES: [[&str; 2]; 3] = [["p", "q"], ["x", "y"], ["v", "w"]];

/// A relation for FROM, and its columns.
fn relation(dice: &mut Dice, depth: usize, around: &[String]) -> (String, Vec<String>) {
    if depth >= 2 || dice.percent(60) {
        let (name, columns) = RAW[dice.roll(RAW.len())];
        return (name.to_owned(), columns.iter().map(|it| (*it).to_owned()).collect());
    }
    let (query, columns) = query(dice, depth + 1, around);
    (format!("({query})"), columns)
}

/// A query, and its columns; a query within may read those around it.
fn query(dice: &mut Dice, depth: usize, around: &[String]) -> (String, Vec<String>) {
    let [p, q] = NAMES[depth.min(2)];
    let (left, of_left) = relation(dice, depth, around);
    let (right, of_right) = relation(dice, depth, around);
    let all = |name: &str, columns: &[String]| columns.iter().map(|it| format!("{name}.{it}")).collect::<Vec<_>>();
    let (of_p, of_q) = (all(p, &of_left), all(q, &of_right));
    let common: Vec<&String> = of_left.iter().filter(|it| of_right.contains(it)).collect();
    let mut known: Vec<String> = of_p.iter().chain(&of_q).cloned().collect();
    let mut from = format!("{left} AS {p}");
    match dice.roll(6) {
        0 => {
            known = [of_p.clone(), around.to_vec()].concat();
        }
        1 | 2 if !common.is_empty() => {
            let by = common[dice.roll(common.len())].clone();
            from = format!("{left} AS {p}{}{right} AS {q} USING ({by})", dice.one(&JOINS[..4]));
            known.push(by);
        }
        3 => from = format!("{left} AS {p}, {right} AS {q}"),
        4 => {
            from = format!("{left} AS {p}, (SELECT {} AS n7) AS {q}", dice.column(&of_p));
            known = [of_p.clone(), vec![format!("{q}.n7")]].concat();
        }
        _ => {
            let (one, other) = (dice.column(&of_p), dice.column(&of_q));
            from = format!("{left} AS {p}{}{right} AS {q} ON {one} < {other}", dice.one(&JOINS[..4]));
        }
    }
    let mut items: Vec<String> = (0..1 + dice.roll(2)).map(|at| format!("{} AS n{at}", dice.column(&known))).collect();
    if depth < 2 && dice.percent(40) {
        let outside: Vec<String> = [known.clone(), around.to_vec()].concat();
        let (within, columns) = query(dice, depth + 1, &outside);
        let (column, outer) = (dice.column(&columns), dice.column(&outside));
        items.push(format!("(SELECT sum(s.{column} + coalesce({outer}, 0)) FROM ({within}) AS s) AS n5"));
    }
    if dice.percent(20) {
        items.push(format!("sum({}) OVER (PARTITION BY {}) AS n6", dice.column(&known), dice.column(&known)));
    }
    let columns = items.iter().map(|item| item[item.len() - 2..].to_owned()).collect();
    let filter =
        if dice.percent(40) { format!(" WHERE {} > {}", dice.column(&known), dice.number()) } else { String::new() };
    (format!("SELECT {} FROM {from}{filter}", items.join(", ")), columns)
}

/// The text with one word replaced by another one of it, or one sort of join by another.
fn mutated(dice: &mut Dice, text: &str) -> String {
    if dice.percent(20) {
        let join = JOINS[dice.roll(4)];
        return text.replacen(join, JOINS[dice.roll(4)], 1);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_word(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push((from, &text[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    words.retain(|(_, word)| word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.starts_with("raw"));
    let ((at, word), (_, other)) = (words[dice.roll(words.len())], words[dice.roll(words.len())]);
    let other = match (word.split_once('.'), other.split_once('.')) {
        (Some((_, column)), _) if dice.percent(25) => column.to_owned(),
        (Some((_, column)), Some((qualifier, _))) if dice.percent(50) => format!("{qualifier}.{column}"),
        _ => other.to_owned(),
    };
    format!("{}{other}{}", &text[..at], &text[at + word.len()..])
}

/// A query, and one in which a word is another one.
pub(super) fn pair(dice: &mut Dice) -> (String, String) {
    let (text, _) = query(dice, 0, &[]);
    let other = mutated(dice, &text);
    (text, other)
}
