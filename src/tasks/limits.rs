//! Settings that leave out part of what the files hold: each is said.

use std::ops::RangeInclusive;

use super::{Split, Task};
use crate::config::RunConfig;

/// What people should know about settings that limit what is used of a task's files, or ask for
/// levels that these leave out, each with the setting's name. Nothing for generated tasks, which have
/// no end.
pub fn limits(config: &RunConfig, task: &dyn Task) -> Vec<String> {
    let (demonstrations, [low, high]) = (config.task.demonstrations, config.curriculum.levels);
    let trained: Vec<u32> = (low..=high)
        .filter(|level| task.levels().contains(level))
        .collect();
    let tested: &[u32] = match config.evaluation.levels.as_slice() {
        [] => &trained,
        levels => levels,
    };
    let count = |split, level| task.len(split, level).unwrap_or(0);
    let taught = |level| shown(task, level);
    let asked = |split| move |level| count(split, level);
    let exams = if config.exam.every > 0 {
        config.exam.problems as u64
    } else {
        0
    };
    let mut notices = Vec::new();
    notices.extend(bites(
        &format!("task.demonstrations = {demonstrations}: SFT sees"),
        "demonstrations",
        demonstrations,
        &trained,
        taught,
    ));
    notices.extend(bites(
        &format!("exam.problems = {exams}: exams ask"),
        "exam problems",
        exams,
        &trained,
        asked(Split::Exam),
    ));
    let problems = config.evaluation.problems as u64;
    notices.extend(bites(
        &format!("evaluation.problems = {problems}: the test asks"),
        "test problems",
        problems,
        tested,
        asked(Split::Test),
    ));
    notices.extend(passed_over(config, task));
    let unused = task.levels().filter(|level| !(low..=high).contains(level));
    let unused: Vec<String> = unused
        .map(|level| (level, count(Split::Train, level)))
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| format!("{count} of level {level}"))
        .collect();
    if !unused.is_empty() {
        notices.push(format!(
            "curriculum.levels = [{low}, {high}]: training problems of other levels are not used, {}",
            unused.join(", ")
        ));
    }
    notices
}

/// Levels of the curriculum that training passes over, since the files have no problems for them.
fn passed_over(config: &RunConfig, task: &dyn Task) -> Option<String> {
    let [low, high] = config.curriculum.levels;
    let empty = |level: &u32| task.len(Split::Train, *level) == Some(0);
    let known = task.levels().filter(|level| (low..=high).contains(level));
    let empty: Vec<u32> = known.filter(empty).collect();
    let (noun, verb) = match empty.len() {
        0 => return None,
        1 => ("level", "has no training problems and is"),
        _ => ("levels", "have no training problems and are"),
    };
    let levels = runs(&empty);
    Some(format!(
        "curriculum.levels = [{low}, {high}]: {noun} {levels} {verb} passed over"
    ))
}

/// Whole numbers in order, `1, 3 to 9`.
fn runs(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let told = runs.filter_map(|run| match run {
        [] => None,
        [only] => Some(only.to_string()),
        [first, .., last] => Some(format!("{first} to {last}")),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The levels that have training problems, from the lowest to the highest.
pub fn training_levels(task: &dyn Task) -> RangeInclusive<u32> {
    let some = |level: &u32| task.len(Split::Train, *level) != Some(0);
    let (lowest, highest) = (task.levels().find(some), task.levels().rev().find(some));
    lowest
        .zip(highest)
        .map_or(task.levels(), |(lowest, highest)| lowest..=highest)
}

/// The sentence for a limit (0: none) that some level has more than.
fn bites(
    beginning: &str,
    what: &str,
    limit: u64,
    levels: &[u32],
    count: impl Fn(u32) -> u64,
) -> Option<String> {
    let counts = levels.iter().map(|&level| (level, count(level)));
    let more: Vec<String> = counts
        .filter(|(_, count)| limit > 0 && *count > limit)
        .map(|(level, count)| format!("{limit} of the {count} {what} of level {level}"))
        .collect();
    (!more.is_empty()).then(|| format!("{beginning} {}", more.join(", ")))
}

/// How many demonstrations the files hold for a level; 0 where a level never runs dry.
fn shown(task: &dyn Task, level: u32) -> u64 {
    let problems = task.len(Split::Train, level).unwrap_or(0);
    let problem = |index| task.problem(Split::Train, level, index);
    (0..problems)
        .map(|index| task.solutions(&problem(index)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::tasks::build;

    fn line(number: u32, way: u32, level: u32) -> String {
        format!(
            "{{\"prompt\": \"{level} {number}\", \"completion\": \"{way}\\n#### 1\", \"level\": {level}}}\n"
        )
    }

    /// 300 problems of level 1 and 60 of level 2, the first ten of level 1 with three solutions each.
    fn notices(set: &[&str]) -> Vec<String> {
        let mut rows: String = (0..300).map(|number| line(number, 0, 1)).collect();
        rows.extend((0..60).map(|number| line(number, 0, 2)));
        rows.extend((0..300).flat_map(|number| [line(number, 1, 1), line(number, 2, 1)]));
        notices_of(rows, set)
    }

    fn notices_of(rows: String, set: &[&str]) -> Vec<String> {
        let text = "[task]\nkind = \"jsonl\"\nfiles = { train = [\"a\"], level_key = \"level\" }\n";
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        let mut config = RunConfig::from_toml(text, "test", &set).expect("a sound configuration");
        let built = build(&config.task, &|_| Ok(rows.clone().into_bytes())).expect("good rows");
        let widest = config.task.kind.widest_levels();
        config.curriculum.keep_to(built.task.levels(), widest);
        limits(&config, &*built.task)
    }

    #[test]
    fn without_limits_there_is_nothing_to_say() {
        assert_eq!(
            notices(&["exam.problems=999", "evaluation.problems=999"]),
            [""; 0]
        );
        assert_eq!(notices(&["exam.every=0", "evaluation.problems=0"]), [""; 0]);
    }

    #[test]
    fn every_limit_that_bites_is_said_with_its_setting() {
        let told = notices(&[
            "task.demonstrations=100",
            "exam.problems=3",
            "evaluation.problems=4",
            "curriculum.levels=[1, 1]",
        ]);
        let [taught, exams, test, levels] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(
            taught.starts_with("task.demonstrations = 100: SFT sees 100 of the "),
            "{taught}"
        );
        assert!(taught.ends_with(" demonstrations of level 1"), "{taught}");
        let count: u64 = taught
            .split(' ')
            .nth(8)
            .and_then(|n| n.parse().ok())
            .expect("a number");
        assert!(
            count > 600 && count.is_multiple_of(3),
            "three solutions each: {taught}"
        );
        assert!(
            exams.starts_with("exam.problems = 3: exams ask 3 of the "),
            "{exams}"
        );
        assert!(
            test.starts_with("evaluation.problems = 4: the test asks 4 of the "),
            "{test}"
        );
        assert!(
            levels.starts_with("curriculum.levels = [1, 1]: training problems of other"),
            "{levels}"
        );
        assert!(levels.ends_with(" of level 2"), "{levels}");
    }

    #[test]
    fn levels_that_the_files_leave_out_are_told_once() {
        let all = |level| (0..40).map(move |number| line(number, 0, level));
        let rows: String = [10, 13, 15].into_iter().flat_map(all).collect();
        let told = |set: &[&str]| {
            let whole = ["exam.problems=99", "evaluation.problems=99"];
            notices_of(rows.clone(), &[&whole[..], set].concat())
        };
        assert_eq!(
            told(&[]),
            [
                "curriculum.levels = [10, 15]: levels 11 to 12, 14 have no training problems and are \
                 passed over"
            ]
        );
        let narrow = told(&["curriculum.levels=[13, 15]"]);
        assert_eq!(
            narrow[0],
            "curriculum.levels = [13, 15]: level 14 has no training problems and is passed over"
        );
        assert_eq!(narrow.len(), 2, "and what is not used: {narrow:?}");
        assert_eq!(
            told(&["curriculum.levels=[13, 13]", "curriculum.start=13"]).len(),
            1
        );
    }

    #[test]
    fn generated_tasks_have_no_end() {
        let config = RunConfig::default();
        let built = build(&config.task, &|_| Err(std::io::ErrorKind::NotFound.into()));
        assert_eq!(limits(&config, &*built.expect("it is built").task), [""; 0]);
    }
}
