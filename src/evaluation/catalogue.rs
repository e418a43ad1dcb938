//! Every number that runs are judged by: what it is called, what it means, and where it can lie. Tables,
//! charts, files and the window take it from here.

use super::statistics::Interval;
use super::tally::{RAREFIED_TO, names};

/// How a number is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, in percent.
    Share,
    /// A difference of shares, in points.
    Points,
    /// A mean per problem.
    Plain,
    Whole,
    Seconds,
}

/// What a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first (greedy) answer to the test problems.
    FirstTry,
    /// Several samples per problem.
    Samples,
    Cost,
}

/// One number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// As in files. `pass@` stands for every number behind it.
    pub key: &'static str,
    pub title: &'static str,
    /// One sentence, without a full stop.
    pub meaning: &'static str,
    pub part: Part,
    pub unit: Unit,
    /// The least and the most it can be.
    pub bounds: (f64, f64),
}

const fn metric(
    part: Part,
    unit: Unit,
    bounds: (f64, f64),
    key: &'static str,
    [title, meaning]: [&'static str; 2],
) -> Metric {
    Metric {
        key,
        title,
        meaning,
        part,
        unit,
        bounds,
    }
}

const SHARE: (f64, f64) = (0.0, 1.0);
const COUNT: (f64, f64) = (0.0, f64::INFINITY);

/// All of them, in the order of tables.
pub const METRICS: [Metric; 28] = {
    use Part::{Cost, FirstTry, Samples};
    use Unit::{Plain, Points, Seconds, Share, Whole};
    [
        metric(
            FirstTry,
            Share,
            SHARE,
            "accuracy",
            [
                "Accuracy",
                "Share of test problems solved at the first try (greedy)",
            ],
        ),
        metric(
            FirstTry,
            Share,
            SHARE,
            "accuracy_unseen",
            [
                "Unseen levels",
                "Accuracy on levels that are never trained on",
            ],
        ),
        metric(
            FirstTry,
            Share,
            SHARE,
            "accuracy_perturbed",
            [
                "Reworded problems",
                "Accuracy on the same problems in other words, with meaning and answer unchanged",
            ],
        ),
        metric(
            FirstTry,
            Points,
            (-1.0, 1.0),
            "gain",
            [
                "Gain since warm-up",
                "Accuracy at the end of the run minus accuracy at the end of the warm-up, in points",
            ],
        ),
        metric(
            FirstTry,
            Share,
            SHARE,
            names::FAITHFULNESS,
            [
                "Right for the right reason",
                "Share of the right first answers whose reasoning holds, step by step, of those that can be judged",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            "mean@",
            [
                "Samples right, mean@",
                "Share of samples that are right, on average",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            "pass@",
            [
                "At least one right, pass@",
                "Chance that at least one of this many samples is right (estimated without bias)",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            "maj@",
            [
                "Majority right, maj@",
                "Chance that the answer most of this many samples agree on is right (self-consistency)",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            names::CONS_PASS_GAP,
            [
                "Best choice over the vote",
                "What choosing the right sample would gain over voting",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            names::SAMPLED_FAITHFULNESS,
            [
                "Right samples for the right reason",
                "Share of the right samples whose reasoning holds, of those that can be judged",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            names::CORRECT_PATH_SIMPSON,
            [
                "Two right samples differ",
                "Chance that two right samples of a problem reason differently (Simpson's index, over problems \
             with at least two); it does not grow with accuracy",
            ],
        ),
        metric(
            Samples,
            Plain,
            (1.0, RAREFIED_TO as f64),
            names::RAREFIED_CORRECT_PATHS,
            [
                "Paths among 4 right samples",
                "Different ways of reasoning among four right samples of a problem (rarefied, over problems with \
             at least four); it does not grow with accuracy",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::DISTINCT_CORRECT_PATHS,
            [
                "Distinct right paths",
                "Different ways of reasoning that lead to the right answer among a problem's samples; it grows \
             with accuracy",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::DISTINCT_PATHS,
            [
                "Distinct paths",
                "Different ways of reasoning that hold among a problem's samples",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::CORRECT_PATH_ENTROPY,
            [
                "Entropy of right paths",
                "How evenly the right samples spread over their ways of reasoning, in nats; 0 if all reason alike",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::PATH_ENTROPY,
            [
                "Entropy of paths",
                "How evenly the samples spread over their ways of reasoning, in nats; 0 if all reason alike",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::STEP_SIZE,
            [
                "Textbook steps per step",
                "How many of the textbook's steps one step of reasoning does, where the reasoning holds",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::ANSWER_ENTROPY,
            [
                "Entropy of answers",
                "How evenly the samples spread over different answers, in nats; 0 if all give one",
            ],
        ),
        metric(
            Samples,
            Plain,
            (1.0, f64::INFINITY),
            names::EFFECTIVE_ANSWERS,
            [
                "Effective answers",
                "How many different answers are effectively given per problem (exp of their entropy)",
            ],
        ),
        metric(
            Samples,
            Plain,
            COUNT,
            names::EAD,
            [
                "EAD",
                "Different n-grams among a problem's samples, against as many as chance would give at their \
             length (expectation-adjusted distinct)",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            names::DISTINCT_N,
            [
                "Distinct-n",
                "Share of different n-grams among all of a problem's samples; it falls with their length",
            ],
        ),
        metric(
            Samples,
            Share,
            SHARE,
            names::SELF_BLEU,
            [
                "Self-BLEU",
                "How alike the texts of a problem's samples are; 100 % if they are the same",
            ],
        ),
        metric(
            Cost,
            Whole,
            COUNT,
            "sft_steps",
            ["SFT steps", "Textbook steps, warm-up included"],
        ),
        metric(
            Cost,
            Whole,
            COUNT,
            "grpo_steps",
            ["GRPO steps", "Quiz steps"],
        ),
        metric(
            Cost,
            Whole,
            COUNT,
            "blend_steps",
            ["Blended steps", "Steps of both kinds at once"],
        ),
        metric(
            Cost,
            Whole,
            COUNT,
            "tokens",
            [
                "Training tokens",
                "Prompts and completions that training processed, probes and replaced rollouts included, exams \
             and tests not",
            ],
        ),
        metric(
            Cost,
            Seconds,
            COUNT,
            "seconds",
            [
                "Training time",
                "Seconds of all steps; the base model's training, exams and tests not counted",
            ],
        ),
        metric(
            Cost,
            Whole,
            COUNT,
            "evaluation_tokens",
            [
                "Tokens of exams and tests",
                "Prompts and completions of exams and tests, which are charged to no method",
            ],
        ),
    ]
};

/// The metric of a name, and the number behind its `@`.
pub fn describe(name: &str) -> Option<(&'static Metric, Option<u32>)> {
    let (key, number) = match name.split_once('@') {
        Some((key, number)) => (format!("{key}@"), Some(number.parse().ok()?)),
        None => (name.to_owned(), None),
    };
    let metric = METRICS.iter().find(|metric| metric.key == key)?;
    Some((metric, number))
}

/// A place for sorting names as tables list them: by metric, then by the number behind the `@`.
pub fn rank(name: &str) -> (usize, u32) {
    let key = name.split('@').next().unwrap_or(name);
    let place = METRICS
        .iter()
        .position(|metric| metric.key.trim_end_matches('@') == key);
    let number = describe(name).and_then(|(_, number)| number);
    (place.unwrap_or(METRICS.len()), number.unwrap_or(0))
}

/// The least and the most that a number can be; nothing is known of one that is not listed.
pub fn bounds(name: &str) -> (f64, f64) {
    let unknown = (f64::NEG_INFINITY, f64::INFINITY);
    describe(name).map_or(unknown, |(metric, _)| metric.bounds)
}

/// An interval of a number without what it cannot be: over few seeds Student's t knows no bounds.
pub fn within_bounds(name: &str, interval: Interval) -> Interval {
    let (low, high) = bounds(name);
    interval.within(low, high)
}

impl Metric {
    /// The title with the number of a name: `pass@8`.
    pub fn title_with(&self, number: Option<u32>) -> String {
        match number {
            Some(number) => format!("{}{number}", self.title),
            None => self.title.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metric_names;

    #[test]
    fn every_metric_over_samples_is_described_once() {
        let mut keys: Vec<&str> = METRICS.iter().map(|metric| metric.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), METRICS.len());
        for name in metric_names(8) {
            let (metric, number) = describe(&name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(metric.part, Part::Samples);
            assert_eq!(number.is_some(), name.contains('@'));
            assert!(!metric.meaning.ends_with('.'));
        }
        assert_eq!(
            describe("pass@8").unwrap().0.title_with(Some(8)),
            "At least one right, pass@8"
        );
        assert!(describe("nonsense").is_none() && describe("pass@x").is_none());
        assert!(rank("pass@2") < rank("pass@16") && rank("accuracy") < rank("mean@8"));
        assert!(rank("nonsense") > rank("evaluation_tokens"));
    }

    #[test]
    fn intervals_stay_within_what_a_number_can_be() {
        let wide = Interval {
            low: -0.437,
            high: 117.0,
        };
        let of = |name| within_bounds(name, wide);
        assert_eq!((of("pass@8").low, of("pass@8").high), (0.0, 1.0));
        assert_eq!(of(names::DISTINCT_CORRECT_PATHS).low, 0.0);
        assert_eq!(of("gain").high, 1.0);
        assert_eq!(of("who knows"), wide);
    }
}
