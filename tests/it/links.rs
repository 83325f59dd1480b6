//! Symbolic links among a project's files, from a commit and on disk; and files that lie outside of its folder.

use crate::support::Sandbox;

fn link(sandbox: &Sandbox, target: &str, path: &str) {
    let path = sandbox.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(&path);
    std::os::unix::fs::symlink(target, path).unwrap();
}

#[test]
fn what_becomes_a_link_stays_what_it_was() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS n"), ("deep.b", "SELECT n + 1 AS n FROM a")]);
    sandbox.write("tests/test_a.yaml", "test_a:\n  model: a\n  outputs:\n    query:\n    - n: 1\n");
    sandbox.commit("a test");
    // a file and a folder of models, a test, a macro, a seed, data
    sandbox.write("shared/a.sql", "SELECT 1 AS n");
    sandbox.write("shared/deep/b.sql", "SELECT n + 1 AS n FROM a");
    sandbox.write("shared/tests/test_more.yaml", "test_more:\n  model: a\n  outputs:\n    query:\n    - n: 2\n");
    sandbox.write("shared/one.sql", "{% macro plus(column) %}{{ column }} + 1{% endmacro %}");
    sandbox.write("shared/s.csv", "id\n7\n");
    sandbox.git(&["rm", "-rq", "models/deep"]).good();
    for (target, path) in [
        ("../shared/a.sql", "models/a.sql"),
        ("../shared/deep", "models/deep"),
        ("one.sql", "shared/other.sql"),
        ("../shared/other.sql", "macros/one.sql"),
        ("../shared/s.csv", "seeds/s.csv"),
        ("shared", "data"),
    ] {
        link(&sandbox, target, path);
    }
    sandbox.write("models/s.sql", "MODEL (name s, kind SEED (path '../seeds/s.csv'));");
    sandbox.model("m", "JINJA_QUERY_BEGIN;\nSELECT {{ plus('id') }} AS n FROM read_csv('data/s.csv')\nJINJA_END;");
    sandbox.commit("links");
    let all = "SELECT (SELECT n FROM prod.a), (SELECT n FROM deep.b), (SELECT id FROM prod.s), (SELECT n FROM prod.m)";
    assert_eq!(sandbox.rows(all), [["1", "2", "7", "8"]]);
    sandbox.vmesh(&["test"]).good();
    link(&sandbox, "../shared/tests", "tests/more");
    let failed = sandbox.vmesh(&["test"]);
    assert!(failed.code == Some(1) && failed.out.contains("test_more"), "{failed:?}");
    std::fs::remove_file(sandbox.path().join("tests/more")).unwrap();
    // on disk as in the commit; and a change at the end of a link is one of the model
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    assert_eq!((&plan["summary"]["build"], &plan["dirty"]), (&0.into(), &false.into()), "{plan}");
    sandbox.write("shared/a.sql", "SELECT 5 AS n");
    sandbox.write("shared/s.csv", "id\n8\n");
    sandbox.vmesh(&["plan", "--yes", "--skip-tests"]).good();
    let all = all.replace("prod.", "dev__alice.").replace("deep.", "dev__alice__deep.");
    assert_eq!(sandbox.rows(&all), [["5", "6", "8", "9"]]);
}

#[test]
fn a_link_that_leads_out_is_an_error() {
    let sandbox = Sandbox::nested().filled(&[("a", "SELECT 1 AS n")]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    let outside = sandbox.path().parent().unwrap().join("secret.sql");
    std::fs::write(&outside, "SELECT 'secret' AS n").unwrap();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for (target, path, why) in [
        ("../../secret.sql", "models/x.sql", "leads out of the repository"),
        (outside.to_str().unwrap(), "models/x.sql", "from the root of this disk"),
        ("../.git/HEAD", "models/x.sql", "Git's own"),
        ("nosuch.sql", "models/x.sql", "nothing is there that Git does not ignore"),
        ("x.sql", "models/x.sql", "leads back to itself"),
        ("..", "models/x", "leads back to itself"),
        ("/", "macros", "from the root of this disk"),
        ("../../secret.sql", "tests/x.yaml", "leads out of the repository"),
    ] {
        link(&sandbox, target, path);
        sandbox.git(&["add", "--all"]).good();
        sandbox.git(&["commit", "--quiet", "-m", "link"]).good();
        for args in [&["plan"][..], &["plan", "--merged"]] {
            let told = sandbox.vmesh(args).fails(1);
            let what = format!("`{path}` is a symbolic link that can't be followed");
            assert!(told.contains(&what) && told.contains(why) && !told.contains("'secret'"), "{told}");
        }
        std::fs::remove_file(sandbox.path().join(path)).unwrap();
    }
    // data is missed where it is read, and by its name
    sandbox.model("x", "SELECT * FROM read_csv('raw/x.csv')");
    link(&sandbox, "../elsewhere", "raw");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("`raw` is a symbolic link to `../elsewhere`: that leads out"), "{told}");
    // what nobody reads, and what Git ignores, is nobody's business
    sandbox.model("x", "SELECT 1 AS n");
    sandbox.write(".git/info/exclude", "warehouse\n/models/notes.sql\n");
    link(&sandbox, "/tmp", "warehouse");
    link(&sandbox, "/tmp", "models/notes.sql");
    link(&sandbox, "somebody@host.1234", "models/.#a.sql");
    sandbox.vmesh(&["plan"]).good();
}

#[test]
fn a_submodule_among_the_models_is_told() {
    let library = Sandbox::with_models(&[("c", "SELECT 3 AS n")]);
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS n")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    for path in ["models/lib", "docs"] {
        sandbox.git(&[&add[..], &[library.path().to_str().unwrap(), path]].concat()).good();
    }
    let note = "note: `models/lib` is a submodule";
    let told = sandbox.vmesh(&["plan"]);
    assert!(told.code == Some(0) && told.err.contains(note) && !told.err.contains("`docs`"), "{}", told.err);
    sandbox.commit("a submodule");
    let told = sandbox.vmesh(&["plan", "--merged"]);
    assert!(told.err.contains(note), "{}", told.err);
}

#[test]
fn a_seed_may_lie_outside_of_the_projects_folder() {
    let sandbox = Sandbox::nested();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("teams/shop/vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.write(".gitignore", "*.duckdb*\n");
    sandbox.write("data/s.csv", "id\n7\n");
    sandbox.write("teams/shop/models/s.sql", "MODEL (name s, kind SEED (path '../../../data/s.csv'));");
    let shop = sandbox.path().join("teams/shop");
    sandbox.vmesh_in(&shop, &["hooks", "install"]).good();
    sandbox.commit("a seed");
    let query = |env: &str| {
        let args = ["query", "SELECT id FROM s", "--env", env, "--format", "csv"];
        sandbox.vmesh_in(&shop, &args).good()
    };
    sandbox.vmesh_in(&shop, &["promote", "--yes"]).good();
    assert_eq!(query("prod"), "id\n7\n");
    // a change of it is one of the project
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("data/s.csv", "id\n8\n");
    let status = sandbox.vmesh_in(&shop, &["status", "--json"]).json();
    assert_eq!(status["in_step"], false, "{status}");
    sandbox.commit("eight");
    assert_eq!((query("alice"), query("prod")), ("id\n8\n".to_owned(), "id\n7\n".to_owned()));
    // only within the repository, and only what Git has
    for (path, why) in [
        ("../../../../s.csv", "it lies outside of the repository"),
        ("/data/s.csv", "begins at the root of this disk"),
        ("../../../data/t.csv", "its path counts from the model's file"),
        ("~/s.csv", "begins at the root of this disk"),
        ("s3://bucket/s.csv", "it is on another machine"),
        ("../../../data/ignored.duckdb.csv", "Git ignores it"),
    ] {
        sandbox.write("data/ignored.duckdb.csv", "id\n1\n");
        sandbox.write("teams/shop/models/s.sql", &format!("MODEL (name s, kind SEED (path '{path}'));"));
        let told = sandbox.vmesh_in(&shop, &["plan"]).fails(1);
        let what = format!("seed `s` reads `{path}`, and the repository has no such file");
        assert!(told.contains(&what) && told.contains(why) && told.contains("help: commit the file"), "{told}");
        assert!(told.contains("teams/shop/models/s.sql:1:32"), "the path's own place: {told}");
    }
}

#[test]
fn a_file_that_a_query_reads_is_missed_before_anything_is_built() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS n")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write(".gitignore", "*.duckdb*\n/data/raw/\n");
    sandbox.write("data/raw/x.csv", "n\n1\n");
    sandbox.write("data/y.dat", "n\n2\n");
    sandbox.write("data/z.csv", "n\n3\n");
    for (sql, why) in [
        ("read_csv('data/raw/x.csv')", "it is on disk, but Git ignores it"),
        ("read_csv_auto(['data/z.csv', 'data/raw/x.csv'])", "it is on disk, but Git ignores it"),
        ("'data/raw/x.csv'", "it is on disk, but Git ignores it"),
        ("read_csv('data/nosuch.csv')", "reads `data/nosuch.csv`"),
        ("read_csv('data')", "it is a folder"),
        ("read_csv('nosuch/*.csv')", "no file of the project matches"),
        ("read_text('.git/config')", "it is on disk"),
    ] {
        sandbox.model("b", &format!("SELECT *\nFROM {sql}"));
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains("and the project has no such file") && told.contains(why), "{sql}: {told}");
        assert!(told.contains("models/b.sql:2:6"), "{sql}: {told}");
    }
    for (sql, n) in [("read_csv('data/y.dat')", "2"), ("read_csv('./data/*.csv')", "3")] {
        sandbox.model("b", &format!("SELECT n FROM {sql}"));
        sandbox.vmesh(&["plan", "--yes"]).good();
        assert_eq!(sandbox.value("SELECT n FROM dev__alice.b"), n);
    }
    // a commit has only what was committed
    sandbox.git(&["add", "models"]).good();
    sandbox.model("b", "SELECT n FROM read_csv('data/y.dat')");
    sandbox.git(&["add", "models"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "b"]).good();
    let told = sandbox.vmesh(&["plan", "--merged"]).fails(1);
    assert!(told.contains("it is on disk, but was not committed"), "{told}");
}

#[test]
fn a_path_that_leads_out_is_told_by_where_it_leads() {
    let sandbox = Sandbox::nested();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("shop/vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.write("beside.csv", "n\n1\n");
    sandbox.commit("settings");
    let shop = sandbox.path().join("shop");
    let (remote, root) =
        ("is on another machine, and main's settings don't let models read there", "begins at the root of this disk");
    let (out, outer) = ("lies outside of the project's folder", "it lies outside of the repository");
    for (path, why, is_outer) in [
        ("https://example.org/x.csv", remote, false),
        ("s3://bucket/*.csv", remote, false),
        ("/srv/x.csv", root, false),
        ("~/x.csv", root, false),
        ("C:\\x.csv", root, false),
        ("file:///srv/x.csv", root, false),
        ("../beside2.csv", out, false),
        ("data/../../beside2.csv", out, false),
        ("../*.csv", out, false),
        ("../../x.csv", out, true),
        ("../../*.csv", out, true),
        ("x.duckdb", "is a database, and no file that models read", false),
        ("s3:x", "is no path of a file of the project", false),
    ] {
        for (sql, column) in [(format!("read_csv('{path}')"), 15), (format!("'{path}'"), 6)] {
            sandbox.write("shop/models/b.sql", &format!("SELECT *\nFROM {sql}"));
            let told = sandbox.vmesh_in(&shop, &["lint"]).fails(1);
            assert!(told.contains(&format!("`{path}` {why}")) && told.contains("help: "), "{sql}: {told}");
            assert!(told.contains(&format!("shop/models/b.sql:2:{column}")), "{sql}: {told}");
            assert_eq!(told.contains(outer), is_outer, "{sql}: {told}");
        }
    }
    // what the repository has is read wherever it lies
    sandbox.write("shop/models/b.sql", "SELECT b.n + c.n + d.n AS n FROM read_csv('../beside.csv') AS b, 'data/../../beside.csv' AS c, read_csv(['../beside.csv']) AS d");
    sandbox.vmesh_in(&shop, &["hooks", "install"]).good();
    sandbox.commit("beside");
    let args = ["query", "FROM b", "--format", "csv"];
    assert_eq!(sandbox.vmesh_in(&shop, &args).good(), "n\n3\n");
    sandbox.write("beside.csv", "n\n2\n");
    sandbox.commit("another");
    assert_eq!(sandbox.vmesh_in(&shop, &args).good(), "n\n6\n");
}
