//! Templates of paths, as vendors and the catalogue write them.

/// Whether a path fits a template with `{holes}`, also holes inside a segment (`{id}:revoke`).
pub(super) fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (segments(template), segments(path));
    template.len() == path.len() && template.iter().zip(&path).all(|(one, other)| segment(one, other))
}

/// The same where either may have a base path before it that the other leaves out.
pub(super) fn ends(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (segments(template), segments(path));
    let shared = template.len().min(path.len());
    let tails = template[template.len() - shared..].iter().zip(&path[path.len() - shared..]);
    // One word in common is no path in common.
    let literal = template[template.len() - shared..].iter().any(|one| !one.starts_with('{'));
    shared > 0 && literal && tails.into_iter().all(|(one, other)| segment(one, other))
}

fn segments(path: &str) -> Vec<&str> {
    path.split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_end_matches('/')
        .split('/')
        .filter(|one| !one.is_empty())
        .collect()
}

fn segment(template: &str, path: &str) -> bool {
    let Some((before, rest)) = template.split_once('{') else { return template.eq_ignore_ascii_case(path) };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    let inside = path.strip_prefix(before);
    // What follows a hole may hold another one.
    inside.is_some_and(|inside| {
        if after.contains('{') {
            (1..inside.len()).any(|at| inside.is_char_boundary(at) && segment(after, &inside[at..]))
        } else {
            inside.strip_suffix(after).is_some_and(|hole| !hole.is_empty())
        }
    })
}

#[test]
fn a_path_fits_its_template_and_no_other() {
    let check = |template: &str, path: &str, expect: bool| {
        assert_eq!(fits(template, path), expect, "{template} {path}");
    };
    check("/a/{id}/c", "/a/1/c", true);
    check("/a/{id}/c", "/a/1/d", false);
    check("/a/{id}", "/a/", false);
    check("/a/{id}:revoke", "/a/7:revoke", true);
    check("/a/{id}:revoke", "/a/7:grant", false);
    check("/a/(x='{x}',y='{y}')", "/a/(x='1',y='2')", true);
    assert!(ends("/users/{id}", "/api/v2/users/7") && ends("/api/v2/users/{id}", "/users/7"));
    assert!(!ends("/users/{id}", "/groups/7") && !ends("/{id}", "/7"));
}
