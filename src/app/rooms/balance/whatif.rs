//! What would have been decided with another γ or λ, from what was measured: as
//! [`crate::balance::replay()`], a little in every frame.

use serde::{Deserialize, Serialize};

use crate::app::record::{InForce, Record, RunKey};
use crate::balance::{Branch, Controller, LoggedStep, build};
use crate::clock::Clock;
use crate::config::{BalanceConfig, Method, Mode};

/// Seconds of a frame that a replay may use.
const BUDGET: f64 = 0.001;

/// Steps between two looks at the clock.
const STRIDE: usize = 16;

/// γ and λ to try; where one is not set, the run's own counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    pub gamma: Option<f64>,
    pub lambda: Option<f64>,
}

impl Tried {
    /// The run's settings with these in place of its own.
    pub fn over(self, config: &BalanceConfig) -> BalanceConfig {
        BalanceConfig {
            gamma: self.gamma.unwrap_or(config.gamma),
            lambda: self.lambda.unwrap_or(config.lambda),
            ..config.clone()
        }
    }
}

/// The decisions of a run under other settings, as far as they have been worked out.
pub struct Replay {
    key: RunKey,
    tried: Tried,
    /// The newest settings, with what is tried in place of them.
    pub config: BalanceConfig,
    seed: u64,
    /// The settings that decided the steps so far.
    used: Vec<InForce>,
    controller: Box<dyn Controller>,
    /// The newest step taken in, to notice a log that was written anew.
    last: Option<LoggedStep>,
    /// p of every step.
    pub p: Vec<f32>,
    pub branches: Vec<Branch>,
    /// Rows that were decided otherwise, rising.
    pub differing: Vec<usize>,
    /// Steps at which there was something to decide.
    pub decisions: usize,
    /// Decisions that turned from SFT to GRPO.
    pub to_grpo: usize,
    /// Change of p, summed up over decisions.
    shift: f64,
    /// Why it cannot go on.
    pub error: Option<String>,
}

impl Replay {
    fn new(record: &Record, tried: Tried) -> Self {
        let seed = record.config.seed;
        let config = tried.over(&record.config.balance);
        Self {
            key: record.key.clone(),
            // Replaced before the first step by one with the settings the run began with.
            controller: build(&config, seed, record.config.max_steps),
            tried,
            config,
            seed,
            used: Vec::new(),
            last: None,
            p: Vec::new(),
            branches: Vec::new(),
            differing: Vec::new(),
            decisions: 0,
            to_grpo: 0,
            shift: 0.0,
            error: None,
        }
    }

    /// Whether this answers for what is tried with this log.
    fn is_for(&self, record: &Record, tried: Tried) -> bool {
        let log = &record.measured;
        let goes_on = match (&self.last, self.p.len()) {
            (Some(last), done) => log.get(done - 1) == Some(last),
            (None, _) => true,
        };
        let relevant = |settings: &InForce| self.tried.over(&settings.balance);
        let settings = record.in_force();
        self.key == record.key
            && self.tried == tried
            && self.config == tried.over(&record.config.balance)
            && self.seed == record.config.seed
            && goes_on
            && self.used.len() <= settings.len()
            && self
                .used
                .iter()
                .zip(settings)
                .all(|(used, now)| used.after == now.after && relevant(used) == relevant(now))
    }

    /// Whether every logged step has been decided again.
    pub fn is_done(&self, record: &Record) -> bool {
        self.error.is_some() || self.p.len() >= record.measured.len()
    }

    /// Goes on until the log ends or `more` says stop.
    fn advance(&mut self, record: &Record, mut more: impl FnMut() -> bool) {
        let mut since = 0;
        while self.error.is_none() && self.p.len() < record.measured.len() {
            if since == STRIDE {
                since = 0;
                if !more() {
                    return;
                }
            }
            since += 1;
            let row = self.p.len();
            if let Err(why) = self.decide(record, row) {
                self.error = Some(why);
            }
        }
    }

    fn decide(&mut self, record: &Record, row: usize) -> Result<(), String> {
        let logged = &record.measured[row];
        if logged.step != row as u64 + 1 {
            return Err(format!(
                "The log goes on with step {} where step {} was expected; a replay needs every \
                 step from the first on. Open the run folder that has them all.",
                logged.step,
                row + 1
            ));
        }
        self.change_settings(record, logged.step);
        let refused = |error: crate::balance::BalanceError| error.to_string();
        let (before, after) = (
            logged.measured.iter().filter(|seen| seen.precedes_plan()),
            logged.measured.iter().filter(|seen| !seen.precedes_plan()),
        );
        for observation in before {
            self.controller.observe(observation).map_err(refused)?;
        }
        let explanation = self.controller.plan(logged.step).explanation;
        for observation in after {
            self.controller.observe(observation).map_err(refused)?;
        }
        self.count(record, row, &explanation);
        self.p.push(explanation.p as f32);
        self.branches.push(explanation.branch);
        self.last = Some(logged.clone());
        Ok(())
    }

    /// Goes over to the settings that decided `step`, with what is tried in place of them.
    fn change_settings(&mut self, record: &Record, step: u64) {
        let rest = record.in_force().iter().skip(self.used.len());
        for settings in rest.take_while(|settings| settings.after < step) {
            let config = self.tried.over(&settings.balance);
            let state = self.controller.state();
            self.controller = build(&config, self.seed, settings.max_steps);
            self.controller.restore(state);
            self.used.push(settings.clone());
        }
    }

    fn count(&mut self, record: &Record, row: usize, explanation: &crate::balance::Explanation) {
        if explanation.terms.is_empty() {
            return;
        }
        self.decisions += 1;
        let step = row as u64 + 1;
        let real = record
            .columns
            .row(step)
            .map(|row| record.columns.branch[row]);
        let p = record.columns.value(crate::app::record::names::P, step);
        let now = explanation.p as f32;
        self.shift += f64::from(now) - f64::from(p.unwrap_or(now));
        if real.is_some_and(|real| real != explanation.branch) {
            self.differing.push(row);
            self.to_grpo += usize::from(explanation.branch == Branch::Grpo);
        }
    }

    /// The settings it answers for, in words.
    fn with(&self) -> String {
        let one = |letter: char, tried: Option<f64>, own: f64, changed: bool| match tried {
            None if changed => format!("{letter} as it was changed on the way"),
            tried => format!("{letter} = {}", super::formula::plain(tried.unwrap_or(own))),
        };
        let differs = |of: fn(&BalanceConfig) -> f64| {
            let mut used = self.used.iter();
            used.any(|settings| of(&settings.balance) != of(&self.used[0].balance))
        };
        let (gamma, lambda) = (self.config.gamma, self.config.lambda);
        format!(
            "With {} and {}",
            one('γ', self.tried.gamma, gamma, differs(|config| config.gamma)),
            one(
                'λ',
                self.tried.lambda,
                lambda,
                differs(|config| config.lambda)
            ),
        )
    }

    /// Mean of what p would have been more (or less, below 0) over all decisions.
    pub fn mean_shift(&self) -> f64 {
        self.shift / self.decisions.max(1) as f64
    }

    /// Share of the decisions that would have gone the other way.
    pub fn share(&self) -> f64 {
        self.differing.len() as f64 / self.decisions.max(1) as f64
    }
}

/// The what-if: what is tried, and the replays that answer.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WhatIf {
    pub tried: Tried,
    /// The answer to look at.
    #[serde(skip)]
    shown: Option<Replay>,
    /// The next answer, until it is complete.
    #[serde(skip)]
    coming: Option<Replay>,
}

impl WhatIf {
    /// Works on the answer for at most about a millisecond.
    pub fn advance(&mut self, record: &Record) {
        let clock = Clock::start();
        self.advance_while(record, || clock.seconds() < BUDGET);
    }

    fn advance_while(&mut self, record: &Record, more: impl FnMut() -> bool) {
        let tried = self.tried;
        if self
            .shown
            .as_ref()
            .is_some_and(|shown| shown.key != record.key)
        {
            self.shown = None;
        }
        if let Some(shown) = &mut self.shown
            && shown.is_for(record, tried)
        {
            self.coming = None;
            return shown.advance(record, more);
        }
        let going = self
            .coming
            .take()
            .filter(|coming| coming.is_for(record, tried));
        let mut coming = going.unwrap_or_else(|| Replay::new(record, tried));
        coming.advance(record, more);
        // The first answer is shown while it grows; later ones replace a complete one at once.
        if coming.is_done(record) || self.shown.is_none() {
            self.shown = Some(coming);
        } else {
            self.coming = Some(coming);
        }
    }

    /// The newest answer there is; it may still be the one to earlier sliders.
    pub fn answer(&self) -> Option<&Replay> {
        self.shown.as_ref()
    }

    /// Steps worked out and to be worked out, while an answer is coming.
    pub fn progress(&self, record: &Record) -> Option<(usize, usize)> {
        let replay = self.coming.as_ref().or(self.shown.as_ref())?;
        (!replay.is_done(record)).then_some((replay.p.len(), record.measured.len()))
    }
}

/// Why a run has nothing to ask this about.
pub fn not_applicable(config: &BalanceConfig) -> Option<&'static str> {
    (config.method != Method::Sasr).then_some(
        "This method does not use γ and λ, so there is nothing to try. \
         The adaptive method, sasr, does",
    )
}

/// The answer in words.
pub fn sentence(replay: &Replay) -> String {
    let with = replay.with();
    if replay.decisions == 0 {
        return "There were no decisions yet: the warm-up is SFT in any case".to_owned();
    }
    if config.mode == Mode::Blend {
        let shift = super::formula::minus(&format!("{:+.3}", replay.mean_shift()));
        return format!(
            "{with}, SFT's weight would have been {shift} on average over {} blended steps",
            replay.decisions
        );
    }
    let other = replay.differing.len();
    if other == 0 {
        return format!(
            "{with}, all {} decisions would have been the same",
            replay.decisions
        );
    }
    let back = other - replay.to_grpo;
    let more = match replay.to_grpo.cmp(&back) {
        std::cmp::Ordering::Less => format!("{} SFT steps more", back - replay.to_grpo),
        std::cmp::Ordering::Greater => format!("{} SFT steps fewer", replay.to_grpo - back),
        std::cmp::Ordering::Equal => "as many SFT steps as before".to_owned(),
    };
    format!(
        "{with}, {other} of {} decisions ({:.1} %) would have gone the other way: {} from SFT to \
         GRPO and {back} from GRPO to SFT, so {more}",
        replay.decisions,
        100.0 * replay.share(),
        replay.to_grpo,
    )
}

#[cfg(test)]
#[path = "whatif_tests.rs"]
mod tests;
