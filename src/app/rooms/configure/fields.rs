//! The form's fields, all from the configuration's own definition; only which of them come first is
//! said here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::value::Kind;
use crate::config::{Field, fields, sections};

/// What a beginner changes, in order, under a heading each.
pub(super) const BASIC: [(&str, &[&str]); 8] = [
    ("The run", &["name", "max_steps", "seed"]),
    (
        "What is learnt",
        &[
            "task.kind",
            "task.demonstrations",
            "curriculum.levels",
            "curriculum.start",
        ],
    ),
    (
        "The model",
        &[
            "model.hidden_size",
            "model.num_hidden_layers",
            "model.num_attention_heads",
        ],
    ),
    ("What it knows before", &["base.steps", "base.levels"]),
    (
        "The balance between textbook and quiz",
        &[
            "balance.method",
            "balance.warmup_steps",
            "balance.gamma",
            "balance.lambda",
        ],
    ),
    (
        "The textbook (SFT)",
        &["sft.batch_size", "sft.learning_rate"],
    ),
    (
        "The quiz (GRPO)",
        &[
            "grpo.num_prompts",
            "grpo.num_generations",
            "grpo.max_completion_length",
            "grpo.learning_rate",
        ],
    ),
    (
        "Exams and the final test",
        &["exam.every", "evaluation.problems"],
    ),
];

/// A field with what the form needs to draw it.
pub(super) struct FormField {
    pub field: Field,
    pub kind: Kind,
    /// Its name for people.
    pub label: String,
    /// What is counted, where the documentation says so; may be empty.
    pub unit: &'static str,
    /// Whether it may be without a value.
    pub optional: bool,
    pub basic: bool,
    /// The table of the file it stands in; empty at the top.
    pub section: String,
    /// Everything a search looks at, in lower case.
    searched: String,
}

impl FormField {
    pub fn path(&self) -> &str {
        &self.field.path
    }

    /// Its name for screen readers, which no other field has.
    pub fn name(&self) -> String {
        format!("{} ({})", self.label, self.field.path)
    }

    /// The documentation without its last words, the default, and without signs of code.
    pub fn doc(&self) -> String {
        let doc = self.field.doc.as_str();
        let doc = doc.rfind("Default ").map_or(doc, |at| doc[..at].trim_end());
        // Ranges as people write them.
        doc.replace('`', "")
            .replace("..=", " to ")
            .replace(", default ", "; default ")
    }

    /// What is allowed, the default, and why or what to take.
    pub fn facts(&self) -> String {
        let Field {
            allowed,
            default,
            help,
            ..
        } = &self.field;
        let help = if help.is_empty() {
            String::new()
        } else {
            format!("; {help}")
        };
        format!("Allowed: {allowed}. Default: {default}{help}")
    }

    /// Whether every word of a search occurs in its path, name or documentation.
    pub fn matches(&self, search: &str) -> bool {
        let search = search.to_lowercase();
        search
            .split_whitespace()
            .all(|word| self.searched.contains(word))
    }

    fn new(field: Field, repeated: &BTreeMap<String, usize>) -> Option<Self> {
        let kind = Kind::of(&field)?;
        let (section, name) = field.path.rsplit_once('.').unwrap_or(("", &field.path));
        let section = section.to_owned();
        // A name of one word, or one that several sections have, says little alone.
        let alone = name.contains('_') && repeated.get(name).is_none_or(|count| *count == 1);
        let label = if alone || section.is_empty() {
            readable(name)
        } else {
            let table = section.rsplit('.').next().unwrap_or(&section);
            readable(&format!("{table}_{name}"))
        };
        let choices: Vec<String> = field
            .choices
            .iter()
            .map(|choice| format!("{} {}", choice.value, choice.doc))
            .collect();
        let alias = field.alias.as_deref().unwrap_or("");
        let (path, doc, help) = (&field.path, &field.doc, &field.help);
        let searched = format!("{path} {alias} {label} {doc} {help} {}", choices.join(" "));
        let counts = matches!(kind, Kind::Whole | Kind::Number);
        Some(Self {
            kind,
            unit: if counts { unit(doc) } else { "" },
            optional: field.default == "unset",
            basic: BASIC
                .iter()
                .any(|(_, paths)| paths.contains(&path.as_str())),
            searched: searched.to_lowercase(),
            section,
            label,
            field,
        })
    }
}

/// All fields of the form, in the order they are declared.
pub(super) fn form() -> &'static [FormField] {
    static FORM: OnceLock<Vec<FormField>> = OnceLock::new();
    FORM.get_or_init(|| {
        let fields = fields();
        let mut repeated = BTreeMap::new();
        for field in &fields {
            let name = field.path.rsplit('.').next().unwrap_or(&field.path);
            *repeated.entry(name.to_owned()).or_insert(0) += 1;
        }
        fields
            .into_iter()
            .filter_map(|field| FormField::new(field, &repeated))
            .collect()
    })
}

/// All fields in the order in which the form shows them.
pub(super) fn in_order() -> &'static [&'static FormField] {
    static ORDER: OnceLock<Vec<&'static FormField>> = OnceLock::new();
    ORDER.get_or_init(|| {
        let basic = BASIC.iter().flat_map(|(_, paths)| *paths);
        let others = form().iter().filter(|field| !field.basic);
        basic
            .filter_map(|path| field_at(path))
            .chain(others)
            .collect()
    })
}

/// The field at a path, or the one that holds the entry of a table at this path.
pub(super) fn field_at(path: &str) -> Option<&'static FormField> {
    let exactly = form().iter().find(|field| field.path() == path);
    exactly.or_else(|| {
        form().iter().find(|field| {
            field.kind == Kind::Table
                && path
                    .strip_prefix(field.path())
                    .is_some_and(|rest| rest.starts_with('.'))
        })
    })
}

/// A table of the file with its fields.
pub(super) struct FormSection {
    pub path: String,
    pub title: String,
    pub doc: String,
    pub fields: Vec<&'static FormField>,
}

/// All sections that hold fields, the top of the file first.
pub(super) fn form_sections() -> &'static [FormSection] {
    static SECTIONS: OnceLock<Vec<FormSection>> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let top = (String::new(), String::from("Of the run as a whole"));
        let named = sections()
            .into_iter()
            .map(|section| (section.path, section.doc));
        let section = |(path, doc): (String, String)| FormSection {
            fields: form()
                .iter()
                .filter(|field| field.section == path)
                .collect(),
            title: match path.as_str() {
                "" => "Run".into(),
                path => path
                    .split('.')
                    .map(readable)
                    .collect::<Vec<_>>()
                    .join(" · "),
            },
            path,
            doc,
        };
        std::iter::once(top)
            .chain(named)
            .map(section)
            .filter(|section| !section.fields.is_empty())
            .collect()
    })
}

/// A name of the file for people: `num_generations` becomes `Number of generations`.
fn readable(name: &str) -> String {
    let word = |word: &str| -> String {
        match word {
            "num" => "number of".into(),
            "d" | "g" | "lr" | "sft" | "grpo" | "kl" | "rms" | "ema" => word.to_uppercase(),
            "rope" => "RoPE".into(),
            "gamma" => "gamma γ".into(),
            "lambda" => "lambda λ".into(),
            _ => word.into(),
        }
    };
    let words: Vec<String> = name.split('_').map(word).collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if words[0].chars().count() > 1 => {
            first.to_uppercase().collect::<String>() + letters.as_str()
        }
        _ => text,
    }
}

/// What a number counts, read off the first sentence of its documentation.
fn unit(doc: &str) -> &'static str {
    let first = doc.split(". ").next().unwrap_or(doc).to_lowercase();
    let counted = [
        "problems",
        "demonstrations",
        "completions",
        "samples",
        "rollouts",
    ];
    let shares = ["per level", "per step", "per batch", "per problem"];
    let holds = [
        ("in nats per token", "nats per token"),
        ("per nat of", "per nat"),
        ("in tokens", "tokens"),
        ("grpo steps", "GRPO steps"),
        ("for this many steps", "steps"),
    ];
    let begins = ["steps", "sft steps", "update attempts"];
    if let Some((_, unit)) = holds.iter().find(|(words, _)| first.contains(words)) {
        unit
    } else if begins.iter().any(|word| first.starts_with(word)) {
        "steps"
    } else if counted.iter().any(|noun| first.starts_with(noun)) {
        let share = shares.iter().find(|words| first.contains(*words));
        share.copied().unwrap_or("")
    } else {
        ""
    }
}
