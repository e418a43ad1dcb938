use std::sync::Arc;

use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
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

fn object_of(value: serde_json::Value) -> Object {
    match Value::from(value) {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

/// A file of one column with some values, as its rows read.
fn column<T: DataType>(declared: &str, values: &[T::T]) -> Vec<Value> {
    let schema = format!("message rows {{ REQUIRED {declared}; }}");
    let schema = Arc::new(parse_message_type(&schema).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().build());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties).expect("a writer");
    let mut group = file.next_row_group().expect("a row group");
    let mut writer = group.next_column().expect("no error").expect("a column");
    writer
        .typed::<T>()
        .write_batch(values, None, None)
        .expect("written");
    writer.close().expect("closed");
    group.close().expect("closed");
    file.close().expect("closed");
    let rows = read("a.parquet", &bytes).expect("a good file");
    let value = |(_, row): NumberedRow| row.expect("a row").get("x").cloned().expect("a value");
    rows.into_iter().map(value).collect()
}

/// The texts of numbers, and what else there is in brackets.
fn shown(values: Vec<Value>) -> Vec<String> {
    let shown = |value: &Value| match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        other => format!("[{}]", other.kind()),
    };
    values.iter().map(shown).collect()
}

#[test]
fn a_float_is_the_shortest_decimal_of_its_own_width() {
    let floats = [
        0.1f32,
        1e20,
        1e-7,
        3.0,
        -2.5,
        16_777_216.0,
        f32::NAN,
        f32::INFINITY,
    ];
    assert_eq!(
        shown(column::<FloatType>("FLOAT x", &floats)),
        [
            "0.1",
            "100000000000000000000",
            "0.0000001",
            "3",
            "-2.5",
            "16777216",
            "[not a number (NaN or infinite)]",
            "[not a number (NaN or infinite)]",
        ]
    );
    let doubles = [0.1f64, 1e20, 1e-7, 4.0, 0.1 + 0.2];
    assert_eq!(
        shown(column::<DoubleType>("DOUBLE x", &doubles)),
        [
            "0.1",
            "100000000000000000000",
            "0.0000001",
            "4",
            "0.30000000000000004"
        ]
    );
    let halves = [0.1f32, 2.0, 65504.0, 0.000061].map(|value| {
        let bytes = half::f16::from_f32(value).to_le_bytes().to_vec();
        FixedLenByteArray::from(bytes)
    });
    assert_eq!(
        shown(column::<FixedLenByteArrayType>(
            "FIXED_LEN_BYTE_ARRAY (2) x (FLOAT16)",
            &halves
        )),
        ["0.1", "2", "65500", "0.000061"]
    );
}

#[test]
fn binary_columns_are_texts_or_unusable_and_never_lists_of_numbers() {
    let values = [
        ByteArray::from("häuser"),
        ByteArray::from(vec![0xff, 0xfe, 0x00]),
    ];
    assert_eq!(
        shown(column::<ByteArrayType>("BYTE_ARRAY x", &values)),
        ["\"häuser\"", "[binary data that is no UTF-8 text]"]
    );
}

#[test]
fn decimals_are_numbers_and_dates_are_texts() {
    let decimals = column::<Int32Type>("INT32 x (DECIMAL (9, 2))", &[150, -5, 0]);
    assert_eq!(shown(decimals), ["1.5", "-0.05", "0"]);
    let whole = column::<Int64Type>("INT64 x (DECIMAL (18, 0))", &[1_000_000_000_000]);
    assert_eq!(shown(whole), ["1000000000000"]);
    let wide = ByteArray::from(vec![0x05, 0x6b, 0xc7, 0x5e, 0x2d, 0x63, 0x10, 0x00, 0x00]);
    let wide = column::<ByteArrayType>("BYTE_ARRAY x (DECIMAL (30, 0))", &[wide]);
    assert_eq!(shown(wide), ["100000000000000000000"]);
    let unsigned = column::<Int64Type>("INT64 x (UINT_64)", &[-1]);
    assert_eq!(shown(unsigned), ["18446744073709551615"]);
    assert_eq!(
        shown(column::<Int32Type>("INT32 x (DATE)", &[19_753])),
        ["\"2024-01-31\""]
    );
    let time = column::<Int64Type>("INT64 x (TIMESTAMP (NANOS, true))", &[1]);
    assert_eq!(
        shown(time),
        ["[a time in nanoseconds, which is not read (write it as text)]"]
    );
}

#[test]
fn a_compression_that_is_not_built_in_is_named() {
    for (compression, name) in [
        (Compression::UNCOMPRESSED, None),
        (Compression::SNAPPY, None),
        (Compression::GZIP(GzipLevel::default()), None),
        (Compression::ZSTD(ZstdLevel::default()), None),
        (Compression::LZ4_RAW, Some("LZ4")),
        (Compression::BROTLI(BrotliLevel::default()), Some("brotli")),
    ] {
        assert_eq!(unsupported(compression), name);
    }
}

#[test]
fn rows_become_objects_with_lists_and_groups() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
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
