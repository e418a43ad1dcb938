//! What the form comes to: the runs of a comparison, and how long they take.

use std::collections::BTreeMap;

use crate::app::World;
use crate::app::library::Compared;
use crate::app::record::{Columns, RunKey};
use crate::app::rooms::compare::look::seconds;
use crate::config::{ConfigError, Method, RunConfig};

/// Steps of a run from which on it says how long others take.
pub const ENOUGH_STEPS: usize = 20;

/// What the form comes to.
pub struct Planned {
    pub base: RunConfig,
    pub methods: Vec<Method>,
    pub seeds: u64,
    pub folder: String,
    pub outcome: Result<Vec<RunConfig>, String>,
    /// Seconds of a run, by method, as far as is known.
    pub times: Vec<(Method, Option<f64>)>,
    /// When the times were looked up, in the window's seconds.
    pub looked_up: f64,
}

/// The configurations of a comparison, seed by seed and method by method, named and set as
/// `sasr compare` does.
///
/// # Errors
/// With what is wrong with the first configuration that cannot be used.
pub fn plan(
    base: &RunConfig,
    methods: &[Method],
    seeds: u64,
) -> Result<Vec<RunConfig>, ConfigError> {
    let mut configs = Vec::new();
    for seed in 0..seeds {
        for &method in methods {
            let mut config = base.clone();
            config.balance.method = method;
            config.seed = seed;
            config.name = format!("{}-s{seed}", method.name());
            config.check()?;
            configs.push(config);
        }
    }
    Ok(configs)
}

/// Seconds that a run of `method` takes, from runs of the same configuration (but for seed, name
/// and length); none without any. The base model's training and the tests are not counted.
pub fn seconds_of_run<'a>(
    base: &RunConfig,
    method: Method,
    measured: impl Iterator<Item = (&'a RunConfig, &'a Columns)>,
) -> Option<f64> {
    let alike = |config: &RunConfig| {
        let mut same = RunConfig {
            name: config.name.clone(),
            description: config.description.clone(),
            seed: config.seed,
            max_steps: config.max_steps,
            checkpoint: config.checkpoint.clone(),
            logging: config.logging.clone(),
            ..base.clone()
        };
        same.balance.method = method;
        same == *config
    };
    let (mut total, mut count) = (0.0, 0u32);
    for (config, columns) in measured {
        let Some(&time) = columns.seconds.last() else {
            continue;
        };
        if columns.len() >= ENOUGH_STEPS && columns.first() == 1 && time > 0.0 && alike(config) {
            total += time / columns.len() as f64;
            count += 1;
        }
    }
    (count > 0).then(|| total / f64::from(count) * base.max_steps as f64)
}

/// The plan, or in words why there is none.
pub fn checked(
    base: &RunConfig,
    folder: &str,
    methods: &[Method],
    seeds: u64,
) -> Result<Vec<RunConfig>, String> {
    if methods.is_empty() {
        return Err("Choose at least one method".into());
    }
    // A folder's name obeys the same rule as a run's.
    let named = RunConfig {
        name: folder.to_owned(),
        ..RunConfig::default()
    };
    if let Err(error) = named.check() {
        return Err(format!("The comparison's name cannot be used: {error}"));
    }
    plan(base, methods, seeds).map_err(|error| error.to_string())
}

pub fn times(
    base: &RunConfig,
    methods: &[Method],
    world: &World,
    compared: Option<&Compared>,
) -> Vec<(Method, Option<f64>)> {
    let mut measured: BTreeMap<&RunKey, (&RunConfig, &Columns)> = BTreeMap::new();
    for run in compared.iter().flat_map(|compared| &compared.curves) {
        measured.insert(&run.run, (&run.config, &run.columns));
    }
    for (key, record) in world.records {
        measured.insert(key, (&record.config, &record.columns));
    }
    let of = |&method: &Method| {
        let measured = measured.values().copied();
        (method, seconds_of_run(base, method, measured))
    };
    methods.iter().map(of).collect()
}

/// How long it will take, as far as earlier runs tell; none where they tell nothing.
pub fn time_in_words(planned: &Planned) -> Option<String> {
    let known: Vec<(Method, f64)> = planned
        .times
        .iter()
        .filter_map(|&(method, time)| Some((method, time?)))
        .collect();
    let each: Vec<String> = known
        .iter()
        .map(|&(method, time)| format!("{} for {}", seconds(time), method.name()))
        .collect();
    let total = known.iter().map(|(_, time)| time).sum::<f64>() * planned.seeds as f64;
    let unknown = planned.times.len() - known.len();
    match (known.is_empty(), unknown) {
        (true, _) => None,
        (false, 0) => Some(format!(
            "Going by earlier runs about {} in all, base model and tests not counted ({} a run)",
            seconds(total),
            each.join(", ")
        )),
        (false, _) => Some(format!(
            "Going by earlier runs, a run takes about {} (base model and tests not counted); \
             nothing is known of the other methods",
            each.join(", ")
        )),
    }
}
