//! What people decided of two records, taken in while the graph is in use.
//!
//! Absent: who decided and whether they may. Invariants: decisions that are taken in late give the same graph as if they had held from the
//! beginning; what they do not concern is not looked at again; no id is minted by them and none is lost.

use crate::graph::Graph;
use crate::reading::Touched;
use std::collections::BTreeSet;
use xops_kernel::id::EntityId;
use xops_kernel::identity::Decision;

impl Graph {
    /// Goes by these decisions of a kind of entity, in the place of those before; the entities that this touched. Nothing where no rules
    /// join the kind.
    pub fn regard(&mut self, kind: &str, decisions: BTreeSet<Decision>) -> Touched {
        let changed = self.who.get_mut(kind).map(|who| who.regard(decisions)).unwrap_or_default();
        if changed.is_empty() {
            return Touched::default();
        }
        let ruled = self.settle_who(kind, &changed);
        let mut entities = BTreeSet::new();
        for entity in &ruled {
            entities.extend(self.rekey(*entity));
        }
        entities.extend(ruled);
        entities.extend(self.follow_rounds(&entities));
        Touched { entities }
    }

    /// The entities that the record of this name (`system:id`) is of, as far as that is known: that which it mints, and that which the
    /// rules join it to.
    pub fn of_record(&self, kind: &str, name: &str) -> BTreeSet<EntityId> {
        let mut entities = BTreeSet::new();
        let (Some((system, id)), Some(declared)) =
            (name.split_once(':'), self.declarations.entities.get(kind))
        else {
            return entities;
        };
        if declared.mint.0 == system {
            let tenant = &self.declarations.tenant;
            entities.insert(EntityId::mint(tenant, system, &declared.mint.1, id, &self.key));
        }
        entities.extend(self.joined_to(kind, system, id));
        entities
    }

    /// Whether two records are of one entity as far as the rules know.
    pub fn are_one(&self, kind: &str, left: &str, right: &str) -> bool {
        let thing = |name: &str| self.who.get(kind)?.thing_of(name.split_once(':')?);
        thing(left).is_some_and(|one| Some(one) == thing(right))
    }
}
