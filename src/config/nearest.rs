//! Which field was meant by a key that does not exist.

use super::schema::{Kind, Leaf, schema};

/// Below this likeness (1 is equal) a suggestion would puzzle more than it helps.
const LEAST_LIKENESS: f64 = 0.6;

/// Fields that may have been meant by `path`: all of the same name in other sections, else the
/// one written most alike.
pub(super) fn nearest_fields(path: &str) -> Vec<String> {
    let name = last(path);
    let leaves = &schema().leaves;
    let same_name: Vec<String> = leaves
        .iter()
        .filter(|leaf| spellings(leaf).any(|spelling| last(spelling) == name))
        .map(|leaf| leaf.path.clone())
        .collect();
    if !same_name.is_empty() {
        return same_name;
    }
    let candidates = leaves
        .iter()
        .flat_map(|leaf| spellings(leaf).map(|spelling| (leaf.path.as_str(), spelling)));
    most_alike(path, candidates).into_iter().collect()
}

/// The section, or the field that holds a table, that may have been meant by `path`.
pub(super) fn nearest_table(path: &str) -> Option<String> {
    let maps = schema()
        .leaves
        .iter()
        .filter(|leaf| leaf.kind == Kind::NumberMap)
        .map(|leaf| leaf.path.as_str());
    let sections = schema()
        .sections
        .iter()
        .map(|section| section.path.as_str());
    most_alike(path, sections.chain(maps).map(|path| (path, path)))
}

/// The choice that may have been meant by `value`.
pub(super) fn nearest_choice(value: &str, choices: &[String]) -> Option<String> {
    most_alike(
        value,
        choices
            .iter()
            .map(|choice| (choice.as_str(), choice.as_str())),
    )
}

/// The name whose spelling is most like `written`, if any is like it. The first of equals wins.
fn most_alike<'a>(
    written: &str,
    candidates: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<String> {
    let mut best = (LEAST_LIKENESS, None);
    for (name, spelling) in candidates {
        let likeness = likeness(written, spelling);
        if likeness > best.0 {
            best = (likeness, Some(name.to_owned()));
        }
    }
    best.1
}

/// Likeness of whole paths, or of last names alone, which counts a little less.
fn likeness(a: &str, b: &str) -> f64 {
    let compare = strsim::normalized_damerau_levenshtein;
    compare(a, b).max(0.9 * compare(last(a), last(b)))
}

fn spellings(leaf: &Leaf) -> impl Iterator<Item = &str> {
    std::iter::once(leaf.path.as_str()).chain(leaf.alias.as_deref())
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
