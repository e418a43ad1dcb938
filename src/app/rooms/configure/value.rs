//! A field's value in its two spellings: as it stands in the form, and as `--set` takes it.

use serde_json::Value;

use crate::config::Field;

/// What kind of value a field holds, which decides what edits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Switch,
    Choice,
    Whole,
    Number,
    Text,
    /// A list of texts; in the form, one a line.
    Texts,
    /// A list of whole numbers; in the form, without brackets.
    Wholes,
    /// Two whole numbers, in the form likewise.
    Pair,
    /// Numbers by name; in the form, without braces.
    Table,
}

impl Kind {
    /// The kind of a field; `None` for a type the form does not know.
    pub fn of(field: &Field) -> Option<Self> {
        const TYPES: [(&str, Kind); 8] = [
            ("true or false", Kind::Switch),
            ("a whole number", Kind::Whole),
            ("a number", Kind::Number),
            ("a text", Kind::Text),
            ("a list of whole numbers", Kind::Wholes),
            ("two whole numbers", Kind::Pair),
            ("a list of texts", Kind::Texts),
            ("a table of numbers", Kind::Table),
        ];
        if !field.choices.is_empty() {
            return Some(Kind::Choice);
        }
        TYPES
            .iter()
            .find_map(|(words, kind)| field.type_name.starts_with(words).then_some(*kind))
    }

    /// Whether arrow keys and dragging change it.
    pub fn can_step(self) -> bool {
        matches!(self, Kind::Whole | Kind::Number)
    }

    /// A value as the form shows it; empty for an optional field without one.
    pub fn shown(self, value: Option<&Value>) -> String {
        let joined = |values: &[Value], between| {
            let each: Vec<String> = values.iter().map(plain).collect();
            each.join(between)
        };
        match value {
            None => String::new(),
            Some(Value::Array(values)) if self == Kind::Texts => joined(values, "\n"),
            Some(Value::Array(values)) => joined(values, ", "),
            Some(Value::Object(entries)) => {
                let entry = |(name, value): (&String, &Value)| format!("{} = {value}", key(name));
                let each: Vec<String> = entries.iter().map(entry).collect();
                each.join(", ")
            }
            Some(value) => plain(value),
        }
    }

    /// What the form shows, as the right side of `--set path=value`.
    pub fn as_override(self, text: &str) -> String {
        let line = text.trim();
        match self {
            Kind::Switch | Kind::Choice | Kind::Whole => line.to_owned(),
            Kind::Number => number(line),
            Kind::Text if is_bare(text) => text.to_owned(),
            Kind::Text => quoted(text),
            Kind::Texts => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                let each: Vec<String> = lines.map(quoted).collect();
                format!("[{}]", each.join(", "))
            }
            Kind::Wholes | Kind::Pair if line.starts_with('[') => line.to_owned(),
            Kind::Wholes | Kind::Pair => format!("[{line}]"),
            Kind::Table if line.starts_with('{') => line.to_owned(),
            Kind::Table if line.is_empty() => "{}".into(),
            Kind::Table => format!("{{ {line} }}"),
        }
    }
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether `--set` reads a text back as it is, without quotes.
fn is_bare(text: &str) -> bool {
    text == text.trim() && !text.starts_with(['"', '\'']) && !text.contains(char::is_control)
}

/// A text as a TOML string on one line.
fn quoted(text: &str) -> String {
    // JSON's escapes are TOML's, but TOML also wants the delete sign escaped.
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A name as a TOML key.
fn key(name: &str) -> String {
    let is_bare = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// People write `.5` and `5.`, TOML does not.
fn number(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let before = if digits.starts_with('.') { "0" } else { "" };
    let after = if digits.ends_with('.') { "0" } else { "" };
    format!("{sign}{before}{digits}{after}")
}

/// The number `steps` steps further, where a step is a tenth of the number's leading power of ten
/// (at least 1 for whole numbers), or that power itself if `coarse`. `None` for what is no number
/// or would fall below 0.
pub(super) fn stepped(kind: Kind, text: &str, steps: i32, coarse: bool) -> Option<String> {
    let value: f64 = text
        .trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())?;
    let leading = if value == 0.0 {
        -1
    } else {
        value.abs().log10().floor() as i32
    };
    let power = leading - i32::from(!coarse);
    let power = if kind == Kind::Whole {
        power.max(0)
    } else {
        power
    };
    let step = 10f64.powi(power);
    let moved = (value / step).round() + f64::from(steps);
    if moved < 0.0 {
        return None;
    }
    if kind == Kind::Whole {
        return Some(format!("{:.0}", moved * step));
    }
    // Read as decimals, it is as short as it was typed.
    let value: f64 = format!("{moved}e{power}").parse().ok()?;
    Some(format!("{value:?}"))
}
