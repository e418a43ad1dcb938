//! What a row of a data file holds: JSON's kinds of values, but with exact numbers.
//!
//! `serde_json` keeps numbers as 64-bit floats where they do not fit 64-bit integers. A reference
//! answer must be what stands in the file, so numbers are read a second time from the text, and how
//! they are written there is kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::verify::Number;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Numeral),
    Text(String),
    List(Vec<Value>),
    Object(Object),
    /// What is none of these, in words for people, such as "binary data that is no UTF-8 text".
    Other(&'static str),
}

/// A number of a row; it is shown in normal form.
#[derive(Clone, Debug, PartialEq)]
pub struct Numeral {
    number: Number,
    written: String,
}

impl Numeral {
    /// The number as it is written in the file, `4.0` or `1e3`; in normal form where a file (parquet)
    /// keeps values and no texts.
    pub fn written(&self) -> &str {
        &self.written
    }
}

impl From<Number> for Numeral {
    fn from(number: Number) -> Self {
        let written = number.to_string();
        Self { number, written }
    }
}

impl fmt::Display for Numeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number, f)
    }
}

/// A row's keys and values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    entries: Vec<(String, Value)>,
}

impl Object {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let entry = self.entries.iter().find(|(known, _)| known == key);
        entry.map(|(_, value)| value)
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// Adds a value; of two under one key the later counts.
    fn insert(&mut self, key: String, value: Value) {
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Reads an object from JSON, or says what the text is instead.
    pub fn from_json(text: &str) -> Result<Result<Self, Value>, serde_json::Error> {
        let value = serde_json::from_str(text)?;
        let Value::Object(mut object) = value else {
            return Ok(Err(value));
        };
        for (key, written) in written_numbers(text) {
            // Of two values under one key this one may not be the one that counts.
            if !matches!(object.get(&key), Some(Value::Number(_))) {
                continue;
            }
            let exact = match Number::plain(written) {
                Some(number) => Value::Number(Numeral {
                    number,
                    written: written.to_owned(),
                }),
                None => Value::Other("a number too large or too small to be written out"),
            };
            object.insert(key, exact);
        }
        Ok(Ok(object))
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(entries: T) -> Self {
        let mut object = Self::default();
        for (key, value) in entries {
            object.insert(key, value);
        }
        object
    }
}

impl Value {
    /// A number by its decimal text.
    pub(super) fn number(text: &str) -> Self {
        match Number::plain(text) {
            Some(number) => Self::Number(number.into()),
            None => Self::Other("not a number (NaN or infinite)"),
        }
    }

    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Other(what) => what,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::number(&value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::number(&value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::number(&value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::default();
        while let Some((key, value)) = entries.next_entry()? {
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The numbers of a JSON object as they are written, with their keys; those of lists and objects
/// inside it are left out. `text` must be a valid object.
fn written_numbers(text: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let mut key = None;
    let mut depth = 0;
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        let length = match rest.as_bytes()[0] {
            b'"' => {
                let length = string_length(rest);
                let is_key = rest[length..].trim_start().starts_with(':');
                if depth == 1 && is_key {
                    key = serde_json::from_str::<String>(&rest[..length]).ok();
                }
                length
            }
            b'{' | b'[' => {
                depth += 1;
                1
            }
            b'}' | b']' => {
                depth -= 1;
                1
            }
            b'-' | b'0'..=b'9' => {
                let inside =
                    |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = rest.bytes().take_while(inside).count();
                if depth == 1
                    && let Some(key) = key.take()
                {
                    found.push((key, &rest[..length]));
                }
                length
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        place += length;
    }
    found
}

/// The length of the JSON string that `text` begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        serde_json::from_str(&value.to_string()).expect("JSON is read back")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(row: &str) -> String {
        let object = Object::from_json(row).expect("JSON").expect("an object");
        match object.get("n") {
            Some(Value::Number(number)) => number.to_string(),
            other => panic!("{row}: {other:?}"),
        }
    }

    #[test]
    fn numbers_are_what_stands_in_the_file() {
        for (written, text) in [
            ("1e20", "100000000000000000000"),
            ("100000000000000000000", "100000000000000000000"),
            ("1e-7", "0.0000001"),
            ("1E5", "100000"),
            ("-2.5e+3", "-2500"),
            (
                "123456789012345678901234567890123456789012345",
                "123456789012345678901234567890123456789012345",
            ),
            ("-9223372036854775809", "-9223372036854775809"),
            ("18446744073709551615", "18446744073709551615"),
            ("0.1", "0.1"),
            ("0.12345678901234567890123", "0.12345678901234567890123"),
            ("4.0", "4"),
            ("1.50", "1.5"),
            ("-0.0", "0"),
            ("7", "7"),
        ] {
            assert_eq!(number(&format!("{{\"n\": {written}}}")), text, "{written}");
        }
    }

    #[test]
    fn how_a_number_is_written_is_kept() {
        for (row, text) in [
            (r#"{"n": 4.0}"#, "4.0"),
            (r#"{"n":1e3}"#, "1e3"),
            (r#"{"n" : -2.50E+1 }"#, "-2.50E+1"),
        ] {
            let object = Object::from_json(row).expect("JSON").expect("an object");
            let Some(Value::Number(number)) = object.get("n") else {
                panic!("{row}");
            };
            assert_eq!(number.written(), text, "{row}");
        }
        let Value::Number(number) = Value::number("4.0") else {
            panic!("4.0 is a number");
        };
        assert_eq!(number.written(), "4");
    }

    #[test]
    fn a_number_belongs_to_the_key_in_front_of_it() {
        for row in [
            r#"{"a": "\"n\": 3", "n": 1e3, "b": [1e4, {"n": 5}], "c": {"n": 6e1}}"#,
            r#"{"b": [1, 2], "n" : 1e3 , "m": "é 7"}"#,
            r#"{"n": 1, "n": 1e3}"#,
            r#"{"n": "x", "n": 1e3}"#,
            r#"{"\u006e": 1e3}"#,
            "{\"x\\\\\":2e2,\"n\":1e3}",
        ] {
            assert_eq!(number(row), "1000", "{row}");
        }
    }

    #[test]
    fn of_two_values_under_one_key_the_later_counts() {
        let row = Object::from_json(r#"{"n": 1, "n": "x"}"#)
            .expect("JSON")
            .expect("an object");
        assert_eq!(row.get("n"), Some(&Value::Text("x".into())));
        assert_eq!(row.keys().count(), 1);
    }

    #[test]
    fn a_number_that_cannot_be_written_out_is_none() {
        let row = Object::from_json(r#"{"n": 1e-999}"#)
            .expect("JSON")
            .expect("an object");
        let kind = row.get("n").map(Value::kind);
        assert_eq!(
            kind,
            Some("a number too large or too small to be written out")
        );
    }

    #[test]
    fn other_values_are_those_of_json() {
        let text = r#"{"a": null, "b": true, "c": ["x", 1.5], "d": {"e": "é"}}"#;
        let object = Object::from_json(text).expect("JSON").expect("an object");
        let list = Value::List(vec![Value::Text("x".into()), Value::number("1.5")]);
        let inner = Object::from_iter([("e".into(), Value::Text("é".into()))]);
        let wanted = [
            ("a", Value::Null),
            ("b", Value::Bool(true)),
            ("c", list),
            ("d", Value::Object(inner)),
        ];
        let entries = wanted.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(object, Object::from_iter(entries));
        assert_eq!(
            Object::from_json("[1]").expect("JSON"),
            Err(Value::List(vec![Value::number("1")]))
        );
        assert!(Object::from_json("{").is_err());
    }
}
