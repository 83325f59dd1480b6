//! Macros, variables and Jinja in models: what they expand to is what is built, and what counts.

use crate::support::Sandbox;

#[test]
fn variables_macros_and_jinja_are_expanded() {
    let sandbox = Sandbox::with_models(&[
        ("numbers", "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL)) AS t(id, word)"),
        (
            "report",
            "MODEL (name report);\n@DEF(least, 2);\nSELECT @EACH([id, word], c -> count(@c) AS @{c}_count), @doubled(max(id)) AS twice\n\
             FROM numbers WHERE id >= @least AND word IS DISTINCT FROM @name",
        ),
        ("headed", "MODEL (name headed);\n\nJINJA_QUERY_BEGIN;\nSELECT {{ 1 + 1 }} AS two\nJINJA_END;"),
        (
            "jinja",
            "JINJA_QUERY_BEGIN;\nSELECT {% for n in [1, 2] %}{{ n }} AS n{{ n }}, {% endfor %}'{{ name }}' AS name\nJINJA_END;",
        ),
    ]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[variables]\nname = \"b\"\n");
    sandbox.write("macros/doubled.sql", "MACRO doubled(x) AS 2 * (@x);\n");
    sandbox.commit("macros");
    assert_eq!(sandbox.rows("SELECT * FROM prod.report"), [["1", "0", "6"]]);
    assert_eq!(sandbox.rows("SELECT * FROM prod.jinja"), [["1", "2", "b"]]);
    assert_eq!(sandbox.value("SELECT two FROM prod.headed"), "2");
    let tables = sandbox.snapshots();
    // the same after expansion: nothing to build
    sandbox.write("macros/doubled.sql", "MACRO doubled(value) AS 2 * (@value); -- a better name\n");
    sandbox.commit("cosmetics");
    assert_eq!(sandbox.snapshots(), tables);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[variables]\nname = \"c\"\nother = 1\n");
    sandbox.commit("another name");
    assert_eq!(sandbox.rows("SELECT * FROM prod.report"), [["2", "1", "6"]]);
    let rendered = sandbox.vmesh(&["render", "report"]).good();
    assert!(rendered.contains("2 * (max(id)) AS twice"), "{rendered}");
    sandbox.is_sound();
}

#[test]
fn mistakes_are_told_where_they_were_written() {
    let sandbox = Sandbox::promoted(&[("numbers", "SELECT 1 AS id")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let complaint = |sql: &str| {
        sandbox.model("wrong", sql);
        sandbox.vmesh(&["plan"]).fails(1)
    };
    let told = complaint("SELECT id,\n  @nmae AS name FROM numbers");
    assert!(told.contains("undefined variable `@nmae`") && told.contains("models/wrong.sql:2:3"), "{told}");
    let told = complaint("SELECT @EACH([1, 2], x -> @x AS n_@x),\n  idd FROM numbers");
    assert!(told.contains("unknown column `idd`") && told.contains("models/wrong.sql:2:3"), "{told}");
    let told = complaint("SELECT @mine(id) FROM numbers");
    assert!(told.contains("macros/") && told.contains("MACRO"), "{told}");
}
