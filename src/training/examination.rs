//! Exams and tests: problems asked in slices, graded, and summed up level by level.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::event::{CompletionRecord, EvaluationRecord, Event, Judgements};
use super::workers::Workers;
use crate::clock::Clock;
use crate::config::{EvaluationConfig, RunConfig};
use crate::curriculum::{exam_problems, test_problems};
use crate::evaluation::{Sample, Tallies, Tally, names, pooled_accuracy, summarise};
use crate::model::Model;
use crate::rng::fingerprint;
use crate::rollout::{Completion, Limits, Request, Sampling};
use crate::tasks::{Problem, Reasoning, Split, Task};
use crate::text::Text;

/// Problems asked in one unit of work.
pub(super) const SLICE: usize = 32;

/// Seed of all samples taken in tests: fixed, so that runs are compared on the same noise.
const TEST_SEED: u64 = 0x5a52;

/// What asking and grading needs besides the model.
#[derive(Clone)]
pub struct Study {
    pub task: Arc<dyn Task>,
    pub text: Text,
    pub limits: Limits,
}

impl Study {
    /// The study of a configuration.
    pub fn new(config: &RunConfig, task: Arc<dyn Task>, text: Text) -> Self {
        let limits = Limits {
            max_completion_length: config.grpo.max_completion_length,
            stops: text.stops().to_vec(),
            pad: text.pad(),
        };
        Self { task, text, limits }
    }

    /// A request for `samples` completions of a problem.
    ///
    /// # Errors
    /// If the prompt holds something the vocabulary does not know.
    pub fn request(&self, problem: &Problem, samples: usize) -> Result<Request, TrainError> {
        let prompt = self.text.prompt(&problem.prompt)?;
        Ok(Request {
            problem: problem.id,
            prompt,
            samples,
        })
    }

    /// The completion as text, graded, with its tokens one by one, ready to be written down.
    pub fn grade(
        &self,
        problem: &Problem,
        sample: usize,
        completion: &Completion,
    ) -> CompletionRecord {
        let mut record = self.judge(problem, sample, completion);
        self.spell_out(&mut record, &completion.tokens, &completion.logps);
        record
    }

    /// A completion of a text that is no problem of the task: nothing judges it.
    pub fn ungraded(&self, sample: usize, completion: &Completion) -> CompletionRecord {
        let mut record = CompletionRecord {
            step: 0,
            source: String::new(),
            split: Split::Test,
            level: 0,
            problem: 0,
            prompt: String::new(),
            answer: String::new(),
            sample: sample as u32,
            completion: self.text.decode(without_end(completion)),
            finished: completion.finished,
            tokens: completion.tokens.len(),
            reward: 0.0,
            parts: Vec::new(),
            correct: false,
            advantage: None,
            holds: None,
            path: None,
            step_sizes: Vec::new(),
            given: None,
            wrong_path: None,
            logprobs: Vec::new(),
            pieces: Vec::new(),
        };
        self.spell_out(&mut record, &completion.tokens, &completion.logps);
        record
    }

    /// A completion as metrics see it: graded, and without the token that ended it.
    fn sample(&self, problem: &Problem, completion: &Completion) -> Sample {
        let record = self.judge(problem, 0, completion);
        Sample {
            tokens: without_end(completion).to_vec(),
            answer: record.given,
            correct: record.correct,
            judged: record.holds.is_some(),
            // What nobody judged is shown as a path, and counts as none.
            path: record.path.filter(|_| record.holds.is_some()),
            step_sizes: record.step_sizes,
        }
    }

    /// Adds the tokens a completion was sampled as, and the log-probability of each.
    pub(super) fn spell_out(&self, record: &mut CompletionRecord, tokens: &[u32], logps: &[f32]) {
        record.logprobs = logps.to_vec();
        record.pieces = tokens.iter().map(|&id| self.text.token(id)).collect();
    }

    /// The completion as text, graded.
    pub(super) fn judge(
        &self,
        problem: &Problem,
        sample: usize,
        completion: &Completion,
    ) -> CompletionRecord {
        let text = self.text.decode(without_end(completion));
        let reward = self.task.score(problem, &text, completion.finished);
        let given = self.task.answer(problem, &text);
        let (mut holds, mut path, mut step_sizes, mut wrong_path) = (None, None, Vec::new(), None);
        match self.task.reasoning(problem, &text, completion.finished) {
            Reasoning::NotJudged => path = self.task.likeness(problem, &text),
            Reasoning::Holds(chain) => {
                (holds, path) = (Some(true), Some(chain.path()));
                step_sizes = chain.sizes;
            }
            Reasoning::Broken(broken) => {
                (holds, wrong_path) = (Some(false), broken.if_readable());
            }
        }
        CompletionRecord {
            step: 0,
            source: String::new(),
            split: problem.split,
            level: problem.level,
            problem: problem.id,
            prompt: problem.prompt.clone(),
            answer: problem.answer.clone(),
            sample: sample as u32,
            holds,
            path,
            step_sizes,
            completion: text,
            finished: completion.finished,
            tokens: completion.tokens.len(),
            reward: reward.total,
            parts: reward.parts,
            correct: reward.correct,
            advantage: None,
            given,
            wrong_path,
            logprobs: Vec::new(),
            pieces: Vec::new(),
        }
    }
}

/// The tokens of a completion without the one that ended it.
fn without_end(completion: &Completion) -> &[u32] {
    let ended = usize::from(completion.finished);
    &completion.tokens[..completion.tokens.len() - ended]
}

/// Fingerprints of the problems of a test: ids, wordings, answers and levels in their order. Empty where
/// there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSet {
    /// Of the levels that are trained on.
    pub seen: String,
    /// Of the levels that are never trained on.
    pub unseen: String,
    /// Of the reworded problems, by perturbation.
    #[serde(default)]
    pub perturbations: BTreeMap<String, String>,
}

/// Problems of one level (perhaps reworded) that are judged together.
struct Sheet {
    split: Split,
    level: u32,
    unseen: bool,
    perturbation: Option<String>,
    problems: Vec<Problem>,
    /// As [`EvaluationRecord::places`].
    places: Vec<usize>,
    /// Samples per problem besides the greedy answer; 0 for none.
    samples: usize,
}

/// An exam or a test under way.
pub struct Examination {
    kind: String,
    step: u64,
    temperature: f64,
    sheets: VecDeque<Sheet>,
    /// Of the first sheet: problems asked, greedy correctness, samples.
    asked: usize,
    correct: Vec<bool>,
    holds: Vec<Option<bool>>,
    samples: Vec<Tally>,
    /// Of the first sheet: tokens and seconds so far.
    num_tokens: u64,
    seconds: f64,
    done: u64,
    total: u64,
    /// Results so far, said only when all are there: an examination that is broken off and begun
    /// anew after resuming leaves nothing twice in the logs.
    held: Vec<Event>,
    /// Problems and greedy accuracy by level of the sheets that are complete and not reworded.
    accuracies: BTreeMap<u32, (usize, f64)>,
    /// Levels that should have been asked, and have no problems.
    without_problems: Vec<u32>,
}

impl Examination {
    /// An exam on every training level. One without training problems is passed over, and asked nothing.
    pub fn exam(config: &RunConfig, task: &dyn Task, step: u64) -> Self {
        let [low, high] = config.curriculum.levels;
        let sheet = |level| Sheet {
            split: Split::Exam,
            level,
            unseen: false,
            perturbation: None,
            problems: match task.len(Split::Train, level) {
                Some(0) => Vec::new(),
                _ => exam_problems(task, level, config.exam.problems),
            },
            places: Vec::new(),
            samples: 0,
        };
        Self::new("exam", step, 1.0, (low..=high).map(sheet).collect())
    }

    /// The test on untouched problems; with `robustness` also under every perturbation.
    pub fn test(
        config: &RunConfig,
        task: &dyn Task,
        kind: &str,
        step: u64,
        robustness: bool,
    ) -> Self {
        let evaluation = &config.evaluation;
        let [low, high] = config.curriculum.levels;
        let levels = match evaluation.levels.as_slice() {
            [] => (low..=high).collect(),
            levels => levels.to_vec(),
        };
        let seen = levels.iter().map(|&level| (level, false));
        let unseen = evaluation.unseen_levels.iter().map(|&level| (level, true));
        let mut sheets = Vec::new();
        for (level, unseen) in seen.chain(unseen) {
            sheets.extend(test_sheets(evaluation, task, level, unseen, robustness));
        }
        Self::new(kind, step, evaluation.temperature, sheets)
    }

    /// What identifies the problems of the final test: runs with the same ones were asked the same.
    pub fn test_set(config: &RunConfig, task: &dyn Task) -> TestSet {
        let test = Self::test(config, task, "final", 0, config.evaluation.robustness);
        let mut set = TestSet::default();
        for sheet in &test.sheets {
            let place = match &sheet.perturbation {
                Some(name) => set.perturbations.entry(name.clone()).or_default(),
                None if sheet.unseen => &mut set.unseen,
                None => &mut set.seen,
            };
            let mut told = format!("{place} level {}", sheet.level);
            for problem in &sheet.problems {
                // Debug quotes texts, so that no two lists of fields print alike.
                told += &format!(" {} {:?} {:?}", problem.id, problem.prompt, problem.answer);
            }
            *place = format!("{:016x}", fingerprint(&told));
        }
        set
    }

    fn new(kind: &str, step: u64, temperature: f64, sheets: Vec<Sheet>) -> Self {
        let (sheets, empty): (Vec<Sheet>, Vec<Sheet>) = sheets
            .into_iter()
            .partition(|sheet| !sheet.problems.is_empty());
        let sheets = VecDeque::from(sheets);
        let plain = empty.iter().filter(|sheet| sheet.perturbation.is_none());
        Self {
            kind: kind.to_string(),
            step,
            temperature,
            total: sheets.iter().map(|sheet| sheet.problems.len() as u64).sum(),
            sheets,
            asked: 0,
            correct: Vec::new(),
            holds: Vec::new(),
            samples: Vec::new(),
            num_tokens: 0,
            seconds: 0.0,
            done: 0,
            held: Vec::new(),
            accuracies: BTreeMap::new(),
            without_problems: plain.map(|sheet| sheet.level).collect(),
        }
    }

    /// Whether every sheet is complete.
    pub fn is_finished(&self) -> bool {
        self.sheets.is_empty()
    }

    /// Greedy accuracy by level; none for levels without problems.
    pub fn accuracies(&self) -> BTreeMap<u32, Option<f64>> {
        let asked = self
            .accuracies
            .iter()
            .map(|(&level, &(_, accuracy))| (level, Some(accuracy)));
        let others = self.without_problems.iter().map(|&level| (level, None));
        asked.chain(others).collect()
    }

    /// Greedy accuracy over all levels (see [`pooled_accuracy`]); `None` without problems.
    pub fn mean(&self) -> Option<f64> {
        pooled_accuracy(self.accuracies.values().copied())
    }

    /// Asks the next few problems.
    ///
    /// # Errors
    /// If a prompt cannot be put into tokens or the device fails.
    pub async fn advance(
        &mut self,
        model: &Model,
        workers: &Workers,
        study: &Study,
    ) -> Result<Vec<Event>, TrainError> {
        let Some(sheet) = self.sheets.front() else {
            return Ok(Vec::new());
        };
        let clock = Clock::start();
        let end = (self.asked + SLICE).min(sheet.problems.len());
        let problems = &sheet.problems[self.asked..end];
        let ask = |samples| -> Result<Vec<Request>, TrainError> {
            problems
                .iter()
                .map(|problem| study.request(problem, samples))
                .collect()
        };
        let mut num_tokens = 0;
        // As in training: a prompt counts with each of its completions.
        let mut count = |requests: &[Request], completions: &[Vec<Completion>]| {
            for (request, completions) in requests.iter().zip(completions) {
                let all = completions.iter();
                let tokens = all.map(|completion| request.prompt.len() + completion.tokens.len());
                num_tokens += tokens.sum::<usize>() as u64;
            }
        };
        let requests = ask(1)?;
        let greedy = workers
            .generate(model, requests.clone(), &Sampling::greedy(), &study.limits)
            .await?;
        count(&requests, &greedy);
        let mut records = Vec::new();
        for (problem, completions) in problems.iter().zip(&greedy) {
            let mut record = study.judge(problem, 0, &completions[0]);
            record.step = self.step;
            record.source = self.kind.clone();
            self.correct.push(record.correct);
            self.holds.push(record.holds);
            records.push(record);
        }
        if sheet.samples > 0 {
            let sampling = Sampling::at(self.temperature, TEST_SEED);
            let requests = ask(sheet.samples)?;
            let sampled = workers
                .generate(model, requests.clone(), &sampling, &study.limits)
                .await?;
            count(&requests, &sampled);
            for (problem, completions) in problems.iter().zip(&sampled) {
                let samples: Vec<Sample> = completions
                    .iter()
                    .map(|completion| study.sample(problem, completion))
                    .collect();
                self.samples
                    .push(Tally::of(&samples, study.text.vocabulary()));
            }
        }
        self.done += problems.len() as u64;
        self.asked = end;
        let complete = end == sheet.problems.len();
        self.held.push(Event::Completions { records });
        self.num_tokens += num_tokens;
        self.seconds += clock.seconds();
        if complete {
            let record = self.finish_sheet();
            self.held.push(Event::Evaluated(Box::new(record)));
        }
        let (what, done, total) = (self.kind.clone(), self.done, self.total);
        let mut events = vec![Event::Progress { what, done, total }];
        if self.is_finished() {
            events.append(&mut self.held);
        }
        Ok(events)
    }

    fn finish_sheet(&mut self) -> EvaluationRecord {
        let sheet = self.sheets.pop_front().expect("a sheet is being worked on");
        let correct = std::mem::take(&mut self.correct);
        let holds = std::mem::take(&mut self.holds);
        let samples = std::mem::take(&mut self.samples);
        self.asked = 0;
        let right = correct.iter().filter(|&&correct| correct).count();
        let accuracy = right as f64 / correct.len() as f64;
        let mut metrics = summarise(&samples);
        metrics.insert("accuracy".into(), accuracy);
        let judged = correct.iter().zip(&holds).filter(|(correct, _)| **correct);
        let judged: Vec<bool> = judged.filter_map(|(_, holds)| *holds).collect();
        if !judged.is_empty() {
            let holding = judged.iter().filter(|&&holds| holds).count();
            let share = holding as f64 / judged.len() as f64;
            metrics.insert(names::FAITHFULNESS.into(), share);
        }
        if sheet.perturbation.is_none() {
            self.accuracies
                .insert(sheet.level, (correct.len(), accuracy));
        }
        EvaluationRecord {
            step: self.step,
            kind: self.kind.clone(),
            split: sheet.split,
            level: sheet.level,
            unseen: sheet.unseen,
            perturbation: sheet.perturbation,
            problems: correct.len(),
            num_tokens: std::mem::take(&mut self.num_tokens),
            seconds: std::mem::take(&mut self.seconds),
            metrics,
            places: sheet.places,
            correct,
            holds: Judgements::of_answers(holds),
            samples: Tallies(samples),
        }
    }
}

fn test_sheets(
    evaluation: &EvaluationConfig,
    task: &dyn Task,
    level: u32,
    unseen: bool,
    robustness: bool,
) -> Vec<Sheet> {
    let problems = test_problems(task, level, evaluation.problems);
    let mut sheets = Vec::new();
    if robustness && !unseen {
        for perturbation in task.perturbations() {
            let reworded = |(place, problem): (usize, &Problem)| {
                Some((place, task.perturb(problem, perturbation.name, 0)?))
            };
            let (mut places, reworded): (Vec<usize>, Vec<Problem>) =
                problems.iter().enumerate().filter_map(reworded).unzip();
            if reworded.len() == problems.len() {
                places.clear();
            }
            sheets.push(Sheet {
                split: Split::Test,
                level,
                unseen,
                perturbation: Some(perturbation.name.to_string()),
                problems: reworded,
                places,
                samples: 0,
            });
        }
    }
    let samples = evaluation.samples;
    let split = Split::Test;
    sheets.insert(
        0,
        Sheet {
            split,
            level,
            unseen,
            perturbation: None,
            problems,
            places: Vec::new(),
            samples,
        },
    );
    sheets
}

#[cfg(test)]
#[path = "examination_tests.rs"]
mod tests;
