//! The physical layer: what is on record of its tables, and which of them are there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, Row, Value};
use crate::adapter::engine::{Build, WarehouseError};
use crate::domain::environment::{Column, Inputs, PhysicalTable};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::{Around, KindWord};
use crate::domain::name::{ModelName, SNAPSHOTS_SCHEMA, TableName, literal};

const DOING: &str = "reading vmesh's records";
const RECORDING: &str = "recording a table";

/// The columns of the records of tables, in order.
const COLUMNS: [&str; 17] = [
    "table_name",
    "model",
    "fingerprint",
    "own",
    "kind",
    "parents",
    "query",
    "columns",
    "built_at",
    "filled",
    "audited",
    "content",
    "revision",
    "continues",
    "around",
    "inputs",
    "rows",
];

impl Ledger<'_> {
    /// The tables on record that meet a condition.
    pub(in super::super) fn tables(
        &self,
        condition: &str,
    ) -> Result<BTreeMap<TableName, PhysicalTable>, WarehouseError> {
        let sql = format!("SELECT {} FROM vmesh_state.tables WHERE {condition}", COLUMNS.join(", "));
        let tables = self.all(DOING, &sql, |row| Ok(table(row)))?;
        Ok(tables.into_iter().flatten().map(|table| (table.table.clone(), table)).collect())
    }

    /// The record of a table.
    pub(in super::super) fn on_record(&self, table: &TableName) -> Result<Option<PhysicalTable>, WarehouseError> {
        let condition = format!("table_name = {}", literal(&table.name));
        Ok(self.tables(&condition)?.into_values().next())
    }

    /// Puts a table on record, in place of what was there of it.
    pub(in super::super) fn record(&self, table: &PhysicalTable) -> Result<(), WarehouseError> {
        let parents: Vec<&str> = table.parents.iter().map(|parent| parent.name.as_str()).collect();
        let values: [Value; 17] = [
            table.table.name.as_str().into(),
            table.model.to_string().into(),
            table.fingerprint.hex().into(),
            table.own.hex().into(),
            table.kind.as_str().into(),
            parents.join(" ").into(),
            table.select.as_deref().into(),
            json(&table.columns).into(),
            table.built_at.into(),
            table.filled.as_ref().map(json).into(),
            table.audited.iter().cloned().collect::<Vec<_>>().join(" ").into(),
            table.content.as_ref().map(Fingerprint::hex).into(),
            table.revision.into(),
            table.continues.as_ref().map(json).into(),
            (!table.around.is_empty()).then(|| json(&table.around)).into(),
            json(&table.inputs).into(),
            table.rows.into(),
        ];
        let values: Vec<String> = values.iter().map(Value::sql).collect();
        let set: Vec<String> = COLUMNS[1..].iter().map(|name| format!("{name} = excluded.{name}")).collect();
        let sql = format!(
            "INSERT INTO vmesh_state.tables ({}) VALUES ({}) ON CONFLICT (table_name) DO UPDATE SET {}",
            COLUMNS.join(", "),
            values.join(", "),
            set.join(", ")
        );
        self.run(RECORDING, &sql)
    }

    /// From now on, a table stands for a version.
    pub(in super::super) fn stand_for(&self, version: &Fingerprint, table: &TableName) -> Result<(), WarehouseError> {
        let (version, name) = (version.hex(), literal(&table.name));
        let sql = format!(
            "INSERT INTO vmesh_state.snapshots VALUES ('{version}', {name}) \
             ON CONFLICT (fingerprint) DO UPDATE SET table_name = excluded.table_name"
        );
        self.run("recording a snapshot", &sql)
    }

    /// The record of a table that was made just now, with these columns. Its rows are others than those of a table that was
    /// there before.
    pub(in super::super) fn made(
        &self,
        build: &Build,
        columns: Vec<Column>,
        at: i64,
    ) -> Result<PhysicalTable, WarehouseError> {
        let name = literal(&build.table.name);
        let sql = format!("SELECT revision + 1 FROM vmesh_state.tables WHERE table_name = {name}");
        let next = self.all(RECORDING, &sql, |row| row.get(0))?.first().copied();
        let (revision, inputs) = (next.unwrap_or_else(|| at.unsigned_abs()), self.inputs_of(build)?);
        Ok(PhysicalTable { revision, inputs, ..build.snapshot(columns, at) })
    }

    /// What a build's table is filled from.
    pub(in super::super) fn inputs_of(&self, build: &Build) -> Result<Inputs, WarehouseError> {
        let read = build.sources.values().cloned().collect();
        let read_as = build.sources.iter().map(|(model, table)| (model.clone(), table.name.clone())).collect();
        let sources = build.source_stamp.clone();
        Ok(Inputs {
            sources,
            recipe: build.recipe,
            shape: build.shape,
            read_as,
            ..self.inputs(&read, build.beside.as_ref())?
        })
    }

    /// What a table is filled from that is filled again: by a build, or by the query on record.
    pub(in super::super) fn inputs_again(
        &self,
        table: &PhysicalTable,
        build: Option<&Build>,
    ) -> Result<Inputs, WarehouseError> {
        let physical = |name: &String| TableName::physical(name.clone());
        let beside = table.inputs.beside.as_ref().map(|(table, _)| physical(table));
        match build {
            Some(build) => self.inputs_of(build),
            None => self.inputs(&table.inputs.read.keys().map(physical).collect(), beside.as_ref()),
        }
    }

    /// What a table is filled from that reads these, beside the table that prod shows of the same model.
    pub(in super::super) fn inputs(
        &self,
        read: &BTreeSet<TableName>,
        beside: Option<&TableName>,
    ) -> Result<Inputs, WarehouseError> {
        let mut inputs = Inputs::default();
        let names: Vec<String> = read.iter().chain(beside).map(|table| literal(&table.name)).collect();
        if names.is_empty() {
            return Ok(inputs);
        }
        let sql = format!(
            "SELECT table_name, revision, filled IS NOT NULL, inputs FROM vmesh_state.tables WHERE table_name IN ({})",
            names.join(", ")
        );
        let rows = self.all(RECORDING, &sql, |row| {
            let (table, revision, is_by_loads, above): (String, u64, bool, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((table, revision, is_by_loads, serde_json::from_str(&above).unwrap_or_default()))
        })?;
        for (table, revision, is_by_loads, above) in rows {
            if beside.is_some_and(|beside| beside.name == table) {
                inputs.beside = Some((table, revision));
            } else {
                inputs.add(&table, revision, is_by_loads, &above);
            }
        }
        Ok(inputs)
    }

    /// The tables and views of the physical layer: all of them, or those among some.
    pub(super) fn physical(&self, among: Option<&BTreeSet<String>>) -> Result<BTreeSet<String>, WarehouseError> {
        let schema = BTreeSet::from([SNAPSHOTS_SCHEMA.to_owned()]);
        if among.is_some_and(BTreeSet::is_empty) {
            return Ok(BTreeSet::new());
        }
        Ok(self.0.relations(Some(&schema), among)?.into_iter().map(|relation| relation.place.name).collect())
    }

    /// The views that vmesh made outside of the physical layer, in all schemas or in some.
    pub(in super::super) fn views(
        &self,
        schemas: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<TableName, TableName>, WarehouseError> {
        if schemas.is_some_and(BTreeSet::is_empty) {
            return Ok(BTreeMap::new());
        }
        let relations = self.0.relations(schemas, None)?.into_iter();
        let outside = relations.filter(|relation| relation.is_view && relation.place.schema != SNAPSHOTS_SCHEMA);
        Ok(outside.filter_map(|relation| Some((relation.place, relation.shows?))).collect())
    }
}

/// What a row says of a table; none where a newer vmesh wrote something that this one can't read.
fn table(row: &Row) -> Option<PhysicalTable> {
    let text = |index| row.get::<String>(index).ok();
    let maybe = |index| row.get::<Option<String>>(index).ok();
    Some(PhysicalTable {
        table: TableName::physical(text(0)?),
        model: ModelName::parse(&text(1)?)?,
        fingerprint: Fingerprint::from_hex(&text(2)?)?,
        own: Fingerprint::from_hex(&text(3)?)?,
        kind: KindWord::read(&text(4)?)?,
        parents: text(5)?.split_whitespace().map(|name| TableName::physical(name.to_owned())).collect(),
        select: maybe(6)?,
        columns: serde_json::from_str(&text(7)?).ok()?,
        built_at: row.get(8).ok()?,
        filled: maybe(9)?.and_then(|filled| serde_json::from_str(&filled).ok()),
        audited: text(10)?.split_whitespace().map(str::to_owned).collect(),
        content: maybe(11)?.as_deref().and_then(Fingerprint::from_hex),
        revision: row.get(12).ok()?,
        continues: maybe(13)?.and_then(|from| serde_json::from_str(&from).ok()),
        around: maybe(14)?.map_or(Some(Around::default()), |around| serde_json::from_str(&around).ok())?,
        inputs: serde_json::from_str(&text(15)?).ok()?,
        rows: row.get(16).ok()?,
    })
}

fn json<T: serde::Serialize>(value: &T) -> String {
    // texts, numbers, lists and maps by text always have one
    serde_json::to_string(value).unwrap_or_default()
}
