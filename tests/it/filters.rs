//! What Git does to a file's bytes on checkout: the same rows from a commit, the index and the working tree.

use std::path::Path;

use crate::support::Sandbox;

/// A filter as Git LFS is one: pointers in Git, what they point to in a folder beside it.
const STORE: &str = r#"
store=$(dirname "$0")/store
case $1 in
clean)
  mkdir -p "$store"
  tmp=$store/tmp.$$
  cat >"$tmp"
  if grep -q '^version https://git-lfs' "$tmp"; then cat "$tmp"; rm "$tmp"; exit; fi
  sum=$(sha256sum <"$tmp" | cut -d' ' -f1)
  mv "$tmp" "$store/$sum"
  printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 1\n' "$sum"
  ;;
smudge)
  sum=$(sed -n 's/^oid sha256://p')
  [ -f "$store/$sum" ] || { echo "object $sum is missing" >&2; exit 1; }
  cat "$store/$sum"
  ;;
esac
"#;

/// Sets the filter up as a person does, in this clone's own settings.
fn set_up(sandbox: &Sandbox, folder: &Path, required: &str) {
    let script = sandbox.path().parent().unwrap().join("store.sh");
    std::fs::write(&script, STORE).unwrap();
    for (key, value) in [
        ("clean", format!("sh {} clean", script.display())),
        ("smudge", format!("sh {} smudge", script.display())),
        ("required", required.to_owned()),
    ] {
        sandbox.git_in(folder, &["config", &format!("filter.lfs.{key}"), &value]).good();
    }
}

/// Everything that is read lies behind the filter: a seed, data of all sorts, a model, a macro, a test, an audit.
fn project() -> Sandbox {
    let sandbox = Sandbox::nested().filled(&[]);
    set_up(&sandbox, &sandbox.path(), "true");
    sandbox.write(
        ".gitattributes",
        "*.csv filter=lfs diff=lfs -text\n*.parquet filter=lfs -text\nmodels/deep/*.sql filter=lfs\n\
         macros/* filter=lfs\ntests/** filter=lfs\naudits/* filter=lfs\n",
    );
    sandbox.write("models/s.sql", "MODEL (name s, kind SEED (path '$root/seeds/s.csv'), audits (few));");
    sandbox.write("seeds/s.csv", "id,name\n1,Ada\n2,Ben\n");
    sandbox.write("data/x.csv", "id,n\n1,10\n2,20\n");
    let parquet = format!("COPY (SELECT 7 AS n) TO '{}'", sandbox.path().join("data/p.parquet").display());
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&parquet).unwrap();
    sandbox.write("macros/one.sql", "{% macro plus(column) %}{{ column }} + 1{% endmacro %}");
    sandbox.write("audits/few.sql", "AUDIT (name few);\nSELECT * FROM @this_model WHERE id > 100");
    sandbox.model("x", "SELECT sum(n) AS n FROM read_csv('data/x.csv')");
    sandbox.model("p", "SELECT n FROM 'data/p.parquet'");
    sandbox.model("t", "SELECT length(content) AS n FROM read_text('data/x.csv')");
    sandbox.model("deep.m", "JINJA_QUERY_BEGIN;\nSELECT {{ plus('n') }} AS n FROM x\nJINJA_END;");
    sandbox.write(
        "tests/test_m.yaml",
        "test_m:\n  model: deep.m\n  inputs:\n    x:\n    - n: 1\n  outputs:\n    query:\n    - n: 2\n",
    );
    sandbox.commit("all of it");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

fn rows(sandbox: &Sandbox, schema: &str) -> Vec<Vec<String>> {
    let deep = if schema == "prod" { "deep".to_owned() } else { format!("{schema}__deep") };
    sandbox.rows(&format!(
        "SELECT (SELECT count(*) FROM {schema}.s), (SELECT n FROM {schema}.x), (SELECT n FROM {schema}.p), \
         (SELECT n FROM {schema}.t), (SELECT n FROM {deep}.m)"
    ))
}

/// What a plan of the working tree would build, and whether it is other than its commit.
fn builds(sandbox: &Sandbox) -> (i64, bool) {
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    (plan["summary"]["build"].as_i64().unwrap(), plan["dirty"].as_bool().unwrap())
}

#[test]
fn a_filter_gives_the_rows_that_git_checks_out() {
    let sandbox = project();
    assert!(sandbox.git(&["show", "HEAD:seeds/s.csv"]).good().starts_with("version https://git-lfs"));
    assert_eq!(rows(&sandbox, "prod"), [["2", "30", "7", "15", "31"]]);
    sandbox.vmesh(&["test"]).good();
    // the working tree has the same
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(builds(&sandbox), (0, false));
    // what a sparse checkout left out too
    sandbox.git(&["sparse-checkout", "set", "--no-cone", "/*", "!/data/", "!/seeds/"]).good();
    assert!(!sandbox.path().join("data/x.csv").exists());
    assert_eq!(builds(&sandbox), (0, false));
    sandbox.git(&["sparse-checkout", "disable"]).good();
    // a pointer on disk stands for its content, as after GIT_LFS_SKIP_SMUDGE=1
    let pointer = sandbox.git(&["show", "HEAD:data/x.csv"]).good();
    sandbox.git(&["config", "filter.lfs.smudge", "cat"]).good();
    std::fs::remove_file(sandbox.path().join("data/x.csv")).unwrap();
    sandbox.git(&["checkout", "--", "data/x.csv"]).good();
    assert_eq!(sandbox.read("data/x.csv"), pointer);
    set_up(&sandbox, &sandbox.path(), "true");
    assert_eq!(builds(&sandbox), (0, false));
    // changed, and not yet committed
    sandbox.write("data/x.csv", "id,n\n1,10\n2,21\n");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(rows(&sandbox, "dev__alice"), [["2", "31", "7", "15", "32"]]);
    sandbox.commit("21");
    assert_eq!(builds(&sandbox), (0, false));
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(rows(&sandbox, "prod"), [["2", "31", "7", "15", "32"]]);
}

#[test]
fn content_that_is_not_here_is_an_error_that_names_file_and_filter() {
    let sandbox = project();
    // a clone without the filter has pointers
    let clone = sandbox.path().parent().unwrap().join("clone");
    sandbox.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]).good();
    let plan = |words: &[&str]| {
        for args in [&["plan", "main"][..], &["promote", "--yes"]] {
            let told = sandbox.vmesh_in(&clone, args).fails(1);
            assert!(words.iter().all(|word| told.contains(word)), "{words:?}: {told}");
        }
    };
    plan(&["the content of `", "Git LFS has it", "help: git lfs install && git lfs pull"]);
    // one whose store is empty
    for required in ["true", "false"] {
        set_up(&sandbox, &clone, required);
        std::fs::rename(clone.parent().unwrap().join("store"), clone.parent().unwrap().join("gone")).unwrap();
        plan(&["the content of `", "its filter `lfs` fails", "is missing"]);
        std::fs::rename(clone.parent().unwrap().join("gone"), clone.parent().unwrap().join("store")).unwrap();
    }
    sandbox.vmesh_in(&clone, &["promote", "--yes"]).good();
}

/// A filter that goes on running, as Git talks to one: it keeps small letters and gives capital ones.
const PROCESS: &str = r#"
get() {
  head=$(dd bs=1 count=4 2>/dev/null)
  [ -n "$head" ] || exit 0
  [ "$head" != 0000 ] || return 1
  line=$(dd bs=1 count=$((0x$head - 4)) 2>/dev/null; printf x)
  line=${line%x}
}
put() { printf '%04x%s' $((${#1} + 4)) "$1"; }
flush() { printf 0000; }
nl='
'
while get; do :; done
put "git-filter-server$nl"; put "version=2$nl"; flush
while get; do :; done
put "capability=clean$nl"; put "capability=smudge$nl"; flush
while :; do
  what=
  while get; do case $line in command=*) what=${line#command=} ;; esac; done
  text=
  while get; do text=$text$line; done
  case $what in
  smudge*) text=$(printf %s "$text" | tr a-z A-Z; printf x) ;;
  *) text=$(printf %s "$text" | tr A-Z a-z; printf x) ;;
  esac
  put "status=success$nl"; flush; put "${text%x}"; flush; flush
done
"#;

#[test]
fn a_filter_may_be_a_process_or_a_program_of_the_repository() {
    let sandbox = Sandbox::nested().filled(&[]);
    sandbox.write("tools/process.sh", PROCESS);
    sandbox.write("tools/shout.sh", "case $1 in smudge) tr a-z A-Z ;; *) tr A-Z a-z ;; esac");
    sandbox.git(&["config", "filter.process.process", "sh tools/process.sh"]).good();
    sandbox.git(&["config", "filter.process.required", "true"]).good();
    sandbox.git(&["config", "filter.shout.clean", "sh ./tools/shout.sh clean"]).good();
    sandbox.git(&["config", "filter.shout.smudge", "sh ./tools/shout.sh smudge | cat"]).good();
    // by a macro of the repository's own, and by a path
    sandbox.write(".git/info/attributes", "[attr]loud filter=shout\n");
    sandbox.write(".gitattributes", "/data/p*.csv filter=process\n");
    sandbox.write("data/.gitattributes", "s.csv loud\n");
    sandbox.write("data/p 1.csv", "WORD\nONE\n");
    sandbox.write("data/s.csv", "WORD\nTWO\n");
    sandbox.model("a", "SELECT string_agg(word, ' ' ORDER BY word) AS words FROM read_csv('data/*.csv')");
    sandbox.commit("filtered");
    assert_eq!(sandbox.git(&["show", "HEAD:data/p 1.csv", "HEAD:data/s.csv"]).good(), "word\none\nword\ntwo\n");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT words FROM prod.a"), "ONE TWO");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(builds(&sandbox), (0, false));
    sandbox.write("data/p 1.csv", "WORD\nFOUR\n");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT words FROM dev__alice.a"), "FOUR TWO");
}

#[test]
fn a_branch_brings_attributes_and_no_filter() {
    let sandbox = Sandbox::promoted(&[("z", "SELECT 1 AS n")]);
    let mark = sandbox.path().join("ran");
    sandbox.write(".gitattributes", "*.csv filter=evil\n");
    sandbox.write(".lfsconfig", "[filter \"evil\"]\n\tsmudge = touch ran; cat\n");
    sandbox.write(".gitconfig.evil", "[filter \"evil\"]\n\tsmudge = touch ran; cat\n");
    sandbox.write("x.csv", "n\n5\n");
    sandbox.model("a", "SELECT n FROM read_csv('x.csv')");
    sandbox.commit("evil");
    assert_eq!(sandbox.value("SELECT n FROM prod.a"), "5");
    assert!(!mark.exists());
}

#[test]
fn encodings_idents_and_line_ends_are_those_of_a_checkout() {
    let sandbox = Sandbox::promoted(&[("z", "SELECT 1 AS n")]);
    sandbox.write(
        ".gitattributes",
        "*.u16.csv working-tree-encoding=UTF-16\n*.txt ident\nmodels/crlf.sql eol=crlf\n*.lf.csv text eol=crlf\n\
         models/wide.sql working-tree-encoding=UTF-16LE-BOM\n",
    );
    let utf16 = |text: &str| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let write = |path: &str, bytes: Vec<u8>| {
        sandbox.write(path, "");
        std::fs::write(sandbox.path().join(path), bytes).unwrap();
    };
    write("seeds/s.u16.csv", utf16("id,name\n1,Zoë\n"));
    write("models/wide.sql", utf16("SELECT 'wîde' AS word"));
    let header = "MODEL (name s, kind SEED (path '$root/seeds/s.u16.csv', csv_settings (encoding = 'utf-16')));";
    sandbox.write("models/s.sql", header);
    sandbox.write("data/who.txt", "$Id$\n");
    sandbox.write("data/l.lf.csv", "a,b\r\n1,x\r\n");
    sandbox.write("models/crlf.sql", "SELECT\r\n  'a\r\nb' AS text\r\n");
    sandbox.model("who", "SELECT content LIKE '$Id: %' AS is_told FROM read_text('data/who.txt')");
    sandbox.model("l", "SELECT * FROM read_csv('data/l.lf.csv')");
    sandbox.commit("all sorts");
    let rows = sandbox.rows(
        "SELECT (SELECT name FROM prod.s), (SELECT word FROM prod.wide), (SELECT is_told FROM prod.who), \
         (SELECT b FROM prod.l), (SELECT length(text) FROM prod.crlf)",
    );
    assert_eq!(rows, [["Zoë", "wîde", "true", "x", "3"]]);
    for settings in [["core.autocrlf", "false"], ["core.autocrlf", "true"], ["core.eol", "crlf"]] {
        sandbox.git(&["config", settings[0], settings[1]]).good();
        sandbox.git(&["rm", "-rq", "--cached", "."]).good();
        sandbox.git(&["reset", "--quiet", "--hard"]).good();
        sandbox.git(&["switch", "--quiet", "-C", "alice"]).good();
        assert_eq!(builds(&sandbox), (0, false), "{settings:?}");
        sandbox.git(&["switch", "--quiet", "main"]).good();
    }
}

#[test]
fn a_text_in_an_encoding_is_read_before_it_is_committed() {
    let sandbox = Sandbox::promoted(&[("z", "SELECT 1 AS n")]);
    sandbox.write(
        ".gitattributes",
        "*.sql working-tree-encoding=UTF-16LE\n*.csv working-tree-encoding=UTF-16\n*.yaml working-tree-encoding=UTF-16\n",
    );
    let write = |path: &str, text: &str, mark: &str| {
        let units = format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        sandbox.write(path, "");
        std::fs::write(sandbox.path().join(path), units).unwrap();
    };
    write("models/z.sql", "SELECT 1 AS n", "");
    write("models/a.sql", "SELECT 'wîde' AS word", "");
    sandbox.commit("wide");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    // changed, new and staged, none of them committed
    write("models/a.sql", "SELECT 'wîder' AS word", "");
    write("models/b.sql", "SELECT 'nëw' AS word", "");
    write("models/c.sql", "SELECT 'stäged' AS word", "");
    sandbox.git(&["add", "models/c.sql"]).good();
    sandbox.vmesh(&["status"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    let words =
        "SELECT (SELECT word FROM dev__alice.a), (SELECT word FROM dev__alice.b), (SELECT word FROM dev__alice.c)";
    assert_eq!(sandbox.rows(words), [["wîder", "nëw", "stäged"]]);
    // a seed and a test, too
    write("models/s.csv", "id,name\n1,Zoë\n", "\u{feff}");
    write("models/s.sql", "MODEL (name s, kind SEED (path 's.csv', csv_settings (encoding = 'utf-16')));", "");
    write("tests/test_a.yaml", "test_a:\n  model: a\n  outputs:\n    query:\n    - word: wîder\n", "\u{feff}");
    sandbox.vmesh(&["test"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT name FROM dev__alice.s"), "Zoë");
    sandbox.commit("all of it");
    assert_eq!(builds(&sandbox), (0, false));
}

#[test]
fn a_value_keeps_its_line_ends() {
    let project = |attributes: &str| {
        let sandbox = Sandbox::promoted(&[("z", "SELECT 1 AS n")]);
        sandbox.git(&["config", "core.autocrlf", "false"]).good();
        sandbox.write(".gitattributes", attributes);
        let header = "MODEL (name m.a, kind FULL);\r\n";
        sandbox.write("models/a.sql", &format!("{header}-- it's\r\nSELECT length('x\r\ny') AS n\r\n"));
        sandbox.write("models/d.sql", "SELECT\r\n  length($$x\r\ny$$) AS n, v FROM read_csv('data/d.csv')\r\n");
        sandbox.write("data/d.csv", "id,v\r\n1,\"a\r\nb\"\r\n");
        sandbox.write("models/s.csv", "id,v\r\n1,\"a\r\nb\"\r\n2,5\" disk\r\n");
        sandbox.write("models/s.sql", "MODEL (name m.s, kind SEED (path 's.csv'));\n");
        sandbox.write("data/t.txt", "x\r\ny\r\n");
        sandbox.model("t", "SELECT length(content) AS n FROM read_text('data/t.txt')");
        sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
        sandbox
    };
    let rows = |sandbox: &Sandbox, schema: &str| {
        let prefix = if schema == "prod" { String::new() } else { format!("{schema}__") };
        let sql = format!(
            "SELECT (SELECT n FROM {prefix}m.a), (SELECT n FROM {schema}.d), (SELECT length(v) FROM {schema}.d), \
             (SELECT length(v) FROM {prefix}m.s WHERE id = 1), (SELECT v FROM {prefix}m.s WHERE id = 2), \
             (SELECT n FROM {schema}.t)"
        );
        sandbox.rows(&sql)
    };
    for (attributes, expected) in [
        ("* -text\n", ["4", "4", "4", "4", "5\" disk", "6"]),
        ("", ["4", "4", "4", "4", "5\" disk", "6"]),
        // Git keeps one line end for both
        ("* text=auto\n", ["3", "3", "3", "3", "5\" disk", "4"]),
        ("* text eol=crlf\n", ["3", "3", "3", "3", "5\" disk", "4"]),
    ] {
        let sandbox = project(attributes);
        // before it is committed, and after
        sandbox.vmesh(&["plan", "--yes"]).good();
        assert_eq!(rows(&sandbox, "dev__alice"), [expected], "{attributes:?}");
        sandbox.commit("values");
        assert_eq!(builds(&sandbox), (0, false), "{attributes:?}");
        sandbox.git(&["switch", "--quiet", "main"]).good();
        sandbox.git(&["merge", "--quiet", "alice"]).good();
        assert_eq!(rows(&sandbox, "prod"), [expected], "{attributes:?}");
        // line ends outside of values build nothing
        sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
        sandbox.write("models/z.sql", "SELECT 1 AS n\r\n");
        sandbox.write("models/t.sql", &sandbox.read("models/t.sql").replace(" FROM", "\r\nFROM"));
        assert_eq!(builds(&sandbox).0, 0, "{attributes:?}");
    }
}
