//! What each property of a header means: which count in the fingerprint, which are metadata, which come later.

use std::collections::{BTreeMap, BTreeSet};

use super::super::audit;
use super::super::diagnostic::{Problem, nearest};
use super::super::engine_kind::EngineKind;
use super::super::name::ModelName;
use super::super::sql::{self, Lexeme, Span, Token, is_duckdb, policy};
use super::defaults::Defaults;
use super::header::{self, Property};
use super::incremental::{By, Incremental, expressions};
use super::kind::Kind;
use super::{ModelFile, Rule, comments, first};

/// Made into the table: part of its meaning.
const PHYSICAL: [&str; 7] = [
    "stamp",
    "table_format",
    "storage_format",
    "partitioned_by",
    "clustered_by",
    "physical_properties",
    "table_properties",
];
/// Metadata: changes no row and builds nothing.
const METADATA: [&str; 24] = [
    "dialect",
    "cron",
    "cron_tz",
    "interval_unit",
    "start",
    "end",
    "owner",
    "description",
    "tags",
    "column_descriptions",
    "grain",
    "grains",
    "references",
    "ignored_rules",
    "formatting",
    "optimize_query",
    "validate_query",
    "project",
    "retention",
    "allow_partials",
    "session_properties",
    "grants",
    "grants_target_layer",
    "virtual_properties",
];
/// Read with the header, each in its own way.
const SPECIAL: [&str; 10] = [
    "name",
    "kind",
    "blueprints",
    "enabled",
    "columns",
    "depends_on",
    "audits",
    "assertions",
    "virtual_environment_mode",
    "gateway",
];
/// Accepted, though there is nothing that they could change; and what to say of that.
const IDLE: [(&str, &str); 3] = [
    ("grants_target_layer", "vmesh grants rights on views alone: `grants_target_layer` has no effect"),
    ("virtual_properties", "DuckDB's views have no properties: `virtual_properties` has no effect"),
    ("session_properties", "settings are vmesh's: `session_properties` has no effect"),
];
/// Known to SQLMesh, and refused; and what to do instead.
const REFUSED: [(&str, &str); 3] = [
    ("signals", "call `vmesh run` when what the model waits for is there"),
    ("physical_version", "leave it out: a table's name tells its version"),
    ("default_catalog", "leave it out: there is one warehouse, and names have no catalog"),
];

/// Reads a header statement (`MODEL ( … )`, without its semicolon; nothing, if there is none) into a file without a
/// query. What it lacks, the defaults give.
pub(super) fn read(text: &str, statement: &[Lexeme], defaults: &Defaults) -> Result<ModelFile, Vec<Problem>> {
    let folded: Vec<Lexeme> = statement.iter().map(|lexeme| sql::folded(defaults.engine, lexeme)).collect();
    let statement = &folded[..];
    let properties = header::properties(statement).map_err(|problem| vec![problem])?;
    let mut file = ModelFile { place: first(statement), ..ModelFile::plain() };
    let mut problems = Vec::new();
    problems.extend(policy::check_header(statement).err().map(Problem::from));
    let mut metadata = blake3::Hasher::new();
    for property in &properties {
        take(&mut file, text, property, &mut metadata, &mut problems);
    }
    let own_audits = file.audits.len();
    let mut in_defaults = Vec::new();
    let given = defaults.of(&properties);
    let own_start = file.schedule.start.take();
    for (text, property) in &given {
        take(&mut file, text, property, &mut metadata, &mut in_defaults);
    }
    // a parent's start comes before the project's
    file.schedule.default_start = std::mem::replace(&mut file.schedule.start, own_start);
    // the text of a default is in no file
    let place = file.place.clone();
    file.audits[own_audits..].iter_mut().for_each(|call| call.tell_at(&place));
    problems.extend(in_defaults.into_iter().map(|problem| Problem { span: place.clone(), ..problem }));
    file.physical.sort();
    if let Some(Kind::Incremental(incremental)) = &file.kind {
        // declared or not, the kind adds them itself
        let added = incremental.added_columns();
        file.columns.retain(|(name, _)| !added.iter().any(|added| added.eq_ignore_ascii_case(name)));
    }
    if let Some(Kind::Incremental(Incremental { by: By::Partition(parts), .. })) = &mut file.kind {
        let all = properties.iter().chain(given.iter().map(|(_, property)| property));
        for property in all.filter(|property| property.key == "partitioned_by") {
            match expressions(property) {
                Ok(mut found) => parts.append(&mut found),
                Err(problem) => problems.push(problem),
            }
        }
        if parts.is_empty() {
            let problem = Problem::new("kind INCREMENTAL_BY_PARTITION needs `partitioned_by`", file.place.clone());
            problems.push(problem.help("partitioned_by (country)"));
        }
    }
    problems.extend(for_engine(&mut file, defaults.engine));
    let front = statement.first().and_then(|head| text.get(..head.span.start));
    file.about.description = file.about.description.take().or_else(|| front.and_then(comments::in_front));
    file.about.comments.view.clone_from(&file.about.description);
    file.about.hash = *metadata.finalize().as_bytes();
    if problems.is_empty() { Ok(file) } else { Err(problems) }
}

/// What of a header's expressions and types an engine may not be given.
fn foreign(file: &ModelFile, engine: EngineKind) -> Vec<Problem> {
    let mut types: Vec<&str> = file.columns.iter().map(|(_, kind)| kind.as_str()).collect();
    let mut expressions: &[String] = &[];
    if let Some(Kind::Incremental(incremental)) = &file.kind {
        expressions = incremental.by.expressions();
        if let By::History(history) = &incremental.by {
            types.push(&history.time_type);
        }
    }
    let check = match engine {
        EngineKind::DuckDb => return Vec::new(),
        EngineKind::Postgres => policy::check_expression_for_postgres,
        EngineKind::Spark => policy::check_expression_for_spark,
    };
    let is_type = match engine {
        EngineKind::Spark => policy::is_type_for_spark,
        EngineKind::DuckDb | EngineKind::Postgres => policy::is_type_for_postgres,
    };
    let refused = expressions.iter().filter_map(|text| check(text).err());
    let refused = refused.map(|refusal| Problem { span: file.place.clone(), ..Problem::from(refusal) });
    let types = types.into_iter().filter(|kind| !is_type(kind)).map(|kind| {
        let problem =
            Problem::new(format!("`{kind}` is none of {}'s own plain types", engine.name()), file.place.clone());
        problem.help("declare one of those, and cast what has another")
    });
    refused.chain(types).collect()
}

/// Why an engine grants nothing.
fn without_roles(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::DuckDb | EngineKind::Postgres => "DuckDB has no roles",
        EngineKind::Spark => "vmesh grants nothing on Spark yet",
    }
}

/// What an engine makes of a header, and what it can't be given of it.
fn for_engine(file: &mut ModelFile, engine: EngineKind) -> Vec<Problem> {
    if engine == EngineKind::Postgres {
        return foreign(file, engine);
    }
    if file.about.comments.readers.take().is_some() {
        file.warnings.push(format!("{}: `grants` has no effect", without_roles(engine)));
    }
    if engine == EngineKind::DuckDb {
        return Vec::new();
    }
    // what other engines call so has no length, which Spark's type of that name must have
    let is_text = |kind: &str| ["varchar", "text"].iter().any(|text| kind.eq_ignore_ascii_case(text));
    let texts = file.columns.iter_mut().filter(|(_, kind)| is_text(kind));
    texts.for_each(|(_, kind)| *kind = engine.text().to_owned());
    foreign(file, engine)
}

fn take(
    file: &mut ModelFile,
    text: &str,
    property: &Property<'_>,
    metadata: &mut blake3::Hasher,
    problems: &mut Vec<Problem>,
) {
    if matches!(property.key.as_str(), "audits" | "assertions") {
        match audit::calls(text, property.value.lexemes()) {
            Ok(calls) => file.audits.extend(calls),
            Err(mut found) => problems.append(&mut found),
        }
    }
    if let Err(problem) = apply(file, property, metadata) {
        problems.push(problem);
    }
}

fn apply(file: &mut ModelFile, property: &Property<'_>, metadata: &mut blake3::Hasher) -> Result<(), Problem> {
    let key = property.key.as_str();
    let idle = IDLE.iter().filter(|(name, _)| *name == key);
    file.warnings.extend(idle.map(|(_, warning)| (*warning).to_owned()));
    if METADATA.contains(&key) || matches!(key, "audits" | "assertions") {
        for part in [key, &property.value.canonical()] {
            metadata.update(&(part.len() as u64).to_le_bytes());
            metadata.update(part.as_bytes());
        }
    }
    if file.schedule.read(property)? {
        return Ok(());
    }
    match key {
        "name" => name(file, property)?,
        "kind" => file.kind = Some(Kind::read(&property.value)?),
        "enabled" => file.about.disabled = !boolean(property)?,
        "dialect" => dialect(property)?,
        "description" => file.about.description = Some(text(property)?),
        "owner" => file.about.owner = Some(text(property)?),
        "tags" => file.about.tags = words(property)?,
        "grain" => file.about.grain = key_of(&property.value),
        // the first of several is the key of `table-diff`
        "grains" => file.about.grain = property.value.elements().first().map(key_of).unwrap_or_default(),
        "columns" => file.columns = columns(property)?,
        "depends_on" => file.depends_on.extend(models(property)?),
        "gateway" => file.gateway = Some(text(property)?),
        "audits" | "assertions" => {}
        "formatting" => file.about.unformatted = !boolean(property)?,
        "ignored_rules" => ignored_rules(file, property)?,
        "column_descriptions" => {
            file.about.comments.columns = column_descriptions(property)?;
            file.about.describes = true;
        }
        "grants" => file.about.comments.readers = Some(readers(property)?),
        "virtual_environment_mode" => check_mode(property)?,
        _ if METADATA.contains(&key) => {}
        _ if PHYSICAL.contains(&key) => file.physical.push((key.to_owned(), property.value.canonical())),
        _ if REFUSED.iter().any(|(name, _)| *name == key) => {
            let help = REFUSED.iter().find(|(name, _)| *name == key).map_or("", |(_, help)| help);
            return Err(Problem::new(format!("`{key}` is not supported"), property.span.clone()).help(help));
        }
        _ => return Err(unknown(key, property.span.clone())),
    }
    Ok(())
}

fn name(file: &mut ModelFile, property: &Property<'_>) -> Result<(), Problem> {
    let mut parts = property.value.name().unwrap_or_default();
    file.catalog = (parts.len() == 3).then(|| parts.remove(0));
    let problem = || {
        let what = "a model's name is `name`, `schema.name` or `catalog.schema.name`";
        let is_more = property.value.is_several_words();
        let help = if is_more { "a comma ends each property" } else { "no quotes around the whole" };
        Problem::new(what, property.value.span()).help(help)
    };
    file.name = Some(ModelName::from_parts(&parts).ok_or_else(problem)?);
    file.place = property.value.span();
    Ok(())
}

/// Names of models. There is one catalog: it says nothing.
fn models(property: &Property<'_>) -> Result<Vec<ModelName>, Problem> {
    let model = |element: &header::Value<'_>| {
        let name = element.name().and_then(|parts| match parts.as_slice() {
            [_, rest @ ..] if rest.len() == 2 => ModelName::from_parts(rest),
            parts => ModelName::from_parts(parts),
        });
        name.ok_or_else(|| Problem::new("expected a model's name", element.span()))
    };
    property.value.elements().iter().map(model).collect()
}

fn check_mode(property: &Property<'_>) -> Result<(), Problem> {
    let mode = property.value.text().unwrap_or_default();
    if mode.eq_ignore_ascii_case("full") {
        return Ok(());
    }
    let problem = Problem::new(format!("`virtual_environment_mode` is `full`, not `{mode}`"), property.value.span());
    Err(problem.help("leave it out: every environment of vmesh is virtual"))
}

fn boolean(property: &Property<'_>) -> Result<bool, Problem> {
    property.value.boolean().ok_or_else(|| expected("true or false", property))
}

/// Rules of the linter that don't count for this model. SQLMesh projects may name rules of their own, written in Python.
fn ignored_rules(file: &mut ModelFile, property: &Property<'_>) -> Result<(), Problem> {
    for name in words(property)? {
        if !name.eq_ignore_ascii_case("all") && Rule::named(&name).is_none() {
            let help = Rule::suggestion(&name);
            file.warnings.push(format!("`ignored_rules` names `{name}`, and no rule is called so: {help}"));
        }
        file.about.ignored_rules.push(name.to_lowercase());
    }
    Ok(())
}

fn unknown(key: &str, span: Span) -> Problem {
    let known = SPECIAL.into_iter().chain(METADATA).chain(PHYSICAL).chain(REFUSED.map(|(name, _)| name));
    let problem = Problem::new(format!("unknown property `{key}`"), span);
    match nearest(key, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("properties are those of SQLMesh's MODEL header"),
    }
}

fn dialect(property: &Property<'_>) -> Result<(), Problem> {
    match property.value.text() {
        Some(dialect) if is_duckdb(dialect) => Ok(()),
        _ => Err(Problem::new("only dialect `duckdb` is supported", property.value.span())
            .help("vmesh sends your SQL to the engine as you wrote it and translates nothing; in the settings, `unsupported = \
                   \"external\"` takes such models for tables")),
    }
}

fn columns(property: &Property<'_>) -> Result<Vec<(String, String)>, Problem> {
    let lexemes = property.value.lexemes();
    let inner = match lexemes {
        [open, inner @ .., _] if header::is(open, "(") => inner,
        _ => return Err(expected("(name TYPE, …)", property)),
    };
    let mut columns = Vec::new();
    for item in header::items(inner)? {
        let name = item_name(&item, inner);
        if !policy::is_type(item.value.lexemes()) {
            let problem = Problem::new(format!("this is no type of column `{name}`"), item.value.span());
            return Err(problem.help("columns (id INT, amount DECIMAL(18, 2), tags TEXT[])"));
        }
        columns.push((name, type_name(&item)));
    }
    Ok(columns)
}

/// The column's name with its letters as written.
fn item_name(item: &Property<'_>, lexemes: &[Lexeme]) -> String {
    let written = lexemes.iter().find(|lexeme| lexeme.span == item.span).map(|lexeme| &lexeme.token);
    match written {
        Some(Token::Word { text, .. }) => text.clone(),
        _ => item.key.clone(),
    }
}

/// A type as it goes to the engine: `decimal ( 18 , 2 )` is as good as `DECIMAL(18,2)`.
fn type_name(item: &Property<'_>) -> String {
    item.value.canonical()
}

/// `(id = 'the key', …)`.
fn column_descriptions(property: &Property<'_>) -> Result<BTreeMap<String, String>, Problem> {
    let inner = match property.value.lexemes() {
        [open, inner @ .., _] if header::is(open, "(") => inner,
        _ => return Err(expected("(name = '…', …)", property)),
    };
    let items = header::items(inner)?;
    items.iter().map(|item| Ok((item_name(item, inner), text(item)?))).collect()
}

/// The roles of `(select = ['reporting', …])`.
fn readers(property: &Property<'_>) -> Result<BTreeSet<String>, Problem> {
    let inner = match property.value.lexemes() {
        [open, inner @ .., _] if header::is(open, "(") => inner,
        _ => return Err(expected("(select = ['…', …])", property)),
    };
    let mut readers = BTreeSet::new();
    for item in &header::items(inner)? {
        let right = item_name(item, inner);
        if !right.eq_ignore_ascii_case("select") {
            let problem = Problem::new(format!("`{right}` can't be granted: views are read"), property.span.clone());
            return Err(problem.help("grants (select = ['reporting'])"));
        }
        readers.extend(words(item)?);
    }
    Ok(readers)
}

/// The columns of `a`, `(a, b)` or `((a, b))`.
fn key_of(value: &header::Value<'_>) -> Vec<String> {
    match (value.text(), value.elements().as_slice()) {
        (Some(text), _) => vec![text.to_owned()],
        // `id AS order_id`: what other models call it
        (None, [only]) if only.lexemes().len() == value.lexemes().len() => match only.lexemes() {
            [Lexeme { token: Token::Word { text, .. }, .. }, as_, _] if as_.is_keyword("as") => vec![text.clone()],
            _ => vec![value.canonical()],
        },
        (None, several) => several.iter().flat_map(key_of).collect(),
    }
}

fn words(property: &Property<'_>) -> Result<Vec<String>, Problem> {
    let elements = property.value.elements().into_iter();
    let words = elements.map(|element| element.text().map_or_else(|| element.canonical(), str::to_owned));
    Ok(words.collect())
}

fn text(property: &Property<'_>) -> Result<String, Problem> {
    property.value.text().map(str::to_owned).ok_or_else(|| expected("a string: '…'", property))
}

fn expected(what: &str, property: &Property<'_>) -> Problem {
    Problem::new(format!("`{}` is {what}", property.key), property.value.span())
}
