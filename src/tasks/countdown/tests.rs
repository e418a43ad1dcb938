mod reasoning;

use std::sync::LazyLock;

use super::*;
use crate::config::CountdownConfig;
use crate::tasks::checks;

fn config(operators: &str, max_number: u32, max_target: u32, layout: Layout) -> TaskConfig {
    TaskConfig {
        countdown: CountdownConfig {
            operators: operators.into(),
            max_number,
            max_target,
        },
        layout,
        ..TaskConfig::default()
    }
}

fn task(operators: &str, max_number: u32, max_target: u32, layout: Layout) -> Countdown {
    Countdown::new(&config(operators, max_number, max_target, layout))
        .unwrap_or_else(|error| panic!("{operators} {max_number} {max_target}: {error}"))
}

/// Both layouts with several configurations; made once, as finding their levels takes a while.
static TASKS: LazyLock<Vec<Countdown>> = LazyLock::new(|| {
    let mut tasks = Vec::new();
    for layout in [Layout::Compact, Layout::Tags] {
        for (operators, max_number, max_target) in [
            ("+-", 9, 99),
            ("+", 9, 99),
            ("-", 20, 30),
            ("*", 9, 9999),
            ("/", 99, 99),
            ("+-*/", 9, 99),
            ("+-*/", 99, 999),
            ("*/", 999, 99999),
        ] {
            tasks.push(task(operators, max_number, max_target, layout));
        }
    }
    tasks
});

fn all() -> Vec<Countdown> {
    TASKS.clone()
}

fn asked(made: &Countdown, numbers: &[u32], target: u32) -> Problem {
    let payload = Payload {
        numbers: numbers.to_vec(),
        target,
        solution: Tree::Number(0),
    };
    Problem {
        id: 7,
        split: Split::Train,
        level: numbers.len() as u32,
        index: 0,
        prompt: made.prompt(numbers, target),
        answer: String::new(),
        payload: serde_json::to_value(payload).expect("a payload has a JSON form"),
    }
}

#[test]
fn problems_are_deterministic() {
    for made in all() {
        checks::problems_are_deterministic(&made, &made.clone());
    }
}

#[test]
fn problems_stay_within_the_configuration() {
    for made in all() {
        for problem in checks::problems(&made, 4) {
            let payload = payload_of(&problem).expect("the task's own payload");
            assert_eq!(payload.numbers.len(), problem.level as usize);
            assert!(
                payload
                    .numbers
                    .iter()
                    .all(|number| (1..=made.max_number).contains(number))
            );
            assert!(
                (1..=made.max_target).contains(&payload.target),
                "{}",
                problem.prompt
            );
        }
    }
    assert_eq!(task("+-", 9, 99, Layout::Compact).levels(), 2..=6);
}

#[test]
fn splits_share_nothing_across_seeds_and_levels() {
    let seeded = |seed| {
        Countdown::new(&TaskConfig {
            seed,
            ..config("+-*/", 9, 99, Layout::Compact)
        })
        .expect("this works")
    };
    checks::splits_share_nothing(&[&seeded(0), &seeded(1), &seeded(2)], |problem| {
        let (numbers, target) = problem.prompt.split_once('>').expect("a target");
        let mut numbers: Vec<&str> = numbers.split(' ').collect();
        numbers.sort_unstable();
        format!("{numbers:?} {target}")
    });
}

#[test]
fn demonstrations_of_every_order_earn_full_reward() {
    for made in all() {
        checks::demonstrations_earn_full_reward(&made, 1.0);
    }
}

#[test]
fn every_step_shown_is_true_and_positive() {
    for made in all() {
        for problem in checks::problems(&made, 3) {
            for variant in 0..4 {
                let shown = made.demonstration(&problem, variant);
                let thought = match made.layout {
                    Layout::Compact => shown.split(';').next(),
                    Layout::Tags => tags::thought(&shown),
                };
                let steps: Vec<&str> = thought.expect("steps").split(' ').collect();
                assert_eq!(steps.len() + 1, problem.level as usize, "{shown}");
                for step in steps {
                    let (left, right) = step.split_once('=').expect("a result");
                    let value = Expression::parse(left).and_then(|left| left.value()?.as_integer());
                    assert_eq!(value.map(|value| value.to_string()).as_deref(), Some(right));
                    assert!(value > Some(0), "{shown}");
                }
            }
        }
    }
}

#[test]
fn a_changed_answer_earns_no_more_than_the_format() {
    for made in all() {
        checks::wrong_answers_earn_less(&made, 1.0, |_, shown| match made.layout {
            Layout::Compact => format!("{shown}+1"),
            Layout::Tags => shown.replace("</answer>", "+1</answer>"),
        });
    }
}

#[test]
fn other_solutions_and_orders_are_shown() {
    let made = task("+-", 9, 99, Layout::Compact);
    let (texts, _) = checks::variety(&made, 4);
    assert!(texts > 5.0, "{texts} of 8");
    let made = task("+-*/", 9, 99, Layout::Compact);
    let (_, paths) = checks::variety(&made, 4);
    assert!(paths > 1.5, "{paths} of 8");
}

#[test]
fn perturbed_problems_keep_their_meaning() {
    for made in all() {
        let applied = checks::perturbed_problems_keep_their_meaning(&made, 1.0);
        assert_eq!(applied.len(), 1, "{applied:?}");
    }
    let made = task("+-", 9, 99, Layout::Compact);
    for problem in checks::problems(&made, 4) {
        let Some(changed) = made.perturb(&problem, "shuffled", 1) else {
            continue;
        };
        let sorted = |prompt: &str| {
            let mut parts: Vec<String> = prompt.split([' ', '>']).map(String::from).collect();
            let target = parts.pop();
            parts.sort_unstable();
            (parts, target)
        };
        assert_eq!(sorted(&changed.prompt), sorted(&problem.prompt));
    }
}

#[test]
fn the_vocabulary_sample_is_complete() {
    for made in all() {
        checks::the_vocabulary_sample_is_complete(&made);
    }
}

#[test]
fn broken_completions_do_no_harm() {
    for layout in [Layout::Compact, Layout::Tags] {
        checks::broken_completions_do_no_harm(&task("+-*/", 99, 999, layout));
    }
}

#[test]
fn every_correct_expression_is_accepted() {
    let made = task("+-*/", 9, 99, Layout::Compact);
    let problem = asked(&made, &[3, 5, 7], 22);
    assert_eq!(problem.prompt, "3 5 7>22");
    let total = |text: &str| made.score(&problem, text, true).total;
    for right in [
        ";3*5+7",
        "3*5=15 15+7=22;7 + (5*3)",
        ";-(-7)+5*3",
        "wrong;7+5*3",
    ] {
        assert_eq!(total(right), 1.0, "{right}");
    }
    for wrong in [
        ";3*5+7+0",
        ";3+5+7",
        ";22",
        ";35-13",
        ";3*5",
        ";7+5*3+7-7",
        ";3*5+7/0",
    ] {
        assert_eq!(total(wrong), 0.1, "{wrong}");
    }
    for none in ["3*5+7", ";3*5+7=x", ";", "", ";three"] {
        assert_eq!(total(none), 0.0, "{none}");
    }
    // Fractions on the way are fine: 8/(3-8/3) is 24.
    let problem = asked(&made, &[8, 3, 8, 3], 24);
    assert!(made.score(&problem, ";8/(3-8/3)", true).correct);
}

#[test]
fn only_configured_operators_are_accepted() {
    let made = task("+-", 9, 99, Layout::Compact);
    let problem = asked(&made, &[3, 5, 7], 22);
    assert_eq!(made.score(&problem, ";3*5+7", true).total, 0.1);
    assert_eq!(made.score(&problem, ";3x5+7", true).total, 0.1);
}

#[test]
fn paths_ignore_the_order_of_operands() {
    let made = task("+-*/", 9, 99, Layout::Compact);
    let problem = asked(&made, &[3, 5, 7], 22);
    let path = |text: &str| made.path(&problem, text).expect("a path");
    assert_eq!(path("3*5=15 15+7=22;3*5+7"), path("5*3=15 7+15=22;7+(5*3)"));
    let harder = asked(&made, &[1, 2, 3], 6);
    let path = |text: &str| made.path(&harder, text).expect("a path");
    assert_ne!(path(";1+2+3"), path(";1*2*3"));
    assert_eq!(path(";1+2+3"), path(";3+(2+1)"));
    // What misses the target is no path.
    assert_eq!(made.path(&problem, ";3+5+7"), None);
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let error = |operators: &str, max_number, max_target| {
        Countdown::new(&config(operators, max_number, max_target, Layout::Compact))
            .expect_err("this cannot work")
            .to_string()
    };
    assert!(error("+%", 9, 99).contains("task.countdown.operators = \"+%\""));
    assert!(error("+", 1, 99).contains("task.countdown.max_number = 1"));
    assert!(error("+", 9, 0).contains("task.countdown.max_target = 0"));
    assert!(error("+", 9, 1).contains("test sets that share none"));
}

#[test]
fn answers_may_be_written_as_people_and_tex_write_them() {
    let made = task("+-*/", 99, 99, Layout::Tags);
    let problem = asked(&made, &[1, 2, 21], 63);
    let total = |answer: &str| {
        let reward = made.score(&problem, &tags::wrap("", answer), true);
        assert_eq!(reward.correct, reward.total == 1.0, "{answer}");
        reward.total
    };
    for right in [
        "(1+2)*21",
        "(1+2)*21 = 63",
        "(1+2)×21",
        "(1+2)·21",
        r"(1+2)\times 21",
        r"(1 + 2) \cdot 21 = 63",
        r"$\left(1+2\right)\times21$",
        r"\boxed{(1+2)*21}",
        r"\boxed{(1+2) \times 21 = 63}",
        "21*(1+2)=3*21=63",
        "21×（1＋2）",
        // The target first.
        "63=(1+2)*21",
        "63 = (1 + 2) * 21 = 3 * 21",
        r"\boxed{63 = (1+2)\times 21}",
        // An `x` between operands.
        "(1 + 2) x 21",
        "(1+2)x21 = 63",
        "63 = 21 X (1 + 2)",
    ] {
        assert_eq!(total(right), 1.0, "{right}");
    }
    // What stands behind it must be the target too.
    for wrong in [
        "(1+2)*21 = 64",
        "(1+2)*21=1",
        "1*2*21=63",
        "64=(1+2)*21",
        "63=1*2*21",
        "63=63",
        "(2-1)*21 = 63",
    ] {
        assert_eq!(total(wrong), 0.1, "{wrong}");
    }
    for none in [
        "(1+2)*21 = ",
        "so (1+2)*21",
        "(1+2)*21 = x",
        r"(1+2)\star 21",
        "(1+2)*21x",
        "x(1+2)*21",
        "(1+2) x x 21",
    ] {
        assert_eq!(total(none), 0.0, "{none}");
    }
    let problem = asked(&made, &[8, 2], 4);
    for right in ["8÷2", r"8\div 2", "8/2 = 4"] {
        assert!(
            made.score(&problem, &tags::wrap("", right), true).correct,
            "{right}"
        );
    }
    let problem = asked(&made, &[8, 2], 6);
    for right in ["8−2", "8 – 2"] {
        assert!(
            made.score(&problem, &tags::wrap("", right), true).correct,
            "{right}"
        );
    }
}
