//! Which problems come next: levels, batches and exams.
//!
//! Problems have levels. Training draws from the unlocked ones, and more from those where there is
//! most to learn: a level where rollouts succeed with rate s weighs s·(1 − s), the variance
//! of success, which is what GRPO's advantages are made of; a floor keeps levels that are
//! mastered, or not yet within reach, in the mix. An exam on held-out problems steers the rest:
//! enough accuracy on the highest unlocked level opens the next.
//!
//! Success rates come from rollouts alone, never from exams, and what is trained on never comes
//! from the exam or test split.
//!
//! Every batch is a function of (seed, step, the [`CurriculumState`]), so a resumed run goes on with
//! the batches of the uninterrupted one. Endless supplies are drawn from afresh at every step.
//! Finite ones are gone through in epochs, each a new order of all their problems, so that nothing
//! comes twice before everything came once; a counter per level says how far that got.

mod sets;
#[cfg(test)]
mod tests;

pub use sets::{CurriculumError, Pool, Supply, exam_problems, test_problems};

use std::collections::{BTreeMap, VecDeque};

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use crate::config::CurriculumConfig;
use crate::rng::{self, Purpose, Stream};

/// The largest s·(1 − s).
const LARGEST_LEARNABILITY: f64 = 0.25;

/// The success rate that a level without rollouts is taken to have.
const UNKNOWN_SUCCESS: f64 = 0.5;

/// Fresh indices are below this: integers that every JSON reader keeps exactly.
pub(crate) const FRESH_INDICES: u64 = 1 << 53;

/// Sets the streams that order an epoch, keyed by level, apart from those of steps.
const EPOCH_KEY: u64 = 1 << 63;

/// A training problem by its place; see [`crate::tasks::Task::problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProblemRef {
    pub level: u32,
    pub index: u64,
}

/// A level that an exam opened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unlocked {
    /// The level that is open now.
    pub level: u32,
    /// The level that was passed.
    pub passed: u32,
    /// The exam's accuracy on it; none where the exam has no problems of it.
    pub accuracy: Option<f64>,
}

/// What a checkpoint keeps of the curriculum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurriculumState {
    /// The highest unlocked level.
    pub highest_open: u32,
    /// Recent rollouts by level.
    pub recent: BTreeMap<u32, RecentRollouts>,
    /// Demonstrations drawn so far by level.
    pub demonstrations_drawn: BTreeMap<u32, u64>,
    /// Prompts drawn so far by level.
    pub prompts_drawn: BTreeMap<u32, u64>,
}

/// The latest rollouts on one level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentRollouts {
    /// (successes, rollouts) as they were reported, oldest first.
    pub batches: VecDeque<(u64, u64)>,
}

impl RecentRollouts {
    /// Rollouts remembered.
    pub fn total(&self) -> u64 {
        self.batches.iter().map(|(_, total)| total).sum()
    }

    /// Share of them that succeeded; `None` without any.
    pub fn success_rate(&self) -> Option<f64> {
        let successes: u64 = self.batches.iter().map(|(successes, _)| successes).sum();
        match self.total() {
            0 => None,
            total => Some(successes as f64 / total as f64),
        }
    }

    /// Adds a report and drops the oldest ones that are not needed to cover `window` rollouts.
    fn record(&mut self, successes: u64, total: u64, window: u64) {
        self.batches.push_back((successes.min(total), total));
        let mut covered = self.total();
        while let Some(&(_, oldest)) = self.batches.front()
            && covered - oldest >= window.max(1)
        {
            covered -= oldest;
            self.batches.pop_front();
        }
    }
}

/// Levels, what is open, and what comes next.
#[derive(Clone, Debug)]
pub struct Curriculum {
    config: CurriculumConfig,
    pass: f64,
    seed: u64,
    state: CurriculumState,
}

impl Curriculum {
    /// A curriculum at its start. `pass` is `exam.pass`: the accuracy that opens the next level.
    pub fn new(config: &CurriculumConfig, pass: f64, seed: u64) -> Self {
        let [lowest, highest] = config.levels;
        let state = CurriculumState {
            highest_open: config.start.min(highest).max(lowest),
            recent: BTreeMap::new(),
            demonstrations_drawn: BTreeMap::new(),
            prompts_drawn: BTreeMap::new(),
        };
        Self {
            config: config.clone(),
            pass,
            seed,
            state,
        }
    }

    /// What a checkpoint has to keep.
    pub fn state(&self) -> &CurriculumState {
        &self.state
    }

    /// Goes on from a state.
    pub fn restore(&mut self, state: CurriculumState) {
        self.state = state;
    }

    /// The unlocked levels, easiest first.
    pub fn open_levels(&self) -> std::ops::RangeInclusive<u32> {
        self.config.levels[0]..=self.state.highest_open
    }

    /// All levels there are for training, easiest first.
    pub fn levels(&self) -> std::ops::RangeInclusive<u32> {
        self.config.levels[0]..=self.config.levels[1]
    }

    /// Success rate of the recent rollouts on `level`; `None` before there were any.
    pub fn success_rate(&self, level: u32) -> Option<f64> {
        self.state.recent.get(&level)?.success_rate()
    }

    /// Probability of each unlocked level: in proportion to max(floor · 0.25, s·(1 − s)).
    pub fn weights(&self) -> Vec<(u32, f64)> {
        self.weigh(self.open_levels())
    }

    /// The same for some levels.
    fn weigh(&self, levels: impl IntoIterator<Item = u32>) -> Vec<(u32, f64)> {
        let floor = self.config.floor * LARGEST_LEARNABILITY;
        let learnability = |level| {
            let s = self.success_rate(level).unwrap_or(UNKNOWN_SUCCESS);
            (s * (1.0 - s)).max(floor)
        };
        let weights: Vec<(u32, f64)> = levels
            .into_iter()
            .map(|level| (level, learnability(level)))
            .collect();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        // Without a floor all levels may weigh nothing; they then count alike.
        let alike = 1.0 / weights.len() as f64;
        weights
            .into_iter()
            .map(|(level, weight)| (level, if sum > 0.0 { weight / sum } else { alike }))
            .collect()
    }

    /// Draws an unlocked level by [`Self::weights`].
    pub fn choose_level(&self, rng: &mut Stream) -> u32 {
        drawn(&self.weights(), rng).unwrap_or(self.state.highest_open)
    }

    /// The unlocked levels of which a pool has problems; where it has none of these, the easiest of
    /// which it has some.
    fn levels_in(&self, pool: &Pool) -> Vec<u32> {
        let has = |level: &u32| pool.supply(*level).is_some();
        let open: Vec<u32> = self.open_levels().filter(has).collect();
        match open.is_empty() {
            true => self.levels().find(has).into_iter().collect(),
            false => open,
        }
    }

    /// Takes in how rollouts on `level` fared.
    pub fn record_rollouts(&mut self, level: u32, successes: u64, total: u64) {
        if total > 0 {
            let recent = self.state.recent.entry(level).or_default();
            recent.record(successes, total, self.config.window as u64);
        }
    }

    /// Takes in an exam's accuracy by level, and opens what it has earned: the next level for as
    /// long as the highest open one is passed and there is a next one. A level of which there are no exam
    /// problems (`None`) cannot be failed, so it does not hold up those above it; nor does one that has
    /// no problems at all, from which nothing is drawn.
    pub fn exam_results(&mut self, accuracies: &BTreeMap<u32, Option<f64>>) -> Vec<Unlocked> {
        let mut unlocked = Vec::new();
        while self.state.highest_open < self.config.levels[1]
            && let Some(&accuracy) = accuracies.get(&self.state.highest_open)
            && accuracy.is_none_or(|accuracy| accuracy >= self.pass)
        {
            let passed = self.state.highest_open;
            let level = passed + 1;
            self.state.highest_open = level;
            unlocked.push(Unlocked {
                level,
                passed,
                accuracy,
            });
        }
        unlocked
    }

    /// The next `count` demonstrations, for the SFT batch of `step`.
    pub fn demonstrations(&mut self, pool: &Pool, step: u64, count: usize) -> Vec<ProblemRef> {
        let mut stream = rng::stream(self.seed, Purpose::SftBatch, step, 0);
        let levels = self.choose_levels(pool, &mut stream, count);
        let drawn = &mut self.state.demonstrations_drawn;
        next(
            levels,
            pool,
            &mut stream,
            self.seed,
            Purpose::SftBatch,
            drawn,
        )
    }

    /// The next `count` problems to ask in the GRPO step `step`. `attempt` counts resampling within
    /// the step, from 0.
    pub fn prompts(
        &mut self,
        pool: &Pool,
        step: u64,
        attempt: u64,
        count: usize,
    ) -> Vec<ProblemRef> {
        let mut stream = rng::stream(self.seed, Purpose::Prompts, step, attempt);
        let levels = self.choose_levels(pool, &mut stream, count);
        let drawn = &mut self.state.prompts_drawn;
        next(
            levels,
            pool,
            &mut stream,
            self.seed,
            Purpose::Prompts,
            drawn,
        )
    }

    /// `count` demonstrations for the probe before `step`, from a stream of their own: probing
    /// leaves the batches to come as they are.
    pub fn probe_demonstrations(&self, pool: &Pool, step: u64, count: usize) -> Vec<ProblemRef> {
        self.probe(pool, Purpose::ProbeBatch, step, count)
    }

    /// `count` problems for the rollouts of the probe before `step`, from a stream of their own.
    pub fn probe_prompts(&self, pool: &Pool, step: u64, count: usize) -> Vec<ProblemRef> {
        self.probe(pool, Purpose::ProbePrompts, step, count)
    }

    fn probe(&self, pool: &Pool, purpose: Purpose, step: u64, count: usize) -> Vec<ProblemRef> {
        let mut stream = rng::stream(self.seed, purpose, step, 0);
        let levels = self.choose_levels(pool, &mut stream, count);
        // Counters that start anew with each probe, in an order that is its own.
        let seed = stream.random();
        next(
            levels,
            pool,
            &mut stream,
            seed,
            purpose,
            &mut BTreeMap::new(),
        )
    }

    fn choose_levels(&self, pool: &Pool, stream: &mut Stream, count: usize) -> Vec<u32> {
        let weights = self.weigh(self.levels_in(pool));
        let levels = (0..count).filter_map(|_| drawn(&weights, stream));
        levels.collect()
    }
}

/// A level drawn by its probability.
fn drawn(weights: &[(u32, f64)], rng: &mut Stream) -> Option<u32> {
    let mut left: f64 = rng.random();
    for &(level, weight) in weights {
        if left < weight {
            return Some(level);
        }
        left -= weight;
    }
    // Rounding may leave a trace beyond the last weight.
    weights.last().map(|(level, _)| *level)
}

/// One problem for each of `levels`: a fresh one from an endless supply, the next one of the
/// running epoch from a finite one. `drawn` counts by level.
fn next(
    levels: Vec<u32>,
    pool: &Pool,
    stream: &mut Stream,
    seed: u64,
    purpose: Purpose,
    drawn: &mut BTreeMap<u32, u64>,
) -> Vec<ProblemRef> {
    // The order of an epoch is worked out once per level, or twice where a new epoch begins.
    let mut orders: BTreeMap<u32, (u64, Vec<u64>)> = BTreeMap::new();
    let mut refer = |level: u32| {
        let drawn = drawn.entry(level).or_default();
        let index = match pool.supply(level)? {
            Supply::Endless => stream.random_range(0..FRESH_INDICES),
            Supply::Finite(indices) => {
                let size = indices.len() as u64;
                let (epoch, place) = (*drawn / size, (*drawn % size) as usize);
                let order = match orders.remove(&level) {
                    Some((of, order)) if of == epoch => order,
                    _ => epoch_order(indices, seed, purpose, level, epoch),
                };
                let index = order[place];
                orders.insert(level, (epoch, order));
                index
            }
        };
        *drawn += 1;
        Some(ProblemRef { level, index })
    };
    levels.into_iter().filter_map(&mut refer).collect()
}

/// The order in which an epoch goes through a finite supply.
fn epoch_order(indices: &[u64], seed: u64, purpose: Purpose, level: u32, epoch: u64) -> Vec<u64> {
    let mut order = indices.to_vec();
    order.shuffle(&mut rng::stream(
        seed,
        purpose,
        EPOCH_KEY | u64::from(level),
        epoch,
    ));
    order
}
