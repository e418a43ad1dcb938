//! Data files read row by row: what a row holds, and why one cannot be used.
//!
//! A file is JSON Lines (one object a line, UTF-8) or parquet (recognised by its first bytes);
//! either way a row is an [`Object`]. A row that cannot be read does not hide those after it.

use super::TaskError;
use super::error::{BadRow, shortened};
use super::file_kind::{Foreign, foreign_kind};
pub use super::row::{Numeral, Object, Value};

/// A row, or why there is none, with its place in the file: the line of a JSON Lines file or the
/// row of a parquet file, counted from 1.
pub type NumberedRow = (u64, Result<Object, BadRow>);

/// The rows of a file, in order. Fails where the file as a whole cannot be read.
pub fn rows(file: &str, bytes: &[u8]) -> Result<Vec<NumberedRow>, TaskError> {
    if let Some(Foreign { is, help }) = foreign_kind(file, bytes) {
        return Err(TaskError::File {
            file: file.to_owned(),
            reason: is.to_owned(),
            help: help.to_owned(),
        });
    }
    if bytes.starts_with(b"PAR1") || file.to_lowercase().ends_with(".parquet") {
        return parquet_rows(file, bytes);
    }
    Ok(lines(bytes))
}

#[cfg(not(target_family = "wasm"))]
fn parquet_rows(file: &str, bytes: &[u8]) -> Result<Vec<NumberedRow>, TaskError> {
    super::parquet_rows::read(file, bytes)
}

#[cfg(target_family = "wasm")]
fn parquet_rows(file: &str, _bytes: &[u8]) -> Result<Vec<NumberedRow>, TaskError> {
    Err(TaskError::File {
        file: file.to_owned(),
        reason: "is a parquet file, which the browser version does not read".to_owned(),
        help: "convert it to JSON Lines, or use the desktop version or the command line".to_owned(),
    })
}

/// The rows of JSON Lines text. A byte-order mark is ignored, lines end in LF or CRLF, and empty
/// lines are passed over (but counted, so that numbers agree with an editor's).
pub fn lines(bytes: &[u8]) -> Vec<NumberedRow> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.split(|byte| *byte == b'\n')
        .zip(1..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .map(|(line, number)| (number, object(line)))
        .collect()
}

fn object(line: &[u8]) -> Result<Object, BadRow> {
    let text = std::str::from_utf8(line).map_err(|error| BadRow::Encoding {
        byte: error.valid_up_to() + 1,
    })?;
    match Object::from_json(text.trim_end()) {
        Ok(Ok(object)) => Ok(object),
        Ok(Err(other)) => Err(BadRow::NotAnObject {
            found: other.kind(),
        }),
        Err(error) => Err(BadRow::Json {
            column: error.column(),
            // The parser counts lines too, but sees one line only.
            reason: error
                .to_string()
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned(),
        }),
    }
}

/// The text under `key`.
pub fn text<'a>(object: &'a Object, key: &str) -> Result<&'a str, BadRow> {
    as_text(value(object, key)?, key)
}

/// The list under `key`.
pub fn list<'a>(object: &'a Object, key: &str) -> Result<&'a [Value], BadRow> {
    match value(object, key)? {
        Value::List(items) => Ok(items),
        other => Err(wrong_type(key, other, "a list")),
    }
}

/// The list of texts under `key`.
pub fn texts<'a>(object: &'a Object, key: &str) -> Result<Vec<&'a str>, BadRow> {
    let items = list(object, key)?.iter().enumerate();
    items
        .map(|(index, item)| as_text(item, &format!("{key}[{index}]")))
        .collect()
}

/// The list of truth values under `key`.
pub fn flags(object: &Object, key: &str) -> Result<Vec<bool>, BadRow> {
    let items = list(object, key)?.iter().enumerate();
    items
        .map(|(index, item)| match item {
            Value::Bool(flag) => Ok(*flag),
            other => Err(wrong_type(
                &format!("{key}[{index}]"),
                other,
                "true or false",
            )),
        })
        .collect()
}

/// The value under `key`, or an error that names the nearest key there is.
pub fn value<'a>(object: &'a Object, key: &str) -> Result<&'a Value, BadRow> {
    object.get(key).ok_or_else(|| BadRow::MissingKey {
        key: key.to_owned(),
        hint: hint(object, key),
    })
}

/// The text that `value` is; `key` names it in errors.
pub fn as_text<'a>(value: &'a Value, key: &str) -> Result<&'a str, BadRow> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong_type(key, other, "a text")),
    }
}

/// The error for a value of another type than `expected`.
pub fn wrong_type(key: &str, value: &Value, expected: &'static str) -> BadRow {
    BadRow::WrongType {
        key: key.to_owned(),
        found: value.kind(),
        expected,
    }
}

/// Keys at least this similar (Jaro–Winkler, 0 to 1) are offered as what was meant.
const SIMILAR: f64 = 0.75;

fn hint(object: &Object, key: &str) -> String {
    let likeness = |name: &String| strsim::jaro_winkler(&name.to_lowercase(), &key.to_lowercase());
    let nearest = object
        .keys()
        .map(|name| (likeness(name), name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match nearest {
        None => "the object is empty".to_owned(),
        Some((likeness, name)) if likeness >= SIMILAR => format!("the nearest is `{name}`"),
        Some(_) => {
            let keys: Vec<_> = object
                .keys()
                .map(|name| format!("`{}`", shortened(name)))
                .collect();
            format!("the line has {}", keys.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
