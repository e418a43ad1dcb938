mod meaning;

use std::collections::BTreeSet;

use super::demonstration::{Order, search};
use super::*;
use crate::config::KnightsKnavesConfig;
use crate::tasks::checks;

fn config(depth: u32, width: u32, short: bool, layout: Layout) -> TaskConfig {
    TaskConfig {
        knights_knaves: KnightsKnavesConfig {
            depth,
            width,
            short,
        },
        layout,
        ..TaskConfig::default()
    }
}

fn task(depth: u32, width: u32, short: bool, layout: Layout) -> KnightsKnaves {
    KnightsKnaves::new(&config(depth, width, short, layout))
        .unwrap_or_else(|error| panic!("{depth} {width}: {error}"))
}

/// Both wordings in both layouts with their full rewards; statements deep and wide in some.
fn all() -> Vec<(KnightsKnaves, f32)> {
    vec![
        (task(2, 2, false, Layout::Tags), 3.0),
        (task(3, 3, false, Layout::Compact), 1.1),
        (task(4, 4, true, Layout::Tags), 3.0),
        (task(2, 2, true, Layout::Compact), 1.1),
    ]
}

fn read(text: &str) -> Vec<Statement> {
    Statement::parse_all(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn problems_are_deterministic() {
    for (made, _) in all() {
        checks::problems_are_deterministic(&made, &made.clone());
    }
}

#[test]
fn every_puzzle_has_exactly_one_solution() {
    for (made, _) in all() {
        for problem in checks::problems(&made, 3) {
            let puzzle = Puzzle::of(&problem).expect("the task's own puzzle");
            assert_eq!(puzzle.statements.len(), problem.level as usize);
            assert_eq!(solutions(&puzzle.statements), [puzzle.solution]);
            assert_eq!(id(&puzzle.statements), problem.id);
        }
    }
}

#[test]
fn splits_share_nothing_across_seeds_and_levels() {
    let seeded = |seed| {
        KnightsKnaves::new(&TaskConfig {
            seed,
            ..config(2, 2, true, Layout::Compact)
        })
        .expect("the defaults work")
    };
    checks::splits_share_nothing(&[&seeded(0), &seeded(1), &seeded(2)], |problem| {
        let puzzle = Puzzle::of(problem).expect("the task's own puzzle");
        match problem.level {
            // All ways to call the people are tried where they are few enough.
            2..=4 => meaning::by_brute_force(&puzzle.statements),
            _ => problem.prompt.clone(),
        }
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
            // The first person's role is exchanged, in the answer only.
            let exchanged = match made.wording {
                Wording::English
                    if problem
                        .answer
                        .lines()
                        .next()
                        .is_some_and(|line| line.ends_with("knight")) =>
                {
                    problem.answer.replacen("knight", "knave", 1)
                }
                Wording::English => problem.answer.replacen("knave", "knight", 1),
                Wording::Short if problem.answer.starts_with("A=k") => {
                    problem.answer.replacen("A=k", "A=n", 1)
                }
                Wording::Short => problem.answer.replacen("A=n", "A=k", 1),
            };
            shown.replace(&problem.answer, &exchanged)
        });
    }
}

#[test]
fn orders_give_different_paths() {
    for short in [false, true] {
        let made = task(2, 2, short, Layout::Compact);
        let (_, paths) = checks::variety(&made, 3);
        assert!(paths > 5.0, "{paths} of 8");
    }
}

#[test]
fn perturbed_problems_keep_their_meaning() {
    for (made, full) in all() {
        let applied = checks::perturbed_problems_keep_their_meaning(&made, full);
        assert_eq!(applied.len(), made.perturbations().len(), "{applied:?}");
        for problem in checks::problems(&made, 2) {
            let original = Puzzle::of(&problem).expect("a puzzle");
            for perturbation in made.perturbations() {
                let Some(changed) = made.perturb(&problem, perturbation.name, 1) else {
                    continue;
                };
                let changed = Puzzle::of(&changed).expect("a puzzle");
                assert_eq!(changed.statements, original.statements);
                assert_eq!(
                    changed.names != original.names,
                    perturbation.name == "renamed"
                );
                assert_eq!(
                    changed.order != original.order,
                    perturbation.name == "shuffled"
                );
            }
        }
    }
}

#[test]
fn renamed_puzzles_have_the_path_of_the_original() {
    let made = task(2, 2, false, Layout::Tags);
    for problem in checks::problems(&made, 2) {
        let renamed = made
            .perturb(&problem, "renamed", 0)
            .expect("there are other names");
        let path = |problem: &Problem| made.path(problem, &made.demonstration(problem, 4));
        assert_eq!(path(&renamed), path(&problem));
        // What is said of people who are not there is not judged.
        let foreign = made.demonstration(&problem, 4);
        assert_eq!(
            made.reasoning(&renamed, &foreign, true),
            Reasoning::NotJudged
        );
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
    for (made, _) in [all().swap_remove(0), all().swap_remove(3)] {
        checks::broken_completions_do_no_harm(&made);
    }
}

#[test]
fn the_id_is_blind_to_names_order_and_commuting_parts() {
    let one = read("(('and', ('lying', 1), ('telling-truth', 2)), ('lying', 2), ('lying', 0))");
    // The same with persons 0, 1, 2 called 2, 0, 1, and the parts of `and` exchanged.
    let other = read("(('lying', 1), ('lying', 2), ('and', ('telling-truth', 1), ('lying', 0)))");
    assert_eq!(id(&one), id(&other));
    let different =
        read("(('and', ('lying', 1), ('telling-truth', 2)), ('lying', 2), ('lying', 1))");
    assert_ne!(id(&one), id(&different));
    let implied = |text: &str| id(&read(text));
    assert_ne!(
        implied("(('->', ('lying', 0), ('lying', 1)), ('lying', 0))"),
        implied("(('->', ('lying', 1), ('lying', 0)), ('lying', 0))"),
    );
}

#[test]
fn ids_tell_most_puzzles_apart() {
    let made = task(2, 2, true, Layout::Compact);
    let problems: Vec<Problem> = (0..200)
        .map(|index| made.problem(Split::Train, 4, index))
        .collect();
    let prompts: BTreeSet<&str> = problems
        .iter()
        .map(|problem| problem.prompt.as_str())
        .collect();
    let ids: BTreeSet<u64> = problems.iter().map(|problem| problem.id).collect();
    assert!(
        ids.len() + 5 > prompts.len(),
        "{} ids, {} prompts",
        ids.len(),
        prompts.len()
    );
}

#[test]
fn statements_hold_as_their_words_say() {
    let all_four = [[true, true], [true, false], [false, true], [false, false]];
    let table = |text: &str| {
        let statement = Statement::parse(text).expect("a statement");
        all_four.map(|knights| statement.holds(&knights))
    };
    assert_eq!(table("('telling-truth', 0)"), [true, true, false, false]);
    assert_eq!(table("('lying', 1)"), [false, true, false, true]);
    assert_eq!(table("('not', ('lying', 1))"), [true, false, true, false]);
    assert_eq!(
        table("('and', ('telling-truth', 0), ('lying', 1))"),
        [false, true, false, false]
    );
    assert_eq!(
        table("('or', ('telling-truth', 0), ('lying', 1))"),
        [true, true, false, true]
    );
    assert_eq!(
        table("('->', ('telling-truth', 0), ('telling-truth', 1))"),
        [true, false, true, true]
    );
    assert_eq!(
        table("('<=>', ('telling-truth', 0), ('telling-truth', 1))"),
        [true, false, false, true]
    );
}

#[test]
fn undecided_people_leave_statements_open() {
    let statement = Statement::parse("('and', ('telling-truth', 0), ('lying', 1))").expect("one");
    let can_be = |decided: [Option<bool>; 2]| {
        (
            statement.can_be(true, &decided),
            statement.can_be(false, &decided),
        )
    };
    assert_eq!(can_be([None, None]), (true, true));
    assert_eq!(can_be([Some(true), None]), (true, true));
    assert_eq!(can_be([Some(false), None]), (false, true));
    assert_eq!(can_be([Some(true), Some(false)]), (true, false));
}

#[test]
fn published_statements_are_read_and_written() {
    let text = "(('<=>', ('telling-truth', 2), ('lying', 0)), ('or', ('telling-truth', 1), \
                ('not', ('lying', 2))), ('->', ('lying', 0), ('lying', 1)))";
    assert_eq!(write_all(&read(text)), text);
    assert_eq!(read("( (\"lying\",1,) , ('lying', 0), )").len(), 2);
    let error = |text: &str| {
        Statement::parse_all(text)
            .expect_err("not a puzzle")
            .to_string()
    };
    assert!(error("(('lying', 1),").contains("opening parenthesis at byte 14"));
    assert!(error("(('lying', 7), ('lying', 0))").contains("person 7"));
    assert!(error("(('xor', 1), ('lying', 0))").contains("'<=>' at byte 2"));
    assert!(error("(('lying', 1), ('lying', 0)) x").contains("the end"));
    assert!(error(&format!("({}", "('not', ".repeat(10_000))).contains("nested"));
    assert!(error("").contains("found \"\""));
    let crowd = format!("({})", vec!["('lying', 0)"; 17].join(", "));
    assert!(error(&crowd).contains("17 people"));
}

#[test]
fn wordings_say_what_the_statements_say() {
    let names = named(&["Zoey", "Luke"]);
    let english = |text: &str| text::claim(&Statement::parse(text).expect("a statement"), &names);
    let short = |text: &str| {
        short::claim(
            &Statement::parse(text).expect("a statement"),
            &named(&["A", "B"]),
        )
    };
    let both = |text: &str| (english(text), short(text));
    let pair = |one: &str, other: &str| (one.to_string(), other.to_string());
    assert_eq!(
        both("('not', ('lying', 1))"),
        pair("Luke is not a knave", "!B=n")
    );
    assert_eq!(
        both("('->', ('telling-truth', 0), ('lying', 1))"),
        pair("If Zoey is a knight then Luke is a knave", "A=k>B=n"),
    );
    assert_eq!(
        both("('<=>', ('telling-truth', 0), ('not', ('lying', 1)))"),
        pair(
            "Zoey is a knight if and only if Luke is not a knave",
            "A=k~!B=n"
        ),
    );
    assert_eq!(
        both("('not', ('and', ('telling-truth', 0), ('or', ('lying', 1), ('lying', 0))))"),
        pair(
            "it is not the case that (Zoey is a knight and (Luke is a knave or Zoey is a knave))",
            "!(A=k&(B=n|A=n))",
        ),
    );
}

#[test]
fn a_small_puzzle_reads_as_documented() {
    let puzzle = Puzzle {
        names: named(&["A", "B"]),
        statements: read("(('telling-truth', 1), ('not', ('telling-truth', 0)))"),
        solution: vec![true, true],
        templates: vec![0, 10],
        order: vec![0, 1],
    };
    assert_eq!(
        puzzle.prompt(Wording::Short, Layout::Compact),
        "A:B=k;B:!A=k?"
    );
    assert_eq!(
        puzzle.prompt(Wording::English, Layout::Compact),
        "A very special island is inhabited only by knights and knaves. Knights always tell the \
         truth, and knaves always lie. You meet 2 inhabitants: A, and B. A said that B is a \
         knight. \"A is not a knight\" - B. So who is a knight and who is a knave?"
    );
    let told = Puzzle {
        order: vec![1, 0],
        ..puzzle
    };
    assert_eq!(told.prompt(Wording::Short, Layout::Tags), "B:!A=k;A:B=k?");
}

#[test]
fn the_search_tries_everything_and_then_gives_up() {
    // A: B is a knight; B: A is a knave. Neither works.
    let contradictory = read("(('telling-truth', 1), ('lying', 0))");
    assert!(solutions(&contradictory).is_empty());
    for order in [
        Order::canonical(2),
        Order::random(2, &mut stream(1, Purpose::Problem, 0, 0)),
    ] {
        let steps = search(&contradictory, order);
        let ruled_out = steps
            .iter()
            .filter(|step| matches!(step, demonstration::Step::Contradiction { .. }))
            .count();
        assert!(ruled_out >= 2, "{steps:?}");
    }
}

#[test]
fn short_reasoning_goes_case_by_case() {
    // A: if B is a knight, so am I; B: A is a knave or I am.
    let statements = read(
        "(('->', ('telling-truth', 1), ('telling-truth', 0)), ('or', ('lying', 0), ('lying', 1)))",
    );
    let names = named(&["A", "B"]);
    assert_eq!(solutions(&statements), [[false, true]]);
    assert_eq!(
        Wording::Short.reasoning(&names, &statements, None),
        "A=k+ B=k!B B=n!B A=n+ B=k+"
    );
    let english = Wording::English.reasoning(&named(&["Zoey", "Luke"]), &statements, None);
    let lines: Vec<&str> = english.lines().collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(
        lines[3],
        "Luke cannot be a knave, because this would contradict the false claim of their own that \
         Zoey is a knave or Luke is a knave."
    );
    assert_eq!(
        lines[4],
        "We have exhausted all possibilities for Luke, so let us go back and reconsider Zoey."
    );
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let error = |depth, width| {
        KnightsKnaves::new(&config(depth, width, true, Layout::Compact))
            .expect_err("this cannot work")
            .to_string()
    };
    assert!(error(0, 2).contains("task.knights_knaves.depth = 0"));
    assert!(error(2, 5).contains("task.knights_knaves.width = 5"));
    assert!(error(1, 2).contains("task.knights_knaves.depth = 1: allowed are 2 to 4"));
    for (made, _) in all() {
        assert_eq!(made.levels(), 2..=8);
    }
}

/// The published puzzles come out word for word: text, reasoning and answer.
#[test]
#[cfg(not(target_family = "wasm"))]
fn published_puzzles_are_worded_and_reasoned_the_same() {
    use crate::tasks::{parquet_rows, reading};
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/kk");
    let mut compared = 0;
    for file in [
        "train_3ppl.parquet",
        "test_3ppl.parquet",
        "test_5ppl.parquet",
    ] {
        let Ok(bytes) = std::fs::read(folder.join(file)) else {
            crate::skip::skipped(&format!("../shared/data/kk/{file} is not there"));
            continue;
        };
        for (_, row) in parquet_rows::read(file, &bytes).expect("a parquet file") {
            let row = row.expect("a row");
            let text = |key: &str| reading::text(&row, key).expect("a text").to_string();
            let names = named(&reading::texts(&row, "names").expect("names"));
            let statements = read(&text("statements"));
            assert_eq!(write_all(&statements), text("statements"));

            let solved = solutions(&statements);
            assert_eq!(
                solved,
                [reading::flags(&row, "solution").expect("a solution")]
            );
            assert_eq!(
                text::answer(&names, &solved[0]),
                text("solution_text_format")
            );

            let steps = reading::texts(&row, "cot_repeat_steps")
                .expect("steps")
                .join("\n");
            let published = [text("cot_head"), steps, text("cot_foot")].join("\n");
            let reasoning = Wording::English.reasoning(&names, &statements, None);
            assert_eq!(reasoning, published);

            let quiz = text("quiz");
            let said = |person: usize, template: usize| {
                let sentence = text::TEMPLATES[template].replace("{n}", &names[person]);
                sentence.replace("{c}", &text::claim(&statements[person], &names))
            };
            let templates: Vec<usize> = (0..names.len())
                .map(|person| {
                    (0..text::TEMPLATES.len())
                        .find(|&template| quiz.contains(&said(person, template)))
                        .expect("each statement is introduced by one of the templates")
                })
                .collect();
            let order: Vec<usize> = (0..names.len()).collect();
            assert_eq!(text::quiz(&names, &statements, &templates, &order), quiz);
            compared += 1;
        }
    }
    println!("{compared} published puzzles compared");
}
