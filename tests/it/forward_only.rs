//! Versions that go on from the rows of the one before: forward-only models, and models that were renamed.

use crate::support::Sandbox;

const DAILY: &str =
    "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day, forward_only true), start '2026-01-01');
SELECT day, sum(amount) AS total FROM raw.orders WHERE day BETWEEN @start_date AND @end_date GROUP BY day";

fn shop(models: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with_models(models);
    sandbox.sql(
        "CREATE SCHEMA raw; CREATE TABLE raw.orders AS \
         SELECT DATE '2026-01-01' + CAST(n AS INT) AS day, 1 AS amount FROM range(30) AS r(n)",
    );
    sandbox
}

fn promote(sandbox: &Sandbox, now: &str) -> String {
    sandbox.vmesh(&["promote", "--yes", "--execution-time", now]).good()
}

fn merge(sandbox: &Sandbox, branch: &str) {
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", branch]).good();
}

fn totals(sandbox: &Sandbox, schema: &str) -> String {
    sandbox.value(&format!("SELECT string_agg(total::VARCHAR, ' ' ORDER BY day) FROM {schema}.daily"))
}

#[test]
fn a_forward_only_version_computes_what_is_new() {
    let below = ("sums", "SELECT sum(total) AS total FROM daily");
    let grows = "MODEL (name later, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
                 SELECT day, total + 100 AS total FROM daily WHERE day BETWEEN @start_date AND @end_date";
    let sandbox = shop(&[("daily", DAILY), below, ("later", grows)]);
    promote(&sandbox, "2026-01-04");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("daily", &DAILY.replace("sum(amount)", "2 * sum(amount)"));
    sandbox.commit_quietly("twice");
    let plan = sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-06"]).good();
    assert!(plan.contains("goes on from prod's rows · 2026-01-04 – 2026-01-05"), "{plan}");
    assert_eq!(totals(&sandbox, "dev__alice"), "1 1 1 2 2");
    assert_eq!(totals(&sandbox, "prod"), "1 1 1");
    // prod goes on with the old version; what alice computed for these days is only a preview
    sandbox.vmesh(&["run", "prod", "--execution-time", "2026-01-07"]).good();
    merge(&sandbox, "alice");
    promote(&sandbox, "2026-01-08");
    assert_eq!(totals(&sandbox, "prod"), "1 1 1 1 1 1 2");
    assert_eq!(sandbox.value("SELECT total FROM prod.sums"), "8", "what lies below is of the same rows");
    let later = "SELECT string_agg(total::VARCHAR, ' ' ORDER BY day) FROM prod.later";
    assert_eq!(sandbox.value(later), "101 101 101 101 101 101 102");
    let again = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-08"]).good();
    assert!(!again.contains("build "), "{again}");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(totals(&sandbox, "prod"), "1 1 1 1 1 1", "the version before is as it was");
    sandbox.is_sound();
}

#[test]
fn what_was_promoted_as_it_was_reviewed_is_only_swapped() {
    let sandbox = shop(&[("daily", DAILY)]);
    promote(&sandbox, "2026-01-04");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("daily", &DAILY.replace("sum(amount)", "2 * sum(amount)"));
    sandbox.commit_quietly("twice");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-04 12:00:00"]).good();
    let table = sandbox.views("dev__alice");
    merge(&sandbox, "alice");
    sandbox.vmesh(&["promote", "--yes", "--no-build", "--execution-time", "2026-01-04 13:00:00"]).good();
    assert_eq!(sandbox.views("prod"), table);
}

#[test]
fn columns_change_only_as_the_model_allows() {
    let model = DAILY.replace("sum(amount) AS total", "sum(amount) AS total, count(*) AS orders");
    let sandbox = shop(&[("daily", &model)]);
    promote(&sandbox, "2026-01-03");
    let before = (sandbox.views("prod"), totals(&sandbox, "prod"));
    let changed = model.replace("count(*) AS orders", "'x' AS note");
    sandbox.model("daily", &changed);
    sandbox.commit_quietly("a note instead");
    let refused = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-05"]).fails(1);
    insta::assert_snapshot!(refused);
    assert_eq!((sandbox.views("prod"), totals(&sandbox, "prod")), before);
    sandbox.model("daily", &changed.replace("forward_only true", "forward_only true, on_destructive_change ALLOW"));
    sandbox.commit_quietly("allowed");
    promote(&sandbox, "2026-01-05");
    let rows = sandbox.rows("SELECT total, note FROM prod.daily ORDER BY day");
    assert_eq!(rows, [["1", "NULL"], ["1", "NULL"], ["1", "x"], ["1", "x"]]);
    let keeps = "forward_only true, on_destructive_change IGNORE, on_additive_change IGNORE";
    sandbox.model(
        "daily",
        &model.replace("forward_only true", keeps).replace("count(*)", "sum(amount) AS more, count(*)"),
    );
    sandbox.commit_quietly("the table's columns stay");
    promote(&sandbox, "2026-01-06");
    let rows = sandbox.rows("FROM prod.daily ORDER BY day DESC LIMIT 2");
    assert_eq!(rows, [["2026-01-05", "1", "NULL"], ["2026-01-04", "1", "x"]]);
    sandbox.is_sound();
}

/// Two versions of `daily` were promoted, each with a FULL and an incremental child, and main went back to the first.
fn reverted() -> Sandbox {
    let grows = "MODEL (name later, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
                 SELECT day, total + 100 AS total FROM daily WHERE day BETWEEN @start_date AND @end_date";
    let view = "MODEL (kind VIEW);\nSELECT max(total) AS most FROM daily";
    let sums = "SELECT sum(total) AS total FROM daily";
    let sandbox = shop(&[("daily", DAILY), ("sums", sums), ("later", grows), ("most", view)]);
    promote(&sandbox, "2026-01-03");
    sandbox.model("daily", &DAILY.replace("sum(amount)", "2 * sum(amount)"));
    sandbox.commit_quietly("twice");
    promote(&sandbox, "2026-01-04");
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "revert", "--no-edit", "HEAD"]).good();
    sandbox
}

/// What prod shows of all of them.
fn all(sandbox: &Sandbox) -> String {
    sandbox.value(
        "SELECT (SELECT string_agg(total::VARCHAR, ' ' ORDER BY day) FROM prod.daily) || ' / ' || (SELECT total FROM prod.sums) \
         || ' / ' || (SELECT sum(total) FROM prod.later) || ' / ' || (SELECT most FROM prod.most)",
    )
}

#[test]
fn a_revert_goes_on_from_the_rows_of_what_it_reverts_and_a_rollback_does_not() {
    let sandbox = reverted();
    assert_eq!(all(&sandbox), "1 1 2 / 4 / 304 / 2");
    promote(&sandbox, "2026-01-05");
    assert_eq!(all(&sandbox), "1 1 2 1 / 5 / 405 / 2");
    let again = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-05"]).good();
    assert!(again.contains("nothing to do"), "{again}");
    let first = sandbox.git(&["rev-list", "--max-parents=0", "HEAD"]).good();
    sandbox.vmesh(&["rollback", first.trim(), "--yes"]).good();
    assert_eq!(all(&sandbox), "1 1 / 2 / 202 / 1");
    let differ = sandbox.vmesh(&["diff", first.trim(), "prod"]).good();
    assert!(differ.contains("show the same"), "a commit is what prod showed of it: {differ}");
    sandbox.vmesh(&["gc", "--yes"]).good();
    // prod goes on with what it shows
    sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", "2026-01-06"]).good();
    assert_eq!(all(&sandbox), "1 1 1 1 1 / 5 / 505 / 1");
    promote(&sandbox, "2026-01-06");
    assert_eq!(all(&sandbox), "1 1 1 1 1 / 5 / 505 / 1");
    sandbox.is_sound();
}

#[test]
fn records_of_version_4_say_the_same_once_they_are_brought_up_to_date() {
    let sandbox = reverted();
    promote(&sandbox, "2026-01-05");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("sums", "SELECT sum(total) AS total, 1 AS one FROM daily");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-05"]).good();
    let records = |table: &str| sandbox.rows(&format!("FROM vmesh_state.{table} ORDER BY ALL"));
    let tables = "(SELECT * EXCLUDE (rows) REPLACE (list_sort(string_split(parents, ' ')) AS parents, json_merge_patch(inputs, '{\"beside\":null,\"recipe\":null,\"read_as\":null,\"clone_of\":null,\"shape\":null,\"alike\":null}') AS inputs) FROM vmesh_state.tables)";
    let all = || {
        let tables = sandbox.rows(&format!("FROM {tables} ORDER BY ALL"));
        (tables, records("snapshots"), records("pointers"), records("promotions"), records("moved"))
    };
    let before = all();
    assert!(sandbox.rows("SELECT 1 FROM vmesh_state.tables WHERE table_name NOT IN (SELECT table_name FROM vmesh_state.snapshots)").len() > 1);
    sandbox.records_of_version_4();
    sandbox.vmesh(&["envs"]).good();
    assert_eq!(all(), before);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.vmesh(&["rollback", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn a_revert_that_is_killed_leaves_what_a_rollback_shows() {
    for moment in ["built:1", "built:2", "publish:views"] {
        let sandbox = reverted();
        let mut command = sandbox.vmesh_command(&["promote", "--yes", "--execution-time", "2026-01-05"]);
        let killed = command.env("VMESH_TEST_KILL_AT", moment).output().unwrap();
        assert!(!killed.status.success(), "{moment}");
        assert_eq!(all(&sandbox), "1 1 2 / 4 / 304 / 2", "{moment}");
        let other = sandbox.copy();
        other.vmesh(&["rollback", "--yes"]).good();
        assert_eq!(all(&other), "1 1 / 2 / 202 / 1", "{moment}");
        promote(&sandbox, "2026-01-05");
        assert_eq!(all(&sandbox), "1 1 2 1 / 5 / 405 / 2", "{moment}");
        sandbox.vmesh(&["gc", "--yes"]).good();
        sandbox.is_sound();
    }
}

fn first_commit(sandbox: &Sandbox) -> String {
    sandbox.git(&["rev-list", "--max-parents=0", "HEAD"]).good().trim().to_owned()
}

#[test]
fn however_often_main_goes_back_and_forth_a_rollback_shows_what_was_shown() {
    let sandbox = reverted();
    let mut shown = vec![(first_commit(&sandbox), "1 1 / 2 / 202 / 1".to_owned())];
    for (day, factor) in [(5, 1), (6, 2), (7, 3), (8, 1), (9, 2), (10, 3)] {
        sandbox.model("daily", &DAILY.replace("sum(amount)", &format!("{factor} * sum(amount)")).replace("1 * ", ""));
        sandbox
            .git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--allow-empty", "--all", "-m", "next"])
            .good();
        promote(&sandbox, &format!("2026-01-{day:02}"));
        shown.push((sandbox.git(&["rev-parse", "HEAD"]).good().trim().to_owned(), all(&sandbox)));
    }
    assert_eq!(totals(&sandbox, "prod"), "1 1 2 1 2 3 1 2 3");
    for (commit, rows) in shown {
        sandbox.vmesh(&["rollback", &commit, "--yes"]).good();
        assert_eq!(all(&sandbox), rows, "{commit}");
    }
    sandbox.is_sound();
}

#[test]
fn what_was_put_aside_is_restated_with_what_lies_below_it() {
    let sandbox = reverted();
    promote(&sandbox, "2026-01-05");
    sandbox.vmesh(&["rollback", &first_commit(&sandbox), "--yes"]).good();
    sandbox.sql("UPDATE raw.orders SET amount = 10");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "daily", "--yes", "--execution-time", "2026-01-05"]).good();
    assert_eq!(all(&sandbox), "10 10 / 20 / 220 / 10");
    sandbox.is_sound();
}

#[test]
fn a_table_that_two_names_share_is_not_made_anew_for_one_of_them() {
    let sums = "SELECT sum(total) AS total FROM daily";
    let sandbox = shop(&[("daily", DAILY), ("totals", sums)]);
    promote(&sandbox, "2026-01-03");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.git(&["mv", "models/totals.sql", "models/sums.sql"]).good();
    sandbox.commit_quietly("renamed");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-03"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.model("daily", &DAILY.replace("sum(amount)", "2 * sum(amount)"));
    sandbox.commit_quietly("twice");
    promote(&sandbox, "2026-01-04");
    sandbox.model("daily", DAILY);
    sandbox.git(&["mv", "models/totals.sql", "models/sums.sql"]).good();
    sandbox.commit_quietly("once, renamed");
    promote(&sandbox, "2026-01-06");
    assert_eq!(sandbox.value("SELECT total FROM prod.sums"), "6");
    sandbox.vmesh(&["rollback", &first_commit(&sandbox), "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.totals"), "2");
    sandbox.is_sound();
}

#[test]
fn a_branch_writes_nothing_that_a_rollback_shows() {
    let sandbox = reverted();
    sandbox.git(&["switch", "--quiet", "-c", "alice", &first_commit(&sandbox)]).good();
    let plan = |more: &[&str]| sandbox.vmesh(&[&["plan", "--yes", "--execution-time", "2026-01-09"], more].concat());
    plan(&[]).good();
    plan(&["--start", "2026-01-01", "--end", "2026-01-08"]).good();
    sandbox.vmesh(&["run", "--ignore-cron", "--execution-time", "2026-01-09"]).good();
    sandbox.sql("UPDATE raw.orders SET amount = 10");
    let refused = plan(&["--restate-model", "daily"]).fails(1);
    assert!(refused.contains("prod shows these tables too, or has shown them: daily"), "{refused}");
    plan(&[]).good();
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(all(&sandbox), "1 1 / 2 / 202 / 1");
    sandbox.is_sound();
}

/// Views read tables by their names: they follow where a version is made anew.
#[test]
fn views_follow_what_is_made_anew_below_them() {
    let view = |from: &str| format!("MODEL (kind VIEW);\nSELECT x FROM {from}");
    let sandbox = Sandbox::with_models(&[
        ("a", "SELECT x FROM raw.src"),
        ("b", "SELECT x FROM a"),
        ("v", &view("b")),
        ("w", &view("v")),
        ("t", "SELECT x FROM w"),
    ]);
    let all = || {
        sandbox
            .value("SELECT concat_ws(' ', (FROM prod.a), (FROM prod.b), (FROM prod.v), (FROM prod.w), (FROM prod.t))")
    };
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.src AS SELECT 1 AS x");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.model("b", "SELECT x + 100 AS x FROM a");
    sandbox.commit_quietly("more");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql("UPDATE raw.src SET x = 2");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(all(), "2 102 102 102 102");
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "revert", "--no-edit", "HEAD"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(all(), "2 2 2 2 2");
    assert!(sandbox.vmesh(&["promote", "--yes"]).good().contains("nothing to do"));
    sandbox.sql("UPDATE raw.src SET x = 3");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(all(), "3 3 3 3 3");
    sandbox.vmesh(&["rollback", &first_commit(&sandbox), "--yes"]).good();
    assert_eq!(all(), "3 1 1 1 1", "a is the same table in each promotion");
    sandbox.is_sound();
}

#[test]
fn a_view_of_a_branch_stays_where_prods_table_is_only_filled() {
    let sandbox =
        Sandbox::with_models(&[("b", "SELECT x FROM raw.src"), ("e", "MODEL (kind EMBEDDED);\nSELECT x FROM b")]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.src AS SELECT 1 AS x");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("v", "MODEL (kind VIEW);\nSELECT b.x, e.x AS y FROM b, e");
    sandbox.commit_quietly("a view");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.sql("UPDATE raw.src SET x = 2");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert!(sandbox.vmesh(&["plan", "--yes"]).good().contains("nothing to do"));
    assert_eq!(sandbox.rows("FROM dev__alice.v"), [["2", "2"]]);
    sandbox.is_sound();
}

#[test]
fn a_branch_at_an_old_commit_shows_rows_of_one_time() {
    let sums = "SELECT sum(total) AS total FROM daily";
    let daily = DAILY.replace(", forward_only true", "");
    let sandbox = shop(&[("daily", &daily), ("sums", sums), ("v", "MODEL (kind VIEW);\nSELECT total FROM sums")]);
    promote(&sandbox, "2026-01-04");
    sandbox.git(&["branch", "alice"]).good();
    sandbox.model("sums", "SELECT sum(total) + 1000 AS total FROM daily");
    sandbox.commit_quietly("more");
    promote(&sandbox, "2026-01-04");
    sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", "2026-01-09"]).good();
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    let plan = || sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-09"]).good();
    plan();
    let rows =
        "SELECT concat_ws(' ', (SELECT count(*) FROM dev__alice.daily), (FROM dev__alice.sums), (FROM dev__alice.v))";
    assert_eq!(sandbox.value(rows), "8 8 8");
    assert!(plan().contains("nothing to do"));
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT concat_ws(' ', (FROM prod.sums), (FROM prod.v))"), "3 3");
    sandbox.is_sound();
}

#[test]
fn a_rollback_to_tables_of_different_times_says_so() {
    let sums = "SELECT sum(total) AS total FROM daily";
    let sandbox = shop(&[("daily", DAILY), ("sums", sums)]);
    promote(&sandbox, "2026-01-03");
    sandbox.model("sums", "SELECT sum(total) + 0 AS total FROM daily");
    sandbox.commit_quietly("another sum");
    promote(&sandbox, "2026-01-04");
    let rollback = || sandbox.vmesh(&["rollback", &first_commit(&sandbox), "--yes"]);
    assert!(!rollback().err.contains("note:"), "nothing was filled since");
    promote(&sandbox, "2026-01-04");
    sandbox.vmesh(&["run", "prod", "--execution-time", "2026-01-09"]).good();
    let back = rollback();
    assert!(back.err.contains("note: filled before what they are built from: sums"), "{}", back.err);
    sandbox.vmesh(&["run", "prod", "--ignore-cron", "--execution-time", "2026-01-09"]).good();
    assert_eq!(sandbox.value("SELECT total = (SELECT sum(total) FROM prod.daily) FROM prod.sums"), "true");
    assert!(!rollback().err.contains("note:"));
    sandbox.is_sound();
}

/// What was built on a branch's preview is built again once the preview is.
#[test]
fn a_child_of_a_preview_is_not_taken_for_one_of_the_rows_that_were_promoted() {
    let grows = "MODEL (name later, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
                 SELECT day, total + 100 AS total FROM daily WHERE day BETWEEN @start_date AND @end_date";
    let sums = "SELECT sum(total) AS total FROM daily";
    let sandbox = shop(&[("daily", DAILY), ("sums", sums), ("later", grows)]);
    promote(&sandbox, "2026-01-04");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("daily", &DAILY.replace("sum(amount)", "2 * sum(amount)"));
    sandbox.commit_quietly("twice");
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    sandbox.model("sums", "SELECT sum(total) + 0 AS total FROM daily");
    sandbox.model("later", &grows.replace("+ 100", "+ 200"));
    sandbox.commit_quietly("on top of alice's");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-06"]).good();
    sandbox.vmesh(&["run", "prod", "--execution-time", "2026-01-07"]).good();
    merge(&sandbox, "alice");
    promote(&sandbox, "2026-01-08");
    merge(&sandbox, "bob");
    promote(&sandbox, "2026-01-08");
    assert_eq!(totals(&sandbox, "prod"), "1 1 1 1 1 1 2");
    assert_eq!(sandbox.value("SELECT total FROM prod.sums"), "8");
    let later = "SELECT string_agg(total::VARCHAR, ' ' ORDER BY day) FROM prod.later";
    assert_eq!(sandbox.value(later), "201 201 201 201 201 201 202");
    sandbox.is_sound();
}

#[test]
fn a_renamed_model_shares_its_table() {
    let view = "MODEL (kind VIEW);\nSELECT total FROM sums";
    let sandbox = Sandbox::promoted(&[("sums", "SELECT 1 AS total"), ("shown", view)]);
    let before = (sandbox.snapshots(), sandbox.views("prod")["sums"].clone());
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.git(&["mv", "models/sums.sql", "models/totals.sql"]).good();
    sandbox.model("shown", "MODEL (kind VIEW);\nSELECT total FROM totals");
    sandbox.commit_quietly("a better name");
    let plan = sandbox.vmesh(&["plan", "--yes", "--explain"]).good();
    assert!(plan.contains("renamed from sums: shows its table") && !plan.contains("- sums"), "{plan}");
    assert_eq!(sandbox.views("dev__alice")["totals"], before.1);
    assert_eq!(sandbox.snapshots(), before.0 + 1, "only the view is new, whose text changed");
    // the table is prod's: a branch doesn't fill it again
    let ran = sandbox.vmesh(&["run", "--ignore-cron"]).good();
    assert_eq!(ran, "nothing is due in dev__alice\n");
    let refused = sandbox.vmesh(&["plan", "--restate-model", "totals", "--yes"]).fails(1);
    assert!(refused.contains("prod"), "{refused}");
    merge(&sandbox, "alice");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.views("prod")["totals"], before.1);
    sandbox.vmesh(&["plan", "prod", "--restate-model", "totals", "--yes"]).good();
    sandbox.git(&["branch", "--quiet", "-D", "alice"]).good();
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.shown"), "1");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.sums"), "1");
    sandbox.is_sound();
}

#[test]
fn a_renamed_seed_shares_its_table_and_a_copy_with_other_rows_does_not() {
    let seed = "MODEL (kind SEED (path 'countries.csv'));\n";
    let sandbox = Sandbox::with_models(&[("countries", seed)]);
    sandbox.write("models/countries.csv", "id,name\n1,France\n");
    sandbox.commit_quietly("rows");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let table = sandbox.views("prod")["countries"].clone();
    sandbox.git(&["mv", "models/countries.sql", "models/states.sql"]).good();
    sandbox.git(&["mv", "models/countries.csv", "models/states.csv"]).good();
    sandbox.model("states", "MODEL (kind SEED (path 'states.csv'));\n");
    sandbox.commit_quietly("states");
    sandbox.vmesh(&["promote", "--yes", "--no-build"]).good();
    assert_eq!(sandbox.views("prod")["states"], table);
    sandbox.write("models/states.csv", "id,name\n1,Peru\n");
    sandbox.commit_quietly("another");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_ne!(sandbox.views("prod")["states"], table);
    assert_eq!(sandbox.value("SELECT name FROM prod.states"), "Peru");
}

#[test]
fn a_renamed_incremental_model_keeps_its_rows() {
    let sandbox = shop(&[("daily", &DAILY.replace(", forward_only true", ""))]);
    promote(&sandbox, "2026-01-04");
    // the sources of the first days are gone
    sandbox.sql("DELETE FROM raw.orders WHERE day < '2026-01-03'");
    let renamed = DAILY.replace(", forward_only true", "").replace("name daily", "name totals");
    sandbox.git(&["mv", "models/daily.sql", "models/totals.sql"]).good();
    sandbox.model("totals", &renamed);
    sandbox.commit_quietly("a better name");
    promote(&sandbox, "2026-01-05");
    let totals = "SELECT string_agg(total::VARCHAR, ' ' ORDER BY day) FROM prod.totals";
    assert_eq!(sandbox.value(totals), "1 1 1 1");
    sandbox.vmesh(&["run", "prod", "--execution-time", "2026-01-06"]).good();
    assert_eq!(sandbox.value(totals), "1 1 1 1 1");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "3");
    sandbox.is_sound();
}
