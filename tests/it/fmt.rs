//! `vmesh fmt`: what is laid out, what is kept, and that nothing is built for it.

use crate::support::Sandbox;

const MESSY: &str = "MODEL (name marts.totals,\n  grain id);\nselect id,sum(amount) as total -- all of it\nfrom staging.orders \
                     where amount>@least group by id qualify row_number() over (order by id)<10";

#[test]
fn a_layout_changes_no_meaning() {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[variables]\nleast = 1\n");
    sandbox.commit("settings");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("models/totals.sql", MESSY);
    sandbox.model("staging.orders", "select 1 as id,\n\n 2 as amount\n");
    let several = "MODEL (name @{n}.star, blueprints ((n := x), (n := y)));\nselect @STAR(staging.orders),@n as n from staging.orders";
    sandbox.write("models/star.sql", &several.replace(",@n as n", ",@EACH([1], v -> @v AS one)"));
    sandbox.write("audits/positive.sql", "AUDIT (name positive);\nselect * from @this_model where @column<=0");
    sandbox.write("models/own.sql", "MODEL (name own, formatting false);\nselect   1 as x");
    sandbox.write("models/jinja.sql", "MODEL (name j);\nJINJA_QUERY_BEGIN;\nselect   {{ 1 }} as x\nJINJA_END;\n");
    sandbox.vmesh(&["plan", "--yes"]).good();
    let (before, rows) = (sandbox.views("dev__alice__marts"), sandbox.rows("FROM dev__alice__marts.totals"));
    assert_eq!(rows, [["1", "2"]]);

    let check = sandbox.vmesh(&["fmt", "--check"]);
    assert_eq!(check.code, Some(1));
    insta::assert_snapshot!(check.out);
    assert_eq!(sandbox.read("models/totals.sql"), MESSY);
    let done = sandbox.vmesh(&["format", "--json"]).json();
    assert_eq!(done.as_array().unwrap().len(), 6);
    insta::assert_snapshot!(sandbox.read("models/totals.sql"));
    assert_eq!(sandbox.read("models/own.sql"), "MODEL (name own, formatting false);\nselect   1 as x");
    sandbox.vmesh(&["fmt", "--check"]).good();

    assert_eq!(sandbox.vmesh(&["plan", "--json"]).json()["summary"]["build"], 0);
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.views("dev__alice__marts"), before);
}

#[test]
fn files_and_folders_are_picked() {
    let sandbox = Sandbox::with_models(&[("marts.a", "select 1 as x,2 as y"), ("staging.b", "select 1 as x,2 as y")]);
    assert!(sandbox.vmesh(&["fmt", "models/marts"]).good().contains("1 file laid out"));
    assert_eq!(sandbox.read("models/marts/a.sql"), "select 1 as x, 2 as y\n");
    assert_eq!(sandbox.read("models/staging/b.sql"), "select 1 as x,2 as y");
    assert!(sandbox.vmesh(&["fmt", "vmesh.toml"]).fails(2).contains("no model or audit"));
    sandbox.vmesh_in(&sandbox.path().join("models/staging"), &["fmt", "b.sql"]).good();
    assert_eq!(sandbox.read("models/staging/b.sql"), "select 1 as x, 2 as y\n");
}

#[test]
fn the_sample_project_is_laid_out_already() {
    let sandbox = Sandbox::empty();
    sandbox.vmesh(&["init", "."]).good();
    assert_eq!(sandbox.vmesh(&["fmt", "--check"]).good(), "12 files · nothing to lay out\n");
}

#[test]
fn queries_that_end_in_a_comment_are_laid_out_with_it() {
    let queries = [
        "select 1 as x,2 as y",
        "select a,b from raw.t",
        "select a,b from raw.t where a>@least",
        "with c as (select 1 as x -- inner\n) select x from c",
        "select 1 as x union all select 2",
        "@DEF(f, x -> @x+1);\nselect @f(1) as x,2 as y",
        "create temp macro f(x) as x+1;\nselect f(1) as x",
        "select @EACH([1,2], v -> @v as c_@v) from raw.t",
        "select id::int,\n-- of its own\nb::text /* b */, c -- c\n, d from raw.t",
    ];
    let ends = [
        " -- end",
        "\n-- end",
        " -- end\n",
        " /* end */",
        "\n/* end */\n",
        "; -- end",
        ";\n-- end\n",
        ";\n/* end */",
        " -- a\n-- b",
        " -- end\n;",
        " /* end */;",
        "\n/* a\n   b */",
        " -- end\r\n",
        " -- it's @least's",
        " --end",
        " -- {{ x }}",
        " /* a */ -- b",
        "\n\n-- a\n\n-- b\n",
    ];
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", "[variables]\nleast = 1\n");
    let mut written = Vec::new();
    for (q, query) in queries.iter().enumerate() {
        for (e, end) in ends.iter().enumerate() {
            for (h, header) in ["", "MODEL (name q.n);\n"].iter().enumerate() {
                let name = format!("q{q}_{e}_{h}");
                let text = format!("{}{query}{end}", header.replace("q.n", &name));
                sandbox.write(&format!("models/{name}.sql"), &text);
                written.push((name, text));
            }
        }
    }
    let told = sandbox.vmesh(&["fmt"]).good();
    assert!(!told.contains("kept"), "{told}");
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    for (name, text) in written {
        assert_eq!(bare(&sandbox.read(&format!("models/{name}.sql"))), bare(&text));
    }
    sandbox.vmesh(&["fmt", "--check"]).good();
    assert_eq!(sandbox.read("models/q0_1_1.sql"), "MODEL (name q0_1_1);\n\nselect 1 as x, 2 as y\n-- end\n");
    assert_eq!(sandbox.read("models/q0_3_1.sql"), "MODEL (name q0_3_1);\n\nselect 1 as x, 2 as y /* end */\n");
}
