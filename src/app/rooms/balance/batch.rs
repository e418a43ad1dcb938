//! What a step learnt from: its demonstrations, or its groups of answers with their rewards.

use eframe::egui::{self, CollapsingHeader, Rect, RichText, Ui, vec2};

use super::card::Opened;
use super::formula::minus;
use crate::app::Actions;
use crate::app::engine::Ticket;
use crate::app::library::{Demonstration, Errand, Found};
use crate::app::record::{Record, RunKey};
use crate::app::theme;
use crate::app::widgets::{Piece, number, pieces, verdict};
use crate::config::{GrpoConfig, LoggingConfig, MultiObjectiveAggregation};
use crate::losses::advantages;
use crate::training::{BatchItem, CompletionRecord, StepRecord};

/// Items shown before one asks for all.
const FEW: usize = 10;

/// Seconds between two questions for texts, while steps come in faster than that.
const PAUSE: f64 = 0.4;

/// Texts of a step's problems, and the question for them.
#[derive(Default)]
pub struct Batch {
    asked: Option<(Ticket, RunKey, u64)>,
    asked_at: f64,
    found: Option<(RunKey, u64, Vec<Demonstration>)>,
    refused: Option<String>,
    /// The step whose items are all shown.
    all_of: Option<u64>,
}

impl Batch {
    /// Hears the library.
    pub fn found(&mut self, found: &Found) {
        let Some((ticket, key, step)) = &self.asked else {
            return;
        };
        match found {
            Found::Demonstrations {
                ticket: of,
                demonstrations,
            } if of == ticket => {
                self.found = Some((key.clone(), *step, demonstrations.clone()));
                (self.asked, self.refused) = (None, None);
            }
            Found::Refused { ticket: of, why } if of == ticket => {
                self.refused = Some(why.clone());
                self.found = Some((key.clone(), *step, Vec::new()));
                self.asked = None;
            }
            _ => {}
        }
    }

    /// The texts of a step, if they have come.
    fn texts(&self, record: &Record, step: u64) -> Option<&[Demonstration]> {
        let (key, of, texts) = self.found.as_ref()?;
        (*key == record.key && *of == step).then_some(texts.as_slice())
    }

    /// Asks for a step's texts, unless they are there or on their way.
    fn ask(&mut self, record: &Record, opened: &StepRecord, now: f64, actions: &mut Actions) {
        let here = self.texts(record, opened.step).is_some();
        let coming = self
            .asked
            .as_ref()
            .is_some_and(|(_, key, step)| *key == record.key && *step == opened.step);
        let soon = now < self.asked_at + PAUSE && now >= self.asked_at && self.asked_at > 0.0;
        if here || coming || soon || opened.batch.is_empty() {
            return;
        }
        let ticket = actions.ticket();
        actions.library(Errand::Demonstrations {
            ticket,
            config: Box::new(record.config.clone()),
            items: opened.batch.iter().map(as_demonstration).collect(),
        });
        self.asked = Some((ticket, record.key.clone(), opened.step));
        self.asked_at = now;
    }

    /// Draws the batch of a step.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        record: &Record,
        (opened, step): (&Opened, &StepRecord),
        now: f64,
        actions: &mut Actions,
    ) {
        ui.add_space(8.0);
        let header = CollapsingHeader::new(RichText::new(summary(&step.batch)).strong());
        header.id_salt("batch").default_open(true).show(ui, |ui| {
            if step.batch.is_empty() {
                ui.label("The log does not say what this step was made of");
                return;
            }
            self.ask(record, step, now, actions);
            if let Some(why) = &self.refused {
                ui.label(RichText::new(why).color(theme::palette(ui).notice));
            }
            self.items(ui, record, opened, step);
        });
    }

    fn items(&mut self, ui: &mut Ui, record: &Record, opened: &Opened, step: &StepRecord) {
        let texts = self.texts(record, step.step);
        let whole = texts.filter(|texts| texts.len() == step.batch.len());
        if texts.is_none() {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("Looking up the texts");
            });
        }
        let kept = kept_groups(&step.batch, &opened.completions, whole);
        let all = self.all_of == Some(step.step);
        let limit = if all { usize::MAX } else { FEW };
        for (index, item) in step.batch.iter().enumerate().take(limit) {
            let text = whole.map(|texts| &texts[index]);
            ui.push_id(index, |ui| {
                if item.rewards.is_empty() {
                    demonstration(ui, item, text);
                } else {
                    let first = kept[..index].iter().all(Vec::is_empty);
                    let advantages = &opened.advantages[index];
                    group(ui, (item, advantages), text, &kept[index], first);
                }
            });
        }
        let more = step.batch.len().saturating_sub(limit);
        if more > 0 && ui.button(format!("Show {more} more")).clicked() {
            self.all_of = Some(step.step);
        }
        if let Some(note) = note_on_texts(&step.batch, &kept, &record.config.logging) {
            ui.label(RichText::new(note).weak().small());
        }
    }
}

/// The demonstration that goes with an item; a group's problem has one as well.
fn as_demonstration(item: &BatchItem) -> BatchItem {
    BatchItem {
        variant: Some(item.variant.unwrap_or(0)),
        rewards: Vec::new(),
        correct: Vec::new(),
        ..item.clone()
    }
}

/// What a batch is made of, e.g. `What it learnt from: 20 groups of 8 answers`.
fn summary(batch: &[BatchItem]) -> String {
    let groups: Vec<&BatchItem> = batch
        .iter()
        .filter(|item| !item.rewards.is_empty())
        .collect();
    let demonstrations = batch.len() - groups.len();
    let mut parts = Vec::new();
    if demonstrations > 0 {
        parts.push(format!("{demonstrations} demonstrations"));
    }
    if let Some(first) = groups.first() {
        parts.push(format!(
            "{} groups of {} answers",
            groups.len(),
            first.rewards.len()
        ));
    }
    match parts.is_empty() {
        true => "What it learnt from".to_owned(),
        false => format!("What it learnt from: {}", parts.join(" and ")),
    }
}

/// Advantages of a batch, item by item; empty where rewards alone do not tell them.
pub fn batch_advantages(batch: &[BatchItem], config: &GrpoConfig) -> Vec<Vec<f32>> {
    let groups = || batch.iter().filter(|item| !item.rewards.is_empty());
    let size = groups().next().map_or(1, |item| item.rewards.len());
    let even = groups().all(|item| item.rewards.len() == size);
    let aggregation = config.multi_objective_aggregation;
    if !even || aggregation != MultiObjectiveAggregation::SumThenNormalize {
        return vec![Vec::new(); batch.len()];
    }
    let rewards: Vec<Vec<Option<f64>>> = groups()
        .flat_map(|item| &item.rewards)
        .map(|&reward| vec![Some(f64::from(reward))])
        .collect();
    let all = advantages(&rewards, &[1.0], size, config.scale_rewards, aggregation);
    let mut rest = all.values.chunks(size);
    let of_item = |item: &BatchItem| match item.rewards.is_empty() {
        true => Vec::new(),
        false => rest.next().map(<[f32]>::to_vec).unwrap_or_default(),
    };
    batch.iter().map(of_item).collect()
}

/// The completions kept of each item's group; empty where none are.
fn kept_groups<'a>(
    batch: &[BatchItem],
    completions: &'a [CompletionRecord],
    texts: Option<&[Demonstration]>,
) -> Vec<Vec<&'a CompletionRecord>> {
    let mut kept = vec![Vec::new(); batch.len()];
    let follows =
        |a: &CompletionRecord, b: &CompletionRecord| a.problem == b.problem && a.sample < b.sample;
    let mut from = 0;
    // Groups are logged in the order of the batch.
    for group in completions.chunk_by(follows) {
        let correct = || group.iter().map(|completion| completion.correct);
        let fits = |index: &usize| {
            let item = &batch[*index];
            let prompt = texts.map(|texts| texts[*index].prompt.as_str());
            item.level == group[0].level
                && prompt.is_none_or(|prompt| prompt == group[0].prompt)
                && item.correct.iter().copied().eq(correct())
        };
        if let Some(index) = (from..batch.len()).find(fits) {
            kept[index] = group.iter().collect();
            from = index + 1;
        }
    }
    kept
}

/// Which texts are missing, and the setting that keeps more.
fn note_on_texts(
    batch: &[BatchItem],
    kept: &[Vec<&CompletionRecord>],
    logging: &LoggingConfig,
) -> Option<String> {
    let groups = batch.iter().filter(|item| !item.rewards.is_empty()).count();
    let with_text = kept.iter().filter(|group| !group.is_empty()).count();
    if with_text == groups {
        return None;
    }
    Some(if logging.completions_every == 0 {
        "Only rewards are kept: logging.completions_every is 0. Set it to keep the answers' texts"
            .to_owned()
    } else {
        format!(
            "The answers' texts are kept of {with_text} of these {groups} groups. \
             logging.completions_groups keeps more in every quiz, and every {} quizzes one is kept \
             whole (logging.completions_every)",
            logging.completions_every
        )
    })
}

fn demonstration(ui: &mut Ui, item: &BatchItem, text: Option<&Demonstration>) {
    let Some(text) = text else {
        ui.label(RichText::new(place(item)).weak());
        return;
    };
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        prompt(ui, item, &text.prompt);
        ui.label(
            RichText::new(&text.text)
                .monospace()
                .color(theme::palette(ui).sft),
        )
        .on_hover_text("The worked solution that was learnt");
    });
    ui.add_space(3.0);
}

fn prompt(ui: &mut Ui, item: &BatchItem, text: &str) {
    ui.label(RichText::new(text).monospace().strong())
        .on_hover_text(place(item));
}

fn place(item: &BatchItem) -> String {
    format!("Training problem {} of level {}", item.index, item.level)
}

fn group(
    ui: &mut Ui,
    (item, advantages): (&BatchItem, &[f32]),
    text: Option<&Demonstration>,
    kept: &[&CompletionRecord],
    first: bool,
) {
    let known = kept.first().map(|completion| completion.prompt.as_str());
    match known.or(text.map(|text| text.prompt.as_str())) {
        Some(text) => prompt(ui, item, text),
        None => drop(ui.label(RichText::new(place(item)).weak())),
    }
    ui.horizontal(|ui| {
        bars(ui, item, advantages);
        let mean = item.rewards.iter().sum::<f32>() / item.rewards.len() as f32;
        let right = item.correct.iter().filter(|&&correct| correct).count();
        let words = format!(
            "{right} of {} right, mean {}",
            item.correct.len(),
            number(mean.into())
        );
        ui.label(RichText::new(words).small());
        let alike = item.rewards.windows(2).all(|pair| pair[0] == pair[1]);
        if alike {
            ui.label(RichText::new("all alike").small().weak())
                .on_hover_text("No answer is better than another, so there is nothing to learn");
        }
    });
    if !kept.is_empty() {
        let header =
            CollapsingHeader::new(RichText::new(format!("{} answers", kept.len())).small());
        header
            .id_salt("answers")
            .default_open(first)
            .show(ui, |ui| {
                kept.iter().for_each(|completion| answer(ui, completion));
            });
    }
    ui.add_space(4.0);
}

/// A bar per answer: its height the reward, its colour right or wrong.
fn bars(ui: &mut Ui, item: &BatchItem, advantages: &[f32]) {
    let (wide, high) = (7.0, 16.0);
    let colors = theme::palette(ui);
    let most = item
        .rewards
        .iter()
        .fold(1.0f32, |most, reward| most.max(reward.abs()));
    ui.spacing_mut().item_spacing.x = 2.0;
    for (index, &reward) in item.rewards.iter().enumerate().take(64) {
        let (rect, response) = ui.allocate_exact_size(vec2(wide, high), egui::Sense::hover());
        let correct = item.correct.get(index).copied().unwrap_or(false);
        let height = 3.0 + (high - 3.0) * (reward / most).clamp(0.0, 1.0);
        let bar = Rect::from_min_max(rect.left_bottom() - vec2(0.0, height), rect.right_bottom());
        ui.painter().rect_filled(bar, 1.0, colors.verdict(correct));
        response.on_hover_ui(|ui| {
            let verdict = if correct { "right" } else { "wrong" };
            let mut words = format!(
                "Answer {}: {verdict}, reward {}",
                index + 1,
                number(reward.into())
            );
            if let Some(&advantage) = advantages.get(index) {
                words += &format!(", advantage {}", signed(advantage));
            }
            ui.label(words);
        });
    }
    ui.add_space(6.0);
    ui.spacing_mut().item_spacing.x = 8.0;
}

fn answer(ui: &mut Ui, completion: &CompletionRecord) {
    ui.horizontal(|ui| {
        verdict(ui, completion.verdict());
        ui.label(RichText::new(format!("reward {}", number(completion.reward.into()))).small());
        if let Some(advantage) = completion.advantage {
            ui.label(RichText::new(format!("advantage {}", signed(advantage))).small())
                .on_hover_text("How much better than the rest of its group: what GRPO learns by");
        }
        if !completion.finished {
            ui.label(RichText::new("cut off").small().weak());
        }
    });
    if completion.logprobs.len() == completion.pieces.len() && !completion.pieces.is_empty() {
        let tokens: Vec<Piece<'_>> = completion
            .pieces
            .iter()
            .zip(&completion.logprobs)
            .map(|(text, logprob)| Piece {
                text,
                probability: Some(logprob.exp()),
                learnt: None,
            })
            .collect();
        pieces(ui, &tokens);
    } else {
        ui.monospace(&completion.completion);
    }
}

fn signed(value: f32) -> String {
    minus(&format!("{value:+.2}"))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
