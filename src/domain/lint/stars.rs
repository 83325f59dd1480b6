//! `SELECT *` in the select list that decides a model's columns.

use super::super::sql::{Gives, Output, Span};
use super::{Finding, Place, Subject};

/// So many columns are listed in advice.
const LISTED: usize = 20;

/// `noselectstar`.
pub(super) fn any(subject: &Subject<'_>) -> Vec<Finding> {
    let model = subject.model;
    let finding = |(span, outputs): (&Span, Option<&Vec<Output>>)| {
        let columns = outputs.and_then(|outputs| subject.project.columns(model, outputs));
        let listed = columns.filter(|columns| columns.len() <= LISTED && !columns.is_empty());
        Finding {
            what: format!("`{}` gives `*`: what it shows changes with the tables that it reads", model.name),
            place: Place::Query(span.clone()),
            help: match listed {
                Some(columns) => format!("name the columns: {}", columns.join(", ")),
                None => "name the columns".to_owned(),
            },
        }
    };
    stars(subject).map(finding).collect()
}

/// `invalidselectstarexpansion`: a star that can't be expanded because the columns of a table are not known.
pub(super) fn not_expanded(subject: &Subject<'_>) -> Vec<Finding> {
    let model = subject.model;
    let finding = |(span, outputs): (&Span, Option<&Vec<Output>>)| {
        if outputs.and_then(|outputs| subject.project.columns(model, outputs)).is_some() {
            return None;
        }
        let among = outputs.map(|outputs| {
            let read = |output: &Output| match output {
                Output::All { read, .. } => Some(*read),
                Output::Column(_) => None,
            };
            outputs.iter().filter_map(read).collect::<Vec<_>>()
        });
        let unknown = unknown(subject, among.as_deref());
        let (first, is_model) = unknown.first()?;
        let names: Vec<&str> = unknown.iter().map(|(name, _)| name.as_str()).collect();
        let declare = if *is_model { "" } else { ", or declare them in external_models.yaml" };
        Some(Finding {
            what: format!("`*` can't be expanded: the columns of `{}` are not known", names.join("`, `")),
            place: Place::Query(span.clone()),
            help: format!("name the columns that `{}` takes from `{first}`{declare}", model.name),
        })
    };
    stars(subject).filter_map(finding).collect()
}

/// The stars, with what they stand for.
fn stars<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = (&'a Span, Option<&'a Vec<Output>>)> {
    let lists = subject.survey.iter().flat_map(|survey| &survey.lists).flatten();
    lists.filter_map(|projection| match &projection.gives {
        Gives::Star(outputs) => Some((&projection.span, outputs.as_ref())),
        _ => None,
    })
}

/// The tables that the query reads whose columns the files don't prove, and whether they are models: of these reads, or of
/// all.
fn unknown(subject: &Subject<'_>, among: Option<&[usize]>) -> Vec<(String, bool)> {
    let model = subject.model;
    let reads = model.file.query.iter().flat_map(|query| query.reads.iter().flatten()).enumerate();
    let counts = reads.filter(|(index, _)| among.is_none_or(|among| among.contains(index)));
    let unknown = counts.filter(|(index, read)| {
        if model.file.is_temporary(&read.parts) {
            return false;
        }
        let all = [Output::All { read: *index, except: Vec::new() }];
        subject.project.columns(model, &all).is_none()
    });
    let is_model = |index: usize| model.reads.get(index).is_some_and(Option::is_some);
    let mut names: Vec<(String, bool)> = unknown.map(|(index, read)| (read.parts.join("."), is_model(index))).collect();
    names.dedup();
    names
}
