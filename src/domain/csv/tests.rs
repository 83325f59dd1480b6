//! CSV files as pandas would read them.

use super::*;
use crate::domain::model::{Kind, parse};

/// What a file is written as, with these settings.
fn written(settings: &str, bytes: &[u8], columns: &[(&str, &str)]) -> Result<String, String> {
    let header = format!("MODEL (name s, kind SEED (path 's.csv', csv_settings ({settings})));");
    let Some(Kind::Seed(seed)) = parse(&header).unwrap().kind else { panic!("no seed") };
    let columns: Vec<_> = columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
    rewrite(bytes, &seed, &columns)
}

#[test]
fn every_setting_is_heard() {
    let table: [(&str, &str, &str); 22] = [
        ("", "a,b\n1,x\n", "a,b\n1,x\n"),
        ("", "a,b\r\n1,x\r\n\r\n2,y", "a,b\n1,x\n2,y\n"),
        ("", "a,b\r1,x\r2,y\r", "a,b\n1,x\n2,y\n"),
        ("", "a,b\n1\n", "a,b\n1,\n"),
        ("", "a;b\n1;x,y\n", "a,b\n1,\"x,y\"\n"),
        ("", "a,b\nNA,null\n\"\",-\n", "a,b\n,\n,-\n"),
        ("keep_default_na = false", "a,b\nNA,\n", "a,b\nNA,\"\"\n"),
        ("na_values = ('-', 'x')", "a,b\n-,NA\nx,y\n", "a,b\n,\n,y\n"),
        ("na_values = '-', keep_default_na = false", "a,b\n-,NA\n", "a,b\n,NA\n"),
        ("na_values = (A = ('-'), b = 0)", "a,b\n-,-\n0,0\n", "a,b\n,-\n0,\n"),
        ("na_values = (b = -1)", "a,b\n-1,-1\n", "a,b\n-1,\n"),
        ("delimiter = '|'", "a|b\n1|x,y\n", "a,b\n1,\"x,y\"\n"),
        ("delimiter = '\\t'", "a\tb\n1\tx\n", "a,b\n1,x\n"),
        ("quotechar = ''''", "a,b\n1,'x,''y'''\n", "a,b\n1,\"x,'y'\"\n"),
        ("", "a,b\n1,\"say \"\"hi\"\"\nyou\"\n", "a,b\n1,\"say \"\"hi\"\"\nyou\"\n"),
        ("doublequote = false, escapechar = '\\'", "a,b\n1,\"say \\\"hi\\\"\"\n", "a,b\n1,\"say \"\"hi\"\"\"\n"),
        ("escapechar = '\\'", "a,b\n1,x\\,y\n", "a,b\n1,\"x,y\"\n"),
        ("doublequote = false", "a,b\n1,\"x\"\"y\"\n", "a,b\n1,\"x\"\"y\"\"\"\n"),
        ("", "a,b\n1, x\n", "a,b\n1,\" x\"\n"),
        ("skipinitialspace = true", "a, b\n1, x\n2, \"y, z\"\n", "a,b\n1,x\n2,\"y, z\"\n"),
        ("lineterminator = '~'", "a,b~1,x\ny~", "a,b\n1,\"x\ny\"\n"),
        ("lineterminator = '\\n'", "a,b\n1,x\n", "a,b\n1,x\n"),
    ];
    for (settings, given, expected) in table {
        assert_eq!(written(settings, given.as_bytes(), &[]).unwrap(), expected, "{settings}: {given:?}");
    }
}

#[test]
fn every_encoding_is_read() {
    let utf16 = |order: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let text = if mark { "\u{feff}a\r\né\r\n" } else { "a\r\né\r\n" };
        text.encode_utf16().flat_map(order).collect()
    };
    let files: [(&str, Vec<u8>); 7] = [
        ("", "a\né\n".into()),
        ("encoding = 'utf-8-sig'", "\u{feff}a\né\n".into()),
        ("encoding = 'latin-1'", b"a\n\xe9\n".to_vec()),
        ("encoding = 'cp1252'", b"a\n\xe9\n".to_vec()),
        ("encoding = 'utf-16'", utf16(u16::to_le_bytes, true)),
        ("encoding = 'UTF_16'", utf16(u16::to_be_bytes, true)),
        ("encoding = 'utf-16-be'", utf16(u16::to_be_bytes, false)),
    ];
    for (settings, bytes) in files {
        assert_eq!(written(settings, &bytes, &[]).unwrap(), "a\né\n", "{settings}");
    }
    assert_eq!(written("encoding = 'cp1252'", b"a\n\x80\n", &[]).unwrap(), "a\n€\n");
    assert_eq!(written("encoding = 'latin-1'", b"a\n\x80\n", &[]).unwrap(), "a\n\u{80}\n");
    let error = written("", b"a\nb\n\xe9\n", &[]).unwrap_err();
    assert!(error.starts_with("line 3 is not UTF-8"), "{error}");
    assert!(written("encoding = 'utf-16'", b"a\n\xe9", &[]).is_err());
}

#[test]
fn declared_columns_are_found_whatever_their_case() {
    let columns = [("Id", "int"), ("ok", "boolean")];
    let good = written("", b"ID,more,OK\n1,x,yes\n2,y,Off\n3,z,maybe\n", &columns).unwrap();
    assert_eq!(good, "Id,more,ok\n1,x,true\n2,y,false\n3,z,maybe\n");
    let error = written("", b"id,name\n1,x\n", &columns).unwrap_err();
    assert_eq!(error, "it has no column `ok`, which `columns` declares; it has: Id, name");
}

#[test]
fn what_is_no_table_is_told_with_its_line() {
    let error = |bytes: &[u8]| written("", bytes, &[]).unwrap_err();
    assert_eq!(error(b""), "it is empty: the first line names the columns");
    assert_eq!(error(b"a,b\n1,2\n\n1,2,3\n"), "line 4 has 3 cells, and the first line names 2 columns");
    assert_eq!(error(b"a,b\n\"1\n2\",2\n1,\"2\n"), "the quote that begins in line 4 is never closed");
}

proptest::proptest! {
    /// Written in a file's own manner and read with its settings, cells come back as they were.
    #[test]
    fn cells_come_back(
        rows in proptest::collection::vec(proptest::collection::vec("[a-c ,;\"'\\\\\n\r|é]{0,6}", 3), 1..6),
        style in 0_usize..3,
    ) {
        let (settings, quote, separator): (&str, char, char) = [
            ("keep_default_na = false", '"', ','),
            ("keep_default_na = false, delimiter = '|', quotechar = ''''", '\'', '|'),
            ("keep_default_na = false, delimiter = ';', lineterminator = '\n'", '"', ';'),
        ][style];
        let cell = |cell: &String| format!("{quote}{}{quote}", cell.replace(quote, &format!("{quote}{quote}")));
        let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(&separator.to_string()) + "\n";
        let file = format!("x{separator}y{separator}z\n{}", rows.iter().map(line).collect::<String>());
        let own = |row: &Vec<String>| {
            let mut out = String::new();
            write_record(&mut out, row.iter().map(|cell| Some(cell.as_str())));
            out
        };
        let expected: String = std::iter::once("x,y,z\n".to_owned()).chain(rows.iter().map(own)).collect();
        proptest::prop_assert_eq!(written(settings, file.as_bytes(), &[]).unwrap(), expected);
    }
}
