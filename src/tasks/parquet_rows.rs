//! Rows of parquet files as JSON objects, so that both file formats share everything after reading.

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;

use super::TaskError;
use super::reading::{NumberedRow, Object};

/// All rows of a parquet file given as bytes. Fails where the file is cut off, damaged or
/// compressed in a way that is not supported (snappy and none are).
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<NumberedRow>, TaskError> {
    let unreadable = |reason: String| TaskError::File {
        file: file.to_owned(),
        reason: format!("cannot be read as parquet: {reason}"),
        help: "fetch or write it again (uncompressed or with snappy), or convert it to JSON Lines",
    };
    // The decoder checks most of what it reads, but a damaged page can still trip an assertion in
    // it; a user's file must not end the program.
    let rows = std::panic::catch_unwind(|| rows(bytes))
        .map_err(|_| unreadable("a page is damaged".to_owned()))?;
    rows.map_err(|error| unreadable(error.to_string()))
}

fn rows(bytes: &[u8]) -> Result<Vec<NumberedRow>, parquet::errors::ParquetError> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes))?;
    reader
        .get_row_iter(None)?
        .zip(1..)
        .map(|(row, number)| Ok((number, Ok(object(&row?)))))
        .collect()
}

fn object(row: &Row) -> Object {
    row.get_column_iter()
        .map(|(name, field)| (name.clone(), json(field)))
        .collect()
}

/// The JSON value of a field. Kinds that the data sets have no use for (dates, byte strings)
/// become their printed form.
fn json(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(value) => (*value).into(),
        Field::Short(value) => (*value).into(),
        Field::Int(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::UByte(value) => (*value).into(),
        Field::UShort(value) => (*value).into(),
        Field::UInt(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        Field::Float(value) => (*value).into(),
        Field::Double(value) => (*value).into(),
        Field::Str(value) => value.clone().into(),
        Field::Group(row) => Value::Object(object(row)),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests;
