use super::*;

fn reasons(bytes: &[u8]) -> Vec<(u64, String)> {
    lines(bytes)
        .into_iter()
        .filter_map(|(line, row)| row.err().map(|reason| (line, reason.to_string())))
        .collect()
}

#[test]
fn marks_line_ends_and_empty_lines_do_not_matter() {
    let rows = lines(b"\xef\xbb\xbf{\"a\":1}\r\n\r\n  \n{\"a\":2}\r\n");
    let numbers: Vec<_> = rows
        .iter()
        .map(|(line, row)| (*line, row.is_ok()))
        .collect();
    assert_eq!(numbers, [(1, true), (4, true)]);
    assert!(lines(b"").is_empty());
    assert!(lines(b"\xef\xbb\xbf\n\n").is_empty());
}

#[test]
fn bad_lines_are_named_and_do_not_hide_the_others() {
    let bytes = b"{\"a\":1\n{\"a\":\"\xff\"}\n[1]\n{\"a\":1} x\n{\"a\":2}\n7";
    let found = reasons(bytes);
    assert_eq!(
        found.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [1, 2, 3, 4, 6]
    );
    assert_eq!(
        found[0].1,
        "not valid JSON at column 6: EOF while parsing an object"
    );
    assert_eq!(
        found[1].1,
        "byte 7 of the line is not valid UTF-8: save the file as UTF-8"
    );
    assert!(
        found[2].1.starts_with("a list where an object is expected"),
        "{}",
        found[2].1
    );
    assert_eq!(
        found[3].1,
        "not valid JSON at column 9: trailing characters"
    );
    assert!(found[4].1.starts_with("a number where"), "{}", found[4].1);
}

#[test]
fn json_nested_too_deeply_is_refused() {
    let deep = "[".repeat(100_000);
    assert!(reasons(deep.as_bytes())[0].1.contains("recursion limit"));
}

#[test]
fn other_encodings_are_refused_as_a_whole() {
    let error = rows("a.jsonl", b"\xff\xfe{\0}\0").expect_err("UTF-16 is not read");
    assert_eq!(
        error.to_string(),
        "a.jsonl is written in UTF-16: save it as UTF-8"
    );
    let error = rows("a.parquet", b"version https://git-lfs.github.com/spec/v1\n");
    let message = error.expect_err("a pointer").to_string();
    assert!(
        message.starts_with("a.parquet is a Git LFS pointer: the place"),
        "{message}"
    );
    assert!(message.contains("git lfs pull"), "{message}");
}

fn sample() -> Object {
    let value = serde_json::json!({
        "Question": "q", "answer": 5, "names": ["a", 7], "flags": [true, "x"], "empty": null,
    });
    match Value::from(value) {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_key_names_the_nearest() {
    let reason = |key: &str| value(&sample(), key).expect_err("not there").to_string();
    assert_eq!(
        reason("question"),
        "no key `question`; the nearest is `Question`"
    );
    assert_eq!(reason("anwser"), "no key `anwser`; the nearest is `answer`");
    assert_eq!(
        reason("zzz"),
        "no key `zzz`; the line has `Question`, `answer`, `names`, `flags`, `empty`"
    );
    let empty = value(&Object::default(), "a")
        .expect_err("not there")
        .to_string();
    assert_eq!(empty, "no key `a`; the object is empty");
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    let object = sample();
    let reason = |error: Option<BadRow>| error.map(|reason| reason.to_string());
    assert_eq!(
        reason(text(&object, "answer").err()).as_deref(),
        Some("`answer` is a number, expected a text")
    );
    assert_eq!(
        reason(text(&object, "empty").err()).as_deref(),
        Some("`empty` is null, expected a text")
    );
    assert_eq!(
        reason(texts(&object, "names").err()).as_deref(),
        Some("`names[1]` is a number, expected a text")
    );
    assert_eq!(
        reason(flags(&object, "flags").err()).as_deref(),
        Some("`flags[1]` is a text, expected true or false")
    );
    assert_eq!(
        reason(list(&object, "answer").err()).as_deref(),
        Some("`answer` is a number, expected a list")
    );
}
