//! Text as the model sees it: token by token, with colour for how sure it was.

use eframe::egui::text::LayoutJob;
use eframe::egui::{self, Color32, FontId, TextFormat, TextStyle, Ui};

use crate::app::theme;

/// A token's text with what is known about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// The probability the model gave it, in [0, 1].
    pub probability: Option<f32>,
    /// Whether the loss counts it, where that is the question.
    pub learnt: Option<bool>,
}

/// Draws tokens one after the other, wrapped: a background from the probability, or by the loss
/// mask. Line ends are shown as ↵. Hovering tells a token's probability.
pub fn pieces(ui: &mut Ui, tokens: &[Piece<'_>]) -> egui::Response {
    let colors = theme::palette(ui);
    let font: FontId = TextStyle::Monospace.resolve(ui.style());
    let text = ui.visuals().text_color();
    let mut job = LayoutJob::default();
    job.wrap.max_width = ui.available_width();
    // Where each token ends in the job's text, in characters.
    let mut ends = Vec::with_capacity(tokens.len());
    let mut length = 0;
    for (index, token) in tokens.iter().enumerate() {
        // Two shades in turn, so that one sees where a token ends.
        let shade = if index % 2 == 0 { 0.36 } else { 0.24 };
        let background = match (token.probability, token.learnt) {
            (Some(probability), _) => colors.share(probability).gamma_multiply(shade),
            (None, Some(true)) => colors.sft.gamma_multiply(shade),
            (None, Some(false)) | (None, None) => Color32::TRANSPARENT,
        };
        let color = match token.learnt {
            Some(false) => ui.visuals().weak_text_color(),
            _ => text,
        };
        let shown = token.text.replace('\n', "↵\n");
        length += shown.chars().count();
        ends.push(length);
        let format = TextFormat {
            font_id: font.clone(),
            color,
            background,
            ..TextFormat::default()
        };
        job.append(&shown, 0.0, format);
    }
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let (rect, response) = ui.allocate_exact_size(galley.size(), egui::Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Label, true, galley.text().to_owned())
    });
    ui.painter().galley(rect.min, galley.clone(), text);
    let Some(pointer) = response.hover_pos() else {
        return response;
    };
    let at = galley.cursor_from_pos(pointer - rect.min).index.0;
    let token = tokens.get(ends.partition_point(|&end| end <= at));
    match token.and_then(|token| Some((token.text, token.probability?))) {
        Some((text, probability)) => response.on_hover_text_at_pointer(format!(
            "{text:?}: probability {probability:.3}, log-probability {:.3}",
            probability.ln()
        )),
        None => response,
    }
}
