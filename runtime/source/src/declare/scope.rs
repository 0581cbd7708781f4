//! What references may stand for, in each place where an expression may.

use super::draft::Variant;
use super::world::{World, attribute_of_all, meant};
use crate::code;
use crate::infer::{Roots, Unresolved, common, descend};
use crate::reader::listed;
use std::collections::BTreeSet;
use xops_kernel::awf::{Achieves, AwfName};
use xops_kernel::expr::{Path, Segment};
use xops_kernel::value::Type;

/// The references of one place.
pub(super) struct Scope<'a> {
    pub(super) world: &'a World<'a>,
    /// The kinds of entity that may be meant.
    pub(super) entities: BTreeSet<&'a str>,
    pub(super) place: Place<'a>,
}

/// The place of an expression.
pub(super) enum Place<'a> {
    /// A selector or a value of an outcome.
    Outcome,
    /// An input of a route to a facet.
    Route(&'a (String, String)),
    /// An input of a node that achieves changes of these facets, in this variant.
    Node(Vec<&'a (String, String)>, &'a Variant),
    /// A value of a trigger.
    Event,
}

impl Roots for Scope<'_> {
    fn type_of(&self, path: &Path) -> Result<Type, Unresolved> {
        let root = path.root.as_str();
        let binds = matches!(self.place, Place::Route(_) | Place::Node(..));
        if matches!(self.place, Place::Event) {
            return if root == "event" {
                descend(&Type::Any, &path.segments)
            } else {
                Err(self.unknown(root))
            };
        }
        match root {
            _ if self.entities.contains(root) => self.attribute(path),
            "setting" => self.setting(path),
            "tenant" => match attr(path, 0) {
                Some("name") => descend(&Type::Text, &path.segments[1..]),
                _ => Err(shape(path, "tenant.name")),
            },
            "link" if binds => self.link(path),
            "state" if binds => self.state(path),
            "facet" if binds => self.facet(path),
            "node" if matches!(self.place, Place::Node(..)) => self.node(path),
            _ if self.world.drafts.objects.keys().any(|(kind, _)| kind == root) => self.world.object(path),
            _ if !self.world.whole => Ok(Type::Any),
            _ => Err(self.unknown(root)),
        }
    }
}

fn attr(path: &Path, at: usize) -> Option<&str> {
    match path.segments.get(at) {
        Some(Segment::Attr(name)) => Some(name),
        _ => None,
    }
}

fn shape(path: &Path, form: &str) -> Unresolved {
    let message = format!("expected a reference of the form `{form}`, found `{path}`");
    Unresolved::new(code::REFERENCE, message, "of another form")
}

impl<'a> Scope<'a> {
    fn unknown(&self, root: &str) -> Unresolved {
        let fixed: &[&str] = match self.place {
            Place::Outcome => &["setting", "tenant"],
            Place::Route(_) => &["facet", "link", "setting", "state", "tenant"],
            Place::Node(..) => &["facet", "link", "node", "setting", "state", "tenant"],
            Place::Event => &["event"],
        };
        let kinds = self.world.drafts.objects.keys().map(|(kind, _)| kind.as_str());
        let more: Vec<&str> = match self.place {
            Place::Event => Vec::new(),
            _ => self.entities.iter().copied().chain(kinds).collect(),
        };
        let names: BTreeSet<&str> = fixed.iter().copied().chain(more).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let help = crate::finding::suggest(root, names.iter().copied())
            .unwrap_or_else(|| format!("an expression here begins with one of {}", listed(&names)));
        let message = format!("`{root}` means nothing here");
        Unresolved::new(code::UNKNOWN_ROOT, message, "unknown reference").help(help)
    }

    fn attribute(&self, path: &Path) -> Result<Type, Unresolved> {
        let form = format!("{}.<attribute>", path.root);
        let name = attr(path, 0).ok_or_else(|| shape(path, &form))?;
        let Some(entity) = self.world.drafts.entities.get(&path.root) else { return Ok(Type::Any) };
        if let Some(attribute) = entity.attributes.get(name) {
            return descend(&attribute.is, &path.segments[1..]);
        }
        let message = format!("`{}` has no attribute `{name}`", path.root);
        let help = meant(name, entity.attributes.keys().map(String::as_str));
        Err(Unresolved::new(code::UNKNOWN_ATTRIBUTE, message, "unknown attribute").help(help))
    }

    /// `setting.<key>`, whose key may have dots.
    fn setting(&self, path: &Path) -> Result<Type, Unresolved> {
        let words: Vec<&str> = (0..path.segments.len()).map_while(|at| attr(path, at)).collect();
        let settings = &self.world.settings;
        let found = (1..=words.len())
            .rev()
            .find_map(|count| settings.get(&words[..count].join(".")).map(|one| (count, one)));
        match found {
            // The kernel takes all the words for the key: a member of a setting's value cannot be named.
            Some((count, setting)) if count == path.segments.len() => Ok(setting.is.clone()),
            Some((_, setting)) => {
                let message = format!("the value of setting `{}` is taken whole", setting.key);
                Err(Unresolved::new(code::NO_MEMBERS, message, "no member of a setting"))
            }
            None if words.is_empty() => Err(shape(path, "setting.<key>")),
            None if !self.world.whole => Ok(Type::Any),
            None => {
                let key = words.join(".");
                let message = format!("there is no setting `{key}`");
                let help = meant(&key, settings.keys().map(String::as_str));
                Err(Unresolved::new(code::UNKNOWN_SETTING, message, "unknown setting").help(help))
            }
        }
    }

    /// `link.<system>.<attribute of the record, or id>`.
    fn link(&self, path: &Path) -> Result<Type, Unresolved> {
        let form = "link.<system>.<attribute>";
        let system = attr(path, 0).ok_or_else(|| shape(path, form))?;
        let attribute = attr(path, 1).ok_or_else(|| shape(path, form))?;
        let entities = || self.entities.iter().filter_map(|name| self.world.drafts.entities.get(*name));
        let linked = entities().find_map(|entity| {
            let of_link = entity.links.get(system).map(|link| link.kind.0.as_str());
            let mint = entity.mint.as_ref().and_then(|(path, _)| Some((path.root.as_str(), path.first()?)));
            of_link.or_else(|| mint.filter(|(name, _)| *name == system).map(|(_, kind)| kind))
        });
        let Some(kind) = linked else {
            let message =
                format!("{} has no link to `{system}`", listed(&self.entities.iter().collect::<Vec<_>>()));
            let links: BTreeSet<&str> =
                entities().flat_map(|entity| entity.links.keys().map(String::as_str)).collect();
            let help =
                meant(system, links).unwrap_or_else(|| format!("declare it: `link \"{system}\" {{ ... }}`"));
            return Err(Unresolved::new(code::UNKNOWN_LINK, message, "unknown link").help(help));
        };
        if attribute == "id" {
            return descend(&Type::Text, &path.segments[2..]);
        }
        let manifest = self.world.drafts.systems.get(system).map(|draft| draft.manifest.0.as_str());
        let record =
            manifest.and_then(|name| self.world.manifests.get(name)).and_then(|kinds| kinds.get(kind));
        let Some(record) = record else { return Ok(Type::Any) };
        if let Some(is) = record.get(attribute) {
            return descend(is, &path.segments[2..]);
        }
        let message = format!("the records `{system}.{kind}` have no attribute `{attribute}`");
        let help = meant(attribute, record.keys().map(String::as_str).chain(["id"]));
        Err(Unresolved::new(code::UNKNOWN_RECORD, message, "unknown attribute").help(help))
    }

    /// `state.<domain>.<facet>.<output>`: what the AWF that creates the facet gives.
    fn state(&self, path: &Path) -> Result<Type, Unresolved> {
        let form = "state.<domain>.<facet>.<output>";
        let (Some(domain), Some(name), Some(output)) = (attr(path, 0), attr(path, 1), attr(path, 2)) else {
            return Err(shape(path, form));
        };
        let key = (domain.to_owned(), name.to_owned());
        let nothing = |message: String, label: &str| Unresolved::new(code::NO_STATE, message, label);
        let Some(facet) = self.world.drafts.facets.get(&key) else {
            if !self.world.whole {
                return Ok(Type::Any);
            }
            let all: Vec<String> =
                self.world.drafts.facets.keys().map(|(domain, name)| format!("{domain}.{name}")).collect();
            let wrong = nothing(
                format!("there is no facet `{domain}.{name}` whose state this could be"),
                "nothing provides it",
            );
            return Err(wrong.help(meant(&format!("{domain}.{name}"), all.iter().map(String::as_str))));
        };
        if facet.set {
            let wrong = nothing(
                format!("facet `{domain}.{name}` is a set, so it has no single state"),
                "which element?",
            );
            return Err(wrong.help("bind what the element itself says: `facet.id`, `facet.key`".to_owned()));
        }
        let route = self.world.drafts.routes.get(&("create".to_owned(), key.0.clone(), key.1.clone()));
        let Some(route) = route else {
            return Err(nothing(
                format!("no route creates `{domain}.{name}`, so nothing provides its state"),
                "nothing provides it",
            ));
        };
        let name = route
            .awf
            .as_ref()
            .and_then(|(path, _)| crate::reader::words(path))
            .filter(|words| words.len() == 2);
        let contract = name.and_then(|words| self.world.contracts.get(&AwfName::new(words[0], words[1])));
        let Some(contract) = contract else { return Ok(Type::Any) };
        if let Some(is) = contract.outputs.get(output) {
            return descend(is, &path.segments[3..]);
        }
        let message =
            format!("`{}`, which creates `{}.{}`, gives no `{output}`", contract.name, key.0, key.1);
        let help = meant(output, contract.outputs.keys().map(String::as_str));
        Err(nothing(message, "nothing provides it").help(help))
    }

    /// `facet.key`, `facet.value`, `facet.<attribute of the object>`.
    fn facet(&self, path: &Path) -> Result<Type, Unresolved> {
        let name = attr(path, 0).ok_or_else(|| shape(path, "facet.<key, value or attribute>"))?;
        let keys: Vec<&(String, String)> = match &self.place {
            Place::Route(key) => vec![*key],
            Place::Node(keys, _) => keys.clone(),
            _ => Vec::new(),
        };
        if keys.is_empty() {
            let message = "this AWF achieves no change, so there is no `facet` here";
            return Err(Unresolved::new(code::UNKNOWN_ROOT, message, "no facet"));
        }
        let types: Result<Vec<Type>, Unresolved> =
            keys.into_iter().map(|key| self.of_facet(key, name)).collect();
        descend(&common(types?), &path.segments[1..])
    }

    fn of_facet(&self, key: &'a (String, String), name: &str) -> Result<Type, Unresolved> {
        let Some(facet) = self.world.drafts.facets.get(key) else { return Ok(Type::Any) };
        let shown = format!("{}.{}", key.0, key.1);
        let objects = self.world.objects_of(key);
        match (name, facet.set) {
            // An element of a set is wanted as a member, and an object by its name.
            ("key" | "value", true) => Ok(Type::Text),
            ("key", false) => {
                let message = format!("facet `{shown}` is no set, so it has no key");
                Err(Unresolved::new(code::NO_MEMBERS, message, "no key")
                    .help("`facet.value` is its value".to_owned()))
            }
            ("value", false) if objects.is_some() => Ok(Type::Text),
            ("value", false) => Ok(super::outcome::type_of_wishes(self.world, key)),
            (attribute, _) => match objects {
                None => self.of_no_object(key, &shown, attribute),
                Some(objects) => attribute_of_all(&objects, attribute).map_err(|object| {
                    let message =
                        format!("object `{}.{}` has no attribute `{attribute}`", object.kind, object.name);
                    let why = format!("outcomes want it for `{shown}`, and this binds its attribute");
                    let names = object.attributes.keys().map(String::as_str).chain(["name"]);
                    Unresolved::new(code::UNKNOWN_OBJECT, message, "not an attribute of each object")
                        .why(why)
                        .help(meant(attribute, names))
                }),
            },
        }
    }

    fn of_no_object(&self, key: &(String, String), shown: &str, attribute: &str) -> Result<Type, Unresolved> {
        let wishes = self.world.wishes.get(key).map(Vec::as_slice).unwrap_or_default();
        let nodes: Vec<_> = wishes.iter().flat_map(|wish| super::world::elements(&wish.line.value)).collect();
        let literal = |node: &crate::syntax::Node| node.value().is_some_and(|value| !value.is_null());
        if nodes.is_empty() || !nodes.iter().all(literal) {
            return Ok(Type::Any);
        }
        let message = format!("the values of facet `{shown}` are no objects, so they have no `{attribute}`");
        Err(Unresolved::new(code::NO_MEMBERS, message, "no attribute")
            .help("there are `facet.value` and, for a set, `facet.key`".to_owned()))
    }

    /// `node.<name>.<output>`.
    fn node(&self, path: &Path) -> Result<Type, Unresolved> {
        let Place::Node(_, variant) = &self.place else { return Ok(Type::Any) };
        let (Some(name), Some(output)) = (attr(path, 0), attr(path, 1)) else {
            return Err(shape(path, "node.<name>.<output>"));
        };
        let Some(node) = variant.node(name) else {
            let message = format!("the variant has no node `{name}`");
            let help = meant(name, variant.nodes.iter().map(|node| node.name.as_str()));
            return Err(Unresolved::new(code::UNKNOWN_NODE, message, "unknown node").help(help));
        };
        let awf = node
            .awf
            .as_ref()
            .and_then(|(path, _)| crate::reader::words(path))
            .filter(|words| words.len() == 2);
        let contract = awf.and_then(|words| self.world.contracts.get(&AwfName::new(words[0], words[1])));
        let Some(contract) = contract else { return Ok(Type::Any) };
        if let Some(is) = contract.outputs.get(output) {
            return descend(is, &path.segments[2..]);
        }
        let message = format!("`{}` gives no `{output}`", contract.name);
        let help = meant(output, contract.outputs.keys().map(String::as_str));
        Err(Unresolved::new(code::UNKNOWN_OUTPUT, message, "unknown output").help(help))
    }
}

/// The change that a route's word names.
pub(super) fn change(word: &str) -> Option<Achieves> {
    [Achieves::Create, Achieves::Update, Achieves::Remove].into_iter().find(|change| change.word() == word)
}
