//! Swapping an environment's pointers: all views and all records in one transaction, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Database;
use crate::adapter::engine::{Occupied, Publication, Publish, WarehouseError};
use crate::domain::environment::{Moved, Pointer};
use crate::domain::model::Comments;
use crate::domain::name::{EnvName, ModelName, TableName, literal, quote};

/// What an environment shows of each model, and what its view is commented with.
type Shown = BTreeMap<ModelName, (Pointer, Option<String>)>;

/// The statement that makes a view show a table. Without the catalog, a schema that is called like the warehouse's file
/// could not be told from it.
pub(super) fn view_statement(catalog: &str, view: &TableName, table: &TableName) -> String {
    format!("CREATE OR REPLACE VIEW {}.{} AS SELECT * FROM {};\n", quote(catalog), view.quoted(), table.quoted())
}

impl Publish for Database {
    fn publish(&self, publication: &Publication<'_>, mark: &dyn Fn(&str)) -> Result<u64, WarehouseError> {
        let doing = format!("publishing `{}`", publication.environment);
        self.transaction(&doing, |warehouse| {
            mark("publish:begin");
            let generation = warehouse.next_generation(publication)?;
            if let Some((replaced, expected)) = publication.replaces {
                warehouse.check_generation(replaced, Some(expected))?;
                warehouse.remove(&[(replaced.clone(), expected)], publication.pattern)?;
            }
            let shown = warehouse.shown(publication.environment)?;
            let statements = warehouse.view_statements(publication, &shown)?;
            warehouse.run(&doing, &statements)?;
            mark("publish:views");
            warehouse.write_comments(publication)?;
            warehouse.write_pointers(publication, &shown)?;
            publication.relinked.iter().try_for_each(|table| warehouse.record(table))?;
            warehouse.write_environment(publication, generation)?;
            if publication.environment.is_prod() {
                warehouse.write_promotion(publication, generation, &shown)?;
            }
            mark("publish:records");
            Ok(generation)
        })
    }

    fn check_free(&self, places: &BTreeMap<ModelName, TableName>) -> Result<(), WarehouseError> {
        let schemas: BTreeSet<String> = places.values().map(|place| literal(&place.schema)).collect();
        if schemas.is_empty() {
            return Ok(());
        }
        let schemas = schemas.into_iter().collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT lower(schema_name), lower(table_name), 'table', '' FROM duckdb_tables() \
             WHERE database_name = current_database() AND lower(schema_name) IN ({schemas}) \
             UNION ALL SELECT lower(schema_name), lower(view_name), 'view', sql FROM duckdb_views() \
             WHERE database_name = current_database() AND lower(schema_name) IN ({schemas})"
        );
        let rows = self.all("looking for tables in the way", &sql, |row| {
            let (schema, name, kind, sql): (String, String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((TableName { schema, name }, (kind, sql)))
        })?;
        let there: BTreeMap<TableName, (String, String)> = rows.into_iter().collect();
        let occupied = |(model, place): (&ModelName, &TableName)| {
            let (kind, sql) = there.get(place)?;
            let kind = match kind.as_str() {
                "table" => "table",
                _ if super::state::target(sql).is_some() => return None,
                _ => "view",
            };
            let is_sqlmesh = kind == "view" && sql.contains("sqlmesh__");
            Some(Occupied { model: model.clone(), place: place.clone(), kind, is_sqlmesh })
        };
        let occupied: Vec<Occupied> = places.iter().filter_map(occupied).collect();
        if occupied.is_empty() { Ok(()) } else { Err(WarehouseError::Occupied(occupied)) }
    }
}

impl Database {
    fn check_generation(&self, environment: &EnvName, expected: Option<u64>) -> Result<Option<u64>, WarehouseError> {
        let name = literal(environment.as_str());
        let sql = format!("SELECT generation FROM vmesh_state.environments WHERE name = {name}");
        let found = self.all("reading the generation", &sql, |row| row.get::<_, u64>(0))?.first().copied();
        if found == expected {
            Ok(found)
        } else {
            Err(WarehouseError::Moved { environment: environment.clone(), expected, found })
        }
    }

    fn next_generation(&self, publication: &Publication<'_>) -> Result<u64, WarehouseError> {
        let found = self.check_generation(publication.environment, publication.expected)?;
        Ok(found.unwrap_or(0) + 1)
    }

    /// The environment's pointers as they are now.
    fn shown(&self, environment: &EnvName) -> Result<Shown, WarehouseError> {
        let name = literal(environment.as_str());
        let sql = format!(
            "SELECT model, fingerprint, table_name, comments FROM vmesh_state.pointers WHERE environment = {name}"
        );
        let rows = self.all("reading pointers", &sql, |row| {
            let model: String = row.get(0)?;
            let (pointer, comments) = (super::state::pointer(row.get(1)?, row.get(2)?), row.get(3)?);
            Ok(ModelName::parse(&model).zip(pointer.map(|pointer| (pointer, comments))))
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// What has to be run so that the views are as the publication says: nothing for views that already are.
    fn view_statements(&self, publication: &Publication<'_>, shown: &Shown) -> Result<String, WarehouseError> {
        let physical = self.physical(None)?;
        let catalog = self.catalog()?;
        let view = |model: &ModelName| model.view(publication.environment, publication.pattern);
        self.check_free(&publication.pointers.keys().map(|model| (model.clone(), view(model))).collect())?;
        let views = publication.pointers.keys().chain(shown.keys()).map(view);
        let views = self.views(Some(&views.map(|view| view.schema).collect()))?;
        let columns = self.commented_columns(publication)?;
        let mut schemas = BTreeSet::new();
        let mut create = String::new();
        let mut wanted = BTreeSet::new();
        for (model, Pointer { table, .. }) in publication.pointers {
            if !physical.contains(&table.name) {
                return Err(WarehouseError::Lost { model: model.clone(), table: table.clone() });
            }
            let place = model.view(publication.environment, publication.pattern);
            let comments = publication.comments.get(model);
            let commented = shown.get(model).and_then(|(_, comments)| comments.clone());
            if views.get(&place) != Some(table) || commented != comments.and_then(Comments::hash) {
                schemas.insert(place.schema.clone());
                create.push_str(&view_statement(&catalog, &place, table));
                if let Some(comments) = comments {
                    create.push_str(&comments.statements(&catalog, &place, &|column| columns.has(&table.name, column)));
                }
            }
            wanted.insert(place);
        }
        let schemas = schemas
            .iter()
            .map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {}.{};\n", quote(&catalog), quote(schema)));
        let gone = shown.keys().map(|model| model.view(publication.environment, publication.pattern));
        let gone = gone.filter(|place| !wanted.contains(place) && views.contains_key(place));
        let drops: String = gone.map(|place| drop_view(&catalog, &place)).collect();
        Ok(schemas.collect::<String>() + &create + &drops)
    }

    fn write_pointers(&self, publication: &Publication<'_>, shown: &Shown) -> Result<(), WarehouseError> {
        let doing = "writing pointers";
        let name = literal(publication.environment.as_str());
        let now = |model: &ModelName| {
            let pointer = publication.pointers.get(model)?;
            Some((pointer.clone(), publication.comments.get(model).and_then(Comments::hash)))
        };
        let stale: Vec<String> = shown
            .iter()
            .filter(|(model, pointer)| now(model).as_ref() != Some(pointer))
            .map(|(model, _)| literal(&model.to_string()))
            .collect();
        if !stale.is_empty() {
            let models = stale.join(", ");
            self.run(
                doing,
                &format!("DELETE FROM vmesh_state.pointers WHERE environment = {name} AND model IN ({models})"),
            )?;
        }
        let failed = |error: duckdb::Error| self.failed(doing, &error);
        let mut appender = self.connection.appender_to_db("pointers", "vmesh_state").map_err(failed)?;
        for model in publication.pointers.keys() {
            let Some((pointer, comments)) = now(model).filter(|now| shown.get(model) != Some(now)) else {
                continue;
            };
            let (environment, version) = (publication.environment.as_str(), pointer.fingerprint.hex());
            let row = duckdb::params![environment, model.to_string(), version, pointer.table.name, comments];
            appender.append_row(row).map_err(failed)?;
        }
        appender.flush().map_err(failed)
    }

    fn write_environment(&self, publication: &Publication<'_>, generation: u64) -> Result<(), WarehouseError> {
        let doing = "writing the environment's record";
        let failed = |error: duckdb::Error| self.failed(doing, &error);
        let sql = "INSERT INTO vmesh_state.environments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE \
                   SET branch = excluded.branch, commit_id = excluded.commit_id, dirty = excluded.dirty, \
                   base = excluded.base, tip = excluded.tip, generation = excluded.generation, \
                   updated_at = excluded.updated_at, owner = excluded.owner";
        let values = duckdb::params![
            publication.environment.as_str(),
            publication.branch.as_str(),
            publication.commit,
            publication.dirty,
            publication.base,
            publication.tip,
            generation,
            publication.at,
            publication.at,
            serde_json::to_string(publication.owner).ok()
        ];
        self.connection.execute(sql, values).map(|_| ()).map_err(failed)
    }

    /// Writes down what a promotion moved.
    pub(super) fn write_moved(
        &self,
        generation: u64,
        moved: &BTreeMap<ModelName, Moved>,
    ) -> Result<(), WarehouseError> {
        let failed = |error: duckdb::Error| self.failed("writing prod's history", &error);
        let mut appender = self.connection.appender_to_db("moved", "vmesh_state").map_err(failed)?;
        for (model, moved) in moved {
            let pointer = moved.as_ref().map(|(pointer, _)| (pointer.fingerprint.hex(), pointer.table.name.as_str()));
            let (version, table) = pointer.unzip();
            let comments = moved.as_ref().and_then(|(_, comments)| comments.as_deref());
            let row = duckdb::params![generation, model.to_string(), version, table, comments];
            appender.append_row(row).map_err(failed)?;
        }
        appender.flush().map_err(failed)
    }

    /// Writes an entry of prod's history: what the publication moves.
    fn write_promotion(
        &self,
        publication: &Publication<'_>,
        generation: u64,
        shown: &Shown,
    ) -> Result<(), WarehouseError> {
        let failed = |error: duckdb::Error| self.failed("writing prod's history", &error);
        let values = duckdb::params![
            generation,
            publication.commit.unwrap_or_default(),
            publication.action.word(),
            publication.at
        ];
        let sql = "INSERT INTO vmesh_state.promotions VALUES (?, ?, ?, ?)";
        self.connection.execute(sql, values).map_err(failed)?;
        let now = publication.pointers.iter().map(|(model, pointer)| {
            let comments = publication.comments.get(model).and_then(Comments::hash);
            (model.clone(), Some((pointer.clone(), comments)))
        });
        let gone = shown.keys().filter(|model| !publication.pointers.contains_key(model));
        let moved = now.filter(|(model, now)| shown.get(model) != now.as_ref());
        self.write_moved(generation, &moved.chain(gone.map(|model| (model.clone(), None))).collect())
    }
}

fn drop_view(catalog: &str, view: &TableName) -> String {
    format!("DROP VIEW IF EXISTS {}.{};\n", quote(catalog), view.quoted())
}
