//! Seeds: the rows that the CSV file says, in the types that the header says; and nothing is built for the same rows.

use crate::support::{Sandbox, postgres};

/// A promoted project with one seed.
fn seed(header: &str, file: &[u8]) -> Sandbox {
    let sandbox = project(header, file);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

fn project(header: &str, file: &[u8]) -> Sandbox {
    let sandbox = Sandbox::bare_project();
    write(&sandbox, header, "seeds/s.csv", file);
    sandbox.commit("a seed");
    sandbox
}

fn write(sandbox: &Sandbox, header: &str, path: &str, file: &[u8]) {
    sandbox.write("models/s.sql", &format!("MODEL (name s, kind SEED (path '$root/{path}'{header});"));
    sandbox.write(path, "");
    std::fs::write(sandbox.path().join(path), file).unwrap();
}

fn rows(sandbox: &Sandbox) -> Vec<Vec<String>> {
    sandbox.rows("SELECT * FROM prod.s")
}

fn types(sandbox: &Sandbox) -> Vec<String> {
    let types =
        "SELECT data_type FROM duckdb_columns() WHERE schema_name = 'prod' AND table_name = 's' ORDER BY column_index";
    sandbox.rows(types).concat()
}

#[test]
fn declared_types_hold() {
    let file = "id,code,day,at,ok,amount,more\n1,007,2026-02-28,2026-02-28 10:30:00,yes,1.50,x\n2,,,,,,\n3,NA,2024-02-29,2024-02-29,F,-2,y\n";
    let columns = "), columns (amount DECIMAL(9, 2), id INT, code TEXT, day DATE, at TIMESTAMP, ok BOOLEAN)";
    let sandbox = seed(columns, file.as_bytes());
    assert_eq!(types(&sandbox), ["DECIMAL(9,2)", "INTEGER", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN"]);
    assert_eq!(
        rows(&sandbox),
        [
            ["1.50", "1", "007", "2026-02-28", "2026-02-28 10:30:00", "true"],
            ["NULL", "2", "NULL", "NULL", "NULL", "NULL"],
            ["-2.00", "3", "NULL", "2024-02-29", "2024-02-29 00:00:00", "false"],
        ]
    );
}

#[test]
fn types_are_found_over_the_whole_file() {
    let mut file = "id,amount,day,word,flag\n".to_owned();
    (0..3000).for_each(|n| file.push_str(&format!("{n},{n},2026-01-01,7,true\n")));
    file.push_str("NA,2.5,null,x,false\n");
    let sandbox = seed(")", file.as_bytes());
    let number = if postgres::is_tested() { "NUMERIC" } else { "DOUBLE" };
    assert_eq!(types(&sandbox), ["BIGINT", number, "DATE", "VARCHAR", "BOOLEAN"]);
    assert_eq!(sandbox.rows("SELECT * FROM prod.s WHERE id IS NULL"), [["NULL", "2.5", "NULL", "x", "false"]]);
}

#[test]
fn settings_are_those_of_pandas() {
    type Case<'a> = (&'a str, &'a [u8], &'a [&'a [&'a str]]);
    let table: [Case<'_>; 8] = [
        ("", b"a,b\n1,\"x, \"\"y\"\"\n z\"\n", &[&["1", "x, \"y\"\n z"]]),
        ("delimiter = '|', quotechar = ''''", b"a|b\n1|'x|y'\n", &[&["1", "x|y"]]),
        ("escapechar = '\\', doublequote = false", b"a,b\n1,\"x\\\"y\"\n", &[&["1", "x\"y"]]),
        ("skipinitialspace = true", b"a, b\n1,  x\n", &[&["1", "x"]]),
        ("lineterminator = '~'", b"a,b~1,x~2,y~", &[&["1", "x"], &["2", "y"]]),
        ("encoding = 'latin-1'", b"a,b\n1,caf\xe9\n", &[&["1", "caf\u{e9}"]]),
        ("na_values = (b = ('-', 'x'))", b"a,b\n-,-\ny,NA\nx,x\n", &[&["-", "NULL"], &["y", "NULL"], &["x", "NULL"]]),
        ("keep_default_na = false, na_values = ('-')", b"a,b\nNA,-\n,x\n", &[&["NA", "NULL"], &["", "x"]]),
    ];
    for (settings, file, expected) in table {
        let sandbox = seed(&format!(", csv_settings ({settings}))"), file);
        assert_eq!(rows(&sandbox), expected, "{settings}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told() {
    let table: [(&str, &[u8], &str); 6] = [
        (
            "), columns (id INT, name TEXT)",
            b"id,nome\n1,x\n",
            "it has no column `name`, which `columns` declares; it has: id, nome",
        ),
        ("), columns (id INT, name TEXT)", b"id,\"na me\"\n1,x\n", "it has no column `name`"),
        (")", b"id,name\n1,x,y\n", "line 2 has 3 cells"),
        (")", b"id\n\xe9\n", "line 2 is not UTF-8"),
        (")", b"", "it is empty"),
        (", csv_settings (encoding = 'klingon'))", b"id\n1\n", "encoding `klingon` can't be read"),
    ];
    for (header, file, expected) in table {
        let error = project(header, file).vmesh(&["promote", "--yes"]).fails(1);
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains("models/s.sql:1:"), "{error}");
    }
    let error = project("), columns (id INT)", b"id\n1\nx\n").vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("could not build `s`") && error.contains('x'), "{error}");
}

#[test]
fn only_other_rows_build() {
    let sandbox = seed(")", b"id,name\n1,Ada\n2,Ben\n");
    let builds = |header: &str, path: &str, file: &[u8]| {
        sandbox.git(&["rm", "--quiet", "-r", "--cached", "seeds"]).good();
        std::fs::remove_dir_all(sandbox.path().join("seeds")).unwrap();
        write(&sandbox, header, path, file);
        sandbox.commit("changed");
        let plan = sandbox.vmesh(&["promote", "--yes", "--json"]).json();
        plan["summary"]["build"].as_i64().unwrap()
    };
    assert_eq!(builds(")", "seeds/s.csv", b"id,name\r\n1,Ada\r\n2,Ben\r\n"), 0, "line ends");
    assert_eq!(builds(")", "seeds/deep/people.csv", b"id,name\n1,Ada\n2,Ben\n"), 0, "another name and place");
    assert_eq!(builds(", batch_size 10)", "seeds/s.csv", b"id,name\n1,Ada\n2,Ben\n"), 0, "how many at once");
    assert_eq!(builds(")", "seeds/s.csv", b"id,name\n1,Ada\n2,Bea\n"), 1, "another row");
    assert_eq!(builds("), columns (id INT, name TEXT)", "seeds/s.csv", b"id,name\n1,Ada\n2,Bea\n"), 1, "types");
    assert_eq!(builds(", csv_settings (na_values = 'Bea'))", "seeds/s.csv", b"id,name\n1,Ada\n2,Bea\n"), 1, "settings");
    assert_eq!(rows(&sandbox), [["1", "Ada"], ["2", "NULL"]]);
}
