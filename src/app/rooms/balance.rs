//! The heart of the app: when the model reads the textbook (SFT), when it takes the quiz (GRPO),
//! and why. Plots over all steps, and beside them the card of the step in view.

mod alarms;
mod bands;
mod base;
mod batch;
mod card;
mod controls;
mod curves;
mod draw;
mod formula;
mod gauge;
mod graphs;
mod marks;
mod outcome;
mod plots;
mod steps;
mod view;
mod whatif;
mod whatif_panel;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::library::Found;
use crate::app::record::{Record, RunKey};
use crate::app::widgets::nothing_yet;
use crate::app::{Action, Actions, World};
use plots::{Plots, Scene};
use view::View;
use whatif::WhatIf;

/// What the card beside the plots shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    #[default]
    Decision,
    WhatIf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Balance {
    plots: Plots,
    side: Side,
    what_if: WhatIf,
    /// The run that γ and λ were tried on.
    tried_on: RunKey,
    #[serde(skip)]
    outcome: outcome::Outcome,
    #[serde(skip)]
    opened: card::Opened,
    #[serde(skip)]
    batch: batch::Batch,
    #[serde(skip)]
    alarms: alarms::Dismissed,
    #[serde(skip)]
    controls: controls::Controls,
}

impl Room for Balance {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let Some(record) = world.shown else {
            return nothing_yet(
                ui,
                "No run to look at",
                "Start one from the Start room, or open a run from its list. Then this room shows \
                 when the model reads the textbook and when it takes the quiz, and why",
            );
        };
        if let Some(step) = self.alarms.show(ui, record) {
            self.select(step, record, actions);
        }
        let Some(step) = world.step() else {
            return base::show(ui, record);
        };
        outcome::show(ui, &mut self.outcome, record, actions);
        if self.tried_on != record.key {
            // What was tried on one run says nothing of another.
            self.tried_on.clone_from(&record.key);
            self.what_if.tried = Default::default();
        }
        if self.side == Side::WhatIf {
            self.what_if.advance(record);
        }
        let width = ui.available_width();
        egui::Panel::right("card")
            .resizable(true)
            .default_size((0.4 * width).clamp(300.0, 400.0))
            .size_range(280.0..=(width - 300.0).max(300.0))
            .show(ui, |ui| self.beside(ui, world, (record, step), actions));
        egui::CentralPanel::no_frame().show(ui, |ui| {
            self.toolbar(ui, world, record, actions);
            let replay = match self.side {
                Side::WhatIf => self.what_if.answer(),
                Side::Decision => None,
            };
            let scene = Scene {
                record,
                selected: world.selected,
                step: Some(step),
                replay,
                time: world.time,
            };
            if let Some(selected) = self.plots.show(ui, &scene) {
                actions.push(Action::Select(selected));
            }
        });
    }

    fn found(&mut self, found: &Found) {
        self.batch.found(found);
    }
}

impl Balance {
    /// Looks at a step and brings it into view.
    fn select(&mut self, step: u64, record: &Record, actions: &mut Actions) {
        let (first, last) = (record.columns.first(), record.step());
        self.plots.view = self.plots.view.showing(step, first, last);
        actions.push(Action::Select(Some(step)));
    }

    fn toolbar(&mut self, ui: &mut Ui, world: &World, record: &Record, actions: &mut Actions) {
        let Plots {
            view,
            smoothing,
            logarithmic,
            ..
        } = &mut self.plots;
        ui.horizontal_wrapped(|ui| {
            let away = world.selected.is_some() || !view.follows();
            let follow = ui.add_enabled(away, egui::Button::new("Follow newest"));
            if follow
                .on_hover_text("Looks at the newest step again (Esc)")
                .on_disabled_hover_text(
                    "The newest step is in view. Click a step in a plot to look at it",
                )
                .clicked()
            {
                actions.push(Action::Select(None));
                if !view.follows() {
                    *view = View::Whole;
                }
            }
            let words = |view: View| match view {
                View::Whole => "Whole run".to_owned(),
                View::Newest(steps) => format!("Newest {steps}"),
                View::Zoomed { .. } => "Zoomed".to_owned(),
            };
            let choice = egui::ComboBox::from_id_salt("steps in view")
                .selected_text(words(*view))
                .width(120.0)
                .show_ui(ui, |ui| {
                    for choice in [View::Whole, View::Newest(100), View::Newest(1000)] {
                        ui.selectable_value(view, choice, words(choice));
                    }
                });
            choice.response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Steps in view")
            });
            choice.response.on_hover_text(
                "Turn the wheel over a plot to zoom, drag to move, double-click to see all again",
            );
            ui.spacing_mut().slider_width = 60.0;
            let slider = egui::Slider::new(smoothing, 0.0..=0.99)
                .show_value(false)
                .text("Smoothing");
            ui.add(slider)
                .on_hover_text("Of the reward: weight of the past in its moving average");
            ui.checkbox(logarithmic, "Log scale").on_hover_text(
                "Of G / G_warm: equal ratios are equally far apart, as in the formula",
            );
            if record.is_here() {
                self.controls.show(ui, record, actions);
            }
        });
    }

    /// The card beside the plots.
    fn beside(
        &mut self,
        ui: &mut Ui,
        world: &World,
        (record, step): (&Record, u64),
        actions: &mut Actions,
    ) {
        let mut chosen = steps::show(ui, world, record);
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.side, Side::Decision, "Decision");
            ui.selectable_value(&mut self.side, Side::WhatIf, "What if…")
                .on_hover_text("Try another γ or λ on the decisions of this run");
            ui.add_space(8.0);
            chosen = steps::jumps(ui, world, record).or(chosen);
        });
        if let Some(chosen) = chosen {
            self.select(chosen, record, actions);
        }
        ui.separator();
        let side = self.side;
        egui::ScrollArea::vertical()
            .id_salt(("card", side == Side::WhatIf))
            .auto_shrink(false)
            .show(ui, |ui| match side {
                Side::Decision => self.decision(ui, world, (record, step), actions),
                Side::WhatIf => {
                    let asked = whatif_panel::show(ui, &mut self.what_if, record, step);
                    if let Some(step) = asked {
                        self.select(step, record, actions);
                    }
                }
            });
    }

    fn decision(
        &mut self,
        ui: &mut Ui,
        world: &World,
        (record, step): (&Record, u64),
        actions: &mut Actions,
    ) {
        self.opened.open(record, step);
        let Some(logged) = &self.opened.step else {
            ui.label(RichText::new("The record of this step cannot be read").weak());
            return;
        };
        card::show(ui, record, logged);
        let of_step = (&self.opened, logged);
        self.batch.show(ui, record, of_step, world.time, actions);
    }
}
