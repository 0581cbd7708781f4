//! Every description of `worlds/`, by the system's name.
//!
//! - No vendor's word but names.

use super::describe::Description;
use std::sync::OnceLock;

/// Name and text; those in capitals are families, which others include.
const TEXTS: &[(&str, &str)] = &[
    ("kandji", include_str!("../../worlds/kandji.wire")),
];

/// Every described system.
pub(crate) fn all() -> &'static [(&'static str, Description)] {
    static READ: OnceLock<Vec<(&'static str, Description)>> = OnceLock::new();
    READ.get_or_init(|| {
        let find = |name: &str| TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let systems = TEXTS.iter().filter(|(name, _)| name.chars().any(char::is_lowercase));
        let read = |(name, text): &(&'static str, &'static str)| match Description::parse(text, &find) {
            Ok(description) => (*name, description),
            Err(why) => panic!("the description `{name}` cannot be read: {why}"),
        };
        systems.map(read).collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_description_can_be_read_and_has_routes() {
        for (name, description) in super::all() {
            assert!(!description.rules.is_empty(), "{name}");
            assert!(description.rules.iter().all(|rule| !rule.steps.is_empty()), "{name}");
        }
    }
}
