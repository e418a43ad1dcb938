use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;

use super::*;
use crate::tasks::reading;

const SCHEMA: &str = "message rows {
    OPTIONAL BYTE_ARRAY text (UTF8);
    REQUIRED INT64 number;
    OPTIONAL group list (LIST) { REPEATED group list { OPTIONAL BOOLEAN element; } }
    OPTIONAL group inner { REQUIRED INT64 number; }
}";

/// Two rows: all values, and as few as the schema allows.
fn sample(compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let properties = Arc::new(
        WriterProperties::builder()
            .set_compression(compression)
            .build(),
    );
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties).expect("a writer");
    let mut group = file.next_row_group().expect("a row group");
    for column in 0..4 {
        let mut writer = group.next_column().expect("no error").expect("a column");
        let written = match column {
            0 => {
                let texts = [ByteArray::from("häuser")];
                writer
                    .typed::<ByteArrayType>()
                    .write_batch(&texts, Some(&[1, 0]), None)
            }
            1 => writer
                .typed::<Int64Type>()
                .write_batch(&[7, -7], None, None),
            2 => {
                let levels: (&[i16], &[i16]) = (&[3, 3, 0], &[0, 1, 0]);
                let writer = writer.typed::<BoolType>();
                writer.write_batch(&[true, false], Some(levels.0), Some(levels.1))
            }
            _ => writer
                .typed::<Int64Type>()
                .write_batch(&[5], Some(&[1, 0]), None),
        };
        written.expect("written");
        writer.close().expect("closed");
    }
    group.close().expect("closed");
    file.close().expect("closed");
    bytes
}

fn object_of(value: Value) -> Object {
    value.as_object().expect("an object").clone()
}

#[test]
fn rows_become_objects_with_lists_and_groups() {
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        // Recognised by its first bytes, whatever it is called.
        let rows = reading::rows("data", &sample(compression)).expect("a good file");
        let full = json!({
            "text": "häuser", "number": 7, "list": [true, false], "inner": { "number": 5 },
        });
        let bare = json!({ "text": null, "number": -7, "list": null, "inner": null });
        assert_eq!(rows, [(1, Ok(object_of(full))), (2, Ok(object_of(bare)))]);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = sample(Compression::SNAPPY);
    for length in 0..bytes.len() {
        let error = read("a.parquet", &bytes[..length])
            .expect_err("cut off")
            .to_string();
        assert!(
            error.starts_with("a.parquet cannot be read as parquet: "),
            "{error}"
        );
    }
}

#[test]
fn a_damaged_file_never_ends_the_program() {
    let bytes = sample(Compression::SNAPPY);
    let mut refused = 0;
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            refused += usize::from(read("a.parquet", &damaged).is_err());
        }
    }
    assert!(
        refused > bytes.len() / 2,
        "{refused} of {}",
        3 * bytes.len()
    );
}
