use serde_json::json;

use super::*;
use crate::config::FilesConfig;
use crate::tasks::file_task::{FileTask, load_texts};
use crate::tasks::reasoning::told;
use crate::tasks::{Split, Task as _};

const SOLUTION: &str =
    "Anna sold 48/2 = <<48/2=24>>24 clips.\nIn all <<48+24=72>>72 clips.\n#### 72";

fn task(layout: Layout) -> FileTask<Gsm8k> {
    let line = |number: usize| {
        let question = format!("Anna sold clips to Bob. {number}?");
        json!({ "question": question, "answer": SOLUTION }).to_string() + "\n"
    };
    let text: String = (0..30).map(line).collect();
    load_texts(Gsm8k { layout }, FilesConfig::default(), &text, "")
        .expect("good lines")
        .0
}

fn refused(line: serde_json::Value) -> String {
    let task = load_texts(
        Gsm8k {
            layout: Layout::Compact,
        },
        FilesConfig::default(),
        &line.to_string(),
        "",
    );
    task.map(|_| ()).expect_err("refused").to_string()
}

#[test]
fn a_row_becomes_a_problem_with_its_level_and_answer() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    assert_eq!(task.levels(), 2..=2);
    assert_eq!(problem.level, 2);
    assert_eq!(problem.answer, "72");
    assert_eq!(task.demonstration(&problem, 5), SOLUTION);
    assert_eq!(
        task.path(&problem, SOLUTION).as_deref(),
        Some("48/2=24|48+24=72")
    );
}

#[test]
fn answers_are_compared_as_numbers() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    let correct = |completion: &str, finished| task.score(&problem, completion, finished).correct;
    for right in [
        "#### 72",
        "#### 72.0",
        "#### $72",
        "####72",
        "#### 7\n#### 72.",
        "#### 072",
    ] {
        assert!(correct(right, true), "{right}");
    }
    for wrong in [
        "72",
        "#### 73",
        "#### -72",
        "#### 72\n#### 7",
        "#### 7.2",
        "####",
        "#### .",
        "",
    ] {
        assert!(!correct(wrong, true), "{wrong}");
    }
    assert!(!correct("so\n#### 72", false));
    assert!(correct("#### 72\nmore", false));
    assert_eq!(
        task.answer(&problem, "#### 1,000.0").as_deref(),
        Some("1000")
    );
    assert_eq!(task.answer(&problem, "1000"), None);
}

#[test]
fn with_tags_the_answer_block_counts_and_the_format_is_rewarded() {
    let task = task(Layout::Tags);
    let problem = task.problem(Split::Train, 2, 0);
    let demonstration = task.demonstration(&problem, 0);
    assert!(
        demonstration.ends_with("</think><answer>72</answer>"),
        "{demonstration}"
    );
    assert!(!demonstration.contains('#'));
    assert_eq!(task.score(&problem, &demonstration, true).total, 1.1);
    assert_eq!(task.score(&problem, "<answer>72</answer>", true).total, 1.0);
    assert_eq!(
        task.score(&problem, "<think></think><answer>7</answer>", true)
            .total,
        0.1
    );
    assert_eq!(task.score(&problem, "#### 72", true).total, 0.0);
}

#[test]
fn a_path_with_a_wrong_calculation_is_none() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    let path = |completion: &str| task.path(&problem, completion);
    assert_eq!(
        path("<< 1 + 1 = 2 >> two <<2*.5=1>>\n#### 1").as_deref(),
        Some("1+1=2|2*.5=1")
    );
    assert_eq!(path("<<1+1=2>><<1+1=3>>\n#### 2"), None);
    assert_eq!(path("1+1=2"), None);
}

#[test]
fn other_names_are_the_same_in_question_and_solution() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    let renamed = task
        .perturb(&problem, "renamed", 3)
        .expect("there are names");
    assert_eq!((renamed.id, &renamed.answer), (problem.id, &problem.answer));
    let first = renamed.prompt.split(' ').next().expect("a name");
    assert!(!renamed.prompt.contains("Anna") && !renamed.prompt.contains("Bob"));
    let solution = task.demonstration(&renamed, 0);
    assert!(solution.starts_with(&format!("{first} sold")), "{solution}");
    assert!(task.score(&renamed, &solution, true).correct);
    assert_eq!(task.perturb(&problem, "renamed", 3), Some(renamed));
    let variants: std::collections::BTreeSet<_> = (0..20)
        .filter_map(|variant| task.perturb(&problem, "renamed", variant))
        .map(|problem| problem.prompt)
        .collect();
    assert!(variants.len() > 10);
}

#[test]
fn rewording_keeps_the_question_and_unknown_perturbations_do_not_apply() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    for variant in 0..6 {
        let reworded = task
            .perturb(&problem, "reworded", variant)
            .expect("it applies");
        assert!(reworded.prompt.contains(&problem.prompt) && reworded.prompt != problem.prompt);
        assert_eq!(reworded.id, problem.id);
    }
    assert_eq!(task.perturb(&problem, "shuffled", 0), None);
    let nameless = Problem {
        prompt: "How many?".into(),
        payload: json!({}),
        ..problem
    };
    assert_eq!(task.perturb(&nameless, "renamed", 0), None);
}

#[test]
fn every_character_of_perturbed_problems_is_in_the_vocabulary() {
    let task = task(Layout::Tags);
    let known: std::collections::BTreeSet<char> = task
        .vocabulary_sample()
        .iter()
        .flat_map(|text| text.chars())
        .collect();
    for index in 0..20 {
        let problem = task.problem(Split::Train, 2, index);
        for perturbation in task.perturbations() {
            let perturbed = task
                .perturb(&problem, perturbation.name, index)
                .expect("it applies");
            let text = perturbed.prompt.clone() + &task.demonstration(&perturbed, 0);
            assert!(
                text.chars().all(|character| known.contains(&character)),
                "{text}"
            );
        }
    }
}

#[test]
fn rows_without_question_or_answer_are_refused() {
    let message = refused(json!({ "question": "q", "anwser": "#### 1" }));
    assert!(message.starts_with("train.jsonl has no usable") || message.contains("`anwser`"));
    assert!(refused(json!({ "question": "q", "answer": "72" })).contains("no reference answer"));
    assert!(refused(json!({ "question": "q", "answer": "#### x" })).contains("no reference"));
    assert!(refused(json!({ "question": "q", "answer": 72 })).contains("`answer` is a number"));
    assert!(refused(json!({ "question": " ", "answer": "#### 1" })).contains("no question"));
}

#[test]
fn reasoning_is_judged_by_its_marked_calculations() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    for (completion, wanted) in [
        (SOLUTION, "48/2=24 (1) 48+24=72 (1)"),
        (
            "<<1+1=2>> <<2*3+4-1=9>> <<(1+2)*-3=-9>> <<5=5>>\n#### -9",
            "1+1=2 (1) 2*3+4-1=9 (3) (1+2)*-3=-9 (2) 5=5 (0)",
        ),
        ("<<1+1=3>>3 <<2+2=4>>\n#### 4", "✖ 1+1=3 NotEqual"),
        (
            "<<1+1=2>> <<2 * 3 = 7>> <<1+1=3>>",
            "1+1=2 ✖ 2*3=7 NotEqual",
        ),
        ("<<1+1=2>><<2+=>>", "1+1=2 ✖ 2+= Unreadable"),
        ("<<1+1=2>><<1,2+3=15>>", "1+1=2 ✖ 1,2+3=15 Unreadable"),
        ("<<what>>", "✖ what Unreadable"),
        ("<<1+1=3>>\n#### 72", "✖ 1+1=3 NotEqual"),
        ("1+1=3", "not judged"),
        ("#### 72", "not judged"),
        ("", "not judged"),
    ] {
        let reasoning = task.reasoning(&problem, completion, true);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
}

#[test]
fn true_calculations_say_nothing_of_an_answer_that_is_no_result_of_theirs() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    for (completion, finished, wanted) in [
        // The answer may be right, and what was calculated be about something else.
        ("<<1+1=2>>2\n#### 72", true, "not judged"),
        ("<<48/2=24>>24, so thrice that\n#### 72", true, "not judged"),
        ("<<48/2=24>>24\n#### -24", true, "not judged"),
        // Numbers are compared, not texts, and the result need not be the last.
        ("<<24/2=12.00>>12\n#### 12", true, "24/2=12.00 (1)"),
        (
            "<<1000+234=1,234>>\n#### $1,234.00",
            true,
            "1000+234=1,234 (1)",
        ),
        ("<<1.5/2=.75>>\n#### 3/4", true, "1.5/2=.75 (1)"),
        (
            "<<70+2=72>> <<72/72=1>>\n#### 72",
            true,
            "70+2=72 (1) 72/72=1 (1)",
        ),
        // Without an answer that can be read, the chain ends before one.
        ("<<48/2=24>>24", true, "48/2=24 ✖ ends"),
        ("<<48/2=24>>24\n#### 3 to 4", true, "48/2=24 ✖ ends"),
        // Cut off: the 7 may have been the beginning of 72.
        ("<<3+4=7>>7\n#### 7", false, "3+4=7 ✖ ends"),
        ("<<3+4=7>>7\n#### 7\n", false, "3+4=7 (1)"),
    ] {
        let reasoning = task.reasoning(&problem, completion, finished);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
    let task = self::task(Layout::Tags);
    for (answer, wanted) in [("24", "48/2=24 (1)"), ("72", "not judged")] {
        let completion = tags::wrap("<<48/2=24>>24", answer);
        let reasoning = task.reasoning(&problem, &completion, true);
        assert_eq!(told(&reasoning), wanted, "{answer}");
    }
}

#[test]
fn a_number_behind_the_marks_is_read_whole_or_refused() {
    for (written, answer) in [
        ("72", "72"),
        ("$1,234", "1234"),
        ("1,234.50", "1234.5"),
        ("72.", "72"),
        ("10 apples", "10"),
        ("10 apples for 3 children", "10"),
        ("-5", "-5"),
        ("−5", "-5"),
        ("25%", "25"),
        ("3/4", "0.75"),
        ("1e5", "100000"),
        ("1 000", "1000"),
        ("3 1/2", "3.5"),
        ("2 million", "2000000"),
    ] {
        let row = json!({ "question": "q", "answer": format!("So.\n#### {written}") });
        let read = Gsm8k {
            layout: Layout::Compact,
        }
        .read(&object(&row));
        assert_eq!(read.expect("a number").answer, answer, "{written}");
    }
    for written in [
        "3 to 4",
        "1,2",
        "5x",
        "3 and 4",
        "7-2",
        "10:30",
        "0x1F",
        "2 dozen",
        "5 and a half",
    ] {
        let message = refused(json!({ "question": "q", "answer": format!("So.\n#### {written}") }));
        assert!(
            message.starts_with(&format!(
                "train.jsonl:1: no reference answer: behind `####` stands `{written}`, which cannot"
            )),
            "{message}"
        );
    }
    // A heading marks no answer.
    for heading in ["#### Step 2", "#### 2. Add them", "##### 72"] {
        let message = refused(json!({ "question": "q", "answer": heading }));
        assert!(
            message.contains("must end with a line such as"),
            "{message}"
        );
    }
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 2, 0);
    let correct = |completion: &str| task.score(&problem, completion, true).correct;
    assert!(correct("#### Step 1\nso\n#### 72 clips\n#### Check it"));
    assert!(!correct("#### 72/2") && !correct("#### 72 or 73") && !correct("#### 72e1"));
    assert!(!correct("#### 72\n#### 3 to 4"));
}

#[test]
fn texts_are_kept_as_they_are() {
    let row = json!({ "question": " q \n", "answer": "\n So <<1+1=2>>2. \n#### 2 \n" });
    for (layout, shown) in [
        (Layout::Compact, "\n So <<1+1=2>>2. \n#### 2 \n"),
        (
            Layout::Tags,
            "<think>\n So <<1+1=2>>2. </think><answer>2</answer>",
        ),
    ] {
        let format = Gsm8k { layout };
        let record = format.read(&object(&row)).expect("a good row");
        assert_eq!(record.prompt, " q \n");
        let solution = record.solutions[0].clone();
        let problem = record.into_problem(Split::Train, 0);
        assert_eq!(format.demonstration(&problem, &solution, 0), shown);
    }
}

fn object(row: &serde_json::Value) -> Object {
    Object::from_json(&row.to_string())
        .expect("JSON")
        .expect("an object")
}
