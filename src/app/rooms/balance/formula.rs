//! The decision as arithmetic: the formula with a step's numbers put in, and where they come from.

use crate::app::record::Record;
use crate::app::widgets::number;
use crate::balance::{Bound, Branch, Explanation, LogOddsTerm, Reason, Source, warmup_steps};
use crate::config::{BalanceConfig, Method, RunConfig, WarmStatistic};

/// The rule as it is written down.
pub const RULE: &str = "logit p = log(G / G_warm) − log γ + λ·D_pull";

/// One decision, line by line.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// The rule with numbers in place of letters.
    pub numbers: String,
    /// Its summands and their sum.
    pub sum: String,
    /// p, and what the bounds did to it.
    pub p: String,
    /// The draw and what followed.
    pub outcome: String,
}

impl Formula {
    /// The formula of a step that the adaptive rule decided; none otherwise.
    pub fn of(explanation: &Explanation, settings: &InForce) -> Option<Self> {
        let term = |name: &str| {
            let mut terms = explanation.terms.iter();
            terms.find(|term| term.name == name).map(|term| term.value)
        };
        let gradient = term(LogOddsTerm::GRADIENT_NORM)?;
        let gamma = term(LogOddsTerm::GAMMA)?;
        let pull = term(LogOddsTerm::DIVERGENCE)?;
        let log_odds = explanation.log_odds?;
        let known = |value: Option<f64>| value.map_or_else(|| "G_warm".to_owned(), number);
        let lambda = if explanation.d_pull > 0.0 {
            plain(pull / explanation.d_pull)
        } else {
            settings.lambda.map_or_else(|| "λ".to_owned(), plain)
        };
        let numbers = format!(
            "log({} / {}) − log {} + {lambda}·{}",
            known(explanation.g),
            known(explanation.g_warm),
            plain((-gamma).exp()),
            number(explanation.d_pull),
        );
        let sum = format!(
            "{} {} {} = {}",
            minus(&number(gradient)),
            signed(gamma),
            signed(pull),
            minus(&number(log_odds))
        );
        Some(Self {
            numbers,
            sum,
            p: p_line(explanation, settings),
            outcome: outcome(explanation),
        })
    }
}

fn p_line(explanation: &Explanation, settings: &InForce) -> String {
    let p = number(explanation.p);
    let before = number(explanation.p_unclamped.unwrap_or(explanation.p));
    match (explanation.clamped, settings.bounds) {
        (Some(Bound::Min), _) => format!("p = {before}, raised to p_min = {p}"),
        (Some(Bound::Max), _) => format!("p = {before}, lowered to p_max = {p}"),
        (None, Some([min, max])) => format!("p = {p} (within [{}, {}])", plain(min), plain(max)),
        (None, None) => format!("p = {p}"),
    }
}

/// The comparison that decided, e.g. `α = 0.113 < p → SFT`.
pub fn outcome(explanation: &Explanation) -> String {
    match (explanation.branch, explanation.alpha) {
        (Branch::Blend, _) => {
            let grpo = number(1.0 - explanation.p);
            format!("SFT weighs {}, GRPO {grpo}", number(explanation.p))
        }
        (Branch::Sft, Some(alpha)) => format!("α = {} < p → SFT", number(alpha)),
        (Branch::Grpo, Some(alpha)) => format!("α = {} ≥ p → GRPO", number(alpha)),
        (branch, None) => format!("No draw → {}", branch.label()),
    }
}

/// Settings of the rule as they were when a step was decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InForce {
    pub lambda: Option<f64>,
    /// [p_min, p_max].
    pub bounds: Option<[f64; 2]>,
}

impl InForce {
    /// Those of `step`.
    pub fn at(record: &Record, step: u64) -> Self {
        let mut settings = record.in_force().iter();
        let balance = settings
            .rfind(|settings| settings.after < step)
            .map(|settings| &settings.balance);
        Self {
            lambda: balance.map(|balance| balance.lambda),
            bounds: balance.map(|balance| [balance.p_min, balance.p_max]),
        }
    }
}

/// Where a signal was measured, in words.
pub fn source(source: Option<Source>, step: u64) -> String {
    match source {
        None => "not measured yet".to_owned(),
        Some(Source { step: at, probe }) => {
            let what = if probe { "probe before step" } else { "step" };
            match step.saturating_sub(at) {
                0 => format!("{what} {at}"),
                1 => format!("{what} {at}, just before"),
                ago => format!("{what} {at}, {ago} steps before"),
            }
        }
    }
}

/// What G_warm is, in words.
pub fn warm_statistic(config: &RunConfig) -> String {
    let balance = &config.balance;
    if warmup_steps(balance, config.max_steps) == 0 {
        return "first norm measured: this run has no warm-up".to_owned();
    }
    match balance.g_warm {
        WarmStatistic::Mean => format!("mean of the last {} warm-up steps", balance.g_warm_window),
        WarmStatistic::Last => "last warm-up step".to_owned(),
        WarmStatistic::Ema => "moving average over the warm-up".to_owned(),
    }
}

/// What sets p in methods that do not compute it from signals; empty where nothing is drawn.
pub fn schedule(explanation: &Explanation, config: &BalanceConfig) -> String {
    match (explanation.method, explanation.reason) {
        (Method::Constant, Reason::Draw | Reason::Blend) => {
            format!("p is set to {} for the whole run", plain(config.constant_p))
        }
        (Method::Cosine, Reason::Draw | Reason::Blend) => {
            "p falls along a cosine from the end of the warm-up to the end of the run".to_owned()
        }
        _ => String::new(),
    }
}

/// A setting as it would be written: up to three decimals, no trailing zeros.
pub fn plain(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.3}");
    minus(text.trim_end_matches('0').trim_end_matches('.'))
}

/// With a typographic minus.
pub fn minus(text: &str) -> String {
    text.replace('-', "−")
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { '−' } else { '+' };
    format!("{sign} {}", number(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Motion;
    use crate::balance::{Observation, build};
    use crate::training::Event;

    /// A controller past its warm-up of two steps with norm 2, then an SFT step with norm `g`.
    fn decided(config: &BalanceConfig, g: f64) -> Explanation {
        let mut controller = build(config, 0, 100);
        let norm = |step, norm| Observation::SftGradNorm {
            step,
            norm,
            probe: false,
        };
        let mut tell = |observation| controller.observe(&observation).unwrap();
        tell(norm(1, 2.0));
        tell(norm(2, 2.0));
        tell(norm(3, g));
        controller.plan(4).explanation
    }

    fn config() -> RunConfig {
        let mut config = RunConfig::default();
        config.balance.warmup_steps = 2;
        config.balance.ema = 1.0;
        config.balance.gamma = 4.0;
        config
    }

    fn record(config: RunConfig) -> Record {
        Record::new("a".into(), config, Motion::Still)
    }

    #[test]
    fn the_formula_has_the_numbers_of_the_step() {
        let config = config();
        let explanation = decided(&config.balance, 0.5);
        let settings = InForce::at(&record(config), 4);
        let formula = Formula::of(&explanation, &settings).unwrap();
        assert_eq!(formula.numbers, "log(0.500 / 2.000) − log 4 + 0.5·0.000");
        // log 0.25 = −1.386, and so is −log 4.
        assert_eq!(formula.sum, "−1.386 − 1.386 + 0.000 = −2.773");
        assert_eq!(formula.p, "p = 0.059 (within [0.05, 0.95])");
        let alpha = explanation.alpha.unwrap();
        let sign = if alpha < explanation.p {
            "< p → SFT"
        } else {
            "≥ p → GRPO"
        };
        assert_eq!(formula.outcome, format!("α = {alpha:.3} {sign}"));
    }

    #[test]
    fn a_bound_is_told_with_what_it_replaced() {
        let config = config();
        let explanation = decided(&config.balance, 0.05);
        let formula = Formula::of(&explanation, &InForce::at(&record(config), 4)).unwrap();
        assert_eq!(formula.p, "p = 0.006, raised to p_min = 0.050");
    }

    #[test]
    fn a_step_that_no_rule_decided_has_no_formula() {
        let config = config();
        let warmup = build(&config.balance, 0, 100).plan(1).explanation;
        assert_eq!(Formula::of(&warmup, &InForce::at(&record(config), 1)), None);
        assert_eq!(outcome(&warmup), "No draw → SFT");
    }

    #[test]
    fn settings_are_those_in_force_at_the_step() {
        let mut record = record(config());
        record.hear(Event::Changed {
            step: 10,
            path: "balance.p_min".into(),
            before: "0.05".into(),
            value: "0.2".into(),
        });
        assert_eq!(InForce::at(&record, 10).bounds, Some([0.05, 0.95]));
        assert_eq!(InForce::at(&record, 11).bounds, Some([0.2, 0.95]));
        assert_eq!(InForce::at(&record, 10).lambda, Some(0.5));
    }

    #[test]
    fn a_run_without_a_warm_up_has_no_statistic_of_it() {
        let mut config = config();
        assert_eq!(warm_statistic(&config), "mean of the last 20 warm-up steps");
        config.balance.method = Method::Sft;
        assert!(warm_statistic(&config).starts_with("first norm"));
    }

    #[test]
    fn sources_say_where_and_how_long_ago() {
        let at = |step, probe| Some(Source { step, probe });
        assert_eq!(source(None, 5), "not measured yet");
        assert_eq!(source(at(5, true), 5), "probe before step 5");
        assert_eq!(source(at(4, false), 5), "step 4, just before");
        assert_eq!(source(at(1, false), 5), "step 1, 4 steps before");
        assert_eq!(
            (plain(1.0), plain(0.25), plain(-2e-6)),
            ("1".into(), "0.25".into(), "-2.00e-6".into())
        );
    }
}
