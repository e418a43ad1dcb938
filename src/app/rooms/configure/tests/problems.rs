use super::quickstart;
use crate::app::rooms::configure::fields::field_at;
use crate::app::rooms::configure::form::FormView;
use crate::config::RunConfig;

#[test]
fn a_wrong_value_is_reported_at_its_field_in_the_programs_words() {
    let wrong = [
        (
            "grpo.num_generations",
            "1",
            "must be a whole number from 2 to 4096; advantages",
        ),
        ("grpo.num_generations", "many", "expected a whole number"),
        ("grpo.num_generations", "", "expected a whole number"),
        (
            "sft.learning_rate",
            "2",
            "must be a number at least 0 and at most 1; typical: 1e-6",
        ),
        (
            "curriculum.levels",
            "1, 2, 3",
            "expected two whole numbers such as [1, 3]",
        ),
        ("base.levels", "1, x", "its value is not valid TOML"),
        ("task.kind", "arithmetics", "did you mean \"arithmetic\"?"),
        ("name", "a/b", "use letters, digits, - and _"),
        (
            "grpo.reward_weights",
            "format = no",
            "its value is not valid TOML",
        ),
        (
            "grpo.reward_weights",
            "format = 1e9",
            "at least -1000 and at most 1000",
        ),
        ("seed", "99999999999999999999", "expected a whole number"),
    ];
    for (path, text, words) in wrong {
        let checked = quickstart(&[(path, text)]).check();
        assert_eq!(checked.config, None, "{path} = {text}");
        assert_eq!(
            checked.problems.paths().collect::<Vec<_>>(),
            [path],
            "{text}"
        );
        assert!(checked.problems.loose.is_empty());
        let at = checked.problems.at(path);
        assert!(
            at.len() == 1 && at[0].contains(words),
            "{path} = {text}: {at:?}"
        );
        // The field says its name and value already.
        assert!(
            !at[0].starts_with(path) || path.ends_with("weights"),
            "{at:?}"
        );
        let said = (&checked.changes[0].path[..], &checked.changes[0].here[..]);
        assert_eq!(said, (path, if text.is_empty() { "unset" } else { text }));
        assert_eq!(checked.command, "");
    }
    let two = quickstart(&[("seed", "x"), ("shards", "0")]).check();
    assert_eq!(two.problems.count, 2);
    assert_eq!(two.problems.paths().collect::<Vec<_>>(), ["seed", "shards"]);
}

#[test]
fn the_words_are_those_of_the_command_line() {
    let assignment = "grpo.num_generations=1".to_owned();
    let error = RunConfig::from_toml("", "", &[assignment])
        .unwrap_err()
        .problems[0]
        .to_string();
    let checked = quickstart(&[("grpo.num_generations", "1")]).check();
    assert!(
        error.ends_with(&checked.problems.at("grpo.num_generations")[0]),
        "{error}"
    );
}

#[test]
fn a_conflict_is_reported_at_every_field_it_names() {
    let checked = quickstart(&[("max_steps", "50")]).check();
    let problems = &checked.problems;
    assert_eq!((checked.config, problems.count), (None, 1));
    let paths: Vec<&str> = problems.paths().collect();
    assert_eq!(
        paths,
        ["max_steps", "balance.method", "balance.warmup_steps"]
    );
    for path in paths {
        let words = &problems.at(path)[0];
        assert!(
            words.contains("balance.warmup_steps = 100, max_steps = 50"),
            "{words}"
        );
        assert!(
            words.contains("raise max_steps or lower balance.warmup_steps"),
            "{words}"
        );
    }
}

#[test]
fn hidden_problems_are_brought_into_view() {
    let checked = quickstart(&[("task.kind", "gsm8k")]).check();
    let mut view = FormView::default();
    let shown = |view: &FormView, path| view.shows(field_at(path).unwrap());
    assert!(!checked.problems.at("task.files.train").is_empty());
    assert!(shown(&view, "task.kind") && !shown(&view, "task.files.train"));
    view.seek("task.files.train");
    assert!(view.advanced && shown(&view, "task.files.train"));
    assert!(!shown(&view, "logging.completions_every"));
}
