//! Columns that a model gives without a name of their own, or two of the same name.

use super::super::sql::Gives;
use super::{Finding, Place, Subject};

/// `noambiguousprojections`. What a star gives doesn't count; of a set operation, the first SELECT names the columns.
pub(super) fn ambiguous(subject: &Subject<'_>) -> Vec<Finding> {
    let model = &subject.model.name;
    let mut seen: Vec<String> = Vec::new();
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
                let key = name.to_ascii_lowercase();
                if seen.contains(&key) {
                    let what = format!("`{model}` gives two columns called `{name}`");
                    findings.push(Finding { what, place, help: "give one of them another name".to_owned() });
                }
                seen.push(key);
            }
            Gives::Star(_) | Gives::Several => {}
        }
    }
    findings
}
