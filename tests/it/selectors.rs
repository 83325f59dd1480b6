//! Which models are meant: `vmesh ls`, and the commands that take models.

use crate::support::Sandbox;

fn shop() -> Sandbox {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"off\"\n");
    sandbox.model("raw/orders", "MODEL (name raw.orders, tags (daily, raw), owner ada);\nSELECT 1 AS id");
    sandbox.model("raw/people", "MODEL (name raw.people, kind VIEW, tags daily);\nSELECT 1 AS id");
    sandbox.model("staging/orders", "MODEL (name staging.orders, owner grace);\nSELECT id FROM raw.orders");
    sandbox.model(
        "marts/sales",
        "MODEL (name marts.sales);\nSELECT o.id FROM staging.orders AS o JOIN raw.people USING (id)",
    );
    sandbox.commit("a shop");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

/// The names that `vmesh ls` tells, in order.
fn listed(sandbox: &Sandbox, selectors: &[&str]) -> String {
    let told = sandbox.vmesh(&[&["ls", "--json"], selectors].concat()).good();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let names: Vec<&str> = told.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    names.join(" ")
}

#[test]
fn models_are_selected_as_in_dbt() {
    let sandbox = shop();
    let cases: [(&[&str], &str); 15] = [
        (&[], "raw.orders raw.people staging.orders marts.sales"),
        (&["sales"], "marts.sales"),
        (&["raw.*"], "raw.orders raw.people"),
        (&["tag:daily"], "raw.orders raw.people"),
        (&["kind:view"], "raw.people"),
        (&["owner:gr*"], "staging.orders"),
        (&["+staging.orders"], "raw.orders staging.orders"),
        (&["raw.orders+"], "raw.orders staging.orders marts.sales"),
        (&["raw.orders+1"], "raw.orders staging.orders"),
        (&["1+sales"], "raw.people staging.orders marts.sales"),
        (&["tag:daily,kind:full"], "raw.orders"),
        (&["+sales,tag:daily"], "raw.orders raw.people"),
        (&["kind:view", "owner:grace"], "raw.people staging.orders"),
        (&["kind:view owner:grace"], "raw.people staging.orders"),
        (&["tag:weekly"], ""),
    ];
    for (selectors, names) in cases {
        assert_eq!(listed(&sandbox, selectors), names, "{selectors:?}");
    }
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(listed(&sandbox, &["changed"]), "");
    sandbox.model("raw/people", "MODEL (name raw.people, kind VIEW, tags daily);\nSELECT 2 AS id");
    assert_eq!(listed(&sandbox, &["changed"]), "raw.people");
    assert_eq!(listed(&sandbox, &["changed+"]), "raw.people marts.sales");
    let told = sandbox.vmesh(&["ls", "changed"]).good();
    assert!(told.contains("raw.people ┆ VIEW ┆ direct ┆       ┆ daily"), "{told}");
    // wherever a command takes models
    let linted = sandbox.vmesh(&["lint", "changed+", "tag:raw"]).good();
    assert!(linted.starts_with("3 models"), "{linted}");
}

#[test]
fn what_selects_nothing_says_why() {
    let sandbox = shop();
    let told = sandbox.vmesh(&["ls", "sale"]).fails(1);
    assert!(told.contains("no model is called `sale`"), "{told}");
    let told = sandbox.vmesh(&["ls", "colour:red"]).fails(2);
    assert!(told.contains("`colour:` selects nothing: there are tag:, kind: and owner:"), "{told}");
}
