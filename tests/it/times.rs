//! Times at their edges: month ends, leap days, clocks that change, models that begin and end on different days, rows that
//! are late, early or at no time at all.

use crate::support::Sandbox;

/// A row every 6 hours from the end of 2023 on.
const ROWS: &str = "CREATE SCHEMA raw; CREATE TABLE raw.rows AS SELECT n AS id, moment, CAST(moment AS DATE) AS day \
    FROM (SELECT n, TIMESTAMP '2023-12-30' + n * INTERVAL '6 hours' AS moment FROM range(3600) AS r(n)) AS t";

fn project(models: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with_models(models);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    sandbox.sql(ROWS);
    sandbox
}

fn promote(sandbox: &Sandbox, now: &str) {
    sandbox.vmesh(&["promote", "--yes", "--execution-time", now]).good();
}

fn run(sandbox: &Sandbox, now: &str) {
    sandbox.vmesh(&["run", "prod", "--execution-time", now]).good();
}

/// Whether prod's `m` holds exactly the rows from one moment up to another.
#[track_caller]
fn holds(sandbox: &Sandbox, from: &str, to: &str, why: &str) {
    let expected = format!("SELECT id, moment FROM raw.rows WHERE moment >= '{from}' AND moment < '{to}'");
    let shown = "SELECT id, moment FROM prod.m";
    let differ = format!("({shown} EXCEPT ALL {expected}) UNION ALL ({expected} EXCEPT ALL {shown}) ORDER BY ALL");
    assert_eq!(sandbox.rows(&differ), Vec::<Vec<String>>::new(), "{why}");
}

#[test]
fn each_cron_has_its_days() {
    // header · when it is promoted, and holds rows from … to … · when it is run, and holds them to …
    type Case<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);
    let table: [Case<'_>; 12] = [
        (
            "start '2026-01-01', cron '0 0 31 * *'",
            "2026-02-15",
            "2026-01-01",
            "2026-01-01",
            &[("2026-03-30 23:59:59", "2026-01-01"), ("2026-03-31 00:00:00", "2026-03-01")],
        ),
        (
            "start '2026-01-01', cron '0 0 L * *'",
            "2026-02-15",
            "2026-01-01",
            "2026-01-01",
            &[
                ("2026-02-28 00:00:00", "2026-02-01"),
                ("2026-03-30 12:00:00", "2026-02-01"),
                ("2026-03-31 00:00:00", "2026-03-01"),
            ],
        ),
        (
            "start '2026-01-10', cron '@monthly'",
            "2026-02-01",
            "2026-01-01",
            "2026-02-01",
            &[("2026-02-28 23:00:00", "2026-02-01"), ("2026-03-01", "2026-03-01")],
        ),
        (
            "start '2024-06-01', cron '@yearly'",
            "2024-12-31",
            "2024-01-01",
            "2024-01-01",
            &[("2025-12-31", "2025-01-01"), ("2026-01-01", "2026-01-01")],
        ),
        (
            "start '2024-02-28'",
            "2024-02-29",
            "2024-02-28",
            "2024-02-29",
            &[("2024-03-01", "2024-03-01"), ("2024-03-02", "2024-03-02")],
        ),
        ("start '2024-02-01', cron '@monthly'", "2024-03-01", "2024-02-01", "2024-03-01", &[]),
        // midnight in New York is 05:00 UTC, and 04:00 from 8 March on
        (
            "start '2026-03-01', cron_tz 'America/New_York'",
            "2026-03-07 04:59:00",
            "2026-03-01",
            "2026-03-06",
            &[
                ("2026-03-07 05:00:00", "2026-03-07"),
                ("2026-03-08 05:00:00", "2026-03-08"),
                ("2026-03-09 03:59:00", "2026-03-08"),
                ("2026-03-09 04:00:00", "2026-03-09"),
            ],
        ),
        // 02:30 is left out in Berlin on 29 March, and comes twice on 25 October
        (
            "start '2026-03-27', cron '30 2 * * *', cron_tz 'Europe/Berlin'",
            "2026-03-28 01:30:00",
            "2026-03-27",
            "2026-03-28",
            &[
                ("2026-03-29 00:59:00", "2026-03-28"),
                ("2026-03-29 01:30:00", "2026-03-29"),
                ("2026-03-30 00:30:00", "2026-03-30"),
            ],
        ),
        (
            "start '2026-01-01', end '2026-01-05'",
            "2026-01-03",
            "2026-01-01",
            "2026-01-03",
            &[("2026-01-06", "2026-01-06"), ("2026-02-01", "2026-01-06")],
        ),
        ("start '2026-01-01', end '2026-01-05 00:00:00'", "2026-02-01", "2026-01-01", "2026-01-05", &[]),
        ("start '1 week ago'", "2026-01-15 10:00:00", "2026-01-08", "2026-01-15", &[("2026-01-20", "2026-01-20")]),
        (
            "start '2026-01-01', cron '@daily', interval_unit 'hour'",
            "2026-01-03 18:00:00",
            "2026-01-01",
            "2026-01-03",
            &[("2026-01-03 23:59:00", "2026-01-03"), ("2026-01-04 00:00:00", "2026-01-04")],
        ),
    ];
    for (header, first, from, to, runs) in table {
        let model = format!(
            "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), {header});\nSELECT id, moment FROM raw.rows"
        );
        let sandbox = project(&[("m", &model)]);
        promote(&sandbox, first);
        holds(&sandbox, from, to, &format!("{header}: promoted at {first}"));
        for (now, to) in runs {
            run(&sandbox, now);
            holds(&sandbox, from, to, &format!("{header}: run at {now}"));
        }
    }
}

#[test]
fn times_are_read_as_they_are_written() {
    let table = [
        ("moment", "@hourly", ""),
        ("CAST(moment AS TIMESTAMP_S)", "@hourly", ""),
        ("CAST(moment AS TIMESTAMP_NS)", "@hourly", ""),
        ("CAST(CAST(moment AS VARCHAR) || '+00:00' AS TIMESTAMPTZ)", "@hourly", ""),
        ("CAST(CAST(moment + INTERVAL 2 HOUR AS VARCHAR) || '+02:00' AS TIMESTAMPTZ)", "@hourly", ""),
        ("day", "@daily", ""),
        ("strftime(moment, '%Y-%m-%d')", "@daily", ""),
        ("strftime(moment, '%d.%m.%Y')", "@daily", ", '%d.%m.%Y'"),
        ("strftime(moment, '%Y-%m-%d %H:%M:%S')", "@hourly", ", '%Y-%m-%d %H:%M:%S'"),
        ("CAST(strftime(moment, '%Y%m%d') AS INT)", "@daily", ", '%Y%m%d'"),
        ("CAST(strftime(moment, '%Y%m%d%H') AS BIGINT)", "@hourly", ", '%Y%m%d%H'"),
        ("CAST(strftime(moment, '%Y%m') AS INT)", "@monthly", ", '%Y%m'"),
    ];
    for (expression, cron, format) in table {
        let model = format!(
            "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column (t{format})), start '2025-12-01', cron '{cron}');
             SELECT {expression} AS t, id, moment FROM raw.rows"
        );
        let sandbox = project(&[("m", &model)]);
        promote(&sandbox, "2026-01-02 11:30:00");
        for now in ["2026-01-02 16:10:00", "2026-01-03 00:00:00", "2026-02-01 00:00:00"] {
            run(&sandbox, now);
        }
        holds(&sandbox, "2025-12-01", "2026-02-01", expression);
    }
}

#[test]
fn rows_at_no_time_and_at_another_are_left_out() {
    let model = "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-01');
                 SELECT id, moment FROM raw.rows UNION ALL SELECT -1, NULL UNION ALL SELECT -2, TIMESTAMP '2026-01-01 12:34:56'";
    let sandbox = project(&[("m", model)]);
    promote(&sandbox, "2026-01-02");
    run(&sandbox, "2026-01-05");
    assert_eq!(sandbox.rows("SELECT id FROM prod.m WHERE id < 0"), [["-2"]]);
    assert_eq!(sandbox.value("SELECT max(moment) < '2026-01-05' FROM prod.m"), "true");
}

#[test]
fn late_rows_stay_out_without_a_lookback() {
    let model = "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-01');
                 SELECT id, moment FROM raw.rows";
    let sandbox = project(&[("m", model)]);
    promote(&sandbox, "2026-01-05");
    sandbox.sql("INSERT INTO raw.rows VALUES (-1, '2026-01-04 12:00:00', '2026-01-04')");
    run(&sandbox, "2026-01-08");
    run(&sandbox, "2026-01-06");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.m WHERE id = -1"), "0");
    let again =
        ["plan", "prod", "--yes", "--restate-model", "m", "--start", "2026-01-04", "--execution-time", "2026-01-08"];
    sandbox.vmesh(&again).good();
    holds(&sandbox, "2026-01-01", "2026-01-08", "restated");
}

#[test]
fn columns_are_found_by_name() {
    let model = "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-01');
                 SELECT * FROM raw.rows";
    let sandbox = project(&[("m", model)]);
    sandbox.sql("ALTER TABLE raw.rows DROP COLUMN day");
    promote(&sandbox, "2026-01-03");
    sandbox.sql("CREATE TABLE raw.other AS SELECT moment, id FROM raw.rows; DROP TABLE raw.rows; ALTER TABLE raw.other RENAME TO rows");
    run(&sandbox, "2026-01-06");
    holds(&sandbox, "2026-01-01", "2026-01-06", "in another order");
}

#[test]
fn a_unit_that_is_not_over_is_loaded_in_part_and_then_whole() {
    let model = |kind: &str, partials: &str| {
        format!(
            "MODEL (name m, kind INCREMENTAL_{kind}, start '2026-01-01'{partials});
                 SELECT id, moment FROM raw.rows WHERE moment BETWEEN @start_dtntz AND @end_dtntz"
        )
    };
    for kind in ["BY_TIME_RANGE (time_column moment)", "BY_UNIQUE_KEY (unique_key id)", "UNMANAGED"] {
        let sandbox = project(&[("m", &model(kind, ", allow_partials true"))]);
        promote(&sandbox, "2026-01-03 13:00:00");
        let until = |now: &str| {
            sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", now]).good();
            holds(&sandbox, "2026-01-01", now, &format!("{kind} at {now}"));
        };
        holds(&sandbox, "2026-01-01", "2026-01-03", kind);
        until("2026-01-03 13:00:00");
        until("2026-01-03 19:30:00");
        run(&sandbox, "2026-01-04 02:00:00");
        holds(&sandbox, "2026-01-01", "2026-01-04", kind);
        let sandbox = project(&[("m", &model(kind, ""))]);
        promote(&sandbox, "2026-01-03 13:00:00");
        sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", "2026-01-03 19:30:00"]).good();
        holds(&sandbox, "2026-01-01", "2026-01-03", "whole days only");
    }
}

#[test]
fn nobody_waits_for_days_that_a_parent_never_has() {
    let parent = |rest: &str| {
        format!(
            "MODEL (name p, kind INCREMENTAL_BY_TIME_RANGE (time_column moment){rest});\nSELECT id, moment FROM raw.rows"
        )
    };
    let kinds = ["INCREMENTAL_BY_TIME_RANGE (time_column moment)", "INCREMENTAL_BY_UNIQUE_KEY (unique_key id)"];
    for kind in kinds {
        for rest in [", start '2026-01-05'", ", start '2026-01-05', end '2026-01-07'", ""] {
            let child = format!(
                "MODEL (name m, kind {kind}, start '2026-01-01');
                 SELECT id, moment FROM raw.rows WHERE moment BETWEEN @start_dtntz AND @end_dtntz AND id NOT IN (SELECT -id FROM p)"
            );
            let sandbox = project(&[("p", &parent(rest)), ("m", &child)]);
            promote(&sandbox, "2026-01-10");
            holds(&sandbox, "2026-01-01", "2026-01-10", &format!("{kind}{rest}"));
            run(&sandbox, "2026-01-12");
            holds(&sandbox, "2026-01-01", "2026-01-12", &format!("{kind}{rest}"));
        }
    }
}

#[test]
fn a_coarser_child_waits_for_the_whole_of_its_unit() {
    let parent = "MODEL (name p, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-10');\nSELECT id, moment FROM raw.rows";
    let child = "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), cron '@monthly');
                 SELECT id, moment FROM p WHERE moment BETWEEN @start_dtntz AND @end_dtntz";
    let sandbox = project(&[("p", parent), ("m", child)]);
    promote(&sandbox, "2026-01-31");
    holds(&sandbox, "2026-01-10", "2026-01-10", "January is not over");
    run(&sandbox, "2026-02-01 06:00:00");
    holds(&sandbox, "2026-01-10", "2026-02-01", "January is");
    run(&sandbox, "2026-02-20");
    holds(&sandbox, "2026-01-10", "2026-02-01", "February is not");
    run(&sandbox, "2026-04-02");
    holds(&sandbox, "2026-01-10", "2026-04-01", "two months at once");
}

#[test]
fn what_builds_on_earlier_loads_is_loaded_in_turn() {
    let model = "MODEL (name m, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key key), start '2026-01-01');
                 SELECT 1 AS key, max(id) AS id, max(moment) AS moment FROM raw.rows WHERE moment BETWEEN @start_dtntz AND @end_dtntz";
    let sandbox = project(&[("other", "SELECT 1 AS x")]);
    promote(&sandbox, "2026-01-20");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("m", model);
    sandbox.commit_quietly("m");
    let plan = |start: &str, end: &str| {
        let limits = ["--start", start, "--end", end, "--execution-time", "2026-01-20"];
        sandbox.vmesh(&[&["plan", "--yes"][..], &limits].concat()).good();
        sandbox.value("SELECT max(moment) FROM dev__alice.m")
    };
    assert_eq!(plan("2026-01-08", "2026-01-10"), "2026-01-10 18:00:00");
    assert_eq!(plan("2026-01-03", "2026-01-04"), "2026-01-10 18:00:00", "older rows in place of newer ones");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    promote(&sandbox, "2026-01-20");
    assert_eq!(sandbox.rows("SELECT key, moment FROM prod.m"), [["1", "2026-01-19 18:00:00"]]);
    let filled = "SELECT filled FROM vmesh_state.tables WHERE model = 'm'";
    assert_eq!(sandbox.value(filled).matches('[').count(), 2 + 1, "one span: {}", sandbox.value(filled));
}

#[test]
fn a_start_counts_by_its_moment() {
    let model = |start: &str| {
        format!(
            "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start {start});\nSELECT id, moment FROM raw.rows"
        )
    };
    let sandbox = project(&[("m", &model("'2026-01-01'"))]);
    promote(&sandbox, "2026-01-04");
    for same in ["2026-01-01", "'2026-01-01 00:00:00'", "'20260101'", "'2026-01-01T00:00:00Z'", "'2026-01-01 07:30:00'"]
    {
        sandbox.model("m", &model(same));
        sandbox.commit_quietly(same);
        let plan = sandbox.vmesh(&["promote", "--yes", "--json", "--execution-time", "2026-01-04"]).json();
        assert_eq!(plan["summary"]["build"], 0, "{same}");
    }
    for other in ["'2025-12-31'", "'2026-01-02'", "'2 days ago'"] {
        sandbox.model("m", &model(other));
        sandbox.commit_quietly(other);
        let plan = sandbox.vmesh(&["promote", "--yes", "--json", "--execution-time", "2026-01-04"]).json();
        assert_eq!(plan["summary"]["build"], 1, "{other}");
    }
    holds(&sandbox, "2026-01-02", "2026-01-04", "2 days ago");
}

#[test]
fn a_start_is_inherited_through_models_of_every_kind() {
    let parents = [
        "MODEL (name p, kind EMBEDDED, start '2026-01-03');\nSELECT id, moment FROM raw.rows",
        "MODEL (name p, kind VIEW, start '2026-01-03');\nSELECT id, moment FROM raw.rows",
        "MODEL (name p, kind EMBEDDED);\nSELECT id, moment FROM top",
    ];
    let top = "MODEL (name top, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-03');\nSELECT id, moment FROM raw.rows";
    let child = "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment));\nSELECT id, moment FROM p";
    for parent in parents {
        let sandbox = project(&[("top", top), ("p", parent), ("m", child)]);
        promote(&sandbox, "2026-01-06");
        holds(&sandbox, "2026-01-03", "2026-01-06", parent);
    }
}

#[test]
fn what_may_not_be_restated_stays_as_it_is() {
    let log = |rest: &str| {
        format!(
            "MODEL (name m, kind INCREMENTAL_UNMANAGED{rest}, start '2026-01-01');
                 SELECT id, moment FROM raw.rows WHERE moment BETWEEN @start_dtntz AND @end_dtntz"
        )
    };
    let daily = "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day, disable_restatement true), start '2026-01-01');
                 SELECT day, count(*) AS n FROM raw.rows GROUP BY day";
    let sandbox = project(&[("m", &log("")), ("daily", daily), ("sums", "SELECT sum(n) AS n FROM daily")]);
    promote(&sandbox, "2026-01-04");
    sandbox.sql("DELETE FROM raw.rows");
    let restate = |models: &str| {
        sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", models, "--execution-time", "2026-01-04"])
    };
    let done = restate("m");
    assert!(done.err.contains("`m` stays as it is"), "{}", done.err);
    assert_eq!(done.good(), "nothing can be built again\n");
    let done = restate("*");
    assert!(done.err.contains("`m` stays as it is") && done.err.contains("`daily` stays as it is"), "{}", done.err);
    done.good();
    let counts = "SELECT (SELECT count(*) FROM prod.m), (SELECT sum(n) FROM prod.daily), (SELECT n FROM prod.sums)";
    assert_eq!(sandbox.rows(counts), [["12", "12", "12"]]);
    // the header decides, and changes no row
    sandbox.model("m", &log(" (disable_restatement false)"));
    sandbox.commit_quietly("may be");
    let plan = sandbox.vmesh(&["promote", "--yes", "--json", "--execution-time", "2026-01-04"]).json();
    assert_eq!(plan["summary"]["build"], 0);
    restate("m").good();
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.m"), "0");
}

#[test]
fn a_restatement_of_the_past_keeps_the_present() {
    let model = "MODEL (name m, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key id), start '2026-01-01');
                 SELECT id, moment FROM raw.rows WHERE moment BETWEEN @start_dtntz AND @end_dtntz";
    let sandbox = project(&[("m", model)]);
    promote(&sandbox, "2026-01-10");
    // told with the clock of an earlier day
    sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", "m", "--execution-time", "2026-01-05"]).good();
    holds(&sandbox, "2026-01-01", "2026-01-10", "all that was there");
    let by_time = "MODEL (name m, kind INCREMENTAL_BY_TIME_RANGE (time_column moment), start '2026-01-01');
                   SELECT id, moment FROM raw.rows";
    let sandbox = project(&[("m", by_time)]);
    promote(&sandbox, "2026-01-10");
    sandbox.sql("UPDATE raw.rows SET id = -id");
    let limits = ["--start", "2026-01-03", "--end", "2026-01-08", "--execution-time", "2026-01-05"];
    sandbox.vmesh(&[&["plan", "prod", "--yes", "--restate-model", "m"], &limits[..]].concat()).good();
    assert_eq!(
        sandbox.value("SELECT count(*) FROM prod.m WHERE id < 0"),
        (4 * 6).to_string(),
        "the days that were named"
    );
}

#[test]
fn what_overwrites_holds_the_last_load() {
    let model = "MODEL (name m, kind INCREMENTAL_UNMANAGED (insert_overwrite true, disable_restatement false), start '2026-01-01');
                 SELECT id, moment FROM raw.rows WHERE moment BETWEEN @start_dtntz AND @end_dtntz";
    let sandbox = project(&[("m", model)]);
    promote(&sandbox, "2026-01-03");
    holds(&sandbox, "2026-01-01", "2026-01-03", "the first");
    run(&sandbox, "2026-01-06");
    holds(&sandbox, "2026-01-03", "2026-01-06", "the second");
    run(&sandbox, "2026-01-04");
    holds(&sandbox, "2026-01-03", "2026-01-06", "nothing is missing");
    sandbox.vmesh(&["plan", "prod", "--yes", "--restate-model", "m", "--execution-time", "2026-01-06"]).good();
    holds(&sandbox, "2026-01-01", "2026-01-06", "all of it at once");
}

#[test]
fn the_start_of_a_table_that_is_built_whole_counts_where_its_query_says_it() {
    let model = |start: &str, query: &str| format!("MODEL (name m, kind FULL, start '{start}');\n{query}");
    let said = "SELECT id, moment FROM raw.rows WHERE moment >= @start_dtntz AND moment < '2026-02-01'";
    let builds = |sandbox: &Sandbox, model: &str| {
        sandbox.model("m", model);
        sandbox.commit_quietly("start");
        sandbox.vmesh(&["promote", "--yes", "--json"]).json()["summary"]["build"].clone()
    };
    let sandbox = project(&[("m", &model("2026-01-05", said))]);
    promote(&sandbox, "2026-03-01");
    assert_eq!(builds(&sandbox, &model("2026-01-05 00:00:00", said)), 0);
    assert_eq!(builds(&sandbox, &model("2026-01-08", said)), 1);
    holds(&sandbox, "2026-01-08", "2026-02-01", "from the new start on");
    let inner = "MODEL (name inner_one, kind EMBEDDED);\nSELECT id, moment FROM raw.rows WHERE moment >= @start_dtntz";
    let outer = "SELECT id, moment FROM inner_one WHERE moment < '2026-02-01'";
    let sandbox = project(&[("inner_one", inner), ("m", &model("2026-01-05", outer))]);
    promote(&sandbox, "2026-03-01");
    assert_eq!(builds(&sandbox, &model("2026-01-08", outer)), 1);
    holds(&sandbox, "2026-01-08", "2026-02-01", "through an embedded model");
    let silent = "SELECT id, moment FROM raw.rows";
    let sandbox = project(&[("m", &model("2026-01-05", silent))]);
    promote(&sandbox, "2026-03-01");
    assert_eq!(builds(&sandbox, &model("2026-01-08", silent)), 0);
}
