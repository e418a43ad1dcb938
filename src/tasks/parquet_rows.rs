//! Rows of parquet files, so that both file formats share everything after reading.
//!
//! | column | becomes |
//! |---|---|
//! | integers, decimals | the exact number |
//! | 16-, 32- and 64-bit floats | the number with the shortest decimal text of their own width: 0.1, not 0.10000000149011612 |
//! | strings, enums, JSON | text |
//! | binary | text where it is UTF-8; otherwise unusable, which is said where it is used |
//! | dates and times | text: `2024-01-31`, `2024-01-31 12:00:00.000 +00:00`; in nanoseconds: unusable |
//! | lists, groups | lists, objects |
//! | maps | unusable |

use std::collections::BTreeMap;

use parquet::basic::{Compression, LogicalType, TimeUnit};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};

use super::TaskError;
use super::reading::{NumberedRow, Object, Value};
use super::verify::Number;

/// All rows of a parquet file given as bytes. Fails where the file is cut off, damaged or
/// compressed in a way that is not supported.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<NumberedRow>, TaskError> {
    let unreadable = |reason: String, help: &str| TaskError::File {
        file: file.to_owned(),
        reason: format!("cannot be read as parquet: {reason}"),
        help: help.to_owned(),
    };
    let again = "fetch or write it again, or convert it to JSON Lines";
    // The decoder checks most of what it reads, but a damaged page can still trip an assertion in
    // it; a user's file must not end the program.
    let rows = std::panic::catch_unwind(|| rows(bytes))
        .map_err(|_| unreadable("a page is damaged".to_owned(), again))?;
    rows.map_err(|failure| match failure {
        Failure::Parquet(error) => unreadable(error.to_string(), again),
        Failure::Compression(name) => unreadable(
            format!("its columns are compressed with {name}, which is not supported"),
            "write it with zstd, snappy or gzip, or uncompressed (in polars \
             `write_parquet(…, compression=\"zstd\")`), or convert it to JSON Lines",
        ),
    })
}

enum Failure {
    Parquet(parquet::errors::ParquetError),
    /// The name of a compression that is not built in.
    Compression(&'static str),
}

impl From<parquet::errors::ParquetError> for Failure {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Parquet(error)
    }
}

fn rows(bytes: &[u8]) -> Result<Vec<NumberedRow>, Failure> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes))?;
    if let Some(name) = unsupported_compression(reader.metadata()) {
        return Err(Failure::Compression(name));
    }
    let unusable = unusable_columns(reader.metadata());
    let mut rows = Vec::new();
    for (row, number) in reader.get_row_iter(None)?.zip(1..) {
        rows.push((number, Ok(object(&row?, &unusable))));
    }
    Ok(rows)
}

fn unsupported_compression(metadata: &ParquetMetaData) -> Option<&'static str> {
    let columns = metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns());
    columns
        .map(|column| column.compression())
        .find_map(unsupported)
}

/// The name of a compression that is not built in.
fn unsupported(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::ZSTD(_) => None,
        Compression::BROTLI(_) => Some("brotli"),
        Compression::LZ4 | Compression::LZ4_RAW => Some("LZ4"),
        Compression::LZO => Some("LZO"),
    }
}

/// Columns that the decoder takes for something they are not, with what they are.
fn unusable_columns(metadata: &ParquetMetaData) -> BTreeMap<String, &'static str> {
    let columns = metadata.file_metadata().schema_descr().columns().iter();
    columns
        .filter_map(|column| {
            let what = match column.logical_type_ref()? {
                LogicalType::Timestamp(kind) if kind.unit == TimeUnit::NANOS => {
                    "a time in nanoseconds, which is not read (write it as text)"
                }
                LogicalType::Time(kind) if kind.unit == TimeUnit::NANOS => {
                    "a time in nanoseconds, which is not read (write it as text)"
                }
                LogicalType::Uuid => "a binary UUID, which is not read (write it as text)",
                _ => return None,
            };
            let parts = column.path().parts();
            (parts.len() == 1).then(|| (parts[0].clone(), what))
        })
        .collect()
}

fn object(row: &Row, unusable: &BTreeMap<String, &'static str>) -> Object {
    row.get_column_iter()
        .map(|(name, field)| {
            let value = match (unusable.get(name), field) {
                (Some(what), field) if *field != Field::Null => Value::Other(what),
                (_, field) => value(field),
            };
            (name.clone(), value)
        })
        .collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::Bool(*value),
        Field::Byte(value) => Value::number(&value.to_string()),
        Field::Short(value) => Value::number(&value.to_string()),
        Field::Int(value) => Value::number(&value.to_string()),
        Field::Long(value) => Value::number(&value.to_string()),
        Field::UByte(value) => Value::number(&value.to_string()),
        Field::UShort(value) => Value::number(&value.to_string()),
        Field::UInt(value) => Value::number(&value.to_string()),
        Field::ULong(value) => Value::number(&value.to_string()),
        Field::Float16(value) => Value::number(&shortest(*value)),
        Field::Float(value) => Value::number(&value.to_string()),
        Field::Double(value) => Value::number(&value.to_string()),
        Field::Decimal(_) => match Number::plain(field.to_string().trim_end_matches('.')) {
            Some(number) => Value::Number(number.into()),
            None => Value::Other("a decimal that cannot be read"),
        },
        Field::Str(value) => Value::Text(value.clone()),
        Field::Bytes(value) => match std::str::from_utf8(value.data()) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Other("binary data that is no UTF-8 text"),
        },
        Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Value::Text(field.to_string()),
        Field::Group(row) => Value::Object(object(row, &BTreeMap::new())),
        Field::ListInternal(list) => Value::List(list.elements().iter().map(value).collect()),
        Field::MapInternal(_) => Value::Other("a map, which is not read"),
    }
}

/// The shortest decimal text that is read back as this 16-bit number.
fn shortest(value: half::f16) -> String {
    let wide = f64::from(value);
    (0..=10)
        .map(|digits| format!("{wide:.digits$e}"))
        .find(|text| text.parse().map(half::f16::from_f64) == Ok(value))
        .unwrap_or_else(|| wide.to_string())
}

#[cfg(test)]
mod tests;
