//! The report of one run.

use std::collections::BTreeMap;

use super::charts;
use super::decisions::History;
use super::format::{duration, percent, short, whole};
use super::page::{Parts, details, document, escape, figure, paragraph, table};
use super::{curves, decisions, results, samples};
use crate::config::{self, RunConfig, TaskKind};
use crate::runs::changes::{self, Change};
use crate::runs::outcome::Outcome;
use crate::runs::read::RunData;
use crate::training::{Alarm, Phase, StepRecord};

/// The page of one run.
pub fn page(run: &RunData) -> String {
    let outcome = Outcome::of(run);
    let steps: Vec<&StepRecord> = run
        .steps
        .iter()
        .filter(|step| step.phase != Phase::Base)
        .collect();
    let history = History {
        steps: &steps,
        changes: &run.changes,
    };
    let method = run.config.balance.method.name();
    let mut body = format!(
        "<header>\n<p class=\"kind\">SASR run, method {method}, seed {}</p>\n<h1>{}</h1>\n\
         <p class=\"summary\">{}</p>\n</header>\n",
        run.config.seed,
        escape(&run.name),
        escape(&summary(run, &outcome))
    );
    if !run.config.description.is_empty() {
        body += &paragraph(&run.config.description);
    }
    for notice in &run.notices {
        body += &format!("<p class=\"small\">{}</p>\n", escape(notice));
    }
    let mut parts = Parts::default();
    parts.add(
        "Alarms",
        "What went wrong, or may have.",
        &alarms(&run.alarms),
    );
    parts.add(
        "Final test",
        "On problems that steered nothing: not trained on, and not used in exams.",
        &results::final_test(&outcome),
    );
    parts.add(
        "The balance",
        "Before every step the run decides between the textbook (SFT: imitate worked solutions) \
         and the quiz (GRPO: try, and learn from the reward).",
        &decisions::balance(history),
    );
    parts.add(
        "Decisions explained",
        "A few decisions in full: the terms they were computed from, the draw, and what would have \
         tipped them.",
        &decisions::cards(&steps),
    );
    parts.add("Exams", "", &results::exams(&run.evaluations));
    parts.add(
        "Training",
        "Pale lines are single steps (in long runs the band from the lowest to the highest), \
         strong lines their moving average.",
        &curves::curves(history),
    );
    parts.add(
        "Completions",
        "What the model wrote: the problem, the completion, and how it was rewarded.",
        &samples::samples(&run.completions),
    );
    parts.add("Cost", "", &cost(&steps, &outcome));
    parts.add("Configuration", "", &configuration(run));
    body += &parts.finish();
    document(&format!("{} (SASR run)", run.name), &body)
}

/// The run in plain words.
fn summary(run: &RunData, outcome: &Outcome) -> String {
    let task = match run.config.task.kind {
        TaskKind::Arithmetic => "arithmetic",
        TaskKind::Countdown => "countdown",
        TaskKind::KnightsKnaves => "knights-and-knaves puzzles",
        TaskKind::Gsm8k => "GSM8K",
        TaskKind::Math => "MATH",
        TaskKind::Jsonl => "problems from files",
    };
    let cost = &outcome.cost;
    let model = match run
        .manifest
        .get("parameters")
        .and_then(serde_json::Value::as_f64)
    {
        Some(count) => format!("a model of {} parameters", short(count)),
        None => "a model".into(),
    };
    let warmup = run
        .steps
        .iter()
        .filter(|step| step.phase == Phase::Warmup)
        .count();
    let mut kinds = Vec::new();
    for (count, kind) in [
        (cost.sft_steps.saturating_sub(warmup as u64), "SFT"),
        (cost.grpo_steps, "GRPO"),
        (cost.blend_steps, "both, blended"),
    ] {
        if count > 0 {
            kinds.push(format!("{} of {kind}", whole(count as f64)));
        }
    }
    let start = if warmup > 0 {
        format!("{} of warm-up (SFT), then ", whole(warmup as f64))
    } else {
        "".into()
    };
    let mut text = format!(
        "This run trained {model} on {task} for {} steps: {start}{}. It took {} and {} tokens.",
        whole(cost.steps() as f64),
        kinds.join(" and "),
        duration(cost.seconds),
        short(cost.tokens as f64)
    );
    if cost.steps() == 0 {
        return format!("This run is to train {model} on {task}; no step has been taken yet.");
    }
    let Some(test) = &outcome.last else {
        return text + " There is no final test yet.";
    };
    if let Some(accuracy) = test.seen.accuracy() {
        text += &format!(
            " On the final test it solved {} of {} problems at the first try",
            percent(accuracy),
            test.seen.problems
        );
        if let Some(interval) = test.seen.accuracy_interval() {
            text += &format!(
                " (95 % interval {} to {})",
                percent(interval.low),
                percent(interval.high)
            );
        }
        let warm = outcome
            .after_warmup
            .as_ref()
            .and_then(|warm| warm.seen.accuracy());
        if let Some(warm) = warm {
            let gain = 100.0 * (accuracy - warm);
            let relation = if gain < 0.0 { "fewer" } else { "more" };
            text += &format!(
                ", {:.1} points {relation} than the {} after warm-up",
                gain.abs(),
                percent(warm)
            );
        }
        text += ".";
    }
    text
}

fn alarms(alarms: &[Alarm]) -> String {
    // The same alarm many times over is shown once, with how often.
    let mut kinds: BTreeMap<&str, Vec<&Alarm>> = BTreeMap::new();
    for alarm in alarms {
        kinds.entry(&alarm.kind).or_default().push(alarm);
    }
    kinds
        .into_iter()
        .map(|(kind, alarms)| {
            let last = alarms[alarms.len() - 1];
            let often = match alarms.len() {
                1 => format!("step {}", last.step),
                count => format!(
                    "{count} times, from step {} to {}",
                    alarms[0].step, last.step
                ),
            };
            format!(
                "<div class=\"alarm\"><p><strong>{}</strong> <span class=\"small\">{often}</span>\
                 </p><p>{}</p></div>\n",
                escape(&kind.replace('_', " ")),
                escape(&last.message)
            )
        })
        .collect()
}

/// Where the time went, and how many attempts changed nothing.
fn cost(steps: &[&StepRecord], outcome: &Outcome) -> String {
    const COLOURS: [&str; 7] = ["c-1", "c-0", "c-2", "c-3", "c-5", "c-4", "c-6"];
    let mut seconds: BTreeMap<&str, f64> = BTreeMap::new();
    // What was measured for the display alone is no part of a step's time.
    let of_steps = steps.iter().flat_map(|step| &step.timing);
    for (part, time) in of_steps.filter(|(part, _)| *part != "display") {
        *seconds.entry(part).or_default() += time;
    }
    let known: f64 = seconds.values().sum();
    let rest = outcome.cost.seconds - known;
    let mut named: Vec<(&str, &'static str, f64)> = seconds
        .into_iter()
        .zip(COLOURS.iter().cycle())
        .map(|((part, time), colour)| (part, *colour, time))
        .collect();
    if rest > 0.0 {
        named.push(("other", "c-6", rest));
    }
    let mut body = String::new();
    if named.iter().any(|part| part.2 > 0.0) {
        let (keys, bar) = charts::parts("Seconds by part of a step", &named);
        body += &figure(
            "Where the time went",
            "Seconds of all steps by part: sampling completions (rollout), their log-probabilities \
             (logps), the weight updates, and probes of stale signals.",
            &keys,
            &bar,
        );
    }
    let cost = &outcome.cost;
    if cost.steps() > 0 {
        let head = [
            "",
            "SFT",
            "GRPO",
            "blended",
            "left the weights as they were",
        ];
        let row = ["steps".to_owned()]
            .into_iter()
            .chain(
                [
                    cost.sft_steps,
                    cost.grpo_steps,
                    cost.blend_steps,
                    cost.skipped_steps,
                ]
                .map(|count| whole(count as f64)),
            )
            .collect();
        body += &table(&head.map(str::to_owned), &[row]);
    }
    body
}

fn configuration(run: &RunData) -> String {
    let began = changes::began_with(&run.config, &run.changes);
    let mut body = String::new();
    if !run.changes.is_empty() {
        let row = |change: &Change| {
            let from = format!("from step {}", change.step + 1);
            vec![
                change.path.clone(),
                from,
                change.value.clone(),
                change.before.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = run.changes.iter().map(row).collect();
        let head = ["changed on the way", "when", "value", "before"].map(str::to_owned);
        body += &table(&head, &rows);
    }
    // A horizon that is the number of steps it was given is no choice.
    let differing = config::diff(&RunConfig::default(), &began.unsettled());
    if !differing.is_empty() {
        let rows: Vec<Vec<String>> = differing
            .into_iter()
            .map(|(path, default, value)| vec![path, value, default])
            .collect();
        let head = ["set at the start", "value", "default"].map(str::to_owned);
        body += &table(&head, &rows);
    }
    let complete = run
        .config
        .to_toml()
        .unwrap_or_else(|error| error.to_string());
    body += &details(
        "Complete configuration",
        &format!("<pre>{}</pre>\n", escape(&complete)),
    );
    if !run.manifest.is_null() {
        body += &details(
            "Manifest",
            &format!("<pre>{}</pre>\n", escape(&format!("{:#}", run.manifest))),
        );
    }
    body
}
