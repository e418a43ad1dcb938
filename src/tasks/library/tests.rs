use std::{fmt, io};

use super::*;
use crate::config::BadLines;
use crate::tasks::reading::text;

/// Rows `{"q": …, "a": …}`, the level being the question's first digit if it has one.
fn read(row: &Object) -> Result<Record, BadRow> {
    let question = text(row, "q")?;
    let level = question
        .chars()
        .find_map(|character| character.to_digit(10))
        .unwrap_or(1);
    Ok(Record {
        id: content_id(question),
        level,
        prompt: question.to_owned(),
        answer: text(row, "a")?.to_owned(),
        solutions: vec![text(row, "a")?.to_owned()],
        payload: Value::Null,
    })
}

fn line(question: impl fmt::Display) -> String {
    format!("{{\"q\": \"{question}\", \"a\": \"yes\"}}\n")
}

fn many(questions: std::ops::Range<u32>) -> String {
    questions
        .map(|number| line(format_args!("question {number}")))
        .collect()
}

fn gather(
    train: &str,
    test: Option<&str>,
    bad_lines: BadLines,
) -> Result<(Library, Vec<Notice>), TaskError> {
    let files = FilesConfig {
        train: vec!["train".into()],
        test: test.iter().map(|_| "test".into()).collect(),
        bad_lines,
        ..FilesConfig::default()
    };
    let loader = |file: &str| match file {
        "train" => Ok(train.as_bytes().to_vec()),
        "test" => Ok(test.unwrap_or_default().as_bytes().to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    Library::gather(&files, &loader, &read)
}

fn ids(library: &Library, split: Split) -> BTreeSet<u64> {
    library.problems(split).map(|problem| problem.id).collect()
}

fn error(train: &str, test: Option<&str>, bad_lines: BadLines) -> String {
    gather(train, test, bad_lines)
        .map(|_| ())
        .expect_err("refused")
        .to_string()
}

#[test]
fn without_test_files_a_tenth_each_is_for_exams_and_tests() {
    let (library, notices) = gather(&many(0..2000), None, BadLines::Refuse).expect("good lines");
    assert_eq!(notices, []);
    let sets = Split::ALL.map(|split| ids(&library, split));
    assert_eq!(sets.iter().map(BTreeSet::len).sum::<usize>(), 2000);
    for (split, set) in Split::ALL.into_iter().zip(&sets) {
        assert!(set.iter().all(|id| Split::of(*id) == split));
    }
    assert!((150..250).contains(&sets[1].len()) && (150..250).contains(&sets[2].len()));
}

#[test]
fn with_test_files_the_test_set_is_theirs_and_training_has_none_of_it() {
    let (library, notices) =
        gather(&many(0..1000), Some(&many(900..1200)), BadLines::Refuse).expect("good lines");
    assert_eq!(
        notices,
        [Notice::AlsoInTest {
            file: "train".into(),
            lines: 100
        }]
    );
    let [train, exam, test] = Split::ALL.map(|split| ids(&library, split));
    assert_eq!((train.len() + exam.len(), test.len()), (900, 300));
    assert!(train.is_disjoint(&test) && exam.is_disjoint(&test) && train.is_disjoint(&exam));
    assert!(train.iter().any(|id| Split::of(*id) == Split::Test));
}

#[test]
fn repeated_questions_are_one_problem_whatever_their_spaces_and_case() {
    let mut text = many(0..50);
    text.push_str(&line("  Question   7 "));
    text.push_str("{\"q\": \"question 8\", \"a\": \"no\"}\n");
    let (library, notices) = gather(&text, None, BadLines::Refuse).expect("good lines");
    let duplicates = Notice::Duplicates {
        file: "train".into(),
        lines: 1,
    };
    let contradicting = Notice::Contradicting {
        file: "train".into(),
        lines: 1,
        line: 52,
        answer: "no".into(),
        earlier: "yes".into(),
    };
    assert_eq!(notices, [contradicting, duplicates]);
    let all: Vec<_> = Split::ALL
        .into_iter()
        .flat_map(|split| ids(&library, split))
        .collect();
    assert_eq!(all.len(), 50);
}

#[test]
fn levels_are_contiguous_and_an_empty_one_answers_with_the_nearest() {
    let text: String = (0..60)
        .map(|n| line(format_args!("{} {n}", [2, 5][n % 2])))
        .collect();
    let (library, _) = gather(&text, None, BadLines::Refuse).expect("good lines");
    assert_eq!(library.levels(), 2..=5);
    assert_eq!(library.len(Split::Train, 3), 0);
    assert_eq!(library.problem(Split::Train, 3, 0).level, 2);
    assert_eq!(library.problem(Split::Train, 4, 0).level, 5);
    assert_eq!(library.problem(Split::Train, 99, 0).level, 5);
    let count = library.len(Split::Train, 2);
    assert!(count > 1);
    assert_eq!(
        library.problem(Split::Train, 2, count),
        library.problem(Split::Train, 2, 0)
    );
    for index in 0..count {
        assert_eq!(library.problem(Split::Train, 2, index).index, index);
    }
}

#[test]
fn a_handful_of_problems_still_fills_every_split() {
    for count in 3..12 {
        let (library, notices) = gather(&many(0..count), None, BadLines::Refuse).expect("enough");
        let sets = Split::ALL.map(|split| ids(&library, split));
        assert!(sets.iter().all(|set| !set.is_empty()), "{count}");
        assert_eq!(
            sets.iter().flatten().collect::<BTreeSet<_>>().len(),
            count as usize
        );
        // Those that did not have to move are where their content says.
        let moved = Split::ALL
            .into_iter()
            .zip(&sets)
            .flat_map(|(split, set)| set.iter().filter(move |id| Split::of(**id) != split));
        assert_eq!(moved.count(), notices.len(), "{count}");
    }
    let message = error(&many(0..2), None, BadLines::Refuse);
    assert_eq!(
        message,
        "train hold 2 usable problems: training, exams and tests need one each"
    );
    assert!(error(&many(0..5), Some(&many(0..5)), BadLines::Refuse).contains("hold 0 usable"));
}

#[test]
fn the_order_of_lines_does_not_move_problems() {
    for count in [4, 100] {
        let lines: Vec<_> = (0..count).map(line).collect();
        let forward = gather(&lines.concat(), None, BadLines::Refuse)
            .expect("good lines")
            .0;
        let reversed: String = lines.iter().rev().map(String::as_str).collect();
        let backward = gather(&reversed, None, BadLines::Refuse)
            .expect("good lines")
            .0;
        for split in Split::ALL {
            assert_eq!(ids(&forward, split), ids(&backward, split));
        }
        // Positions did change, where a level has more than one problem.
        assert_eq!(forward.fingerprint() == backward.fingerprint(), count == 4);
    }
}

#[test]
fn a_bad_line_is_refused_by_place_and_reason() {
    let text = format!("{}{{\"Q\": \"x\", \"a\": \"y\"}}\n", many(0..30));
    assert_eq!(
        error(&text, None, BadLines::Refuse),
        "train:31: no key `q`; the nearest is `Q` (correct the line, or leave out all such \
         lines with task.files.bad_lines = \"skip\")"
    );
}

#[test]
fn skipped_lines_are_counted_and_the_first_reasons_told() {
    let text = format!("{}x\n[]\n{{}}\n{{\"q\": 1}}\n", many(0..30));
    let (library, notices) = gather(&text, None, BadLines::Skip).expect("skipped");
    let total: u64 = Split::ALL
        .into_iter()
        .map(|split| library.problems(split).count() as u64)
        .sum();
    assert_eq!(total, 30);
    let [
        Notice::Skipped {
            file,
            lines: 4,
            first,
        },
    ] = &notices[..]
    else {
        panic!("{notices:?}")
    };
    assert_eq!(file, "train");
    assert_eq!(first.len(), 3);
    assert!(first[0].starts_with("line 31: not valid JSON"), "{first:?}");
    assert!(
        notices[0]
            .to_string()
            .starts_with("train: 4 lines left out that cannot be used; line 31:")
    );
}

#[test]
fn empty_useless_and_missing_files_are_refused_in_either_mode() {
    for mode in [BadLines::Refuse, BadLines::Skip] {
        assert!(error("", None, mode).starts_with("train is empty: check"));
        assert!(error("\n \n", None, mode).starts_with("train is empty: check"));
        assert!(error(&many(0..9), Some("\n"), mode).starts_with("test is empty: check"));
    }
    let useless = error("{}\n{}\n", None, BadLines::Skip);
    assert!(useless.starts_with("train has no usable line, beginning with line 1: no key `q`"));

    let missing = FilesConfig {
        train: vec!["other".into()],
        ..FilesConfig::default()
    };
    let loader = |_: &str| Err(io::ErrorKind::NotFound.into());
    let message = Library::gather(&missing, &loader, &read)
        .expect_err("missing")
        .to_string();
    assert!(
        message.starts_with("other cannot be opened (entity not found)"),
        "{message}"
    );
    let none = Library::gather(&FilesConfig::default(), &loader, &read).expect_err("none");
    assert!(
        none.to_string().starts_with("task.files.train = []"),
        "{none}"
    );
}

#[test]
fn fingerprints_follow_the_contents() {
    let fingerprint = |text: &str| {
        let library = gather(text, None, BadLines::Refuse).expect("good lines").0;
        (library.fingerprint(), library.files().to_vec())
    };
    let (problems, files) = fingerprint(&many(0..20));
    // The files' own bytes differ by an empty line, the problems do not.
    let (same_problems, other_files) = fingerprint(&format!("\n{}", many(0..20)));
    assert_eq!(problems, same_problems);
    assert_ne!(files, other_files);
    assert_eq!(files[0].1.len(), 64);
    assert_ne!(
        problems,
        fingerprint(&many(0..20).replacen("yes", "no", 1)).0
    );
}
