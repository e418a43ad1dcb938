//! What every generated task promises, as checks that the tasks' own tests call.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

use super::reasoning::told;
use super::{Problem, Reasoning, Split, Task};
use crate::rng::{Purpose, stream};

/// The problems a check looks at: the first few of each split and level.
pub(super) fn problems(task: &dyn Task, each: u64) -> Vec<Problem> {
    let mut found = Vec::new();
    for level in task.levels() {
        for split in Split::ALL {
            found.extend((0..each).map(|index| task.problem(split, level, index)));
        }
    }
    found
}

/// A problem is where it was asked for, and asking twice gives the same.
pub(super) fn problems_are_deterministic(task: &dyn Task, again: &dyn Task) {
    for problem in problems(task, 2) {
        let Problem {
            split,
            level,
            index,
            ..
        } = problem;
        assert_eq!(Split::of(problem.id), split);
        assert_eq!(problem, again.problem(split, level, index));
        for variant in [0, 5] {
            assert_eq!(
                task.demonstration(&problem, variant),
                again.demonstration(&problem, variant)
            );
        }
    }
}

/// No content is in two splits, whichever of these tasks (of different seeds) it comes from.
/// `content` tells the meaning of a problem without its id.
pub(super) fn splits_share_nothing(tasks: &[&dyn Task], content: impl Fn(&Problem) -> String) {
    let mut seen: BTreeMap<String, Split> = BTreeMap::new();
    let mut ids: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for task in tasks {
        for problem in problems(*task, 40) {
            let first = *seen.entry(content(&problem)).or_insert(problem.split);
            assert_eq!(first, problem.split, "{}", problem.prompt);
            ids.entry(format!("{:?}", problem.split))
                .or_default()
                .insert(problem.id);
        }
    }
    assert_eq!(ids.len(), 3);
    assert!(
        ids.values().all(|ids| ids.len() > 20),
        "the check saw too few problems"
    );
}

/// Demonstrations in every order earn the full reward, are right and have an answer; their reasoning
/// holds, each step being one of a textbook. Any but a finished completion is not right. The parts
/// of the reward are those that the task names.
pub(super) fn demonstrations_earn_full_reward(task: &dyn Task, full: f32) {
    for problem in problems(task, 3) {
        for variant in 0..6 {
            let shown = task.demonstration(&problem, variant);
            let reward = task.score(&problem, &shown, true);
            let place = format!("{} -> {shown}", problem.prompt);
            assert!(reward.correct, "{place}");
            assert!(
                (reward.total - full).abs() < 1e-6,
                "{} {place}",
                reward.total
            );
            let sum: f32 = reward.parts.iter().map(|(_, part)| part).sum();
            assert!((sum - reward.total).abs() < 1e-6, "{place}");
            the_parts_are_named(task, &reward);
            let reasoning = task.reasoning(&problem, &shown, true);
            let Reasoning::Holds(chain) = &reasoning else {
                panic!("{} {place}", told(&reasoning))
            };
            assert_eq!(chain.steps.len(), chain.sizes.len(), "{place}");
            assert!(
                chain.sizes.iter().all(|size| *size == 1),
                "{} {place}",
                told(&reasoning)
            );
            assert_eq!(task.path(&problem, &shown), Some(chain.path()), "{place}");
            assert!(task.answer(&problem, &shown).is_some(), "{place}");
            assert_eq!(task.wrong_path(&problem, &shown, true), None, "{place}");
            if variant == 0 {
                assert_eq!(
                    task.answer(&problem, &shown).as_ref(),
                    Some(&problem.answer)
                );
            }
            let cut = task.score(&problem, &shown, false);
            assert!(!cut.correct && cut.total < full, "{place}");
            the_parts_are_named(task, &cut);
        }
    }
}

/// A reward has the parts that the task names, in order.
pub(super) fn the_parts_are_named(task: &dyn Task, reward: &super::Reward) {
    let names: Vec<&str> = reward.parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, task.reward_parts(), "{}", task.name());
}

/// `spoil` changes a demonstration's answer into a wrong one, which must not count as right.
pub(super) fn wrong_answers_earn_less(
    task: &dyn Task,
    full: f32,
    spoil: impl Fn(&Problem, &str) -> String,
) {
    for problem in problems(task, 3) {
        let spoilt = spoil(&problem, &task.demonstration(&problem, 0));
        let reward = task.score(&problem, &spoilt, true);
        assert!(!reward.correct, "{} -> {spoilt}", problem.prompt);
        assert!(
            reward.total < full / 2.0,
            "{} -> {spoilt}: {}",
            problem.prompt,
            reward.total
        );
    }
}

/// The mean number of different texts and of different paths among eight variants.
pub(super) fn variety(task: &dyn Task, level: u32) -> (f64, f64) {
    let (mut texts, mut paths) = (0, 0);
    for index in 0..30 {
        let problem = task.problem(Split::Train, level, index);
        let shown: BTreeSet<String> = (0..8)
            .map(|variant| task.demonstration(&problem, variant))
            .collect();
        let taken: BTreeSet<_> = shown.iter().map(|text| task.path(&problem, text)).collect();
        texts += shown.len();
        paths += taken.len();
    }
    (
        f64::from(texts as u32) / 30.0,
        f64::from(paths as u32) / 30.0,
    )
}

/// Perturbed problems read differently but are the same problem: same id, and what is shown for
/// them earns the full reward. Returns how often each perturbation applied.
pub(super) fn perturbed_problems_keep_their_meaning(
    task: &dyn Task,
    full: f32,
) -> BTreeMap<&'static str, usize> {
    let mut applied = BTreeMap::new();
    for problem in problems(task, 3) {
        assert_eq!(task.perturb(&problem, "no such perturbation", 0), None);
        for perturbation in task.perturbations() {
            for variant in 0..3 {
                let Some(changed) = task.perturb(&problem, perturbation.name, variant) else {
                    continue;
                };
                *applied.entry(perturbation.name).or_default() += 1;
                assert_ne!(changed.prompt, problem.prompt, "{}", perturbation.name);
                let place =
                    |problem: &Problem| (problem.id, problem.split, problem.level, problem.index);
                assert_eq!(place(&changed), place(&problem));
                let shown = task.demonstration(&changed, variant);
                let reward = task.score(&changed, &shown, true);
                assert!(reward.correct, "{} -> {shown}", changed.prompt);
                assert!((reward.total - full).abs() < 1e-6);
                assert!(
                    task.path(&changed, &shown).is_some(),
                    "{} -> {shown}",
                    changed.prompt
                );
            }
        }
    }
    applied
}

/// Every character of prompts, demonstrations and perturbed prompts is in the vocabulary sample,
/// and so is every word.
pub(super) fn the_vocabulary_sample_is_complete(task: &dyn Task) {
    let sample = task.vocabulary_sample();
    let characters: BTreeSet<char> = sample.iter().flat_map(|text| text.chars()).collect();
    let words: BTreeSet<&str> = sample.iter().flat_map(|text| words_of(text)).collect();
    for problem in problems(task, 5) {
        let mut texts = vec![problem.prompt.clone()];
        texts.extend((0..4).map(|variant| task.demonstration(&problem, variant)));
        for perturbation in task.perturbations() {
            if let Some(changed) = task.perturb(&problem, perturbation.name, 0) {
                texts.push(task.demonstration(&changed, 1));
                texts.push(changed.prompt);
            }
        }
        for text in &texts {
            for character in text.chars() {
                assert!(characters.contains(&character), "{character:?} of {text}");
            }
            for word in words_of(text) {
                assert!(words.contains(word), "{word:?} of {text}");
            }
        }
    }
}

/// Words of letters; numbers are read digit by digit.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphabetic())
        .filter(|word| !word.is_empty())
}

/// Cut, mixed and random completions are graded without panic, and never as right by accident of
/// being broken: a cut demonstration that counts as right must state the right answer.
pub(super) fn broken_completions_do_no_harm(task: &dyn Task) {
    let mut random = stream(1, Purpose::Problem, 0, 0);
    let pieces = task.vocabulary_sample().join("");
    let mut letters: Vec<char> = pieces.chars().collect();
    letters.extend([
        'é', '−', '𝟙', '\0', '<', '>', '\u{301}', '"', '\\', '(', '[',
    ]);
    for problem in problems(task, 1) {
        let shown = task.demonstration(&problem, 1);
        let step = shown.len() / 20 + 1;
        let ends: Vec<usize> = shown
            .char_indices()
            .map(|(place, _)| place)
            .step_by(step)
            .collect();
        let mut texts: Vec<String> = ends.iter().map(|&end| shown[..end].to_string()).collect();
        texts.extend(ends.iter().map(|&start| shown[start..].to_string()));
        for _ in 0..20 {
            let length = random.random_range(0..80);
            texts.push(
                (0..length)
                    .filter_map(|_| letters.choose(&mut random))
                    .collect(),
            );
            // A demonstration with one character exchanged.
            let mut changed: Vec<char> = shown.chars().collect();
            let place = random.random_range(0..changed.len());
            changed[place] = *letters.choose(&mut random).expect("there are letters");
            texts.push(changed.into_iter().collect());
        }
        for text in &texts {
            let reward = task.score(&problem, text, true);
            assert!(reward.total.is_finite());
            the_parts_are_named(task, &reward);
            let path = task.path(&problem, text);
            let answer = task.answer(&problem, text);
            assert!(answer.is_some() || !reward.correct, "{text}");
            assert!(path.is_none_or(|path| !path.is_empty()));
            for finished in [true, false] {
                if let Reasoning::Holds(chain) = task.reasoning(&problem, text, finished) {
                    assert_eq!(chain.steps.len(), chain.sizes.len(), "{text}");
                    assert!(!chain.steps.is_empty(), "{text}");
                }
            }
            assert!(!task.score(&problem, text, false).correct);
        }
        // A problem of another task has no payload of this one's.
        let foreign = Problem {
            prompt: "What?".into(),
            answer: "42".into(),
            payload: serde_json::json!({ "names": [] }),
            ..problem.clone()
        };
        task.demonstration(&foreign, 1);
        for text in ["", &shown] {
            assert!(!task.score(&foreign, text, true).correct);
            assert_eq!(task.reasoning(&foreign, text, true), Reasoning::NotJudged);
            assert_eq!(task.path(&foreign, ""), None);
            assert_eq!(task.wrong_path(&foreign, "", true), None);
        }
        for perturbation in task.perturbations() {
            assert_eq!(task.perturb(&foreign, perturbation.name, 0), None);
        }
    }
}
