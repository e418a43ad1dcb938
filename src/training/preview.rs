//! What SFT learns from, token by token.

use std::ops::Range;

use super::decisions::variants;
use super::{Setup, TrainError};
use crate::curriculum::{Curriculum, CurriculumError, Pool};
use crate::tasks::{Problem, Reward, Split};

/// A demonstration as the model sees it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Preview {
    pub problem: Problem,
    /// The worked solution, as text.
    pub completion: String,
    /// The tokens of prompt, completion and end, in order.
    pub pieces: Vec<Piece>,
    /// What the solution earns.
    pub reward: Reward,
}

/// A token in a form to show.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Piece {
    pub text: String,
    /// Whether it is in the loss, or only read.
    pub learnt: bool,
}

/// The batch of the first SFT step after the base model, if batches had `count` demonstrations.
///
/// # Errors
/// Levels the task does not have, or a text with pieces that the vocabulary does not know.
pub fn preview(setup: &Setup, count: usize) -> Result<Vec<Preview>, TrainError> {
    let config = &setup.config;
    let levels = Pool::levels_of(setup.task.as_ref(), config.curriculum.levels)?;
    let pool = Pool::demonstrations(setup.task.as_ref(), levels, config.task.demonstrations)?;
    let mut curriculum = Curriculum::new(&config.curriculum, config.exam.pass, config.seed);
    let mut variants = variants(config.seed, FIRST_STEP, config.task.orders);
    let places = curriculum.demonstrations(&pool, FIRST_STEP, count);
    places
        .into_iter()
        .map(|place| {
            let variant = setup.task.variant(place.level, place.index, variants());
            shown(setup, place.level, place.index, variant)
        })
        .collect()
}

/// Up to `count` training problems of a level from position `start` on, each with its canonical
/// solution; fewer at the end of a finite level.
///
/// # Errors
/// A level the task does not have, or a text with pieces that the vocabulary does not know.
pub fn preview_level(
    setup: &Setup,
    level: u32,
    start: u64,
    count: usize,
) -> Result<Vec<Preview>, TrainError> {
    let known = setup.task.levels();
    if !known.contains(&level) {
        let error = CurriculumError::UnknownLevel {
            task: setup.task.name(),
            level,
            lowest: *known.start(),
            highest: *known.end(),
        };
        return Err(error.into());
    }
    let end = start.saturating_add(count as u64);
    let size = setup.task.len(Split::Train, level);
    let indices: Range<u64> = start..size.map_or(end, |size| end.min(size));
    indices
        .map(|index| shown(setup, level, index, CANONICAL))
        .collect()
}

/// The step whose batch is shown.
const FIRST_STEP: u64 = 1;

/// The variant of a demonstration in its canonical order.
const CANONICAL: u64 = 0;

fn shown(setup: &Setup, level: u32, index: u64, variant: u64) -> Result<Preview, TrainError> {
    let problem = setup.task.problem(Split::Train, level, index);
    let completion = setup.task.demonstration(&problem, variant);
    let example = setup.text.example(&problem.prompt, &completion)?;
    let piece = |(position, id): (usize, &u32)| Piece {
        text: setup.text.token(*id),
        learnt: position >= example.prompt,
    };
    Ok(Preview {
        pieces: example.ids.iter().enumerate().map(piece).collect(),
        reward: setup.task.score(&problem, &completion, true),
        problem,
        completion,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::training::{Session, Start};

    fn setup(set: &[&str]) -> Setup {
        let text = "[model]\nhidden_size = 16\n[curriculum]\nlevels = [2, 3]\nstart = 3\n\
                    [evaluation]\nproblems = 0";
        Setup::of_text(text, set)
    }

    #[test]
    fn what_is_shown_is_what_the_first_step_learns_from() {
        for orders in ["task.orders=1", "task.orders=0"] {
            let shown = preview(&setup(&[orders]), 8).expect("a preview");
            let setup = setup(&[orders]);
            let text = setup.text.clone();
            let orders = setup.config.task.orders;
            let mut session = Session::new(setup, Start::Fresh).expect("a session");
            let places = session
                .curriculum
                .demonstrations(&session.demonstrations, 1, 8);
            let (examples, _) = session.examples(&places, 1, orders).expect("examples");
            assert_eq!(shown.len(), 8);
            for (shown, example) in shown.iter().zip(&examples) {
                let tokens: Vec<String> = example.ids.iter().map(|&id| text.token(id)).collect();
                let texts: Vec<&String> = shown.pieces.iter().map(|piece| &piece.text).collect();
                assert_eq!(texts, tokens.iter().collect::<Vec<_>>());
                let read = shown.pieces.iter().take_while(|piece| !piece.learnt);
                assert_eq!(read.count(), example.prompt);
                assert!(shown.pieces[example.prompt..].iter().all(|p| p.learnt));
                assert!(shown.reward.correct);
                assert_eq!(shown.problem.split, Split::Train);
            }
        }
    }

    #[test]
    fn any_order_shows_other_solutions_than_the_canonical_one() {
        let completions = |orders| -> Vec<String> {
            let shown = preview(&setup(&[orders]), 16).expect("a preview");
            shown.into_iter().map(|shown| shown.completion).collect()
        };
        assert_ne!(completions("task.orders=1"), completions("task.orders=0"));
    }

    #[test]
    fn a_level_is_shown_in_order_to_its_end() {
        let setup = setup(&[]);
        let indices = |start, count| -> Vec<u64> {
            let shown = preview_level(&setup, 4, start, count).expect("a preview");
            assert!(shown.iter().all(|shown| shown.problem.level == 4));
            shown.iter().map(|shown| shown.problem.index).collect()
        };
        assert_eq!(indices(5, 3), [5, 6, 7]);
        assert_eq!(indices(0, 0), [0; 0]);
        match setup.task.len(Split::Train, 4) {
            None => assert_eq!(indices(1 << 40, 2), [1 << 40, (1 << 40) + 1]),
            Some(size) => {
                assert_eq!(indices(size - 1, 9), [size - 1]);
                assert_eq!(indices(size, 9), [0; 0]);
            }
        }
        let error = preview_level(&setup, 77, 0, 1).expect_err("there is no such level");
        assert!(error.is_wrong_input() && error.to_string().contains("77"));
    }

    #[test]
    fn a_finite_level_ends() {
        let name = format!("sasr-preview-{}.jsonl", std::process::id());
        let file = std::env::temp_dir().join(name);
        let row =
            |n: u32| format!("{{\"question\": \"{n} + 1?\", \"answer\": \"so\\n#### {n}\"}}\n");
        std::fs::write(&file, (0..60).map(row).collect::<String>()).expect("a file");
        let files = format!("task.files.train=[{:?}]", file.to_string_lossy());
        let set = ["task.kind=\"gsm8k\"", &*files, "curriculum.levels=[1, 1]"];
        let setup = setup(&[&set[..], &["curriculum.start=1"]].concat());
        std::fs::remove_file(&file).ok();
        let size = setup.task.len(Split::Train, 1).expect("a finite level");
        let count = |start| preview_level(&setup, 1, start, 9).expect("a preview").len();
        assert!(size > 9);
        assert_eq!([count(0), count(size - 2), count(size + 5)], [9, 2, 0]);
    }

    /// The smallest configuration of a task from files: its kind and one file.
    fn from_file(rows: &str, name: &str, set: &[&str]) -> Result<Setup, TrainError> {
        let place = std::env::temp_dir().join(format!("sasr-{name}-{}.jsonl", std::process::id()));
        std::fs::write(&place, rows).expect("a file");
        let text = format!(
            "task.kind = \"jsonl\"\ntask.files.train = [{:?}]\nmodel.hidden_size = 16",
            place.to_string_lossy()
        );
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        let config = RunConfig::from_toml(&text, "test", &set).expect("a sound configuration");
        let device = pollster::block_on(crate::devices::open_for(&config)).expect("a device");
        let setup = Setup::new(config, device, &|path| std::fs::read(path));
        std::fs::remove_file(&place).ok();
        setup
    }

    #[test]
    fn an_epoch_of_a_file_shows_every_solution_of_every_prompt() {
        let row = |n: usize| {
            let answer = n % 7 + 1;
            format!(
                "{{\"prompt\": \"{}+1?\", \"completion\": \"Way {n}.\\n#### {answer}\"}}\n",
                n % 7
            )
        };
        let rows: String = (0..28).map(row).collect();
        let setup = from_file(&rows, "ways", &[]).expect("a setup");
        assert_eq!(setup.config.curriculum.levels, [1, 1]);
        let training = setup.task.len(Split::Train, 1).expect("a finite level") as usize;
        let shown = preview(&setup, 4 * training).expect("a preview");
        let different: std::collections::BTreeSet<&str> = shown
            .iter()
            .map(|shown| shown.completion.as_str())
            .collect();
        assert_eq!(different.len(), 4 * training);
        let told = format!("{training} training problems have several solutions");
        assert!(
            setup.notices.iter().any(|notice| notice.starts_with(&told)),
            "{:?}",
            setup.notices
        );
    }

    #[test]
    fn limits_are_told_and_misnamed_rewards_refused() {
        let row = |n: usize| format!("{{\"prompt\": \"{n}\", \"completion\": \"#### {n}\"}}\n");
        let rows: String = (0..100).map(row).collect();
        let setup = from_file(&rows, "limit", &["task.demonstrations=5"]).expect("a setup");
        let told = "task.demonstrations = 5: SFT sees 5 of the ";
        assert!(
            setup.notices.iter().any(|notice| notice.starts_with(told)),
            "{:?}",
            setup.notices
        );
        let setup = from_file(&rows, "all", &[]).expect("a setup");
        assert!(
            !setup
                .notices
                .iter()
                .any(|notice| notice.contains("task.demonstrations"))
        );
        let error = from_file(&rows, "reward", &["grpo.reward_weights.anser=5"]).err();
        let error = error.expect("refused");
        assert!(error.is_wrong_input());
        assert!(
            error
                .to_string()
                .starts_with("grpo.reward_weights.anser = 5: "),
            "{error}"
        );
    }
}
