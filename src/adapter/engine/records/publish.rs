//! Swapping an environment's pointers: all views and all records in one transaction, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, Relation, SqlSession, Value, row};
use crate::adapter::engine::{BuildError, Occupied, Publication, Publish, WarehouseError, WrongRows};
use crate::domain::environment::{Moved, Pointer};
use crate::domain::model::Comments;
use crate::domain::name::{EnvName, ModelName, TableName, literal};

/// What an environment shows of each model, and what its view is commented with.
type Shown = BTreeMap<ModelName, (Pointer, Option<String>)>;

impl<S: SqlSession + WrongRows> Publish for S {
    fn publish(&self, publication: &Publication<'_>, mark: &dyn Fn(&str)) -> Result<u64, WarehouseError> {
        let doing = format!("publishing `{}`", publication.environment);
        Ledger(self).among_readers(&doing, |ledger| {
            mark("publish:begin");
            let generation = ledger.next_generation(publication)?;
            if let Some((replaced, expected)) = publication.replaces {
                ledger.check_generation(replaced, Some(expected))?;
                ledger.remove(self, &[(replaced.clone(), expected)], publication.pattern)?;
            }
            let shown = ledger.shown(publication.environment)?;
            let statements = ledger.view_statements(publication, &shown)?;
            ledger.run(&doing, &statements)?;
            mark("publish:views");
            ledger.write_comments(publication)?;
            ledger.write_pointers(publication, &shown)?;
            publication.relinked.iter().try_for_each(|table| ledger.record(table))?;
            ledger.write_environment(publication, generation)?;
            if publication.environment.is_prod() {
                ledger.write_promotion(publication, generation, &shown)?;
            }
            mark("publish:records");
            Ok(generation)
        })
    }

    fn check_free(&self, places: &BTreeMap<ModelName, TableName>) -> Result<(), WarehouseError> {
        Ledger(self).check_free(places)
    }
}

impl Ledger<'_> {
    /// That the engine takes the names of views as they are: what it cut short could be another view's.
    fn fit(&self, places: &BTreeMap<ModelName, TableName>) -> Result<(), WarehouseError> {
        let longest = self.0.caps().longest_name;
        let is_too_long = |place: &&TableName| place.name.len() > longest || place.schema.len() > longest;
        match places.values().find(is_too_long) {
            Some(place) => Err(BuildError::Unfit {
                what: format!(
                    "the view {place} would have a name of more than {longest} bytes, the most that the engine keeps"
                ),
                help: "give the model a shorter name",
            }
            .into()),
            None => Ok(()),
        }
    }

    fn check_free(&self, places: &BTreeMap<ModelName, TableName>) -> Result<(), WarehouseError> {
        let schemas: BTreeSet<String> = places.values().map(|place| place.schema.clone()).collect();
        if schemas.is_empty() {
            return Ok(());
        }
        self.fit(places)?;
        let relations = self.0.relations(Some(&schemas), None)?.into_iter();
        let there: BTreeMap<TableName, Relation> = relations.map(|it| (it.place.clone(), it)).collect();
        let occupied = |(model, place): (&ModelName, &TableName)| {
            let found = there.get(place).filter(|found| found.shows.is_none())?;
            let kind = if found.is_view { "view" } else { "table" };
            Some(Occupied { model: model.clone(), place: place.clone(), kind, is_sqlmesh: found.is_sqlmesh })
        };
        let occupied: Vec<Occupied> = places.iter().filter_map(occupied).collect();
        if occupied.is_empty() { Ok(()) } else { Err(WarehouseError::Occupied(occupied)) }
    }

    fn check_generation(&self, environment: &EnvName, expected: Option<u64>) -> Result<Option<u64>, WarehouseError> {
        let name = literal(environment.as_str());
        let sql = format!("SELECT generation FROM vmesh_state.environments WHERE name = {name}");
        let found = self.all("reading the generation", &sql, |row| row.get::<u64>(0))?.first().copied();
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
        let view = |model: &ModelName| model.view(publication.environment, publication.pattern);
        self.check_free(&publication.pointers.keys().map(|model| (model.clone(), view(model))).collect())?;
        let views = publication.pointers.keys().chain(shown.keys()).map(view);
        let views = self.views(Some(&views.map(|view| view.schema).collect()))?;
        let columns = self.commented_columns(publication)?;
        let mut schemas = BTreeSet::new();
        let mut create = String::new();
        let (mut wanted, mut moved) = (BTreeSet::new(), Vec::new());
        for (model, Pointer { table, .. }) in publication.pointers {
            if !physical.contains(&table.name) {
                return Err(WarehouseError::Lost { model: model.clone(), table: table.clone() });
            }
            let place = model.view(publication.environment, publication.pattern);
            let comments = publication.comments.get(model);
            let commented = shown.get(model).and_then(|(_, comments)| comments.clone());
            if views.get(&place) != Some(table) || commented != comments.and_then(Comments::hash) {
                schemas.insert(place.schema.clone());
                moved.extend(views.contains_key(&place).then(|| self.full(&place)));
                create.push_str(&self.show(&place, table));
                if let Some(comments) = comments {
                    create
                        .push_str(&comments.statements(&self.full(&place), &|column| columns.has(&table.name, column)));
                }
            }
            wanted.insert(place);
        }
        let schemas = schemas.iter().map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {};\n", self.schema(schema)));
        let gone = shown.keys().map(|model| model.view(publication.environment, publication.pattern));
        let gone = gone.filter(|place| !wanted.contains(place) && views.contains_key(place));
        let gone: Vec<String> = gone.map(|place| self.full(&place)).collect();
        let drops: String = gone.iter().map(|place| format!("DROP VIEW IF EXISTS {place};\n")).collect();
        moved.extend(gone);
        let lock = if moved.is_empty() { String::new() } else { (self.0.caps().lock)(&moved) };
        Ok(lock + &schemas.collect::<String>() + &create + &drops)
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
        let mut rows = Vec::new();
        for model in publication.pointers.keys() {
            let Some((pointer, comments)) = now(model).filter(|now| shown.get(model) != Some(now)) else {
                continue;
            };
            let (environment, version) = (publication.environment.as_str(), pointer.fingerprint.hex());
            let row: [Value; 5] = [
                environment.into(),
                model.to_string().into(),
                version.into(),
                pointer.table.name.into(),
                comments.into(),
            ];
            rows.push(row.to_vec());
        }
        self.0.insert(doing, "pointers", &rows)
    }

    fn write_environment(&self, publication: &Publication<'_>, generation: u64) -> Result<(), WarehouseError> {
        let values: [Value; 10] = [
            publication.environment.as_str().into(),
            publication.branch.as_str().into(),
            publication.commit.into(),
            publication.dirty.into(),
            publication.base.into(),
            publication.tip.into(),
            generation.into(),
            publication.at.into(),
            publication.at.into(),
            serde_json::to_string(publication.owner).ok().into(),
        ];
        let sql = format!(
            "INSERT INTO vmesh_state.environments VALUES {} ON CONFLICT (name) DO UPDATE \
             SET branch = excluded.branch, commit_id = excluded.commit_id, dirty = excluded.dirty, \
             base = excluded.base, tip = excluded.tip, generation = excluded.generation, \
             updated_at = excluded.updated_at, owner = excluded.owner",
            row::values(&[values.to_vec()])
        );
        self.run("writing the environment's record", &sql)
    }

    /// Writes down what a promotion moved.
    pub(super) fn write_moved(
        &self,
        generation: u64,
        moved: &BTreeMap<ModelName, Moved>,
    ) -> Result<(), WarehouseError> {
        let row = |(model, moved): (&ModelName, &Moved)| {
            let pointer = moved.as_ref().map(|(pointer, _)| (pointer.fingerprint.hex(), pointer.table.name.clone()));
            let (version, table) = pointer.unzip();
            let comments = moved.as_ref().and_then(|(_, comments)| comments.clone());
            vec![generation.into(), model.to_string().into(), version.into(), table.into(), comments.into()]
        };
        self.0.insert("writing prod's history", "moved", &moved.iter().map(row).collect::<Vec<Vec<Value>>>())
    }

    /// Writes an entry of prod's history: what the publication moves.
    fn write_promotion(
        &self,
        publication: &Publication<'_>,
        generation: u64,
        shown: &Shown,
    ) -> Result<(), WarehouseError> {
        let values: [Value; 4] = [
            generation.into(),
            publication.commit.unwrap_or_default().into(),
            publication.action.word().into(),
            publication.at.into(),
        ];
        self.0.insert("writing prod's history", "promotions", &[values.to_vec()])?;
        let now = publication.pointers.iter().map(|(model, pointer)| {
            let comments = publication.comments.get(model).and_then(Comments::hash);
            (model.clone(), Some((pointer.clone(), comments)))
        });
        let gone = shown.keys().filter(|model| !publication.pointers.contains_key(model));
        let moved = now.filter(|(model, now)| shown.get(model) != now.as_ref());
        self.write_moved(generation, &moved.chain(gone.map(|model| (model.clone(), None))).collect())
    }
}
