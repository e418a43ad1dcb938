//! The curves of one run: losses, reward and its spread, entropy, KL, length, speed.

use super::decisions::{self, History, span};
use super::page::{figure, grid};
use super::plot::{Axis, Chart, Line};
use super::series::thin;
use crate::training::{Branch, StepRecord};

/// A metric of a step, if the step has it.
fn metric(name: &'static str) -> impl Fn(&StepRecord) -> Option<f64> {
    move |step| step.metrics.get(name).copied()
}

/// A value of each step as a noisy curve.
fn noisy(
    steps: &[&StepRecord],
    name: &str,
    colour: &'static str,
    value: impl Fn(&StepRecord) -> Option<f64>,
) -> Vec<Line> {
    let values = steps
        .iter()
        .filter_map(|step| Some((step.step as f64, value(step)?)));
    decisions::noisy(name, colour, thin(values))
}

/// Draws a figure, or nothing without data.
fn drawn(
    history: History<'_>,
    title: &str,
    explanation: &str,
    unit: &str,
    lines: Vec<Vec<Line>>,
    range: Option<(f64, f64)>,
) -> String {
    let mut chart = Chart::new(title, Axis::new("step"), Axis::new(unit));
    chart.lines = lines.concat();
    if chart.is_empty() {
        return String::new();
    }
    chart.x.range = span(history.steps);
    chart.y.range = range;
    chart.rules = history.rules();
    let legend = chart.legend();
    // A single curve is named by the title.
    let legend = if legend.len() > 1 { legend } else { Vec::new() };
    figure(title, explanation, &legend, &chart.svg())
}

/// An axis for GRPO's loss: as far below 0 as above, and wide enough for noise to look small.
fn around_nought(steps: &[&StepRecord]) -> (f64, f64) {
    let losses = steps
        .iter()
        .filter(|step| step.branch == Branch::Grpo)
        .map(|step| step.loss);
    let largest = losses
        .filter(|loss| loss.is_finite())
        .map(f64::abs)
        .fold(0.1, f64::max);
    (-1.05 * largest, 1.05 * largest)
}

/// All curves that the run has data for.
pub fn curves(history: History<'_>) -> String {
    let steps = history.steps;
    let is = |branch: Branch| {
        move |value: fn(&StepRecord) -> f64| {
            move |step: &StepRecord| (step.branch == branch).then(|| value(step))
        }
    };
    let sft_loss = |step: &StepRecord| {
        let own = step.metrics.get("sft_loss").copied();
        own.or_else(|| (step.branch == Branch::Sft).then_some(step.loss))
    };
    let figures = [
        drawn(
            history,
            "Reward",
            "Mean reward of the completions sampled in GRPO steps: what the quiz tries to raise.",
            "reward",
            vec![noisy(steps, "reward", "c-grpo", metric("reward"))],
            None,
        ),
        drawn(
            history,
            "SFT loss",
            "How surprised the model is by the demonstrations, per token. Lower means it knows the \
             textbook better.",
            "nats per token",
            vec![noisy(steps, "SFT loss", "c-sft", sft_loss)],
            None,
        ),
        drawn(
            history,
            "GRPO loss",
            "A surrogate whose value says nothing about progress: advantages average to 0 in every \
             group, so it stays near 0 by construction, and only its gradient matters. Read the \
             reward instead.",
            "surrogate",
            vec![noisy(
                steps,
                "GRPO loss",
                "c-grpo",
                is(Branch::Grpo)(|step| step.loss),
            )],
            Some(around_nought(steps)),
        ),
        drawn(
            history,
            "Gradient norm",
            "Length of the gradient before clipping, by kind of step. The SFT one is what p \
             follows.",
            "global L2 norm",
            vec![
                noisy(
                    steps,
                    "SFT steps",
                    "c-sft",
                    is(Branch::Sft)(|step| step.grad_norm),
                ),
                noisy(
                    steps,
                    "GRPO steps",
                    "c-grpo",
                    is(Branch::Grpo)(|step| step.grad_norm),
                ),
                noisy(
                    steps,
                    "blended steps",
                    "c-blend",
                    is(Branch::Blend)(|step| step.grad_norm),
                ),
            ],
            None,
        ),
        drawn(
            history,
            "Groups that teach nothing",
            "Share of problems whose completions all earned the same reward: too easy or too hard, \
             so GRPO learns nothing from them.",
            "share of groups",
            vec![noisy(steps, "share", "c-4", metric("frac_reward_zero_std"))],
            Some((0.0, 1.0)),
        ),
        drawn(
            history,
            "Entropy",
            "How undecided the model is about the next token when it samples. Near 0 it always \
             says the same: collapse.",
            "nats per token",
            vec![noisy(steps, "entropy", "c-3", metric("entropy"))],
            None,
        ),
        drawn(
            history,
            "KL",
            "Divergence of the policy from its origin, measured on GRPO's rollouts.",
            "nats per token",
            vec![noisy(steps, "kl", "c-5", metric("kl"))],
            None,
        ),
        drawn(
            history,
            "Completion length",
            "Mean length of sampled completions. Sudden growth often comes with truncation.",
            "tokens",
            vec![noisy(
                steps,
                "length",
                "c-6",
                metric("completions/mean_length"),
            )],
            None,
        ),
        drawn(
            history,
            "Completions cut off",
            "Share of sampled completions that hit the length limit before they ended.",
            "share",
            vec![noisy(
                steps,
                "share",
                "c-0",
                metric("completions/clipped_ratio"),
            )],
            Some((0.0, 1.0)),
        ),
        drawn(
            history,
            "Learning rate",
            "Step size of the optimizer, by kind of step.",
            "learning rate",
            vec![
                noisy(
                    steps,
                    "SFT steps",
                    "c-sft",
                    is(Branch::Sft)(|step| step.learning_rate),
                ),
                noisy(
                    steps,
                    "GRPO steps",
                    "c-grpo",
                    is(Branch::Grpo)(|step| step.learning_rate),
                ),
                noisy(
                    steps,
                    "blended steps",
                    "c-blend",
                    is(Branch::Blend)(|s| s.learning_rate),
                ),
            ],
            None,
        ),
    ];
    grid(&figures)
}
