//! Random projects, one random edit each, against plain DuckDB: what keeps its fingerprint is reused, and so is what is made
//! by the same recipe of the same rows; it has to be what its text gives over the tables that stand above it then.
//!
//! `VMESH_REACH_PROJECTS=1200 cargo test --lib reach -- --nocapture` tries more of them, and prints how many of the
//! tables that stayed the same were reused, beside what SQLMesh's rule reuses: that a model to which columns were added
//! changes nothing below it, and any other change all.

mod layers;
mod neutral;
mod pairs;
mod queries;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use duckdb::Connection;

use self::queries::{Dice, Relations};
use crate::domain::config::Config;
use crate::domain::external::Externals;
use crate::domain::model;
use crate::domain::name::ModelName;
use crate::domain::project::{Lineages, Model, Project, Published, Sources};

/// The tables that no model makes.
const RAW: [(&str, &[&str]); 3] =
    [("raw.r1", &["id", "k", "a", "b"]), ("raw.r2", &["id", "k", "x", "y"]), ("raw.r3", &["k", "z", "w"])];

/// A project: models and their texts, parents first.
type Models = Vec<(String, String)>;
/// The columns of a table with their types, and its rows in order.
type Rows = (Vec<(String, String)>, Vec<String>);

/// A warehouse with the raw tables in it.
fn warehouse() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let mut sql = "SET threads = 1; CREATE SCHEMA raw; CREATE SCHEMA m;".to_owned();
    // each column has four values at least, and some have none
    let mut dice = Dice(58);
    for (table, columns) in RAW {
        let typed = columns.iter().map(|name| format!("{name} INTEGER")).collect::<Vec<_>>().join(", ");
        sql.push_str(&format!("CREATE TABLE {table} ({typed});"));
        for _ in 0..9 {
            let value = |dice: &mut Dice| if dice.percent(8) { "NULL".to_owned() } else { dice.number().to_string() };
            let row = columns.iter().map(|_| value(&mut dice)).collect::<Vec<_>>().join(", ");
            sql.push_str(&format!("INSERT INTO {table} VALUES ({row});"));
        }
    }
    connection.execute_batch(&sql).unwrap();
    connection
}

/// Makes a table; its columns, none where DuckDB refuses the text.
fn make(connection: &Connection, name: &str, sql: &str) -> Option<Vec<String>> {
    connection.execute_batch(&format!("CREATE OR REPLACE TABLE {name} AS {sql}")).ok()?;
    Some(table(connection, name).0.into_iter().map(|(name, _)| name).collect())
}

fn table(connection: &Connection, name: &str) -> Rows {
    let lines = |sql: &str| -> Vec<Vec<String>> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            let mut values = Vec::new();
            while let Ok(value) = row.get::<_, String>(values.len()) {
                values.push(value);
            }
            Ok(values)
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let columns = lines(&format!("SELECT column_name, column_type FROM (DESCRIBE {name})"));
    let rows = lines(&format!("SELECT CAST(t AS VARCHAR) FROM {name} AS t ORDER BY 1")).concat();
    (columns.into_iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect(), rows)
}

/// The rows of a table as far as some columns tell; none if it has not all of them.
fn projected(connection: &Connection, name: &str, columns: &BTreeSet<String>) -> Option<Rows> {
    let columns: Vec<String> = columns.iter().map(|it| quoted(it)).collect();
    let columns = if columns.is_empty() { "1 AS one".to_owned() } else { columns.join(", ") };
    connection.execute_batch(&format!("CREATE OR REPLACE TEMP TABLE taken AS SELECT {columns} FROM {name}")).ok()?;
    Some(table(connection, "taken"))
}

/// A project's models, by name.
fn assembled(models: &Models, lineages: &Lineages) -> BTreeMap<String, Model> {
    let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
    let mut externals = Externals::default();
    let told = |(table, columns): &(&str, &[&str])| {
        let columns = columns.iter().map(|name| format!("    {name}: INTEGER\n")).collect::<String>();
        format!("- name: {table}\n  columns:\n{columns}")
    };
    externals.add(&RAW.iter().map(told).collect::<String>()).unwrap();
    let path = |name: &str| format!("models/{}.sql", name.replace('.', "/"));
    let texts: BTreeMap<String, &String> = models.iter().map(|(name, text)| (path(name), text)).collect();
    let files = texts.iter().map(|(path, text)| (path.clone(), Arc::new(model::parse(text).unwrap())));
    let project = Project::assemble(&Sources {
        files: files.collect(),
        text: &|path| texts[path].as_str().into(),
        seed: &|_| None,
        matching: &|_| Vec::new(),
        absent: &|_| None,
        config: &config,
        home: "/home/shop",
        externals: &externals,
        published: &Published::default(),
        before_all: &[],
        lineages,
    });
    // what surely fails is none
    let Ok(project) = project else { return BTreeMap::new() };
    project.models().map(|model| (model.name.to_string(), model.clone())).collect()
}

/// What became of the tables below edits.
#[derive(Debug, Default)]
struct Tally {
    projects: usize,
    /// Tables below an edit that are as they were.
    same: usize,
    /// Those of them that were reused.
    reused: usize,
    /// Those that were not built because what they take has the same rows.
    cut_off: usize,
    /// Those that came out the same of other rows: nobody knows before they are built.
    coincidences: usize,
    /// Those that SQLMesh's rule reuses.
    by_sqlmesh: usize,
    /// Tables that SQLMesh's rule reuses though they are not as they were.
    wrong_by_sqlmesh: usize,
    /// Tables that had to be built.
    built: usize,
}

/// A project, and the columns of its models; none where too few queries fit.
fn project(dice: &mut Dice) -> Option<(Models, Relations)> {
    let connection = warehouse();
    let raw: Relations =
        RAW.iter().map(|(name, all)| ((*name).to_owned(), all.iter().map(|it| (*it).to_owned()).collect())).collect();
    let (mut models, mut known) = (Models::new(), raw.clone());
    for number in 0..6 {
        for _ in 0..20 {
            let mut read = Relations::new();
            let pool: Vec<String> = match number {
                0 | 1 => known.keys().cloned().collect(),
                _ => known.keys().filter(|name| name.starts_with("m.")).cloned().collect(),
            };
            for _ in 0..2 {
                let name = dice.column(&pool);
                read.insert(name.clone(), known[&name].clone());
            }
            if dice.percent(30) {
                let name = dice.one(&["raw.r1", "raw.r2", "raw.r3"]).to_owned();
                read.insert(name.clone(), known[&name].clone());
            }
            let (name, sql) = (format!("m.t{number}"), dice.query(&read));
            let Some(columns) = make(&connection, &name, &sql) else { continue };
            if columns.iter().collect::<BTreeSet<_>>().len() == columns.len() && !columns.is_empty() {
                known.insert(name.clone(), columns.iter().map(|it| quoted(it)).collect());
                models.push((name, sql));
                break;
            }
        }
    }
    (models.len() >= 4).then_some((models, known))
}

fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whether a model is made by the same recipe, of the same rows as far as it takes them.
fn is_cut_off((old, new): (&Model, &Model), (before, now): (&Connection, &Connection)) -> bool {
    let means_same = new.shape.is_some() && old.shape == new.shape;
    let is_same = |read: &ModelName| {
        let name = read.to_string();
        let taken = new.takes.get(read).filter(|_| means_same);
        table(before, &name) == table(now, &name)
            || taken
                .and_then(|taken| projected(before, &name, taken))
                .is_some_and(|rows| taken.and_then(|taken| projected(now, &name, taken)) == Some(rows))
    };
    new.recipe.is_some() && old.recipe == new.recipe && new.parents.keys().all(is_same)
}

/// Whether the columns that a model takes of its parents have other rows now.
fn takes_other_rows(model: &Model, before: &Connection, now: &Connection) -> bool {
    model.takes.iter().any(|(read, taken)| {
        let rows = |connection| projected(connection, &read.to_string(), taken);
        rows(before) != rows(now)
    })
}

/// One project and one edit of it.
fn try_out(seed: u64, tally: &mut Tally) -> Option<()> {
    let mut dice = Dice(seed.wrapping_mul(7_919) + 1);
    let (models, known) = project(&mut dice)?;
    let at = dice.roll(3.min(models.len() - 1));
    let (edited, sql) = &models[at];
    let plain: Vec<String> = known[edited].iter().filter(|name| !name.starts_with('"')).cloned().collect();
    if plain.is_empty() {
        return None;
    }
    let (text, is_addition) = dice.edit(sql, &plain);
    judge(&format!("seed {seed}"), &models, (at, &text, is_addition), tally)
}

/// What becomes of a project when the text of one model changes.
fn judge(whose: &str, models: &Models, (at, text, is_addition): (usize, &str, bool), tally: &mut Tally) -> Option<()> {
    let edited = &models[at].0;
    let mut after = models.clone();
    after[at].1 = text.to_owned();
    let lineages = Lineages::default();
    let (old, new) = (assembled(models, &lineages), assembled(&after, &lineages));
    let (before, now) = (warehouse(), warehouse());
    for (name, sql) in models {
        make(&before, name, sql)?;
    }
    make(&now, edited, text).filter(|columns| columns.iter().collect::<BTreeSet<_>>().len() == columns.len());
    tally.projects += 1;
    let mut below = BTreeSet::from([edited.clone()]);
    for (name, sql) in &after {
        let is_below = below.iter().any(|above| sql.contains(above.as_str())) && name != edited;
        if is_below {
            below.insert(name.clone());
        }
        let built = make(&now, name, sql);
        if !is_below {
            built?;
            continue;
        }
        if let (Some(told), Some(columns)) = (new.get(name).and_then(|model| model.columns.as_ref()), &built) {
            assert_eq!(told, columns, "{whose}: {name}\n{after:#?}");
        }
        let versions = old.get(name).zip(new.get(name));
        let is_reused = versions.is_some_and(|(old, new)| old.fingerprint == new.fingerprint);
        let is_cut = !is_reused && versions.is_some_and(|(old, new)| is_cut_off((old, new), (&before, &now)));
        let is_same = built.is_some() && table(&before, name) == table(&now, name);
        assert!(!(is_reused || is_cut) || is_same, "{whose}: {name} was reused\n{models:#?}\n{edited} became\n{text}");
        tally.same += usize::from(is_same);
        tally.reused += usize::from(is_reused);
        tally.cut_off += usize::from(is_cut);
        let is_built = is_same && !is_reused && !is_cut;
        let takes_others = |(_, new): (&Model, &Model)| takes_other_rows(new, &before, &now);
        tally.coincidences += usize::from(is_built && versions.is_some_and(takes_others));
        tally.by_sqlmesh += usize::from(is_addition && is_same);
        tally.wrong_by_sqlmesh += usize::from(is_addition && !is_same);
        tally.built += usize::from(!is_same);
        // what is below a text that fails would read what is not there
        built?;
    }
    Some(())
}

#[test]
fn what_is_reused_is_what_its_text_gives() {
    let wanted = std::env::var("VMESH_REACH_PROJECTS").ok().and_then(|count| count.parse().ok());
    let first = std::env::var("VMESH_REACH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (mut tally, mut seed) = (Tally::default(), first);
    while tally.projects < wanted.unwrap_or(40) {
        try_out(seed, &mut tally);
        seed += 1;
    }
    eprintln!("{tally:#?}");
    assert!(tally.reused * 3 > tally.same && (tally.reused + tally.cut_off) * 4 > tally.same * 3, "{tally:?}");
}
