//! Every field with its type, default, range and documentation: for `sasr check --explain`, the
//! reference pages and the form.

use super::{
    RunConfig,
    check::{show, value_at},
    ranges::range_of,
    schema::{Choice, Kind, Section, schema},
};

/// What is known about one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Dotted path, e.g. `grpo.num_generations`.
    pub path: String,
    /// Another path accepted for it.
    pub alias: Option<String>,
    /// The type in words.
    pub type_name: String,
    /// The default as it would be written in a file; `unset` for an optional field.
    pub default: String,
    /// The allowed values in words.
    pub allowed: String,
    /// Why, or what to take; may be empty.
    pub help: String,
    /// The doc comment.
    pub doc: String,
    /// For a field with a fixed set of values: each with its doc comment. Otherwise empty.
    pub choices: Vec<Choice>,
}

/// All fields, in the order they are declared.
pub fn fields() -> Vec<Field> {
    let defaults = RunConfig::default().tree();
    let describe = |leaf: &super::schema::Leaf| {
        let range = range_of(&leaf.path);
        let type_name = leaf.kind.describe();
        Field {
            path: leaf.path.clone(),
            alias: leaf.alias.clone(),
            default: value_at(&defaults, &leaf.path).map_or_else(|| "unset".into(), show),
            allowed: range.map_or_else(|| type_name.clone(), |range| range.rule.words()),
            help: range.map_or("", |range| range.help).to_owned(),
            doc: leaf.doc.clone(),
            choices: match &leaf.kind {
                Kind::Choice(choices) => choices.clone(),
                _ => Vec::new(),
            },
            type_name,
        }
    };
    schema().leaves.iter().map(describe).collect()
}

/// All sections of the file, in the order they are declared.
pub fn sections() -> Vec<Section> {
    schema().sections.clone()
}
