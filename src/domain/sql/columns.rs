//! One walk through a query with the relations in scope, for all that its column names tell.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, AccessExpr, Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem, SelectItemQualifiedWildcardKind,
    TableFactor, Visit, Visitor,
};

use super::parse::{Parsed, Places};
use super::qualifiers::Qualifiers;
use super::reads::Sources;
use super::scopes::Scopes;
use super::{ColumnUse, Qualifier, uses};

/// What the column names of a query say.
pub(super) struct Columns {
    /// Qualifiers to rewrite when their table is replaced, in the order of the text.
    pub(super) qualifiers: Vec<Qualifier>,
    /// Columns that must exist, in the order of the text.
    pub(super) uses: Vec<ColumnUse>,
}

/// Resolves the column names of a query; names its reads so that they stay apart. `None` where a qualifier could mean
/// either of two tables.
pub(super) fn resolve(parsed: &Parsed, sources: &mut Sources) -> Option<Columns> {
    let mut walk = Walk {
        places: &parsed.places,
        sources,
        scopes: Scopes::new(sources),
        unused: 0,
        qualifiers: Qualifiers::default(),
        uses: Vec::new(),
    };
    let _ = Visit::visit(parsed.query.as_ref(), &mut walk);
    let Walk { qualifiers, mut uses, .. } = walk;
    uses.sort_by_key(|column| column.span.start);
    (!qualifiers.ambiguous).then(|| Columns { qualifiers: qualifiers.finish(sources), uses })
}

struct Walk<'a> {
    places: &'a Places,
    sources: &'a Sources,
    scopes: Scopes<'a>,
    /// How many CTEs that nothing reads we are in.
    unused: usize,
    qualifiers: Qualifiers,
    uses: Vec<ColumnUse>,
}

impl Walk<'_> {
    fn note_name(&mut self, idents: &[&Ident]) {
        self.qualifiers.note_name(idents, &self.scopes, self.places);
    }

    fn note_field_access(&mut self, root: &Expr, chain: &[AccessExpr]) {
        let Expr::Identifier(first) = root else { return };
        let rest = chain.iter().map_while(|access| match access {
            AccessExpr::Dot(Expr::Identifier(field)) => Some(field),
            _ => None,
        });
        self.note_name(&[first].into_iter().chain(rest).collect::<Vec<_>>());
    }
}

/// The identifiers of a dotted name.
fn idents(name: &ObjectName) -> Vec<&Ident> {
    name.0.iter().filter_map(ObjectNamePart::as_ident).collect()
}

impl Visitor for Walk<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        self.scopes.enter_query(query);
        self.unused += usize::from(self.sources.is_unused(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        self.unused -= usize::from(self.sources.is_unused(query));
        self.scopes.leave_query();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.scopes.enter_select(select);
        self.qualifiers.note_select(&self.scopes);
        if self.unused == 0 {
            self.uses.extend(uses::of_select(select, &self.scopes, self.places));
        }
        for item in &select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item {
                // The star is the column.
                let star = Ident::new("*");
                self.note_name(&idents(name).into_iter().chain([&star]).collect::<Vec<_>>());
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.scopes.leave_select(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.scopes.enter_relation(factor);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.scopes.leave_relation(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::CompoundIdentifier(idents) => self.note_name(&idents.iter().collect::<Vec<_>>()),
            Expr::CompoundFieldAccess { root, access_chain } => self.note_field_access(root, access_chain),
            // `orders.name.upper()` calls upper. DuckDB takes no schema in front here: `raw.orders.name` is a field.
            Expr::Function(function) if function.name.0.len() > 2 => {
                self.qualifiers.note_short(&idents(&function.name), &self.scopes, self.places);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
