use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::tasks::{Perturbation, Problem, Reward, Split, Task};

/// Sums `a+b` with a, b below `10^level`. A split is decided by content, as in the real tasks; with a
/// size, `index` names the problem (so that contents repeat), without one it seeds a search.
struct Sums {
    /// Training problems by level; `None` for a generator.
    train: Option<BTreeMap<u32, u64>>,
}

impl Sums {
    fn endless() -> Self {
        Self { train: None }
    }

    fn finite(train: impl IntoIterator<Item = (u32, u64)>) -> Self {
        Self {
            train: Some(train.into_iter().collect()),
        }
    }
}

impl Task for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn levels(&self) -> std::ops::RangeInclusive<u32> {
        1..=5
    }

    fn len(&self, split: Split, level: u32) -> Option<u64> {
        let train = self.train.as_ref()?;
        let size = train.get(&level).copied().unwrap_or(0);
        Some(if split == Split::Train {
            size
        } else {
            size / 4
        })
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        let mut stream = rng::stream(u64::from(level), Purpose::Problem, index, split as u64);
        let largest = 10u64.pow(level);
        loop {
            let (a, b): (u64, u64) = (
                stream.random_range(0..largest),
                stream.random_range(0..largest),
            );
            let prompt = format!("{a}+{b}");
            let id = rng::fingerprint(&prompt);
            if Split::of(id) == split {
                return Problem {
                    id,
                    split,
                    level,
                    index,
                    prompt,
                    answer: (a + b).to_string(),
                    payload: serde_json::Value::Null,
                };
            }
        }
    }

    fn demonstration(&self, problem: &Problem, _variant: u64) -> String {
        problem.answer.clone()
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        &["answer"]
    }

    fn score(&self, problem: &Problem, completion: &str, _finished: bool) -> Reward {
        let correct = completion == problem.answer;
        let total = f32::from(u8::from(correct));
        Reward {
            total,
            parts: vec![("answer".to_string(), total)],
            correct,
        }
    }

    fn path(&self, _problem: &Problem, completion: &str) -> Option<String> {
        Some(completion.to_string())
    }

    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        Some(completion.to_string())
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        &[]
    }

    fn perturb(&self, _: &Problem, _: &str, _: u64) -> Option<Problem> {
        None
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        vec!["0123456789+".to_string()]
    }
}

fn config(levels: [u32; 2], start: u32) -> CurriculumConfig {
    CurriculumConfig {
        levels,
        start,
        ..CurriculumConfig::default()
    }
}

fn curriculum(levels: [u32; 2], start: u32) -> Curriculum {
    Curriculum::new(&config(levels, start), 0.8, 3)
}

fn indices(refs: &[ProblemRef]) -> Vec<u64> {
    refs.iter().map(|problem| problem.index).collect()
}

fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> usize {
    items.into_iter().collect::<BTreeSet<T>>().len()
}

#[test]
fn levels_weigh_by_learnability_with_a_floor() {
    let mut curriculum = curriculum([1, 5], 4);
    assert_eq!(curriculum.weights(), [1, 2, 3, 4].map(|l| (l, 0.25)));
    curriculum.record_rollouts(1, 100, 100);
    curriculum.record_rollouts(2, 50, 100);
    curriculum.record_rollouts(3, 10, 100);
    // Level 1 is at the floor of 0.1 · 0.25, level 4 unknown and so as learnable as can be.
    let expected = [0.025, 0.25, 0.09, 0.25];
    let sum: f64 = expected.iter().sum();
    for ((level, weight), expected) in curriculum.weights().into_iter().zip(expected) {
        assert!((weight - expected / sum).abs() < 1e-15, "level {level}");
    }

    let mut counts = [0; 6];
    for step in 0..20_000 {
        let mut stream = rng::stream(0, Purpose::Prompts, step, 0);
        counts[curriculum.choose_level(&mut stream) as usize] += 1;
    }
    assert_eq!((counts[0], counts[5]), (0, 0));
    for (count, expected) in counts[1..5].iter().zip(expected) {
        let share = f64::from(*count) / 20_000.0;
        assert!((share - expected / sum).abs() < 0.015, "{counts:?}");
    }
}

#[test]
fn without_a_floor_mastered_levels_count_alike_when_nothing_else_is_left() {
    let mut config = config([1, 2], 2);
    config.floor = 0.0;
    let mut curriculum = Curriculum::new(&config, 0.8, 0);
    curriculum.record_rollouts(1, 5, 5);
    assert_eq!(curriculum.weights(), [(1, 0.0), (2, 1.0)]);
    curriculum.record_rollouts(2, 0, 5);
    assert_eq!(curriculum.weights(), [(1, 0.5), (2, 0.5)]);
}

#[test]
fn success_is_that_of_the_latest_rollouts() {
    let mut curriculum = curriculum([1, 3], 3);
    assert_eq!(curriculum.success_rate(1), None);
    curriculum.record_rollouts(1, 0, 0);
    assert_eq!(curriculum.success_rate(1), None);
    for _ in 0..4 {
        curriculum.record_rollouts(1, 0, 96);
    }
    for _ in 0..2 {
        curriculum.record_rollouts(1, 96, 96);
    }
    // 288 rollouts cover the window of 256; one report less would not.
    assert_eq!(curriculum.state().recent[&1].total(), 288);
    assert_eq!(curriculum.success_rate(1), Some(192.0 / 288.0));
    curriculum.record_rollouts(1, 96, 96);
    assert_eq!(curriculum.success_rate(1), Some(1.0));
    assert_eq!(curriculum.success_rate(2), None);
}

#[test]
fn exams_open_levels_one_after_the_other() {
    let mut curriculum = curriculum([1, 4], 1);
    let exam = |levels: &[(u32, f64)]| -> BTreeMap<u32, Option<f64>> {
        let some = |&(level, accuracy): &(u32, f64)| (level, Some(accuracy));
        levels.iter().map(some).collect()
    };
    assert!(
        curriculum
            .exam_results(&exam(&[(1, 0.79), (2, 1.0)]))
            .is_empty()
    );
    assert_eq!(curriculum.open_levels(), 1..=1);
    let unlocked = curriculum.exam_results(&exam(&[(1, 0.8), (2, 0.1), (3, 1.0)]));
    assert_eq!(
        unlocked,
        [Unlocked {
            level: 2,
            passed: 1,
            accuracy: Some(0.8)
        }]
    );
    // Only the highest open level counts.
    assert!(
        curriculum
            .exam_results(&exam(&[(1, 1.0), (2, 0.5)]))
            .is_empty()
    );
    // A level that was passed before it opened does not wait for another exam, and the highest
    // configured level is the last.
    let unlocked = curriculum.exam_results(&exam(&[(2, 0.9), (3, 0.9), (4, 1.0), (5, 1.0)]));
    assert_eq!(unlocked.iter().map(|u| u.level).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(curriculum.open_levels(), 1..=4);
    assert!(curriculum.exam_results(&exam(&[(4, 1.0)])).is_empty());
    assert_eq!(curriculum.open_levels(), 1..=4);
}

#[test]
fn a_finite_supply_is_gone_through_in_epochs() {
    let task = Sums::finite([(1, 50)]);
    let pool = Pool::prompts(&task, [1]).expect("has problems");
    let mut curriculum = curriculum([1, 1], 1);
    let mut order = Vec::new();
    for step in 0..25 {
        order.extend(indices(&curriculum.prompts(&pool, step, 0, 12)));
    }
    let epochs: Vec<&[u64]> = order.chunks(50).collect();
    assert_eq!(epochs.len(), 6);
    for epoch in &epochs {
        assert_eq!(distinct(*epoch), 50);
        assert!(epoch.iter().all(|&index| index < 50));
    }
    assert_eq!(distinct(epochs), 6, "each epoch has an order of its own");
}

#[test]
fn an_endless_supply_is_fresh_every_step() {
    let pool = Pool::prompts(&Sums::endless(), 1..=3).expect("has problems");
    let mut curriculum = curriculum([1, 3], 3);
    let mut all = Vec::new();
    for step in 0..100 {
        for attempt in 0..2 {
            all.extend(curriculum.prompts(&pool, step, attempt, 12));
        }
    }
    assert_eq!(all.len(), 2400);
    assert_eq!(distinct(indices(&all)), 2400);
    assert_eq!(distinct(all.iter().map(|problem| problem.level)), 3);
}

#[test]
fn a_level_without_exam_problems_holds_nobody_up() {
    let mut curriculum = curriculum([1, 4], 1);
    // Level 2 was not asked for want of problems: what is above it opens with it.
    let unlocked = curriculum.exam_results(&[(1, Some(1.0)), (2, None), (3, Some(0.2))].into());
    let told: Vec<(u32, Option<f64>)> = unlocked.iter().map(|u| (u.level, u.accuracy)).collect();
    assert_eq!(told, [(2, Some(1.0)), (3, None)]);
    // A level that was not examined at all is another matter.
    assert!(curriculum.exam_results(&[(1, Some(1.0))].into()).is_empty());
}

#[test]
fn a_level_without_training_problems_is_passed_over() {
    let pool = |task: &Sums| {
        let levels = Pool::levels_of(task, [1, 3]).expect("some have problems");
        Pool::prompts(task, levels).expect("each has problems")
    };
    let gap = pool(&Sums::finite([(1, 30), (3, 30)]));
    let mut curriculum = self::curriculum([1, 3], 1);
    let levels = |refs: Vec<ProblemRef>| {
        assert_eq!(refs.len(), 200, "batches are full");
        refs.iter().map(|r| r.level).collect::<BTreeSet<_>>()
    };
    assert_eq!(levels(curriculum.prompts(&gap, 1, 0, 200)), [1].into());
    curriculum.exam_results(&[(1, Some(1.0)), (2, None), (3, Some(0.0))].into());
    assert_eq!(curriculum.open_levels(), 1..=3);
    assert_eq!(levels(curriculum.prompts(&gap, 2, 0, 200)), [1, 3].into());
    assert_eq!(
        levels(curriculum.probe_prompts(&gap, 2, 200)),
        [1, 3].into()
    );
    // Where the open levels have none, training begins with the easiest that has some.
    let late = pool(&Sums::finite([(3, 30)]));
    let mut curriculum = self::curriculum([1, 3], 1);
    assert_eq!(levels(curriculum.demonstrations(&late, 1, 200)), [3].into());
}

#[test]
fn training_draws_from_unlocked_levels_alone() {
    let pool = Pool::prompts(&Sums::endless(), 1..=5).expect("has problems");
    let mut curriculum = curriculum([2, 5], 3);
    let levels = |refs: Vec<ProblemRef>| refs.iter().map(|r| r.level).collect::<BTreeSet<_>>();
    assert_eq!(levels(curriculum.prompts(&pool, 1, 0, 200)), [2, 3].into());
    assert_eq!(
        levels(curriculum.demonstrations(&pool, 1, 200)),
        [2, 3].into()
    );
    assert_eq!(
        levels(curriculum.probe_prompts(&pool, 1, 200)),
        [2, 3].into()
    );
    curriculum.exam_results(&[(3, Some(1.0))].into());
    assert_eq!(
        levels(curriculum.prompts(&pool, 2, 0, 200)),
        [2, 3, 4].into()
    );
}

#[test]
fn a_resumed_curriculum_draws_what_the_uninterrupted_one_draws() {
    let task = Sums::finite([(1, 30), (2, 70)]);
    let pool = Pool::prompts(&task, 1..=2).expect("has problems");
    let demonstrations = Pool::demonstrations(&task, 1..=2, 20).expect("has problems");
    let mut first = curriculum([1, 2], 1);
    let advance = |curriculum: &mut Curriculum, step: u64| {
        let prompts = curriculum.prompts(&pool, step, 0, 7);
        curriculum.record_rollouts(1, step % 5, 5);
        if step == 8 {
            curriculum.exam_results(&[(1, Some(1.0))].into());
        }
        (prompts, curriculum.demonstrations(&demonstrations, step, 5))
    };
    for step in 0..20 {
        advance(&mut first, step);
    }
    let text = serde_json::to_string(first.state()).expect("serialises");
    let mut second = curriculum([1, 2], 1);
    second.restore(serde_json::from_str(&text).expect("reads back"));
    assert_eq!(second.state(), first.state());
    for step in 20..40 {
        assert_eq!(advance(&mut second, step), advance(&mut first, step));
    }
    let mut other_seed = Curriculum::new(&config([1, 2], 1), 0.8, 4);
    let mut same_seed = curriculum([1, 2], 1);
    assert_ne!(advance(&mut other_seed, 0), advance(&mut same_seed, 0));
}

#[test]
fn a_probe_has_a_stream_of_its_own() {
    let pool = Pool::demonstrations(&Sums::endless(), [2], 40).expect("has problems");
    let mut curriculum = curriculum([2, 2], 2);
    let before = curriculum.state().clone();
    let probe = curriculum.probe_demonstrations(&pool, 5, 32);
    assert_eq!(curriculum.state(), &before);
    assert_eq!(probe, curriculum.probe_demonstrations(&pool, 5, 32));
    assert_ne!(probe, curriculum.probe_demonstrations(&pool, 6, 32));
    assert_eq!(distinct(&probe), 32, "none twice in a batch");
    let Some(Supply::Finite(known)) = pool.supply(2) else {
        panic!("a limit makes a supply finite");
    };
    assert!(indices(&probe).iter().all(|index| known.contains(index)));
    assert_ne!(probe, curriculum.demonstrations(&pool, 5, 32));
}

#[test]
fn demonstrations_differ_in_content_and_stop_where_there_are_no_more() {
    let task = Sums::endless();
    let pool = Pool::demonstrations(&task, 1..=2, 200).expect("has problems");
    for level in 1..=2 {
        let Some(Supply::Finite(known)) = pool.supply(level) else {
            panic!("a limit makes a supply finite");
        };
        let ids = known
            .iter()
            .map(|&index| task.problem(Split::Train, level, index).id);
        assert_eq!(distinct(ids), known.len());
    }
    // All training problems among the hundred sums of one digit, found although they repeat.
    let sums = (0..10).flat_map(|a| (0..10).map(move |b| format!("{a}+{b}")));
    let training = sums.filter(|sum| Split::of(rng::fingerprint(sum)) == Split::Train);
    assert_eq!(pool.size(1), Some(training.count()));
    assert_eq!(pool.size(2), Some(200));

    let all = Pool::demonstrations(&task, [1], 0).expect("has problems");
    assert_eq!((all.supply(1), all.size(1)), (Some(&Supply::Endless), None));
    let finite = Sums::finite([(3, 500)]);
    let all = Pool::demonstrations(&finite, [3], 0).expect("has problems");
    assert_eq!(all.size(3), Some(500));
}

#[test]
fn levels_that_cannot_be_trained_on_are_refused() {
    let task = Sums::finite([(1, 10)]);
    assert_eq!(
        Pool::prompts(&task, 1..=2),
        Err(CurriculumError::NoProblems {
            task: "sums",
            level: 2
        })
    );
    let error = Pool::demonstrations(&task, [6], 3).expect_err("there is no level 6");
    assert!(error.to_string().contains("levels 1 to 5"), "{error}");
}

#[test]
fn exams_and_tests_never_meet_training() {
    let task = Sums::endless();
    for level in 1..=3 {
        let exam = exam_problems(&task, level, 64);
        let test = test_problems(&task, level, 200);
        let ids = |problems: &[Problem]| problems.iter().map(|p| p.id).collect::<BTreeSet<_>>();
        let (exam_ids, test_ids) = (ids(&exam), ids(&test));
        assert_eq!((exam_ids.len(), test_ids.len()), (exam.len(), test.len()));
        if level > 1 {
            assert_eq!((exam.len(), test.len()), (64, 200));
        }
        assert!(exam_ids.is_disjoint(&test_ids));
        assert!(exam.iter().all(|problem| problem.split == Split::Exam));
        // The same set every time, and a longer one begins with the shorter one.
        assert_eq!(exam[..4], exam_problems(&task, level, 4));

        let levels = [level, level];
        let mut curriculum = curriculum(levels, level);
        let prompts = Pool::prompts(&task, [level]).expect("has problems");
        let demonstrations = Pool::demonstrations(&task, [level], 200).expect("has problems");
        for step in 0..50 {
            let trained = [
                curriculum.prompts(&prompts, step, 0, 12),
                curriculum.demonstrations(&demonstrations, step, 32),
                curriculum.probe_demonstrations(&demonstrations, step, 32),
                curriculum.probe_prompts(&prompts, step, 4),
            ];
            for problem in trained.into_iter().flatten() {
                let id = task.problem(Split::Train, level, problem.index).id;
                assert!(!exam_ids.contains(&id) && !test_ids.contains(&id));
            }
        }
    }
}

/// Three problems of one level; the second has three solutions, the others one.
struct Ways;

impl Task for Ways {
    fn name(&self) -> &'static str {
        "ways"
    }

    fn levels(&self) -> std::ops::RangeInclusive<u32> {
        1..=1
    }

    fn len(&self, _: Split, _: u32) -> Option<u64> {
        Some(3)
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        Problem {
            id: index % 3,
            index: index % 3,
            ..Sums::endless().problem(split, level, index % 3)
        }
    }

    fn solutions(&self, problem: &Problem) -> u64 {
        if problem.index == 1 { 3 } else { 1 }
    }

    fn demonstration(&self, problem: &Problem, _variant: u64) -> String {
        problem.answer.clone()
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        &[]
    }

    fn score(&self, _: &Problem, _: &str, _: bool) -> Reward {
        Reward::from_parts(&[], false)
    }

    fn answer(&self, _: &Problem, _: &str) -> Option<String> {
        None
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        &[]
    }

    fn perturb(&self, _: &Problem, _: &str, _: u64) -> Option<Problem> {
        None
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn an_epoch_shows_every_solution_of_every_problem_once() {
    let supply = |per_level| {
        let pool = Pool::demonstrations(&Ways, [1], per_level).expect("there are problems");
        pool.supply(1).cloned()
    };
    // The first solutions come first; places beyond the third are further solutions.
    assert_eq!(supply(0), Some(Supply::Finite(vec![0, 1, 2, 4, 7])));
    assert_eq!(supply(4), Some(Supply::Finite(vec![0, 1, 2, 4])));
    let pool = Pool::demonstrations(&Ways, [1], 0).expect("there are problems");
    let mut epoch = indices(&curriculum([1, 1], 1).demonstrations(&pool, 1, 5));
    epoch.sort_unstable();
    assert_eq!(epoch, [0, 1, 2, 4, 7]);
    // Prompts are asked once each.
    let prompts = Pool::prompts(&Ways, [1]).expect("there are problems");
    assert_eq!(prompts.size(1), Some(3));
}
