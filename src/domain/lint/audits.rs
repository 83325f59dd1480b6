//! Models that nothing checks.

use super::super::model::Kind;
use super::{Finding, Place, Subject, is_kept};

/// `nomissingaudits`. An embedded model has no rows of its own to audit.
pub(super) fn missing(subject: &Subject<'_>) -> Vec<Finding> {
    let model = subject.model;
    if !model.file.audits.is_empty() || !is_kept(model) {
        return Vec::new();
    }
    let grain = &model.file.about.grain;
    let example = match grain.as_slice() {
        [] => "audits (not_null(columns := (id)))".to_owned(),
        [key] => format!("audits (unique_values(columns := ({key})), not_null(columns := ({key})))"),
        keys => format!("audits (unique_combination_of_columns(columns := ({})))", keys.join(", ")),
    };
    let what = format!("`{}` has no audits", model.name);
    vec![Finding { what, place: Place::Header, help: format!("add some to its header: {example}") }]
}

/// `nomissingunittest`. A seed has no query to test.
pub(super) fn untested(subject: &Subject<'_>) -> Vec<Finding> {
    let model = subject.model;
    if matches!(model.kind, Kind::Seed(_)) || subject.tested.contains(&model.name) {
        return Vec::new();
    }
    let what = format!("`{}` has no unit test", model.name);
    let help = format!("add one in tests/, in a YAML file: `model: {}`", model.name);
    vec![Finding { what, place: Place::Header, help }]
}
