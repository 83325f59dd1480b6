//! Time zones: the machine's never counts, and where ICU is built in, every form that needs it works.

use crate::support::{Sandbox, binary};

/// What needs ICU, and what it gives in UTC. `?` stands for what another day gives otherwise.
#[cfg(feature = "icu")]
const PROBES: [(&str, &str); 18] = [
    ("current_date = now()::DATE", "true"),
    ("today() = current_date", "true"),
    ("TIMESTAMP '2026-01-01 00:30:00' AT TIME ZONE 'Europe/Berlin' = TIMESTAMPTZ '2025-12-31 23:30:00+00'", "true"),
    ("(TIMESTAMPTZ '2026-01-01 00:30:00+00' AT TIME ZONE 'America/New_York')::VARCHAR", "2025-12-31 19:30:00"),
    ("timezone('Asia/Tokyo', TIMESTAMPTZ '2026-01-01 20:00:00+00')::VARCHAR", "2026-01-02 05:00:00"),
    ("(TIMESTAMPTZ '2026-01-01 00:30:00+00' - INTERVAL 1 HOUR)::VARCHAR", "2025-12-31 23:30:00+00"),
    ("(TIMESTAMPTZ '2026-01-31 00:30:00+00' + INTERVAL 1 MONTH)::VARCHAR", "2026-02-28 00:30:00+00"),
    ("now() - INTERVAL 1 DAY < now()", "true"),
    ("date_trunc('day', TIMESTAMPTZ '2026-01-01 23:30:00+00')::VARCHAR", "2026-01-01 00:00:00+00"),
    ("extract('hour' FROM TIMESTAMPTZ '2026-01-01 23:30:00+00')::VARCHAR", "23"),
    ("date_part('day', TIMESTAMPTZ '2026-01-01 23:30:00+00')::VARCHAR", "1"),
    ("TIMESTAMPTZ '2026-01-01 23:30:00+00'::DATE::VARCHAR", "2026-01-01"),
    ("TIMESTAMPTZ '2026-01-01 23:30:00+00'::TIMESTAMP::VARCHAR", "2026-01-01 23:30:00"),
    ("date_diff('hour', TIMESTAMPTZ '2026-01-01 00:00:00+00', TIMESTAMPTZ '2026-01-02 01:00:00+00')::VARCHAR", "25"),
    ("time_bucket(INTERVAL 1 DAY, TIMESTAMPTZ '2026-01-01 23:30:00+00')::VARCHAR", "2026-01-01 00:00:00+00"),
    ("strftime(TIMESTAMPTZ '2026-01-01 23:30:00+00', '%d %H')", "01 23"),
    ("make_timestamptz(2026, 1, 1, 23, 30, 0)::VARCHAR", "2026-01-01 23:30:00+00"),
    ("('a' COLLATE de < 'Ä' COLLATE de AND 'Ä' COLLATE de < 'b' COLLATE de)::VARCHAR", "true"),
];

#[cfg(feature = "icu")]
#[test]
fn every_form_that_needs_icu_works() {
    let sandbox = Sandbox::bare_project();
    for (number, (probe, _)) in PROBES.iter().enumerate() {
        sandbox.model(&format!("p{number}"), &format!("SELECT ({probe})::VARCHAR AS value"));
    }
    sandbox.commit("probes");
    sandbox.vmesh(&["promote", "--yes"]).good();
    for (number, (probe, value)) in PROBES.iter().enumerate() {
        let args = ["query", &format!("SELECT value FROM p{number}"), "--format", "csv"];
        assert_eq!(sandbox.vmesh(&args).good(), format!("value\n{value}\n"), "{probe}");
    }
}

/// Two machines in two zones build the same rows under the same fingerprints.
#[test]
fn the_machine_s_zone_never_counts() {
    let build = |zone: &str| {
        let sandbox = Sandbox::bare_project();
        let icu = match cfg!(feature = "icu") {
            true => {
                ", t::DATE AS day, date_trunc('day', t) AS trunc, extract('hour' FROM t) AS hour, t + INTERVAL 1 DAY AS next"
            }
            false => "",
        };
        sandbox.model("times", &format!("SELECT t, t::VARCHAR AS words{icu} FROM (VALUES (TIMESTAMPTZ '2026-01-01 23:30:00+00'), ('2026-06-01 00:30:00'::TIMESTAMPTZ)) AS x(t)"));
        sandbox.model("seeded", "MODEL (name seeded, kind SEED (path '../seeds/a.csv'), columns (t TIMESTAMPTZ));");
        sandbox.write("seeds/a.csv", "t\n2026-01-01 23:30:00\n");
        sandbox.commit("times");
        let vmesh = |args: &[&str]| {
            let mut command = sandbox.command(binary().to_str().unwrap(), &sandbox.path());
            let output = command.env("TZ", zone).args(args).output().unwrap();
            assert!(output.status.success(), "{zone}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        vmesh(&["promote", "--yes"]);
        let plan: serde_json::Value = serde_json::from_str(&vmesh(&["plan", "--json", "--no-build"])).unwrap();
        let fingerprints: Vec<String> =
            plan["models"].as_array().unwrap().iter().map(|model| model["fingerprint"].to_string()).collect();
        (
            fingerprints,
            vmesh(&["query", "FROM times ORDER BY ALL", "--format", "csv"]),
            vmesh(&["query", "SELECT t::VARCHAR AS t FROM seeded", "--format", "csv"]),
        )
    };
    let (tokyo, new_york) = (build("Asia/Tokyo"), build("America/New_York"));
    assert_eq!(tokyo, new_york);
    assert!(tokyo.1.contains("2026-01-01 23:30:00+00"), "{}", tokyo.1);
}

/// Another zone of the settings counts in fingerprints, and needs ICU.
#[test]
fn a_zone_of_the_settings_counts() {
    let sandbox = Sandbox::bare_project();
    sandbox.model("a", "SELECT '2026-01-01 00:30:00'::TIMESTAMPTZ = '2026-01-01 00:30:00+00'::TIMESTAMPTZ AS is_utc");
    sandbox.commit("a");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM prod.a"), [["true"]]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[engine]\ntimezone = \"Asia/Tokyo\"\n");
    let done = sandbox.vmesh(&["plan"]);
    match cfg!(feature = "icu") {
        true => {
            sandbox.commit("Tokyo");
            sandbox.vmesh(&["promote", "--yes"]).good();
            assert_eq!(sandbox.rows("FROM prod.a"), [["false"]]);
        }
        false => {
            let told = done.fails(1);
            assert!(told.contains("the time zone `Asia/Tokyo` of the settings can't be set"), "{told}");
        }
    }
}
