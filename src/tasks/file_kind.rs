//! What a file is that is no JSON Lines, from its first bytes, and what to do with it.

/// A file that is not read, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The rest of a sentence that begins with the file.
    pub is: &'static str,
    pub help: &'static str,
}

const fn foreign(is: &'static str, help: &'static str) -> Option<Foreign> {
    Some(Foreign { is, help })
}

/// First bytes that tell what a file is.
const SIGNATURES: [(&[u8], Foreign); 12] = [
    (
        b"version https://git-lfs.github.com/",
        Foreign {
            is: "is a Git LFS pointer: the place of the data, not the data",
            help: "fetch the data with `git lfs pull`, or download the file itself",
        },
    ),
    (
        b"\x1f\x8b",
        Foreign {
            is: "is compressed with gzip",
            help: "unpack it first, for example with `gunzip`",
        },
    ),
    (
        b"PK\x03\x04",
        Foreign {
            is: "is a ZIP archive",
            help: "unpack it and name the data file in it",
        },
    ),
    (
        b"\x28\xb5\x2f\xfd",
        Foreign {
            is: "is compressed with zstd",
            help: "unpack it first, for example with `unzstd`",
        },
    ),
    (
        b"\xfd7zXZ",
        Foreign {
            is: "is compressed with xz",
            help: "unpack it first, for example with `unxz`",
        },
    ),
    (
        b"BZh",
        Foreign {
            is: "is compressed with bzip2",
            help: "unpack it first, for example with `bunzip2`",
        },
    ),
    (
        b"ARROW1",
        Foreign {
            is: "is an Arrow file",
            help: "save it as parquet or JSON Lines, for example with `Dataset.to_json` of Hugging Face datasets",
        },
    ),
    (
        b"\xff\xff\xff\xff",
        Foreign {
            is: "is an Arrow stream",
            help: "save it as parquet or JSON Lines, for example with `Dataset.to_json` of Hugging Face datasets",
        },
    ),
    (
        b"SQLite format 3",
        Foreign {
            is: "is an SQLite database",
            help: "export the rows as JSON Lines",
        },
    ),
    (
        b"%PDF",
        Foreign {
            is: "is a PDF document",
            help: "name a file of JSON Lines or parquet",
        },
    ),
    (
        b"\xff\xfe",
        Foreign {
            is: "is written in UTF-16",
            help: "save it as UTF-8",
        },
    ),
    (
        b"\xfe\xff",
        Foreign {
            is: "is written in UTF-16",
            help: "save it as UTF-8",
        },
    ),
];

/// What a file is that cannot be JSON Lines or parquet; `None` for what may be.
pub fn foreign_kind(file: &str, bytes: &[u8]) -> Option<Foreign> {
    if bytes.starts_with(b"PAR1") {
        return None;
    }
    let signed = SIGNATURES
        .iter()
        .find(|(first, _)| bytes.starts_with(first));
    if let Some((_, kind)) = signed {
        return Some(*kind);
    }
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    match text.first()? {
        b'[' => json_list(text),
        b'{' => json_over_several_lines(text),
        b'<' => foreign(
            "is a page of HTML or XML",
            "perhaps the download needs a login: fetch the data file itself",
        ),
        _ => table(file, text),
    }
}

/// One list of all rows, which is JSON but not JSON Lines.
fn json_list(text: &[u8]) -> Option<Foreign> {
    let first = text[1..].trim_ascii_start().first();
    if !matches!(first, None | Some(b'{' | b']')) {
        return None;
    }
    foreign(
        "is one JSON list, not JSON Lines",
        "write one object a line, for example with `jq -c '.[]' in.json > out.jsonl`",
    )
}

/// One object that spreads over several lines: indented JSON.
fn json_over_several_lines(text: &[u8]) -> Option<Foreign> {
    let first_line = text.split(|byte| *byte == b'\n').next()?.trim_ascii();
    if first_line != b"{" {
        return None;
    }
    foreign(
        "holds JSON with line breaks inside its objects, not JSON Lines",
        "write one object a line, for example with `jq -c . in.json > out.jsonl`",
    )
}

/// Values separated by commas or tabs: by the file's name, or because the first line is a header.
fn table(file: &str, text: &[u8]) -> Option<Foreign> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let name = file.to_lowercase();
    let named = name.ends_with(".csv") || name.ends_with(".tsv");
    let header = |separator| {
        let names = |part: &str| {
            let part = part.trim().trim_matches('"');
            let allowed =
                |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-' | ' ' | '.');
            !part.is_empty() && part.chars().all(allowed)
        };
        line.contains(separator) && line.split(separator).all(names)
    };
    if !named && !header(',') && !header('\t') && !header(';') {
        return None;
    }
    foreign(
        "is a table of separated values (CSV), not JSON Lines",
        "write one object a line, for example with pandas: \
         `read_csv(…).to_json(…, orient=\"records\", lines=True)`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(file: &str, bytes: &[u8]) -> &'static str {
        foreign_kind(file, bytes).map_or("", |kind| kind.is)
    }

    #[test]
    fn other_files_are_known_by_their_first_bytes() {
        for (bytes, kind) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n"[..],
                "is a Git LFS pointer: the place of the data, not the data",
            ),
            (b"\x1f\x8b\x08\0", "is compressed with gzip"),
            (b"PK\x03\x04", "is a ZIP archive"),
            (b"\x28\xb5\x2f\xfd", "is compressed with zstd"),
            (b"BZh91AY", "is compressed with bzip2"),
            (b"ARROW1\0\0", "is an Arrow file"),
            (b"\xff\xfe{\0}\0", "is written in UTF-16"),
            (b"  <!DOCTYPE html>", "is a page of HTML or XML"),
            (b"[\n  {\"a\": 1}\n]", "is one JSON list, not JSON Lines"),
            (
                b"\xef\xbb\xbf[{\"a\": 1}]",
                "is one JSON list, not JSON Lines",
            ),
            (
                b"{\n  \"a\": 1\n}\n",
                "holds JSON with line breaks inside its objects, not JSON Lines",
            ),
            (
                b"prompt,completion\nWhat?,#### 1\n",
                "is a table of separated values (CSV), not JSON Lines",
            ),
            (
                b"\"prompt\"\t\"completion\"\nx\ty\n",
                "is a table of separated values (CSV), not JSON Lines",
            ),
        ] {
            assert_eq!(is("data", bytes), kind);
        }
        assert_eq!(
            is("a.CSV", b"What is it\n"),
            "is a table of separated values (CSV), not JSON Lines"
        );
    }

    #[test]
    fn what_may_be_json_lines_is_left_to_be_read() {
        for bytes in [
            &b"{\"a\": 1}\n"[..],
            b"",
            b"\n\n{\"a\": 1}",
            b"[1]\n{\"a\": 1}",
            b"x\n",
            b"7",
            b"PAR1",
        ] {
            assert_eq!(foreign_kind("a.jsonl", bytes), None, "{bytes:?}");
        }
    }
}
