//! Columns that a model gives without a name of their own, or two of the same name.

use std::collections::HashSet;

use super::super::sql::Gives;
use super::{Finding, Place, Subject};

/// `noambiguousprojections`. What a star gives doesn't count; of a set operation, the first SELECT names the columns.
pub(super) fn ambiguous(subject: &Subject<'_>) -> Vec<Finding> {
    let model = &subject.model.name;
    let mut seen = HashSet::new();
    let mut findings = Vec::new();
    for projection in subject.survey.iter().filter_map(|survey| survey.lists.first()).flatten() {
        let place = Place::Query(projection.span.clone());
        match &projection.gives {
            Gives::Unnamed => findings.push(Finding {
                what: format!("`{model}` gives a column without a name of its own"),
                place,
                help: "name it: … AS name".to_owned(),
            }),
            Gives::Column(name) => {
                if !seen.insert(name.to_ascii_lowercase()) {
                    let what = format!("`{model}` gives two columns called `{name}`");
                    findings.push(Finding { what, place, help: "give one of them another name".to_owned() });
                }
            }
            Gives::Star(_) | Gives::Several => {}
        }
    }
    findings
}
