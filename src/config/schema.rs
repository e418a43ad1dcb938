//! The fields there are, read from the very source files that declare them.
//!
//! A field's documentation should stand in one place only: the doc comment above its declaration.
//! So the struct files are compiled in as text and read by a small parser that knows exactly the
//! regular form they have: `/// doc` and `#[…]` lines, then `pub name: Type,` or `Variant,`. Tests
//! compare what it finds with the serialized default configuration.

use std::{collections::BTreeMap, sync::OnceLock};

const SOURCES: [&str; 6] = [
    include_str!("mod.rs"),
    include_str!("task.rs"),
    include_str!("model.rs"),
    include_str!("learning.rs"),
    include_str!("balance.rs"),
    include_str!("study.rs"),
];

/// All sections and fields, in the order they are declared.
#[derive(Debug)]
pub(super) struct Schema {
    pub sections: Vec<Section>,
    pub leaves: Vec<Leaf>,
}

/// A table of the TOML file, such as `task.files`.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Dotted path.
    pub path: String,
    /// The struct's doc comment.
    pub doc: String,
}

/// One field that holds a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaf {
    /// Dotted path.
    pub path: String,
    pub kind: Kind,
    /// Whether the field may be absent even from a complete configuration.
    pub optional: bool,
    /// Another path that is accepted for the field.
    pub alias: Option<String>,
    /// The doc comment, its lines joined.
    pub doc: String,
}

/// The type of a field's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Switch,
    Whole,
    Number,
    Text,
    Choice(Vec<Choice>),
    WholeList,
    WholePair,
    TextList,
    NumberMap,
}

/// One of the values a field with a fixed set of values may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// As it is written in the file.
    pub value: String,
    /// The variant's doc comment; may be empty.
    pub doc: String,
}

impl Kind {
    /// The type in words, with an example where its notation is not plain.
    pub fn describe(&self) -> String {
        match self {
            Kind::Switch => "true or false".into(),
            Kind::Whole => "a whole number".into(),
            Kind::Number => "a number".into(),
            Kind::Text => "a text in quotes".into(),
            Kind::Choice(choices) => {
                let values: Vec<String> =
                    choices.iter().map(|c| format!("\"{}\"", c.value)).collect();
                format!("one of {}", values.join(", "))
            }
            Kind::WholeList => "a list of whole numbers such as [1, 2]".into(),
            Kind::WholePair => "two whole numbers such as [1, 3]".into(),
            Kind::TextList => "a list of texts such as [\"a.jsonl\", \"b.jsonl\"]".into(),
            Kind::NumberMap => "a table of numbers such as { format = 0.5 }".into(),
        }
    }
}

impl Schema {
    /// The field at `path`, by its name or its alias.
    pub fn leaf(&self, path: &str) -> Option<&Leaf> {
        self.leaves
            .iter()
            .find(|leaf| leaf.path == path || leaf.alias.as_deref() == Some(path))
    }

    pub fn is_section(&self, path: &str) -> bool {
        self.sections.iter().any(|section| section.path == path)
    }

    pub fn alias_of(&self, path: &str) -> Option<&str> {
        self.leaf(path)?.alias.as_deref()
    }
}

/// The schema of [`RunConfig`](super::RunConfig).
pub(super) fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut items = BTreeMap::new();
        for source in SOURCES {
            read_items(source, &mut items);
        }
        let mut schema = Schema {
            sections: Vec::new(),
            leaves: Vec::new(),
        };
        collect("RunConfig", "", &items, &mut schema);
        schema
    })
}

/// A struct or an enum as it was declared.
#[derive(Debug, Default)]
struct Item {
    doc: String,
    members: Vec<Member>,
}

/// A struct's field, or an enum's variant (then `type_text` is empty).
#[derive(Debug)]
struct Member {
    name: String,
    type_text: String,
    alias: Option<String>,
    doc: String,
}

/// Reads every `pub struct` and `pub enum` of a source file.
fn read_items(source: &str, items: &mut BTreeMap<String, Item>) {
    let mut open: Option<(String, Item)> = None;
    let mut doc: Vec<&str> = Vec::new();
    let mut alias = None;
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push(text.trim());
            continue;
        }
        if line.starts_with("#[") {
            alias = alias.or_else(|| between(line, "alias = \"", "\"").map(str::to_owned));
            continue;
        }
        if let Some((_, item)) = &mut open {
            if line == "}" {
                items.extend(open.take());
            } else if let Some(member) = line.strip_suffix(',') {
                let member = member.strip_prefix("pub ").unwrap_or(member);
                let (name, type_text) = member.split_once(": ").unwrap_or((member, ""));
                item.members.push(Member {
                    name: name.to_owned(),
                    type_text: type_text.to_owned(),
                    alias: alias.take(),
                    doc: doc.join(" "),
                });
            }
        } else if let Some(name) =
            between(line, "pub struct ", " {").or_else(|| between(line, "pub enum ", " {"))
        {
            let item = Item {
                doc: doc.join(" "),
                members: Vec::new(),
            };
            open = Some((name.to_owned(), item));
        }
        doc.clear();
        alias = None;
    }
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// Walks the declarations from the struct `name` down, depth first.
fn collect(name: &str, prefix: &str, items: &BTreeMap<String, Item>, schema: &mut Schema) {
    for member in &items[name].members {
        let path = join(prefix, &member.name);
        let inner = between(&member.type_text, "Option<", ">");
        let type_text = inner.unwrap_or(&member.type_text);
        match kind_of(type_text, items) {
            Some(kind) => schema.leaves.push(Leaf {
                path,
                kind,
                optional: inner.is_some(),
                alias: member.alias.as_ref().map(|alias| join(prefix, alias)),
                doc: member.doc.clone(),
            }),
            None => {
                schema.sections.push(Section {
                    path: path.clone(),
                    doc: items[type_text].doc.clone(),
                });
                collect(type_text, &path, items, schema);
            }
        }
    }
}

/// The kind of a Rust type; `None` for a struct, which is a section.
fn kind_of(type_text: &str, items: &BTreeMap<String, Item>) -> Option<Kind> {
    Some(match type_text {
        "bool" => Kind::Switch,
        "u32" | "u64" | "usize" => Kind::Whole,
        "f64" => Kind::Number,
        "String" => Kind::Text,
        "Vec<u32>" => Kind::WholeList,
        "[u32; 2]" => Kind::WholePair,
        "Vec<String>" => Kind::TextList,
        "std::collections::BTreeMap<String, f64>" => Kind::NumberMap,
        name => {
            let members = &items[name].members;
            if members.iter().any(|member| !member.type_text.is_empty()) {
                return None;
            }
            let choices = members.iter().map(|variant| Choice {
                value: snake_case(&variant.name),
                doc: variant.doc.clone(),
            });
            Kind::Choice(choices.collect())
        }
    })
}

/// serde's `rename_all = "snake_case"`, which every enum here has.
fn snake_case(variant: &str) -> String {
    let mut name = String::new();
    for (index, letter) in variant.char_indices() {
        if index > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// `prefix.name`, or `name` alone at the top.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}
