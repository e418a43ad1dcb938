use super::*;
use crate::config::ArithmeticConfig;
use crate::tasks::checks;
use crate::tasks::reasoning::told;

fn config(operators: &str, max_operand: u32, parentheses: f64, layout: Layout) -> TaskConfig {
    TaskConfig {
        arithmetic: ArithmeticConfig {
            operators: operators.into(),
            max_operand,
            parentheses,
        },
        layout,
        ..TaskConfig::default()
    }
}

fn task(operators: &str, max_operand: u32, parentheses: f64, layout: Layout) -> Arithmetic {
    Arithmetic::new(&config(operators, max_operand, parentheses, layout))
        .unwrap_or_else(|error| panic!("{operators} {max_operand} {parentheses}: {error}"))
}

/// Both layouts, with several sets of operators, operand sizes and shares of parentheses.
fn all() -> Vec<(Arithmetic, f32)> {
    let mut tasks = Vec::new();
    for (layout, full) in [(Layout::Compact, 1.0), (Layout::Tags, 1.1)] {
        for (operators, max_operand, parentheses) in [
            ("+", 20, 0.0),
            ("-", 9, 0.3),
            ("*", 9, 0.3),
            ("+-", 9, 0.0),
            ("+-", 999, 1.0),
            ("+*", 20, 0.0),
            ("+-*", 9, 0.0),
            ("+-*", 20, 0.5),
        ] {
            tasks.push((task(operators, max_operand, parentheses, layout), full));
        }
    }
    tasks
}

fn asked(prompt: &str) -> Problem {
    let value = Expression::parse(prompt).and_then(|expression| expression.value()?.as_integer());
    Problem {
        id: 7,
        split: Split::Train,
        level: 3,
        index: 0,
        prompt: prompt.into(),
        answer: value.expect("a whole value").to_string(),
        payload: serde_json::Value::Null,
    }
}

#[test]
fn problems_are_deterministic() {
    for (made, _) in all() {
        checks::problems_are_deterministic(&made, &made.clone());
    }
}

#[test]
fn the_level_is_the_number_of_operations() {
    for (made, _) in all() {
        for problem in checks::problems(&made, 3) {
            let operations = problem
                .prompt
                .chars()
                .filter(|sign| "+-*".contains(*sign))
                .count();
            assert_eq!(operations, problem.level as usize, "{}", problem.prompt);
        }
    }
    assert_eq!(task("+-", 9, 0.0, Layout::Compact).levels(), 1..=12);
}

#[test]
fn operands_and_operators_stay_within_the_configuration() {
    for problem in checks::problems(&task("+*", 20, 0.0, Layout::Compact), 50) {
        assert!(!problem.prompt.contains(['-', '(']), "{}", problem.prompt);
        let numbers = Expression::parse(&problem.prompt)
            .expect("an expression")
            .numbers();
        assert!(
            numbers.iter().all(|number| (0..=20).contains(number)),
            "{}",
            problem.prompt
        );
    }
    let nested = checks::problems(&task("+-", 9, 0.5, Layout::Compact), 20);
    assert!(
        nested
            .iter()
            .filter(|problem| problem.prompt.contains('('))
            .count()
            > nested.len() / 2
    );
}

#[test]
fn splits_share_nothing_across_seeds_and_levels() {
    let seeded = |seed| {
        Arithmetic::new(&TaskConfig {
            seed,
            ..config("+-", 9, 0.0, Layout::Compact)
        })
        .expect("the defaults work")
    };
    // A chain's meaning is which terms it adds and which it subtracts.
    checks::splits_share_nothing(&[&seeded(0), &seeded(1), &seeded(2)], |problem| {
        let signed = problem.prompt.replace('-', "+-");
        let mut terms: Vec<&str> = signed.split('+').collect();
        terms.sort_unstable();
        terms.join(" ").replace("-0", "0")
    });
}

#[test]
fn demonstrations_of_every_order_earn_full_reward() {
    for (made, full) in all() {
        checks::demonstrations_earn_full_reward(&made, full);
    }
}

#[test]
fn a_changed_answer_earns_none() {
    for (made, full) in all() {
        checks::wrong_answers_earn_less(&made, full, |problem, shown| {
            let other: i64 = problem.answer.parse::<i64>().expect("a whole number") + 1;
            match made.layout {
                Layout::Compact => {
                    let (before, _) = shown.rsplit_once('=').expect("an answer");
                    format!("{before}={other}")
                }
                Layout::Tags => shown.replace(
                    &format!("<answer>{}<", problem.answer),
                    &format!("<answer>{other}<"),
                ),
            }
        });
    }
}

#[test]
fn orders_give_different_paths() {
    for layout in [Layout::Compact, Layout::Tags] {
        let (texts, paths) = checks::variety(&task("+-", 9, 0.0, layout), 3);
        // A chain of three operations has six orders.
        assert!(paths > 3.5, "{paths} of {texts}");
        assert!(
            (texts - paths).abs() < 1e-9,
            "a path is a reduction, which is the text"
        );
    }
}

#[test]
fn perturbed_problems_keep_their_meaning() {
    for (made, full) in all() {
        let applied = checks::perturbed_problems_keep_their_meaning(&made, full);
        assert_eq!(applied.len(), 2, "{applied:?}");
    }
    let made = task("+-*", 9, 0.4, Layout::Compact);
    for problem in checks::problems(&made, 3) {
        for name in ["commuted", "spaced"] {
            let Some(changed) = made.perturb(&problem, name, 3) else {
                continue;
            };
            let canonical = |prompt: &str| Expression::parse(prompt).map(|read| read.canonical());
            assert_eq!(canonical(&changed.prompt), canonical(&problem.prompt));
        }
    }
}

#[test]
fn the_vocabulary_sample_is_complete() {
    for (made, _) in all() {
        checks::the_vocabulary_sample_is_complete(&made);
    }
}

#[test]
fn broken_completions_do_no_harm() {
    for made in [
        task("+-*", 99, 0.4, Layout::Compact),
        task("+-*", 9, 0.4, Layout::Tags),
    ] {
        checks::broken_completions_do_no_harm(&made);
    }
}

#[test]
fn the_published_example_reads_as_it_is_written() {
    let made = task("+-", 9, 0.0, Layout::Compact);
    let problem = asked("3+4-9+2");
    assert_eq!(made.demonstration(&problem, 0), "=7-9+2=-2+2=0");
    assert_eq!(
        made.path(&problem, "=7-9+2=-2+2=0"),
        Some("7-9+2|-2+2|0".into())
    );
    assert_eq!(
        made.path(&problem, "=3-5+2=3-3=0"),
        Some("3-5+2|3-3|0".into())
    );
    let tagged = task("+-", 9, 0.0, Layout::Tags);
    assert_eq!(
        tagged.demonstration(&problem, 0),
        "<think>7-9+2=-2+2=0</think><answer>0</answer>"
    );
    let repeated = "<think>3 + 4 - 9 + 2 = 7-9+2 = -2+2 = 0</think><answer>0</answer>";
    assert_eq!(tagged.path(&problem, repeated), Some("7-9+2|-2+2|0".into()));
}

#[test]
fn lines_that_are_alike_have_one_path() {
    let made = task("+-*", 9, 0.3, Layout::Compact);
    for alike in ["=2+5=7", "=2-(-5)=7", "=2-(4-9)=2+5=5+2=7"] {
        let path = made.path(&asked("2-(4-9)"), alike).expect("it holds");
        assert!(path.starts_with("2+5|") && path.ends_with("|7"), "{path}");
    }
}

#[test]
fn what_follows_the_last_equals_sign_is_the_answer() {
    let made = task("+-", 9, 0.0, Layout::Compact);
    let problem = asked("3+4-9+2");
    assert_eq!(made.score(&problem, "=7-9+2=-2+2=0", true).total, 1.0);
    assert_eq!(made.score(&problem, "=5=0", true).total, 1.0);
    for wrong in ["=7-9+2=-2+2=", "=0=1", "0", "", "=0-0"] {
        assert_eq!(made.score(&problem, wrong, true).total, 0.0, "{wrong}");
    }
    let tagged = task("+-", 9, 0.0, Layout::Tags);
    let total = |text: &str| tagged.score(&problem, text, true).total;
    assert_eq!(total("<answer>0</answer>"), 1.0);
    assert_eq!(total("<think></think><answer>1</answer>"), 0.1);
    assert_eq!(total("0"), 0.0);
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let error = |operators: &str, max_operand, parentheses| {
        Arithmetic::new(&config(
            operators,
            max_operand,
            parentheses,
            Layout::Compact,
        ))
        .expect_err("this cannot work")
        .to_string()
    };
    assert!(error("+/", 9, 0.0).contains("task.arithmetic.operators = \"+/\""));
    assert!(error("", 9, 0.0).contains("task.arithmetic.operators"));
    assert!(error("+", 0, 0.0).contains("task.arithmetic.max_operand = 0"));
    assert!(error("+", 1000, 0.0).contains("1 to 999"));
    assert!(error("+", 9, f64::NAN).contains("task.arithmetic.parentheses"));
    // Three different sums are too few for three sets.
    assert!(error("+", 1, 0.0).contains("test sets that share none"));
}

#[test]
fn products_end_where_numbers_grow_too_large() {
    let levels = task("*", 999, 0.0, Layout::Compact).levels();
    assert!(*levels.end() >= 3 && *levels.end() < 12, "{levels:?}");
    let made = task("*", 999, 0.0, Layout::Compact);
    // A level beyond the last is the last.
    assert_eq!(made.problem(Split::Test, 12, 0).level, *levels.end());
}

#[test]
fn a_chain_holds_where_every_line_keeps_the_value_whatever_it_does_at_once() {
    let made = task("+-*", 9, 0.0, Layout::Compact);
    for (prompt, completion, wanted) in [
        ("7-9+2", "=-2+2=0", "-2+2 (1) 0 (1)"),
        ("7-9+2", "=7-7=0", "7-7 (1) 0 (1)"),
        // Several operations at once, down to all of them.
        ("0+5-0-4-3", "=5-7=-2", "5-7 (3) -2 (1)"),
        ("7-9+2", "=0", "0 (2)"),
        ("2+3*4", "=14", "14 (2)"),
        // Operands may change places, and a line may have more operations than the one before.
        ("7-9+2", "=2+7-9=0", "2+7-9 (0) 0 (2)"),
        ("7-9+2", "=-2+2=1+1-2=0", "-2+2 (1) 1+1-2 (0) 0 (2)"),
        // A line that says the same adds nothing.
        ("7-9+2", "=7-9+2=-2+2=0=0", "-2+2 (1) 0 (1)"),
        ("2-(4-9)", "=2-(-5)=2+5=7", "2+5 (1) 7 (1)"),
        // The signs of print.
        ("7-9+2", "=−2+2=0", "-2+2 (1) 0 (1)"),
    ] {
        let reasoning = made.reasoning(&asked(prompt), completion, true);
        assert_eq!(told(&reasoning), wanted, "{prompt} {completion}");
        assert!(
            made.score(&asked(prompt), completion, true).correct,
            "{completion}"
        );
    }
}

#[test]
fn a_chain_breaks_at_the_first_line_with_another_value() {
    let made = task("+-", 9, 0.0, Layout::Compact);
    let problem = asked("7-9+2");
    for (completion, finished, wanted) in [
        ("=-2+2=1", true, "-2+2 ✖ 1 DoesNotFollow"),
        ("=2+2=4", true, "✖ 2+2 DoesNotFollow"),
        ("=2+2=0", true, "✖ 2+2 DoesNotFollow"),
        ("=-2+2=0=1", true, "-2+2 0 ✖ 1 DoesNotFollow"),
        ("=-2+2=+ 2+", true, "-2+2 ✖ + 2+ Unreadable"),
        // The lines hold and stop too early, or the last one was cut off.
        ("=-2+2", true, "-2+2 ✖ ends"),
        ("=-2+2=1", false, "-2+2 ✖ ends"),
        ("=-2+2=0", false, "-2+2 ✖ ends"),
        ("=2+2", false, "✖ ends"),
        // The answer may be right by luck; the reasoning is not.
        ("++=0", true, "✖ ++ Unreadable"),
        ("=+-3=0", true, "✖ +-3 Unreadable"),
        ("=", true, "✖ (nothing) Unreadable"),
        ("0", true, "✖ ends"),
        ("", true, "✖ ends"),
    ] {
        let reasoning = made.reasoning(&problem, completion, finished);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
}

#[test]
fn with_tags_the_answer_is_the_last_line_and_words_are_not_judged() {
    let made = task("+-", 9, 0.0, Layout::Tags);
    let problem = asked("7-9+2");
    for (completion, finished, wanted) in [
        (
            "<think>-2+2=0</think><answer>0</answer>",
            true,
            "-2+2 (1) 0 (1)",
        ),
        (
            "<think>7-9+2=-2+2</think><answer>0</answer>",
            true,
            "-2+2 (1) 0 (1)",
        ),
        ("<think></think><answer>0</answer>", true, "0 (2)"),
        (
            "<think>-2+2=1</think><answer>1</answer>",
            true,
            "-2+2 ✖ 1 DoesNotFollow",
        ),
        (
            "<think>-2+2=0</think><answer>1</answer>",
            true,
            "-2+2 0 ✖ 1 DoesNotFollow",
        ),
        (
            "<think>3++=0</think><answer>0</answer>",
            true,
            "✖ 3++ Unreadable",
        ),
        ("<think>-2+2=5=6", true, "-2+2 ✖ 5 DoesNotFollow"),
        ("<think>-2+2=5", false, "-2+2 ✖ ends"),
        (
            "<think>First 7-9 is -2, so 0.</think><answer>0</answer>",
            true,
            "not judged",
        ),
        ("<answer>0</answer>", true, "not judged"),
        ("-2+2=5", true, "not judged"),
        ("", true, "not judged"),
    ] {
        let reasoning = made.reasoning(&problem, completion, finished);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
}
