//! Swapping an environment's pointers: all views and all records in one transaction, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::moves::{Move, Moves};
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
        let ledger = Ledger(self);
        let generation = ledger.among_readers(&doing, |ledger| {
            mark("publish:begin");
            let generation = ledger.next_generation(publication)?;
            if let Some((replaced, expected)) = publication.replaces {
                ledger.check_generation(replaced, Some(expected))?;
                ledger.remove(self, &[(replaced.clone(), expected)], publication.pattern)?;
            }
            let shown = ledger.shown(publication.environment)?;
            let moves = ledger.moves(publication, &shown)?;
            ledger.make_readable(publication)?;
            let swapped = ledger.prepare(&doing, &moves)?;
            ledger.write_comments(publication)?;
            ledger.write_pointers(publication, &shown)?;
            publication.relinked.iter().try_for_each(|table| ledger.record(table))?;
            ledger.write_environment(publication, generation)?;
            if publication.environment.is_prod() {
                ledger.write_promotion(publication, generation, &shown)?;
            }
            mark("publish:records");
            ledger.finish(&doing, &moves, &swapped)?;
            mark("publish:views");
            Ok(generation)
        })?;
        mark("publish:committed");
        self.settle()?;
        // what can't go yet goes with the next one
        let _ = ledger.clear_away();
        Ok(generation)
    }

    fn check_free(&self, places: &BTreeMap<ModelName, TableName>) -> Result<(), WarehouseError> {
        Ledger(self).check_free(places)
    }
}

impl Ledger<'_> {
    /// That the engine takes the names of views as they are: what it cut short could be another view's.
    fn fit(&self, places: &BTreeMap<ModelName, TableName>) -> Result<(), WarehouseError> {
        let longest = self.0.caps().longest_name;
        let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_odd =
            |place: &&TableName| self.0.caps().has_plain_names && !(is_plain(&place.name) && is_plain(&place.schema));
        if let Some(odd) = places.values().find(is_odd) {
            let what = format!(
                "the view {odd} would have other signs in its name than letters, digits and _, which the engine refuses"
            );
            return Err(BuildError::Unfit { what, help: "give the model another name" }.into());
        }
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
        self.check_free_among(places, &self.there(&places.values().map(|place| place.schema.clone()).collect())?)
    }

    /// What is there in some schemas.
    fn there(&self, schemas: &BTreeSet<String>) -> Result<BTreeMap<TableName, Relation>, WarehouseError> {
        if schemas.is_empty() {
            return Ok(BTreeMap::new());
        }
        let relations = self.0.relations(Some(schemas), None)?.into_iter();
        Ok(relations.map(|it| (it.place.clone(), it)).collect())
    }

    fn check_free_among(
        &self,
        places: &BTreeMap<ModelName, TableName>,
        there: &BTreeMap<TableName, Relation>,
    ) -> Result<(), WarehouseError> {
        self.fit(places)?;
        let occupied = |(model, place): (&ModelName, &TableName)| {
            let found = there.get(place).filter(|found| found.shows.is_none())?;
            let kind = if found.is_view { "view" } else { "table" };
            Some(Occupied { model: model.clone(), place: place.clone(), kind, is_sqlmesh: found.is_sqlmesh })
        };
        let occupied: Vec<Occupied> = places.iter().filter_map(occupied).collect();
        if occupied.is_empty() { Ok(()) } else { Err(WarehouseError::Occupied(occupied)) }
    }

    /// Sees to it that the views to be made can read what they show: a view reads with its owner's rights. What prod is going to
    /// show, prod's role takes over: who made it for a branch shall not change it any more.
    fn make_readable(&self, publication: &Publication<'_>) -> Result<(), WarehouseError> {
        let tables: BTreeSet<&str> = publication.pointers.values().map(|it| it.table.name.as_str()).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let doing = "taking tables over";
        if let Some(unreadable) = self.0.caps().unreadable {
            let found = self.all(doing, &unreadable(&tables), |row| row.get::<String>(0))?;
            if let Some(first) = found.first() {
                let what = format!("this role may not read {first}: {} in all", found.len());
                let help = "docs/postgres.md says what several roles need to build for each other";
                return Err(BuildError::Unfit { what, help }.into());
            }
        }
        let Some(take_over) = self.0.caps().take_over.filter(|_| publication.environment.is_prod()) else {
            return Ok(());
        };
        self.run(doing, &take_over(&tables))
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

    /// How the views become as the publication says.
    fn moves(&self, publication: &Publication<'_>, shown: &Shown) -> Result<Moves, WarehouseError> {
        let physical = self.physical(None)?;
        let view = |model: &ModelName| model.view(publication.environment, publication.pattern);
        let places = publication.pointers.keys().map(|model| (model.clone(), view(model))).collect();
        let schemas = publication.pointers.keys().chain(shown.keys()).map(|model| view(model).schema);
        let there = self.there(&schemas.collect())?;
        self.check_free_among(&places, &there)?;
        let shows =
            |(place, relation): (TableName, Relation)| Some((place, relation.shows.filter(|_| relation.is_view)?));
        let views: BTreeMap<TableName, TableName> = there.into_iter().filter_map(shows).collect();
        let columns = Arc::new(self.commented_columns(publication)?);
        let mut moves = Moves::default();
        for (model, Pointer { table, .. }) in publication.pointers {
            if !physical.contains(&table.name) {
                return Err(WarehouseError::Lost { model: model.clone(), table: table.clone() });
            }
            let comments = publication.comments.get(model).cloned();
            let commented = shown.get(model).and_then(|(_, comments)| comments.clone());
            let place = view(model);
            let stays = views.get(&place) == Some(table) && commented == comments.as_ref().and_then(Comments::hash);
            let (columns, name) = (columns.clone(), table.name.clone());
            // a branch chooses nobody who may read what prod shows
            let readers = comments.as_ref().filter(|_| publication.environment.is_prod());
            let readers = self.0.caps().readers.zip(readers.and_then(|comments| comments.readers.clone()));
            let readers = move |view: &str| readers.as_ref().map_or_else(String::new, |(say, roles)| say(view, roles));
            let statements = move |view: &str| {
                let has = |column: &str| columns.has(&name, column);
                comments.as_ref().map_or_else(String::new, |comments| comments.statements(view, &has))
            };
            let exists = views.contains_key(&place);
            let (comments, readers) = (Box::new(statements), Box::new(readers));
            moves.shown.push(Move { view: place, table: table.clone(), comments, readers, stays, exists });
        }
        let wanted: BTreeSet<&TableName> = moves.shown.iter().map(|it| &it.view).collect();
        let gone = shown.keys().map(view);
        let gone: BTreeSet<_> = gone.filter(|place| !wanted.contains(place) && views.contains_key(place)).collect();
        moves.gone = gone.into_iter().collect();
        Ok(moves)
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
