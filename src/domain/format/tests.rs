//! What comes out, and what must always hold of it.

use proptest::prelude::*;

use super::*;
use crate::domain::model;

fn laid_out(text: &str) -> String {
    format(text).unwrap()
}

#[test]
fn a_model_laid_out() {
    let text = "MODEL (name marts.orders, -- its name\n  grain id);\nwith o as (select id,total from staging.orders where \
                day between @start_date and @end_date /* the span */), -- orders\nr as (select *, row_number() over \
                (partition by customer order by day desc) as nr from o)\nselect r.id::BIGINT as id, -- the key\n\
                {'a': 1,  'b': [1,2]} as s, list_filter(l, x->x>1) as l, @SAFE_DIV(r.total,2) as half, t.@{c}_sum, \
                arr[1:2], $$it's$$ as d, e'\\n' as e, f(name:=1), a@>b as c, total>@least as t, a-1 as m\nfrom r left join staging.c as c \
                on c.id=r.id and c.country='AT' asof join p using (id)\nwhere r.nr=1 and (r.size='big' or r.size='middle') \
                group by all having count(*)>1 qualify row_number() over (partition by r.customer)=1 order by 1;";
    insta::assert_snapshot!(laid_out(text));
}

#[test]
fn from_comes_first_and_columns_are_left_out() {
    let text = "FROM staging.orders SELECT * EXCLUDE (a, b) REPLACE (a::INT AS a) WHERE x<>'y' LIMIT 10";
    insta::assert_snapshot!(laid_out(text), @r"
    FROM staging.orders
    SELECT * EXCLUDE (a, b) REPLACE (a::INT AS a)
    WHERE x <> 'y'
    LIMIT 10
    ");
}

#[test]
fn definitions_stand_in_front() {
    let text = "MODEL (name a);\n@DEF(first, '2020-01-01'); SELECT @EACH([a, b], x -> sum(@x) AS @{x}_sum) FROM t";
    insta::assert_snapshot!(laid_out(text), @r"
    MODEL (name a);

    @DEF(first, '2020-01-01');

    SELECT @EACH([a, b], x -> sum(@x) AS @{x}_sum)
    FROM t
    ");
}

#[test]
fn what_can_not_be_laid_out_is_kept() {
    let table = [
        ("SELECT 'a", Kept::Unread),
        ("SELECT {{ a }} FROM t", Kept::Jinja),
        ("JINJA_QUERY_BEGIN; SELECT 1; JINJA_END;", Kept::Jinja),
        // sqlformat's own switch is a comment that it takes away
        ("SELECT 1,\n-- fmt: off\n  2", Kept::Changed),
    ];
    for (text, expected) in table {
        assert_eq!(format(text), Err(expected), "{text}");
    }
}

#[test]
fn a_header_alone_and_line_endings_stay() {
    assert_eq!(laid_out("MODEL (name a, kind SEED (path 'a.csv'));"), "MODEL (name a, kind SEED (path 'a.csv'));\n");
    assert_eq!(
        laid_out("MODEL (name a);\r\nselect 1 as x -- one\r\n"),
        "MODEL (name a);\r\n\r\nselect 1 as x -- one\r\n"
    );
    assert_eq!(laid_out("select 1 as x"), "select 1 as x\n");
}

/// Text in pieces that make formatters stumble.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "select",
        "SELECT",
        "from",
        "where",
        "group by all",
        "having",
        "qualify",
        "order by",
        "with",
        "as",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ".",
        "a",
        "t.b",
        "\"odd \"\"Name\"",
        "'it''s'",
        "''",
        "$$x'y$$",
        "$t$ ; $t$",
        "e'\\''",
        "x'00'",
        "1",
        "1_000",
        ".5",
        "1e5",
        "@",
        "@x",
        "@{x}_y",
        "@@z",
        "@f(",
        "->",
        "->>",
        "::",
        ":=",
        ":",
        "=",
        "<>",
        ">",
        "-",
        "--1\n",
        "- -1",
        "/* c */",
        "/* a /* b */ */",
        "-- it's\n",
        "\n",
        "\n\n",
        " ",
        "\t",
        "*",
        "//",
        "#1",
        "?",
        "$1",
        "||",
        "!",
        "case when",
        "then",
        "end",
        "join",
        "left join",
        "asof join",
        "on",
        "using",
        "and",
        "or",
        "union all by name",
        "exclude",
        "lambda x:",
        "between",
        "in",
        "interval '1' day",
        "limit",
        "é",
        "\u{a0}",
        "`b`",
        "values",
        "over (partition by",
        "filter (where",
        "pivot",
        "model (",
        "a:b",
        "[1:2]",
        "%",
        "~",
    ]);
    let piece = (pieces, prop::bool::weighted(0.7))
        .prop_map(|(piece, space)| if space { format!("{piece} ") } else { piece.to_owned() });
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// A model with a query that can be read.
fn query() -> impl Strategy<Value = String> {
    let space = prop::sample::select(vec![" ", "\n", "  -- c\n", " /* d */ ", "\r\n"]);
    let column = prop::sample::select(vec![
        "a",
        "t.a AS b",
        "sum(a) OVER (PARTITION BY b ORDER BY c)",
        "CASE WHEN a THEN 1 ELSE 'x' END",
        "{'a': 1, 'b': a}",
        "list_transform(l, lambda x: x + 1)",
        "a::INT[]",
        "arr[1:2]",
        "-a - -1",
        "a -> 'b' ->> 'c'",
        "$$q'$$",
        "a @> b",
        "(SELECT max(x) FROM u)",
        "a // 2 ** b",
        "COLUMNS('a.*')",
        "count(*) FILTER (WHERE a > 1)",
        "f(n := 1)",
    ]);
    let tail = prop::sample::select(vec![
        "",
        "WHERE a = 1 AND (b OR c)",
        "GROUP BY ALL HAVING count(*) > 1",
        "QUALIFY row_number() OVER (ORDER BY a) = 1",
        "LEFT JOIN u ON u.a = t.a AND u.b IS NOT NULL",
        "ASOF JOIN u USING (a)",
        "ORDER BY 1 DESC NULLS LAST LIMIT 3",
        "UNION ALL BY NAME SELECT 1",
        "WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
    ]);
    (prop::collection::vec((column, space.clone()), 1..6), tail, space).prop_map(|(columns, tail, space)| {
        let columns: Vec<String> = columns.iter().map(|(column, space)| format!("{column}{space}")).collect();
        format!("MODEL (name a);{space}SELECT{space}{}{space}FROM t{space}{tail}", columns.join(","))
    })
}

proptest! {
    #[test]
    fn twice_is_once_and_no_word_or_comment_is_lost(text in soup()) {
        if let Ok(once) = format(&text) {
            prop_assert_eq!(format(&once), Ok(once.clone()));
            let words = |text: &str| -> Vec<String> {
                lex(text).unwrap().into_iter().map(|lexeme| text[lexeme.span].replace("\r\n", "\n")).collect()
            };
            prop_assert_eq!(words(&text), words(&once));
            let all = |text: &str| comments(text, &lex(text).unwrap());
            prop_assert_eq!(all(&text), all(&once));
        }
    }

    #[test]
    fn a_query_means_what_it_meant(text in query()) {
        let laid_out = format(&text).unwrap();
        let meaning = |text: &str| model::parse(text).unwrap().query.unwrap().canonical;
        prop_assert_eq!(meaning(&text), meaning(&laid_out));
        prop_assert_eq!(format(&laid_out), Ok(laid_out.clone()));
    }
}
