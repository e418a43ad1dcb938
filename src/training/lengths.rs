//! Do demonstrations fit? Seen from the first of every level, before anything is trained.
//!
//! Steps leave out what is too long and fail where nothing of a batch is left. So a session whose
//! first batches would be empty is refused, and one that will miss demonstrations says so.

use super::TrainError;
use crate::balance::warmup_steps;
use crate::config::{Method, RunConfig};
use crate::curriculum::{Pool, Supply};
use crate::model::DecoderSpec;
use crate::tasks::{Split, Task};
use crate::text::Text;

/// Demonstrations of each level that are looked at: about a batch.
const LOOKED_AT: usize = 32;

/// No demonstration that training would begin with fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "none of the first {asked} demonstrations ({levels}) fits into {max} tokens ({limit}): with \
     their prompts they have {shortest} to {longest}; {advice}"
)]
pub struct TooLong {
    /// How many were looked at.
    pub asked: usize,
    /// Whose they are, e.g. `levels 1, 2`.
    pub levels: String,
    /// Tokens that a demonstration may have, its prompt included.
    pub max: usize,
    /// The setting that says so, with its value.
    pub limit: String,
    /// Tokens of the shortest of them.
    pub shortest: usize,
    /// Tokens of the longest of them.
    pub longest: usize,
    /// Which setting to change to what.
    pub advice: String,
}

/// The longest demonstration with its prompt that is learnt from, in tokens.
pub(super) fn longest_example(config: &RunConfig, spec: &DecoderSpec) -> usize {
    let room = spec.max_position_embeddings;
    match config.sft.max_length {
        0 => room,
        max => max.min(room),
    }
}

/// Looks at the first demonstrations of every level, and returns what people should know.
///
/// # Errors
/// If none of them fit on the levels that training begins with, or one cannot be put into tokens.
pub(super) fn check(
    config: &RunConfig,
    task: &dyn Task,
    text: &Text,
    spec: &DecoderSpec,
    demonstrations: &Pool,
) -> Result<Vec<String>, TrainError> {
    let rule = Rule { config, spec };
    let mut notices = Vec::new();
    if config.base.steps > 0 {
        let mut levels = config.base.levels.clone();
        levels.sort_unstable();
        levels.dedup();
        let pool = Pool::prompts(task, levels.iter().copied())?;
        let levels = look(levels, &pool, task, text)?;
        rule.refuse_if_none_fits(&levels, "base.levels, ")?;
        notices.extend(rule.notices(&levels, "base model, "));
    }
    if learns_from_demonstrations(config) {
        let [low, high] = config.curriculum.levels;
        let levels = look(low..=high, demonstrations, task, text)?;
        let open = config.curriculum.start.clamp(low, high) - low + 1;
        rule.refuse_if_none_fits(&levels[..open as usize], "")?;
        notices.extend(rule.notices(&levels, ""));
    }
    Ok(notices)
}

/// Whether the method takes SFT steps, be they rare.
fn learns_from_demonstrations(config: &RunConfig) -> bool {
    match config.balance.method {
        Method::Grpo => false,
        Method::Static => warmup_steps(&config.balance, config.max_steps) > 0,
        Method::Constant => config.balance.constant_p > 0.0,
        Method::Sasr | Method::Sft | Method::Periodic | Method::Cosine => true,
    }
}

/// The first demonstrations of a level.
struct Level {
    level: u32,
    /// Tokens of each, with its prompt.
    lengths: Vec<usize>,
}

fn look(
    levels: impl IntoIterator<Item = u32>,
    pool: &Pool,
    task: &dyn Task,
    text: &Text,
) -> Result<Vec<Level>, TrainError> {
    let length = |level, index| -> Result<usize, TrainError> {
        let problem = task.problem(Split::Train, level, index);
        let completion = task.demonstration(&problem, task.variant(level, index, 0));
        Ok(text.example(&problem.prompt, &completion)?.ids.len())
    };
    let look = |level| {
        let indices: Vec<u64> = match pool.supply(level) {
            None => Vec::new(),
            Some(Supply::Endless) => (0..LOOKED_AT as u64).collect(),
            Some(Supply::Finite(all)) => all.iter().copied().take(LOOKED_AT).collect(),
        };
        let lengths = indices.into_iter().map(|index| length(level, index));
        let lengths = lengths.collect::<Result<_, _>>()?;
        Ok(Level { level, lengths })
    };
    levels.into_iter().map(look).collect()
}

/// The longest sequences of a run, in tokens, as far as a look at some of its problems tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    /// A demonstration with its prompt.
    pub demonstration: usize,
    /// The same of the base model's levels; 0 without a base model.
    pub base: usize,
    /// A rollout with its prompt: policies that are still learning run to the limit.
    pub rollout: usize,
}

impl Lengths {
    /// Looks at some problems of every level.
    pub(super) fn of(
        config: &RunConfig,
        task: &dyn Task,
        text: &Text,
        spec: &DecoderSpec,
    ) -> Result<Self, TrainError> {
        let max = longest_example(config, spec);
        let longest = |levels: Vec<u32>| -> Result<[usize; 2], TrainError> {
            let (mut example, mut prompt) = (0, 0);
            for level in levels {
                for index in spread(task.len(Split::Train, level)) {
                    let problem = task.problem(Split::Train, level, index);
                    let completion = task.demonstration(&problem, 0);
                    let found = text.example(&problem.prompt, &completion)?;
                    if found.ids.len() <= max {
                        example = example.max(found.ids.len());
                    }
                    prompt = prompt.max(found.prompt);
                }
            }
            Ok([example, prompt])
        };
        let [low, high] = config.curriculum.levels;
        let [demonstration, prompt] = longest((low..=high).collect())?;
        let base = match config.base.steps {
            0 => 0,
            _ => longest(config.base.levels.clone())?[0],
        };
        let rollout = prompt + config.grpo.max_completion_length;
        Ok(Self {
            demonstration,
            base,
            rollout: rollout.min(spec.max_position_embeddings),
        })
    }
}

/// Some of the indices there are, over all of them.
fn spread(count: Option<u64>) -> impl Iterator<Item = u64> {
    const LOOKED_AT: u64 = 256;
    let count = count.unwrap_or(LOOKED_AT);
    let step = count.div_ceil(LOOKED_AT).max(1);
    (0..count).step_by(step as usize)
}

/// How long demonstrations may be, and why.
struct Rule<'a> {
    config: &'a RunConfig,
    spec: &'a DecoderSpec,
}

impl Rule<'_> {
    fn max(&self) -> usize {
        longest_example(self.config, self.spec)
    }

    /// The setting that limits the length, as it is.
    fn limit(&self) -> String {
        let (max, room) = (
            self.config.sft.max_length,
            self.spec.max_position_embeddings,
        );
        if max > 0 && max < room {
            format!("sft.max_length = {max}")
        } else {
            format!("the model's max_position_embeddings = {room}")
        }
    }

    /// What to set so that demonstrations of `longest` tokens fit.
    fn advice(&self, longest: usize) -> String {
        let short = self.config.sft.max_length;
        let room = self.spec.max_position_embeddings;
        let mut settings = Vec::new();
        if short > 0 && short < longest {
            settings.push("sft.max_length");
        }
        if room < longest && self.config.model.path.is_empty() {
            settings.push("model.max_position_embeddings");
        }
        if room < longest && !self.config.model.path.is_empty() {
            return format!("take a model with {longest} positions or more");
        }
        format!("set {} to {longest} or more", settings.join(" and "))
    }

    fn refuse_if_none_fits(&self, levels: &[Level], place: &str) -> Result<(), TrainError> {
        let lengths = || levels.iter().flat_map(|level| &level.lengths).copied();
        let (Some(shortest), Some(longest)) = (lengths().min(), lengths().max()) else {
            return Ok(());
        };
        if shortest <= self.max() {
            return Ok(());
        }
        let name = |level: &Level| level.level.to_string();
        let names: Vec<String> = levels.iter().map(name).collect();
        let levels = if names.len() == 1 { "level" } else { "levels" };
        Err(TrainError::TooLong(Box::new(TooLong {
            asked: lengths().count(),
            levels: format!("{place}{levels} {}", names.join(", ")),
            max: self.max(),
            limit: self.limit(),
            shortest,
            longest,
            advice: self.advice(longest),
        })))
    }

    /// One notice for each level of which demonstrations will be left out.
    fn notices(&self, levels: &[Level], place: &str) -> Vec<String> {
        let max = self.max();
        let notice = |Level { level, lengths }: &Level| {
            let longest = *lengths.iter().max()?;
            let left_out = lengths.iter().filter(|&&length| length > max).count();
            (left_out > 0).then(|| {
                format!(
                    "{place}level {level}: {left_out} of the first {} demonstrations are longer \
                     than {max} tokens ({}) and are left out; to keep them, {}",
                    lengths.len(),
                    self.limit(),
                    self.advice(longest)
                )
            })
        };
        levels.iter().filter_map(notice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Event, Session, Setup, Start};

    fn session(set: &[&str]) -> Result<Session, TrainError> {
        let text = "max_steps = 4\n[model]\nhidden_size = 16\nnum_hidden_layers = 1\n\
                    max_position_embeddings = 64\n[grpo]\nmax_completion_length = 8\n\
                    num_prompts = 2\nnum_generations = 2\n[sft]\nbatch_size = 8\n\
                    [curriculum]\nlevels = [1, 3]\nstart = 1\n\
                    [evaluation]\nproblems = 0\n[exam]\nevery = 100\n\
                    [balance]\nwarmup_steps = 2";
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        let config = RunConfig::from_toml(text, "test", &set)?;
        let device = pollster::block_on(crate::devices::open_for(&config))?;
        let setup = Setup::new(config, device, &|path| std::fs::read(path))?;
        Session::new(setup, Start::Fresh)
    }

    fn notices(set: &[&str]) -> Vec<String> {
        let mut session = session(set).unwrap_or_else(|error| panic!("{set:?}: {error}"));
        let events = pollster::block_on(session.step()).expect("the first step");
        let started = events.into_iter().find_map(|event| match event {
            Event::Started { notices, .. } => Some(notices),
            _ => None,
        });
        started.expect("a session says that it has started")
    }

    /// The shortest and the longest of the demonstrations that would not fit.
    #[track_caller]
    fn refused(set: &[&str]) -> (usize, usize) {
        match session(set).err() {
            Some(TrainError::TooLong(told)) => (told.shortest, told.longest),
            Some(error) => panic!("{set:?}: {error}"),
            None => panic!("{set:?} is not refused"),
        }
    }

    fn max_length(length: usize) -> String {
        format!("sft.max_length={length}")
    }

    #[test]
    fn what_fits_is_not_remarked_on() {
        assert_eq!(notices(&["exam.problems=4"]), [""; 0]);
    }

    #[test]
    fn nothing_that_fits_is_refused_and_the_length_given_would_do() {
        let (shortest, longest) = refused(&["sft.max_length=3"]);
        assert!(3 < shortest && shortest < longest);
        let error = session(&["sft.max_length=3"]).err();
        let told = error.map(|error| error.to_string()).unwrap_or_default();
        for what in [
            "first 32 demonstrations (level 1)",
            "3 tokens (sft.max_length = 3)",
            &format!("set sft.max_length to {longest} or more"),
        ] {
            assert!(told.contains(what), "{what}: {told}");
        }
        // One below the shortest is refused, the shortest is not; the longest leaves nothing out.
        refused(&[&max_length(shortest - 1)]);
        let notices_of = |length| {
            let mut notices = notices(&[&max_length(length)]);
            notices.retain(|notice| notice.starts_with("level 1:"));
            notices
        };
        let told = notices_of(longest - 1);
        assert!(told[0].contains(&format!("sft.max_length to {longest}")));
        assert!(notices_of(longest).is_empty());
    }

    #[test]
    fn what_is_refused_would_have_failed_at_the_first_step() {
        // Higher levels that do not fit are no reason: steps on the first one go on.
        let (_, longest) = refused(&["sft.max_length=3"]);
        let set = [&*max_length(longest), "balance.method=\"sft\""];
        let mut session = session(&set).expect("level 1 fits");
        while !session.is_done() {
            pollster::block_on(session.step()).expect("a step");
        }
        let told = notices(&[&max_length(longest)]);
        assert!(told.iter().any(|notice| notice.starts_with("level 3: 32")));
        // Without SFT there is nothing that could fail.
        assert_eq!(
            notices(&[
                "sft.max_length=3",
                "balance.method=\"grpo\"",
                "exam.problems=4"
            ]),
            [""; 0]
        );
    }

    #[test]
    fn the_base_model_learns_from_levels_of_its_own() {
        let base = ["base.steps=2", "base.levels=[3]", "balance.method=\"grpo\""];
        let (_, longest) = refused(&["sft.max_length=3"]);
        let max = max_length(longest);
        let set = [&base[..], &[&max]].concat();
        let error = session(&set).err().map(|error| error.to_string());
        let told = error.unwrap_or_default();
        assert!(told.contains("base.levels, level 3"), "{told}");
    }

    #[test]
    fn the_models_positions_count_as_well() {
        let set = ["model.max_position_embeddings=9"];
        let error = session(
            &[
                &set[..],
                &["curriculum.start=3", "curriculum.levels=[3, 3]"],
            ]
            .concat(),
        );
        let told = error
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(told.contains("max_position_embeddings = 9"), "{told}");
        assert!(
            told.contains("set model.max_position_embeddings to"),
            "{told}"
        );
        assert!(!told.contains("sft.max_length"), "{told}");
    }
}
