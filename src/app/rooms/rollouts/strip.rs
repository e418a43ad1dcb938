//! A strip over all steps: how much there was to learn from in each quiz.

use eframe::egui::{self, Rect, Sense, Ui, pos2, vec2};

use crate::app::record::Record;
use crate::app::{theme, widgets};

const HEIGHT: f32 = 34.0;
/// Width of a bar.
const BAR: f32 = 3.0;

/// Bars ready to be drawn.
#[derive(Default)]
pub struct Strip {
    made_of: (String, u64, usize),
    bars: Vec<Option<f32>>,
}

/// The mean share of groups with mixed results for each of `count` stretches of the steps; none
/// where a stretch has no quiz. `zero` is the share without, NaN where a step was no quiz.
pub fn binned(zero: &[f32], count: usize) -> Vec<Option<f32>> {
    let mean = |index: usize| {
        let (from, to) = (index * zero.len() / count, (index + 1) * zero.len() / count);
        // With fewer steps than bars every bar shows the step it lies in.
        let part = &zero[from..to.max(from + 1).min(zero.len())];
        let known = || part.iter().filter(|share| !share.is_nan());
        let quizzes = known().count();
        (quizzes > 0).then(|| 1.0 - known().sum::<f32>() / quizzes as f32)
    };
    if zero.is_empty() {
        return Vec::new();
    }
    (0..count).map(mean).collect()
}

impl Strip {
    /// Draws the strip with a mark at `shown`; returns the step that was clicked.
    pub fn show(&mut self, ui: &mut Ui, record: &Record, shown: Option<u64>) -> Option<u64> {
        let zero = record.columns.get("frac_reward_zero_std")?;
        let (rect, response) = ui.allocate_exact_size(
            vec2(ui.available_width(), HEIGHT),
            Sense::CLICK | Sense::HOVER,
        );
        response.widget_info(|| {
            let text = "Share of groups with mixed results over the steps";
            egui::WidgetInfo::labeled(egui::Role::Image, true, text)
        });
        let count = ((rect.width() / BAR) as usize).max(1);
        let made_of = (record.key.clone(), record.revision, count);
        if self.made_of != made_of {
            (self.bars, self.made_of) = (binned(zero, count), made_of);
        }
        self.paint(ui, rect);
        caption(ui, rect);
        let (first, steps) = (record.columns.first(), zero.len());
        if let Some(row) = shown.and_then(|step| record.columns.row(step)) {
            let x = rect.left() + (row as f32 + 0.5) / steps as f32 * rect.width();
            let stroke = egui::Stroke::new(2.0, theme::palette(ui).accent);
            ui.painter().vline(x, rect.y_range(), stroke);
        }
        let pointer = response.hover_pos()?;
        let share = ((pointer.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
        let step = first + ((share * steps as f32) as u64).min(steps.saturating_sub(1) as u64);
        let bar = ((share * count as f32) as usize).min(count - 1);
        let said = match self.bars.get(bar).copied().flatten() {
            Some(mixed) => format!(
                "Around step {step}, {} of the groups had mixed results: some completions earned \
                 more than others, which is what GRPO learns from",
                widgets::percent(f64::from(mixed))
            ),
            None => format!("No quiz around step {step}"),
        };
        response
            .on_hover_text_at_pointer(said)
            .clicked()
            .then_some(step)
    }

    fn paint(&self, ui: &Ui, rect: Rect) {
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 3.0, ui.visuals().extreme_bg_color);
        let colors = theme::palette(ui);
        let width = rect.width() / self.bars.len().max(1) as f32;
        for (index, bar) in self.bars.iter().enumerate() {
            let Some(mixed) = *bar else { continue };
            let x = rect.left() + index as f32 * width;
            let top = rect.bottom() - (mixed * rect.height()).max(1.0);
            let bar = Rect::from_min_max(pos2(x, top), pos2(x + width, rect.bottom()));
            painter.rect_filled(bar, 0.0, colors.grpo.gamma_multiply(0.75));
        }
    }
}

fn caption(ui: &Ui, rect: Rect) {
    let text = "Groups with mixed results".to_owned();
    let font = egui::TextStyle::Small.resolve(ui.style());
    let ink = ui.visuals().text_color();
    let galley = ui.painter().layout_no_wrap(text, font, ink);
    let at = rect.min + vec2(6.0, 3.0);
    let back = Rect::from_min_size(at, galley.size()).expand(2.0);
    let fill = ui.visuals().extreme_bg_color.gamma_multiply(0.8);
    ui.painter().rect_filled(back, 2.0, fill);
    ui.painter().galley(at, galley, ink);
}
