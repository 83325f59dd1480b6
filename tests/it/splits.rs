//! Each incremental kind over time: a period is cut into plans on branches, promotes, runs (late, early, twice), processes
//! that die, and restatements, and the tables end as those of one full load.
//!
//! | kind | what it promises |
//! | --- | --- |
//! | `INCREMENTAL_BY_TIME_RANGE` | the rows of one full load |
//! | `INCREMENTAL_BY_UNIQUE_KEY` | the same, of a query that gives one row a key: the one of the last load that has the key |
//! | `INCREMENTAL_BY_PARTITION` | the same, of a query that gives whole partitions as of the end of a load |
//! | `INCREMENTAL_UNMANAGED` | each moment is loaded exactly once, so the rows of one full load, as far as its query makes rows of moments; restated only if its header allows it, and then as a whole |
//! | the same with `insert_overwrite true` | the rows of the last load |

use std::process::Stdio;
use std::time::Duration;

use crate::support::Sandbox;
use crate::support::random::Dice;

/// How many stories each kind goes through; a long run sets `VMESH_STRESS_ROUNDS`.
fn rounds() -> u64 {
    std::env::var("VMESH_STRESS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2)
}

/// Moments at which a process is killed; others are killed after some milliseconds.
const MOMENTS: [&str; 7] =
    ["build:1", "built:1", "publish:begin", "publish:views", "publish:records", "publish:done", "restated:1"];

/// The end of all stories.
const END: &str = "2026-02-10 00:00:00";

const EVENTS: &str = "CREATE SCHEMA raw; CREATE TABLE raw.events AS \
    SELECT n AS id, TIMESTAMP '2025-12-20' + n * INTERVAL 5 HOUR AS moment, CAST(moment AS DATE) AS day, \
    CASE WHEN n % 9 > 0 THEN n % 7 END AS customer, CASE WHEN n % 5 > 0 THEN n % 3 END AS part, n % 11 AS amount \
    FROM range(300) AS r(n)";

/// The models of a story: in the form that is cut into pieces, and in the one that is loaded at once.
struct Models {
    pieces: Vec<(&'static str, String)>,
    whole: Vec<(&'static str, String)>,
    /// Whether its rows can be computed again.
    restates: bool,
}

fn pick<T: Copy>(dice: &mut Dice, from: &[T]) -> T {
    from[dice.roll(from.len())]
}

fn when(dice: &mut Dice) -> String {
    let cron = pick(
        dice,
        &[
            "cron '@daily'",
            "cron '@hourly'",
            "cron '0 6 * * *'",
            "cron '@weekly'",
            "cron '30 */6 * * *'",
            "cron '@daily', interval_unit hour",
            "cron '@daily', cron_tz 'America/New_York'",
        ],
    );
    format!("{cron}{}", pick(dice, &["", "", ", allow_partials true"]))
}

/// `lookback` and `batch_size`.
fn pieces(dice: &mut Dice) -> String {
    let lookback = pick(dice, &["", ", lookback 1", ", lookback 3"]);
    format!("{lookback}{}", pick(dice, &["", ", batch_size 1", ", batch_size 5", ", batch_size 30"]))
}

const WITHIN: &str = "moment BETWEEN @start_dtntz AND @end_dtntz";

fn models(kind: &str, dice: &mut Dice) -> Models {
    let (when, cut) = (when(dice), pieces(dice));
    let model = |name: &str, kind: &str, inner: &str, rest: &str, query: &str| {
        let inner = inner.trim_start_matches(", ");
        format!("MODEL (name {name}, kind INCREMENTAL_{kind} ({inner}), {rest});\n{query}")
    };
    let both = |name: &'static str, kind: &str, inner: &str, cut: &str, rest: &str, query: &str| {
        let at_once = model(name, kind, inner, rest, query);
        ((name, model(name, kind, &format!("{inner}{cut}"), rest, query)), (name, at_once))
    };
    let rest = format!("start '2026-01-01', {when}");
    let latest = |from: &str| {
        format!(
            "SELECT customer, id, moment, amount FROM {from} WHERE {WITHIN} \
             QUALIFY row_number() OVER (PARTITION BY customer ORDER BY moment DESC) = 1"
        )
    };
    let rows = |from: &str| format!("SELECT id, moment, customer, amount FROM {from} WHERE {WITHIN}");
    let mut restates = true;
    let mut all = Vec::new();
    match kind {
        "time" => {
            all.push(both("m", "BY_TIME_RANGE", "time_column moment", &cut, &rest, &rows("raw.events")));
            let start = pick(dice, &["", "start '2025-12-25', ", "start '2026-01-05', "]);
            let (when, cut) = (self::when(dice), pieces(dice));
            let rest = format!("{start}{when}");
            all.push(match dice.roll(2) {
                0 => both("below", "BY_TIME_RANGE", "time_column moment", &cut, &rest, &rows("m")),
                _ => both("below", "BY_UNIQUE_KEY", "unique_key customer", &cut, &rest, &latest("m")),
            });
        }
        "key" => all.push(both("m", "BY_UNIQUE_KEY", "unique_key (customer)", &cut, &rest, &latest("raw.events"))),
        "partition" => {
            let (by, query) = match dice.roll(2) {
                0 => ("day", "SELECT day, id, amount FROM raw.events WHERE day BETWEEN @start_date AND @end_date"),
                _ => (
                    "part",
                    "SELECT part, count(*) AS n, sum(amount) AS amount FROM raw.events \
                     WHERE moment >= '2026-01-01' AND moment <= @end_dtntz GROUP BY part",
                ),
            };
            all.push(both("m", "BY_PARTITION", "", "", &format!("{rest}, partitioned_by {by}"), query));
        }
        _ => {
            restates = dice.roll(2) == 0;
            let inner = if restates { "disable_restatement false" } else { "" };
            all.push(both("m", "UNMANAGED", inner, "", &rest, &rows("raw.events")));
        }
    }
    let (pieces, whole) = all.into_iter().unzip();
    Models { pieces, whole, restates }
}

/// A moment of the story.
fn moment(dice: &mut Dice) -> String {
    let day = 2 + dice.roll(38);
    let (month, day) = if day > 31 { (2, day - 31) } else { (1, day) };
    format!("2026-{month:02}-{day:02} {:02}:{:02}:00", dice.roll(24), dice.roll(60))
}

/// Two days, the earlier one first.
fn span(dice: &mut Dice) -> (String, String) {
    let mut days = [moment(dice)[..10].to_owned(), moment(dice)[..10].to_owned()];
    days.sort();
    let [from, to] = days;
    (from, to)
}

/// Runs a command that may die on the way; says whether it came to its end.
fn mortal(sandbox: &Sandbox, dice: &mut Dice, args: &[&str]) -> bool {
    let mut command = sandbox.vmesh_command(args);
    let (dies, late) = (dice.roll(3) == 0, dice.roll(2) == 0);
    let (kill_at, pause) = (pick(dice, &MOMENTS), dice.roll(200));
    if dies && !late {
        command.env("VMESH_TEST_KILL_AT", kill_at);
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    if dies && late {
        std::thread::sleep(Duration::from_millis(pause as u64));
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    // what was killed has no code
    let is_alive = output.status.code() == Some(1);
    assert!(
        !is_alive || ["does not exist yet", "nothing was promoted yet"].iter().any(|words| error.contains(words)),
        "{args:?}: {error}"
    );
    output.status.success()
}

/// A story; gives what it did, for the message of a failure.
fn story(sandbox: &Sandbox, dice: &mut Dice, models: &Models) -> Vec<String> {
    let mut told = Vec::new();
    let mut act = |dice: &mut Dice, args: &[&str]| {
        let done = mortal(sandbox, dice, args);
        told.push(format!("{}{}", args.join(" "), if done { "" } else { " ✝" }));
        done
    };
    let mut versions = 0;
    for _ in 0..8 {
        let now = moment(dice);
        match dice.roll(7) {
            0 => {
                act(dice, &["promote", "--yes", "--execution-time", &now]);
            }
            1..=3 => {
                let args = ["run", "prod", "--execution-time", &now, "--ignore-cron"];
                let args = &args[..4 + dice.roll(2)];
                act(dice, args);
            }
            4 | 5 => {
                versions += 1;
                let branch = format!("b{versions}");
                sandbox.git(&["switch", "--quiet", "-c", &branch]).good();
                let (name, text) = &models.pieces[dice.roll(models.pieces.len())];
                sandbox.model(name, &text.replace("SELECT ", &format!("SELECT {versions} AS version, ")));
                sandbox.commit_quietly("another version");
                for _ in 0..1 + dice.roll(3) {
                    let (from, to) = span(dice);
                    let args = ["plan", "--yes", "--execution-time", END, "--start", &from, "--end", &to];
                    let args = &args[..[4, 6, 8][dice.roll(3)]];
                    act(dice, args);
                    if dice.roll(3) == 0 {
                        act(dice, &["run", "--execution-time", &now]);
                    }
                }
                sandbox.git(&["switch", "--quiet", "main"]).good();
                sandbox.git(&["merge", "--quiet", &branch]).good();
                while !act(dice, &["promote", "--yes", "--execution-time", &now]) {}
            }
            _ => {
                let (from, to) = span(dice);
                let is_there = "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'prod'";
                if !sandbox.warehouse().exists() || sandbox.value(is_there) == "0" {
                    continue;
                }
                if models.restates {
                    sandbox.sql(&format!(
                        "UPDATE raw.events SET amount = amount + 100 WHERE day BETWEEN '{from}' AND '{to}'"
                    ));
                }
                let args = ["plan", "prod", "--yes", "--restate-model", "m", "--start", &from, "--end", &to];
                let args = [&args[..], &["--execution-time", &now]].concat();
                while !act(dice, &args) {}
            }
        }
    }
    sandbox.vmesh(&["promote", "--yes", "--execution-time", END]).good();
    sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", END]).good();
    told
}

/// The rows of all models, as prod shows them; without the column that tells versions apart.
fn shown(sandbox: &Sandbox, models: &Models) -> Vec<Vec<Vec<String>>> {
    let columns = |name: &str| {
        let is_there = "SELECT count(*) FROM duckdb_columns() WHERE column_name = 'version' AND schema_name = 'prod'";
        let is_there = sandbox.value(&format!("{is_there} AND table_name = '{name}'")) == "1";
        if is_there { "* EXCLUDE (version)" } else { "*" }
    };
    let rows = |name: &str| sandbox.rows(&format!("SELECT {} FROM prod.{name} ORDER BY ALL", columns(name)));
    models.whole.iter().map(|(name, _)| rows(name)).collect()
}

fn any_split_is_one_full_load(kind: &str) {
    for seed in 0..rounds() {
        let mut dice = Dice(seed * 1000 + kind.len() as u64);
        let models = models(kind, &mut dice);
        let project = |models: &[(&'static str, String)]| {
            let models: Vec<(&str, &str)> = models.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let sandbox = Sandbox::with_models(&models);
            sandbox.vmesh(&["hooks", "uninstall"]).good();
            sandbox.sql(EVENTS);
            sandbox
        };
        let sandbox = project(&models.pieces);
        let told = story(&sandbox, &mut dice, &models);
        let at_once = project(&models.whole);
        at_once.sql("DROP TABLE raw.events");
        let rows = sandbox.path().join("events.parquet");
        let rows = rows.to_str().unwrap();
        sandbox.sql(&format!("COPY raw.events TO '{rows}'"));
        at_once.sql(&format!("CREATE TABLE raw.events AS FROM '{rows}'"));
        at_once.vmesh(&["promote", "--yes", "--execution-time", END]).good();
        at_once.vmesh(&["run", "--ignore-cron", "--execution-time", END]).good();
        let story = format!("{kind}, seed {seed}:\n{:#?}\n{}", models.pieces, told.join("\n"));
        assert_eq!(shown(&sandbox, &models), shown(&at_once, &models), "{story}");
        sandbox.is_sound();
    }
}

#[test]
fn of_a_time_range() {
    any_split_is_one_full_load("time");
}

#[test]
fn of_a_unique_key() {
    any_split_is_one_full_load("key");
}

#[test]
fn of_a_partition() {
    any_split_is_one_full_load("partition");
}

#[test]
fn of_what_is_not_managed() {
    any_split_is_one_full_load("unmanaged");
}
