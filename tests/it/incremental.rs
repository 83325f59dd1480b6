//! Incremental kinds: however a period is cut into plans, runs and crashes, the table is that of one full load.

use crate::support::Sandbox;
use crate::support::random::Dice;

const DAILY: &str = "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
SELECT day, count(*) AS orders, sum(amount) AS total FROM raw.orders WHERE day BETWEEN @start_date AND @end_date GROUP BY day";

/// A warehouse with an order every 5 hours of the first 40 days of 2026, and a project with these models.
fn shop(models: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with_models(models);
    sandbox.sql(
        "CREATE SCHEMA raw; CREATE TABLE raw.orders AS \
         SELECT n AS id, TIMESTAMP '2026-01-01' + n * INTERVAL '5 hours' AS moment, \
         CAST(TIMESTAMP '2026-01-01' + n * INTERVAL '5 hours' AS DATE) AS day, n % 7 AS customer, \
         n % 11 AS amount FROM range(192) AS r(n)",
    );
    sandbox
}

fn promote(sandbox: &Sandbox, now: &str) {
    sandbox.vmesh(&["promote", "--yes", "--execution-time", now]).good();
}

fn run(sandbox: &Sandbox, now: &str) -> String {
    sandbox.vmesh(&["run", "--execution-time", now]).good()
}

#[test]
fn a_table_grows_with_its_days() {
    let sandbox = shop(&[("daily", DAILY)]);
    promote(&sandbox, "2026-01-04 13:00:00");
    let days = || sandbox.value("SELECT string_agg(day::VARCHAR, ' ' ORDER BY day) FROM prod.daily");
    assert_eq!(days(), "2026-01-01 2026-01-02 2026-01-03");
    assert_eq!(
        run(&sandbox, "2026-01-04 20:00:00"),
        "nothing is due in prod\n  vmesh plan prod --restate-model NAME fills again what is held already: daily\n"
    );
    let table = sandbox.views("prod");
    assert!(run(&sandbox, "2026-01-06 01:00:00").contains("2026-01-04 – 2026-01-05"));
    assert_eq!(days(), "2026-01-01 2026-01-02 2026-01-03 2026-01-04 2026-01-05");
    assert_eq!(sandbox.views("prod"), table);
    let whole = "SELECT count(*) FROM (SELECT day, count(*) AS orders, sum(amount) AS total FROM raw.orders \
                 WHERE day < '2026-01-06' GROUP BY day EXCEPT ALL SELECT * FROM prod.daily) AS t";
    assert_eq!(sandbox.value(whole), "0");
    sandbox.is_sound();
}

#[test]
fn a_branch_shares_what_it_did_not_change_and_fills_what_it_did() {
    let sandbox = shop(&[("daily", DAILY), ("top", "SELECT max(total) AS top FROM daily")]);
    promote(&sandbox, "2026-01-10");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    // days later, and still nothing to build: prod's table is prod's business
    let plan = sandbox.vmesh(&["plan", "--exit-code", "--execution-time", "2026-01-20"]);
    assert_eq!(plan.code, Some(0), "{}", plan.out);
    assert_eq!(sandbox.vmesh(&["run", "--execution-time", "2026-01-20"]).good(), "nothing is due in dev__alice\n");
    sandbox.write("models/daily.sql", &DAILY.replace("sum(amount)", "2 * sum(amount)"));
    let limits = ["--start", "2026-01-05", "--end", "2026-01-07", "--execution-time", "2026-01-20"];
    sandbox.vmesh(&[&["plan", "--yes"][..], &limits].concat()).good();
    assert_eq!(sandbox.value("SELECT count(*) FROM dev__alice.daily"), "3");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "9");
    let plan = sandbox.vmesh(&["plan", "--exit-code", "--execution-time", "2026-01-20"]);
    assert_eq!(plan.code, Some(0), "what was asked for is there: {}", plan.out);
    sandbox.git(&["commit", "--quiet", "-a", "-m", "twice"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "alice"]).good();
    promote(&sandbox, "2026-01-20");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "19");
    assert_eq!(
        sandbox.value("SELECT sum(total) FROM prod.daily"),
        sandbox.value("SELECT 2 * sum(amount) FROM raw.orders WHERE day < '2026-01-20'")
    );
    sandbox.is_sound();
}

#[test]
fn an_interrupted_backfill_goes_on_where_it_stopped() {
    let model = DAILY.replace("time_column day", "time_column day, batch_size 1");
    let sandbox = shop(&[("daily", &model), ("broken", "MODEL (kind VIEW);\nSELECT day FROM daily")]);
    sandbox
        .sql("CREATE TABLE raw.more AS SELECT * FROM raw.orders; UPDATE raw.orders SET amount = NULL WHERE day = '2026-01-05'");
    sandbox.write(
        "models/daily.sql",
        &model.replace(
            "sum(amount) AS total",
            "CASE WHEN sum(amount) IS NULL THEN CAST('no amounts' || max(day) AS INTEGER) ELSE sum(amount) END AS total",
        ),
    );
    sandbox.commit_quietly("strict");
    let failed = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-08"]).fails(1);
    assert!(failed.contains("no amounts"), "{failed}");
    assert_eq!(sandbox.value("SELECT count(*) FROM duckdb_views() WHERE schema_name = 'prod'"), "0");
    let filled = "SELECT filled FROM vmesh_state.tables WHERE model = 'daily' AND filled IS NOT NULL";
    let before = sandbox.value(filled);
    sandbox.sql("UPDATE raw.orders SET amount = 1 WHERE day = '2026-01-05'; UPDATE raw.orders SET amount = 1000 WHERE day = '2026-01-02'");
    promote(&sandbox, "2026-01-08");
    assert_ne!(sandbox.value(filled), before);
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "7");
    assert!(
        sandbox.value("SELECT total FROM prod.daily WHERE day = '2026-01-02'").parse::<f64>().unwrap() < 1000.0,
        "the days before are not loaded again"
    );
}

#[test]
fn late_data_comes_with_the_lookback() {
    let model = DAILY.replace("time_column day", "time_column day, lookback 2");
    let sandbox = shop(&[("daily", &model)]);
    promote(&sandbox, "2026-01-08");
    sandbox.sql("UPDATE raw.orders SET amount = 100 WHERE day IN ('2026-01-04', '2026-01-06')");
    run(&sandbox, "2026-01-09");
    let total = |day: &str| sandbox.value(&format!("SELECT total >= 400 FROM prod.daily WHERE day = '{day}'"));
    assert_eq!((total("2026-01-04"), total("2026-01-06")), ("false".to_owned(), "true".to_owned()));
}

#[test]
fn keys_and_partitions_replace_null_safely() {
    let key = "MODEL (name latest, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key (a, b)), start '2026-01-01');
               SELECT a, b, max(id) AS id FROM raw.pairs WHERE day BETWEEN @start_date AND @end_date GROUP BY a, b";
    let part = "MODEL (name parts, kind INCREMENTAL_BY_PARTITION, partitioned_by (a), start '2026-01-01');
                SELECT a, count(*) AS n FROM raw.pairs WHERE day <= @end_date GROUP BY a";
    let sandbox = shop(&[("latest", key), ("parts", part)]);
    sandbox.sql(
        "CREATE TABLE raw.pairs(id INT, day DATE, a TEXT, b TEXT); INSERT INTO raw.pairs VALUES \
         (1, '2026-01-01', 'a', NULL), (2, '2026-01-01', NULL, 'a'), (3, '2026-01-02', 'a', NULL), (4, '2026-01-03', NULL, NULL)",
    );
    for day in ["2026-01-02", "2026-01-03", "2026-01-04"] {
        if day == "2026-01-02" { promote(&sandbox, day) } else { drop(run(&sandbox, day)) }
    }
    let rows = sandbox.rows("SELECT * FROM prod.latest ORDER BY id");
    assert_eq!(rows, [["NULL", "a", "2"], ["a", "NULL", "3"], ["NULL", "NULL", "4"]]);
    assert_eq!(sandbox.rows("SELECT * FROM prod.parts ORDER BY a NULLS LAST"), [["a", "2"], ["NULL", "2"]]);
}

#[test]
fn rows_are_added_where_nothing_is_managed() {
    let model = "MODEL (name log, kind INCREMENTAL_UNMANAGED, start '2026-01-01');
                 SELECT @start_ds AS day, count(*) AS n FROM raw.orders WHERE day BETWEEN @start_date AND @end_date";
    let sandbox = shop(&[("log", model)]);
    promote(&sandbox, "2026-01-03");
    run(&sandbox, "2026-01-04");
    run(&sandbox, "2026-01-06");
    assert_eq!(
        sandbox.rows("SELECT * FROM prod.log ORDER BY day"),
        [["2026-01-01", "10"], ["2026-01-03", "5"], ["2026-01-04", "9"]]
    );
}

#[test]
fn times_of_every_kind_of_column() {
    let text = "substr(CAST(moment AS VARCHAR), 1, 10)".to_owned();
    let number = format!("CAST(replace({text}, '-', '') AS INT)");
    let kinds = [("timestamp", "moment", ""), ("tz", "", ""), ("text", &text, ""), ("number", &number, ", '%Y%m%d'")];
    for (name, expression, format) in kinds {
        let expression =
            if name == "tz" { "CAST(CAST(moment AS VARCHAR) || '+00:00' AS TIMESTAMPTZ)" } else { expression };
        let model = format!(
            "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column (t{format})), start '2026-01-01', cron '@hourly');
             SELECT {expression} AS t, id FROM raw.orders"
        );
        let model = if name == "text" || name == "number" { model.replace("@hourly", "@daily") } else { model };
        let sandbox = shop(&[("m", &model)]);
        promote(&sandbox, "2026-01-02 11:30:00");
        for now in ["2026-01-02 16:10:00", "2026-01-03 00:00:00", "2026-01-05 12:00:00"] {
            run(&sandbox, now);
        }
        let until = if format.is_empty() && name != "text" { "2026-01-05 12:00" } else { "2026-01-05" };
        let expected = format!("SELECT count(*) FROM raw.orders WHERE moment < TIMESTAMP '{until}'");
        assert_eq!(sandbox.value("SELECT count(*) FROM prod.m"), sandbox.value(&expected), "{name}");
        assert_eq!(sandbox.value("SELECT count(DISTINCT id) FROM prod.m"), sandbox.value(&expected), "{name}");
    }
}

#[test]
fn any_split_of_a_period_is_one_full_load() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let (batch, lookback) = (1 + dice.roll(5), dice.roll(3));
        let model =
            DAILY.replace("time_column day", &format!("time_column day, batch_size {batch}, lookback {lookback}"));
        let sandbox = shop(&[("daily", &model), ("sums", "SELECT count(*) AS n FROM daily")]);
        let mut day = 2 + dice.roll(4);
        let mut first = true;
        while day < 31 {
            let now = format!("2026-01-{day:02} {:02}:00:00", dice.roll(24));
            let args: &[&str] = if first { &["promote", "--yes"] } else { &["run"] };
            let moment = ["publish:begin", "built:1", "build:1", ""][dice.roll(4)];
            let args = [args, &["--execution-time", &now]].concat();
            let done = sandbox.vmesh_command(&args).env("VMESH_TEST_KILL_AT", moment).output().unwrap();
            first = first && !done.status.success();
            day += dice.roll(6);
        }
        if first {
            promote(&sandbox, "2026-01-31");
        }
        run(&sandbox, "2026-01-31 05:00:00");
        let whole = "SELECT day, count(*) AS orders, sum(amount) AS total FROM raw.orders WHERE day < '2026-01-31' GROUP BY day";
        let differ = format!(
            "SELECT count(*) FROM ((SELECT * FROM prod.daily EXCEPT ALL {whole}) UNION ALL ({whole} EXCEPT ALL SELECT * FROM prod.daily)) AS t"
        );
        assert_eq!(sandbox.value(&differ), "0", "seed {seed}");
        sandbox.is_sound();
    }
}

#[test]
fn spans_are_loaded_again_with_what_is_below_them() {
    let key = "MODEL (name latest, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key customer), start '2026-01-01');
               SELECT customer, max(amount) AS most FROM raw.orders WHERE day BETWEEN @start_date AND @end_date GROUP BY customer";
    let sandbox = shop(&[("daily", DAILY), ("sums", "SELECT sum(total) AS total FROM daily"), ("latest", key)]);
    promote(&sandbox, "2026-01-11");
    let total = || sandbox.value("SELECT total FROM prod.sums");
    let before: i64 = total().parse().unwrap();
    sandbox.sql("UPDATE raw.orders SET amount = amount + 100");
    let args = ["plan", "prod", "--yes", "--restate-model", "daily", "--start", "2026-01-03", "--end", "2026-01-04"];
    sandbox.vmesh(&[&args[..], &["--execution-time", "2026-01-20"]].concat()).good();
    let orders: i64 =
        sandbox.value("SELECT count(*) FROM raw.orders WHERE day IN ('2026-01-03', '2026-01-04')").parse().unwrap();
    assert_eq!(total(), (before + 100 * orders).to_string());
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "10", "what was not loaded yet is run's business");
    sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", "latest", "--execution-time", "2026-01-20"]).good();
    assert_eq!(sandbox.value("SELECT min(most) >= 100 AND count(*) = 7 FROM prod.latest"), "true");
    sandbox.is_sound();
}

const CHAIN: [(&str, &str); 3] = [
    (
        "p",
        "MODEL (name p, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
           SELECT id, day, amount FROM raw.orders WHERE day BETWEEN @start_date AND @end_date",
    ),
    (
        "q",
        "MODEL (name q, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
           SELECT id, day, amount FROM p WHERE day BETWEEN @start_date AND @end_date",
    ),
    ("f", "SELECT count(*) AS n FROM q"),
];

#[test]
fn a_child_is_never_ahead_of_its_parent() {
    let sandbox = shop(&CHAIN);
    promote(&sandbox, "2026-01-10 06:00:00");
    sandbox.write("models/q.sql", &CHAIN[1].1.replace("SELECT id,", "SELECT 1 AS one, id,"));
    sandbox.commit_quietly("one");
    // prod's table of p is run's business, so that q can't have the days that p lacks
    promote(&sandbox, "2026-01-13 06:00:00");
    let rows = |model: &str| sandbox.value(&format!("SELECT count(*) FROM prod.{model}"));
    assert_eq!(rows("q"), rows("p"));
    run(&sandbox, "2026-01-14 06:00:00");
    assert_eq!(rows("q"), rows("p"));
    assert_eq!(rows("p"), sandbox.value("SELECT count(*) FROM raw.orders WHERE day < '2026-01-14'"));
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code", "--execution-time", "2026-01-14 07:00:00"]).code, Some(0));
}

#[test]
fn a_finer_child_waits_for_its_parent() {
    let hourly = "MODEL (name h, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-01', cron '@hourly');
                  SELECT id, CAST(day AS TIMESTAMP) AS moment FROM p WHERE CAST(day AS TIMESTAMP) BETWEEN @start_dtntz AND @end_dtntz";
    let sandbox = shop(&[CHAIN[0], ("h", hourly)]);
    promote(&sandbox, "2026-01-05 06:00:00");
    for now in ["2026-01-05 09:00:00", "2026-01-06 07:00:00", "2026-01-07 07:30:00"] {
        run(&sandbox, now);
        assert_eq!(sandbox.value("SELECT count(*) FROM prod.h"), sandbox.value("SELECT count(*) FROM prod.p"), "{now}");
    }
}

#[test]
fn what_is_built_whole_follows_what_is_filled_above_it() {
    let sandbox = shop(&CHAIN);
    promote(&sandbox, "2026-01-20");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("models/p.sql", &CHAIN[0].1.replace("SELECT id,", "SELECT 1 AS one, id,"));
    sandbox.commit_quietly("one");
    let plan = |start: &str| {
        sandbox.vmesh(&["plan", "--yes", "--start", start, "--execution-time", "2026-01-20"]).good();
        let rows = |model: &str| sandbox.value(&format!("SELECT count(*) FROM dev__alice.{model}"));
        assert_eq!(sandbox.value("SELECT n FROM dev__alice.f"), rows("q"), "{start}");
        assert_eq!(rows("p"), rows("q"), "{start}");
    };
    plan("2026-01-18");
    plan("2026-01-15");
    sandbox.vmesh(&["run", "--execution-time", "2026-01-20"]).good();
    assert_eq!(
        sandbox.value("SELECT n FROM dev__alice.f"),
        sandbox.value("SELECT count(*) FROM dev__alice.q"),
        "a run fills what is below, too"
    );
    sandbox.vmesh(&["plan", "--exit-code", "--execution-time", "2026-01-20"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "alice"]).good();
    promote(&sandbox, "2026-01-20");
    let all = sandbox.value("SELECT count(*) FROM raw.orders WHERE day < '2026-01-20'");
    assert_eq!(sandbox.value("SELECT n FROM prod.f"), all);
    let wrong = ["plan", "--start", "2026-01-05", "--end", "2026-01-01"];
    assert!(sandbox.vmesh(&wrong).fails(2).contains("the start is not before the end"));
}

#[test]
fn without_a_start_a_new_version_begins_where_the_old_one_does() {
    let model = CHAIN[0].1.replace(", start '2026-01-01'", "");
    let sandbox = shop(&[("p", &model)]);
    promote(&sandbox, "2026-01-05");
    run(&sandbox, "2026-01-10");
    let days = || sandbox.value("SELECT count(DISTINCT day) FROM prod.p");
    assert_eq!(days(), "6");
    sandbox.write("models/p.sql", &model.replace("SELECT id,", "SELECT 1 AS one, id,"));
    sandbox.commit_quietly("one");
    promote(&sandbox, "2026-01-10");
    assert_eq!(days(), "6");
}

#[test]
fn what_a_branch_built_before_prod_was_run_is_built_again() {
    let sandbox = shop(&[
        ("sums", "SELECT sum(amount) AS total FROM raw.orders"),
        ("daily", DAILY),
        ("shown", "SELECT (SELECT total FROM sums) AS total, (SELECT count(*) FROM daily) AS days"),
    ]);
    promote(&sandbox, "2026-01-04");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("shown", "SELECT (SELECT total FROM sums) + 0 AS total, (SELECT count(*) FROM daily) AS days");
    sandbox.commit_quietly("the same, said otherwise");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-04"]).good();
    sandbox.sql("INSERT INTO raw.orders SELECT 1000, TIMESTAMP '2026-01-04', DATE '2026-01-04', 1, 5000");
    sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", "2026-01-06"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "alice"]).good();
    promote(&sandbox, "2026-01-06");
    let same =
        "SELECT total = (SELECT total FROM prod.sums) AND days = (SELECT count(*) FROM prod.daily) FROM prod.shown";
    assert_eq!(sandbox.value(same), "true");
    let again = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-06"]).good();
    assert!(again.contains("nothing to do") || again.contains("in step"), "{again}");
    sandbox.is_sound();
}

/// A message with names of types as DuckDB writes them.
fn in_capitals(told: &str) -> String {
    told.replace("from date to timestamp", "from DATE to TIMESTAMP")
}

#[test]
fn a_time_column_of_days_gets_no_times_in_silence() {
    let model = "MODEL (name events, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
SELECT d AS day, id FROM raw.events WHERE d BETWEEN @start_date AND @end_date";
    let wide =
        model.replace("(name events", "(name wide").replace("@start_date AND @end_date", "@start_ts AND @end_ts");
    let days = model.replace("(name events", "(name days").replace("d AS day", "CAST(d AS DATE) AS day");
    let sandbox = Sandbox::with_models(&[("events", model), ("wide", &wide), ("days", &days)]);
    let events =
        "CREATE OR REPLACE TABLE raw.events AS SELECT n AS id, CAST(TIMESTAMP '2026-01-01' + n * INTERVAL '6 hours' AS";
    sandbox.sql(&format!("CREATE SCHEMA raw; {events} DATE) AS d FROM range(40) AS r(n)"));
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    promote(&sandbox, "2026-01-03");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.events"), "8");
    sandbox.sql(&format!("{events} TIMESTAMP) AS d FROM range(40) AS r(n)"));
    let told = in_capitals(&sandbox.vmesh(&["run", "--execution-time", "2026-01-04"]).fails(1));
    assert!(told.contains("the time column `day` of `events` would change from DATE to TIMESTAMP"), "{told}");
    assert!(told.contains("`@start_ts` and `@end_ts`"), "{told}");
    // nor where all of it is loaded again
    let restated = ["plan", "prod", "--yes", "--restate-model", "events", "--execution-time", "2026-01-03"];
    let told = in_capitals(&sandbox.vmesh(&restated).fails(1));
    assert!(told.contains("would change from DATE to TIMESTAMP"), "{told}");
    let kept = "SELECT count(*), min(typeof(day)) FROM prod.events";
    assert_eq!(sandbox.rows(kept), [["8", "DATE"]]);
    // what it is told to do helps
    sandbox.write("models/events.sql", &model.replace("@start_date AND @end_date", "@start_ts AND @end_ts"));
    sandbox.write("models/wide.sql", &wide.replace("d AS day", "CAST(d AS DATE) AS day"));
    sandbox.commit("moments");
    promote(&sandbox, "2026-01-04");
    run(&sandbox, "2026-01-05");
    assert_eq!(sandbox.rows(kept), [["16", "TIMESTAMP"]]);
}

#[test]
fn rows_outside_of_their_span_are_told() {
    let weekly = "MODEL (name weekly, kind INCREMENTAL_BY_TIME_RANGE (time_column wk), start '2026-01-01');
SELECT CAST(date_trunc('week', day) AS DATE) AS wk, id FROM raw.orders WHERE day BETWEEN @start_date AND @end_date";
    let sandbox = shop(&[("weekly", weekly), ("daily", DAILY)]);
    // the 1st is a Thursday
    let told = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-02"]);
    assert!(
        told.err.contains("warning: 5 rows of `weekly` lie outside of 2026-01-01, and are left out"),
        "{}",
        told.err
    );
    assert!(!told.err.contains("`daily`"), "{}", told.err);
    let told = sandbox.vmesh(&["run", "--execution-time", "2026-01-03"]).err;
    assert!(told.contains("rows of `weekly` lie outside of 2026-01-02"), "{told}");
    // Monday's own are inside
    sandbox.vmesh(&["run", "--execution-time", "2026-01-05"]);
    let told = sandbox.vmesh(&["run", "--execution-time", "2026-01-06"]).err;
    assert!(!told.contains("left out"), "{told}");
    assert_eq!(sandbox.value("SELECT count(*) > 0 FROM prod.weekly"), "true");
}
