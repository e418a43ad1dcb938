//! What a file says is kept: numbers, marks, white space, every solution.

use super::*;

#[test]
fn numbers_under_the_answer_key_are_read_exactly() {
    for (written, answer, shown) in [
        (
            "100000000000000000000",
            "100000000000000000000",
            "Work.\n#### 100000000000000000000",
        ),
        (
            "1e20",
            "100000000000000000000",
            "Work.\n#### 100000000000000000000",
        ),
        ("1e-7", "0.0000001", "Work.\n#### 0.0000001"),
        ("1E5", "100000", "Work.\n#### 100000"),
        (
            "12345678901234567890123",
            "12345678901234567890123",
            "Work.\n#### 12345678901234567890123",
        ),
        (r#""\\frac{3}{4}""#, "0.75", "Work.\n#### 0.75"),
        (r#""1 234""#, "1234", "Work.\n#### 1234"),
    ] {
        let text: String = (0..30)
            .map(|n| {
                format!(
                    "{{\"prompt\": \"{n}\", \"completion\": \"Work.\", \"answer\": {written}}}\n"
                )
            })
            .collect();
        let files = files(Verifier::Number, "answer");
        let format = Jsonl::new(Layout::Compact, &files);
        let (task, _) = load_texts(format, files, &text, "").expect("good rows");
        let problem = task.problem(Split::Train, 1, 0);
        assert_eq!(problem.answer, answer, "{written}");
        assert_eq!(task.demonstration(&problem, 0), shown, "{written}");
    }
}

#[test]
fn verifiers_of_texts_have_numbers_as_the_file_writes_them() {
    for (verifier, written, completion) in [
        (Verifier::Exact, "4.0", "#### 4.0"),
        (Verifier::Exact, "1e3", "#### 1e3"),
        (Verifier::Exact, "4", "#### 4"),
        (Verifier::Boxed, "0.50", "\\\\boxed{0.50}"),
        (Verifier::Regex, "1.50", "#### 1.50"),
    ] {
        let line = |n: usize| {
            format!(
                "{{\"prompt\": \"{n}\", \"completion\": \"{completion}\", \"answer\": {written}}}\n"
            )
        };
        let text: String = (0..30).map(line).collect();
        let files = files(verifier, "answer");
        let format = Jsonl::new(Layout::Compact, &files);
        let (task, _) = load_texts(format, files, &text, "").expect("good rows");
        let problem = task.problem(Split::Train, 1, 0);
        assert_eq!(problem.answer, written, "{verifier:?}");
    }
    // Without an answer of its own a completion gets it so, too.
    let row = |n: usize| json!({ "prompt": n.to_string(), "completion": "I add.", "answer": 4.0 });
    let (_, demonstration) = first(Layout::Compact, files(Verifier::Exact, "answer"), row);
    assert_eq!(demonstration, "I add.\n#### 4.0");
}

#[test]
fn the_marker_belongs_to_the_verifier() {
    let completion = "#### Step 1\nAdd.\n#### Step 2\nSo it is \\boxed{14}.";
    let row = |n: usize| json!({ "prompt": n.to_string(), "completion": completion });
    for verifier in [Verifier::Boxed, Verifier::Number, Verifier::Exact] {
        let (problem, demonstration) = first(Layout::Compact, files(verifier, ""), row);
        assert_eq!(problem.answer, "14", "{verifier:?}");
        assert_eq!(demonstration, completion, "{verifier:?}");
    }
}

#[test]
fn texts_are_kept_as_they_are() {
    let row = |n: usize| json!({ "prompt": format!(" What is {n}?\nAnswer:\n"), "completion": " yes 1 \n", "answer": 1 });
    let (problem, demonstration) = first(Layout::Compact, files(Verifier::Number, "answer"), row);
    assert!(problem.prompt.starts_with(" What") && problem.prompt.ends_with(":\n"));
    assert_eq!(demonstration, " yes 1 \n");
    // What has to be added stands on a line of its own.
    let row =
        |n: usize| json!({ "prompt": n.to_string(), "completion": " I add. \n", "answer": 4 });
    let (_, demonstration) = first(Layout::Compact, files(Verifier::Number, "answer"), row);
    assert_eq!(demonstration, " I add. \n#### 4");
}

/// Seven questions with four solutions each.
fn many_solutions() -> String {
    let row = |n: usize| {
        let (prompt, answer) = (format!("What is {}+1?", n % 7), n % 7 + 1);
        json!({ "prompt": prompt, "completion": format!("Way {n}.\n#### {answer}") }).to_string()
            + "\n"
    };
    (0..28).map(row).collect()
}

#[test]
fn several_solutions_of_a_prompt_are_one_problem_and_all_are_shown() {
    let files = files(Verifier::Exact, "");
    let format = Jsonl::new(Layout::Compact, &files);
    let (task, notices) = load_texts(format, files, &many_solutions(), "").expect("good rows");
    let problems = Split::ALL.map(|split| task.library().problems(split).count());
    assert_eq!(problems.iter().sum::<usize>(), 7);
    let several = Notice::Several {
        problems: problems[0] as u64,
        solutions: 4 * problems[0] as u64,
    };
    assert!(notices.contains(&several), "{notices:?}");
    let left_out = |notice: &Notice| notice.to_string().contains("left out");
    assert!(!notices.iter().any(left_out), "{notices:?}");

    // Every place of the demonstrations shows another solution, whatever the order.
    let places = task.demonstrations(1).expect("files run dry");
    assert_eq!(places, 4 * problems[0] as u64);
    for order in [0, 3] {
        let shown: std::collections::BTreeSet<String> = (0..places)
            .map(|index| {
                let problem = task.problem(Split::Train, 1, index);
                let shown = task.demonstration(&problem, task.variant(1, index, order));
                assert!(task.score(&problem, &shown, true).correct, "{shown}");
                shown
            })
            .collect();
        assert_eq!(shown.len() as u64, places);
    }
    let first = task.problem(Split::Train, 1, 0);
    assert_eq!(task.solutions(&first), 4);
    assert_eq!(task.variant(1, 0, 0), 0);
}

#[test]
fn repeated_and_contradicting_lines_are_counted_and_said() {
    let mut text = many_solutions();
    let line = |prompt: &str, completion: &str| {
        json!({ "prompt": prompt, "completion": completion }).to_string() + "\n"
    };
    // The same prompt (but for white space and case) and completion, and another answer, twice.
    text += &line("What is 0+1?", "Way 0.\n#### 1");
    text += &line("what is  0+1?", "Way 7.\n#### 1");
    text += &line("What is 0+1?", "Way 99.\n#### 2");
    text += &line("What is 1+1?", "Way 99.\n#### 7");
    let files = files(Verifier::Exact, "");
    let format = Jsonl::new(Layout::Compact, &files);
    let (task, notices) = load_texts(format, files, &text, "").expect("good rows");
    let told: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        told[..2],
        [
            "train.jsonl: 2 lines left out: an earlier line has the same prompt and another answer \
             (the first is line 31 with \"2\"; \"1\" is kept)",
            "train.jsonl: 2 lines left out whose prompt and completion an earlier line has too",
        ]
    );
    let all = Split::ALL
        .into_iter()
        .flat_map(|split| task.library().problems(split));
    assert!(
        all.map(|problem| task.solutions(problem))
            .all(|count| count == 4)
    );
}
