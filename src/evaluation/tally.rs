//! What came of the samples of a problem, in a few numbers: every metric over samples is made of these, so
//! whoever has them can pair two runs problem by problem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::metrics::{Sample, TextMetric, pass_at_k};

/// Correct samples that [`names::RAREFIED_CORRECT_PATHS`] is taken over.
pub const RAREFIED_TO: u32 = 4;

/// Metrics over samples that have no number in their name; see [`Tally::value`].
pub mod names {
    pub const CONS_PASS_GAP: &str = "cons_pass_gap";
    pub const ANSWER_ENTROPY: &str = "answer_entropy";
    pub const EFFECTIVE_ANSWERS: &str = "effective_answers";
    pub const DISTINCT_PATHS: &str = "distinct_paths";
    pub const DISTINCT_CORRECT_PATHS: &str = "distinct_correct_paths";
    pub const PATH_ENTROPY: &str = "path_entropy";
    pub const CORRECT_PATH_ENTROPY: &str = "correct_path_entropy";
    pub const CORRECT_PATH_SIMPSON: &str = "correct_path_simpson";
    pub const RAREFIED_CORRECT_PATHS: &str = "rarefied_correct_paths";
    pub const FAITHFULNESS: &str = "faithfulness";
    pub const SAMPLED_FAITHFULNESS: &str = "sampled_faithfulness";
    pub const STEP_SIZE: &str = "step_size";
    pub const DISTINCT_N: &str = "distinct_n";
    pub const EAD: &str = "ead";
    pub const SELF_BLEU: &str = "self_bleu";
}

/// The samples of one problem, counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pub samples: u32,
    pub correct: u32,
    /// Samples whose reasoning the task judges, and those of them that are correct.
    pub judged: u32,
    pub judged_correct: u32,
    /// Answers that are right, and others, by how often each was given.
    pub right_answers: Counts,
    pub wrong_answers: Counts,
    /// Reasoning that holds, by path: of all samples, and of the correct ones.
    pub paths: Counts,
    pub correct_paths: Counts,
    /// Steps of the reasoning that holds, and the textbook steps that they do.
    pub steps: u32,
    pub textbook_steps: u32,
    /// What texts are like; `None` where they are too short to say.
    pub texts: BTreeMap<TextMetric, f32>,
}

impl Tally {
    /// Counts the samples of a problem. `vocabulary` is the number of tokens there are.
    pub fn of(samples: &[Sample], vocabulary: usize) -> Self {
        let number = |test: &dyn Fn(&Sample) -> bool| {
            samples.iter().filter(|sample| test(sample)).count() as u32
        };
        // An answer is right if any sample that gives it is: a sample may fail for its form alone.
        let right: std::collections::BTreeSet<&str> = samples
            .iter()
            .filter(|sample| sample.correct)
            .filter_map(|sample| sample.answer.as_deref())
            .collect();
        let answers = || samples.iter().filter_map(|sample| sample.answer.as_deref());
        let holding = || samples.iter().filter(|sample| sample.path.is_some());
        let texts = TextMetric::ALL.into_iter().filter_map(|metric| {
            let value = metric.of(samples, vocabulary)?;
            // Four decimals: these stand in a file, problem by problem.
            Some((metric, ((value * 1e4).round() / 1e4) as f32))
        });
        Self {
            samples: samples.len() as u32,
            correct: number(&|sample| sample.correct),
            judged: number(&|sample| sample.judged),
            judged_correct: number(&|sample| sample.judged && sample.correct),
            right_answers: Counts::of(answers().filter(|answer| right.contains(answer))),
            wrong_answers: Counts::of(answers().filter(|answer| !right.contains(answer))),
            paths: Counts::of(samples.iter().filter_map(|sample| sample.path.as_deref())),
            correct_paths: Counts::of(
                samples
                    .iter()
                    .filter(|sample| sample.correct)
                    .filter_map(|sample| sample.path.as_deref()),
            ),
            steps: holding().map(|sample| sample.step_sizes.len() as u32).sum(),
            textbook_steps: holding().flat_map(|sample| &sample.step_sizes).sum(),
            texts: texts.collect(),
        }
    }

    /// A metric of this problem by its name; `None` where it is not defined for it.
    ///
    /// - `mean@n`: share of correct samples; `pass@k`; `maj@n`: whether the answer most samples agree on is
    ///   right (self-consistency), each of several with the most votes in equal shares, 0 if nobody votes;
    /// - `cons_pass_gap`: pass@n − maj@n, what a perfect choice among the samples would gain over the vote;
    /// - `answer_entropy`, over samples with an answer, in nats; `effective_answers`, its exponential;
    /// - `distinct_paths`, `distinct_correct_paths`, `path_entropy`, `correct_path_entropy`: over reasoning
    ///   that holds; the numbers are 0 where none does, and not defined where the task judges none;
    /// - `correct_path_simpson`: probability that two correct samples reason differently, of problems with
    ///   at least two whose reasoning holds; `rarefied_correct_paths`: different paths among
    ///   [`RAREFIED_TO`] such samples. Unlike the numbers before, neither grows with accuracy;
    /// - `sampled_faithfulness`: share of the correct samples whose reasoning holds, of those judged;
    /// - `step_size`: textbook steps that one step of reasoning that holds does;
    /// - `distinct_n`, `ead`, `self_bleu`: of the texts.
    pub fn value(&self, metric: &str) -> Option<f64> {
        let (n, correct) = (self.samples as usize, self.correct as usize);
        if n == 0 {
            return None;
        }
        if let Some(k) = metric.strip_prefix("pass@") {
            return pass_at_k(n, correct, k.parse().ok()?);
        }
        let judged = |value: f64| (self.judged > 0).then_some(value);
        let share = |part: u32, whole: u32| (whole > 0).then(|| f64::from(part) / f64::from(whole));
        // Of another number of samples it would be another metric.
        let of_all = |count: &str| count.parse() == Ok(n);
        if let Some(count) = metric.strip_prefix("mean@") {
            return of_all(count).then(|| correct as f64 / n as f64);
        }
        if let Some(count) = metric.strip_prefix("maj@") {
            return of_all(count).then(|| self.majority());
        }
        match metric {
            names::CONS_PASS_GAP => Some(pass_at_k(n, correct, n)? - self.majority()),
            names::ANSWER_ENTROPY => self.answers().entropy(),
            names::EFFECTIVE_ANSWERS => self.answers().entropy().map(f64::exp),
            names::DISTINCT_PATHS => judged(self.paths.distinct().into()),
            names::DISTINCT_CORRECT_PATHS => judged(self.correct_paths.distinct().into()),
            names::PATH_ENTROPY => self.paths.entropy(),
            names::CORRECT_PATH_ENTROPY => self.correct_paths.entropy(),
            names::CORRECT_PATH_SIMPSON => self.correct_paths.simpson(),
            names::RAREFIED_CORRECT_PATHS => self.correct_paths.rarefied(RAREFIED_TO),
            names::SAMPLED_FAITHFULNESS => share(self.correct_paths.total(), self.judged_correct),
            names::STEP_SIZE => share(self.textbook_steps, self.steps),
            _ => {
                let mut of_texts = TextMetric::ALL.into_iter();
                let metric = of_texts.find(|known| known.name() == metric)?;
                self.texts.get(&metric).map(|&value| value.into())
            }
        }
    }

    fn answers(&self) -> Counts {
        self.right_answers.joined(&self.wrong_answers)
    }

    fn majority(&self) -> f64 {
        let most = |counts: &Counts| counts.most().unwrap_or((0, 0));
        let (right, wrong) = (most(&self.right_answers), most(&self.wrong_answers));
        match right.0.cmp(&wrong.0) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal if right.0 == 0 => 0.0,
            std::cmp::Ordering::Equal => f64::from(right.1) / f64::from(right.1 + wrong.1),
        }
    }
}

/// The names of all metrics over `n` samples, with `pass@k` for the powers of two up to n.
pub fn metric_names(n: usize) -> Vec<String> {
    let powers = (0..).map(|power| 1usize << power).take_while(|&k| k <= n);
    let mut all = vec![format!("mean@{n}"), format!("maj@{n}")];
    all.extend(powers.map(|k| format!("pass@{k}")));
    let others = [
        names::CONS_PASS_GAP,
        names::ANSWER_ENTROPY,
        names::EFFECTIVE_ANSWERS,
        names::DISTINCT_PATHS,
        names::DISTINCT_CORRECT_PATHS,
        names::PATH_ENTROPY,
        names::CORRECT_PATH_ENTROPY,
        names::CORRECT_PATH_SIMPSON,
        names::RAREFIED_CORRECT_PATHS,
        names::SAMPLED_FAITHFULNESS,
        names::STEP_SIZE,
        names::DISTINCT_N,
        names::EAD,
        names::SELF_BLEU,
    ];
    all.extend(others.map(String::from));
    all
}

/// Means over problems of every metric of [`metric_names`] that is defined for one of them; a problem for
/// which a metric is not defined is left out of its mean. Empty without samples.
pub fn summarise(problems: &[Tally]) -> BTreeMap<String, f64> {
    let fewest = problems.iter().map(|tally| tally.samples).min();
    let n = fewest.unwrap_or(0) as usize;
    if n == 0 {
        return BTreeMap::new();
    }
    let mean = |name: String| {
        let values: Vec<f64> = problems.iter().filter_map(|p| p.value(&name)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then_some((name, mean))
    };
    metric_names(n).into_iter().filter_map(mean).collect()
}

/// Tallies as columns, one entry a problem: the form in files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Columns {
    samples: Vec<u32>,
    correct: Vec<u32>,
    judged: Vec<u32>,
    judged_correct: Vec<u32>,
    right_answers: Vec<Counts>,
    wrong_answers: Vec<Counts>,
    paths: Vec<Counts>,
    correct_paths: Vec<Counts>,
    steps: Vec<u32>,
    textbook_steps: Vec<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    texts: BTreeMap<TextMetric, Vec<Option<f32>>>,
}

/// The tallies of a test's problems, in the order of the set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Columns", into = "Columns")]
pub struct Tallies(pub Vec<Tally>);

impl TryFrom<Columns> for Tallies {
    type Error = String;

    /// A column that is not there (of another version) counts as 0 throughout; one of another length is
    /// damaged.
    fn try_from(columns: Columns) -> Result<Self, String> {
        let rows = columns.samples.len();
        let mut all = vec![Tally::default(); rows];
        for (tally, &samples) in all.iter_mut().zip(&columns.samples) {
            tally.samples = samples;
        }
        let mut wrong = None;
        let mut fits = |name: &str, length: usize| {
            if length != rows && length != 0 {
                wrong = Some(format!("{length} entries of `{name}` for {rows} problems"));
            }
        };
        macro_rules! take {
            ($($column:ident),*) => {$(
                fits(stringify!($column), columns.$column.len());
                for (tally, value) in all.iter_mut().zip(columns.$column) {
                    tally.$column = value;
                }
            )*};
        }
        take!(
            correct,
            judged,
            judged_correct,
            right_answers,
            wrong_answers
        );
        take!(paths, correct_paths, steps, textbook_steps);
        for (metric, column) in columns.texts {
            fits(metric.name(), column.len());
            for (tally, value) in all.iter_mut().zip(column) {
                tally.texts.extend(value.map(|value| (metric, value)));
            }
        }
        wrong.map_or(Ok(Self(all)), Err)
    }
}

impl From<Tallies> for Columns {
    fn from(Tallies(rows): Tallies) -> Self {
        let mut columns = Self::default();
        for metric in TextMetric::ALL {
            if rows.iter().any(|row| row.texts.contains_key(&metric)) {
                let column = rows.iter().map(|row| row.texts.get(&metric).copied());
                columns.texts.insert(metric, column.collect());
            }
        }
        for row in rows {
            columns.samples.push(row.samples);
            columns.correct.push(row.correct);
            columns.judged.push(row.judged);
            columns.judged_correct.push(row.judged_correct);
            columns.right_answers.push(row.right_answers);
            columns.wrong_answers.push(row.wrong_answers);
            columns.paths.push(row.paths);
            columns.correct_paths.push(row.correct_paths);
            columns.steps.push(row.steps);
            columns.textbook_steps.push(row.textbook_steps);
        }
        columns
    }
}

impl Tallies {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
