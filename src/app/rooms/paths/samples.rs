//! A completion's text, and lists of many of them.

use eframe::egui::{self, Rect, RichText, Ui, vec2};

use crate::app::widgets::{self, Piece};
use crate::training::CompletionRecord;

/// The text of a completion, token by token where its tokens are known.
pub fn text(ui: &mut Ui, record: &CompletionRecord) {
    beginning(ui, record, record.pieces.len());
}

/// The first `count` tokens of a completion, or its text where they are not known.
pub fn beginning(ui: &mut Ui, record: &CompletionRecord, count: usize) {
    if record.pieces.is_empty() {
        let shown = RichText::new(&record.completion).monospace();
        ui.add(egui::Label::new(shown).wrap());
        return;
    }
    let probabilities = record.logprobs.iter().map(|logp| Some(logp.exp()));
    let probabilities = probabilities.chain(std::iter::repeat(None));
    let pieces = record.pieces.iter().map(String::as_str);
    tokens(ui, pieces.zip(probabilities).take(count));
}

/// Tokens, each with its probability where it is known.
pub fn tokens<'a>(ui: &mut Ui, tokens: impl Iterator<Item = (&'a str, Option<f32>)>) {
    let tokens: Vec<(std::borrow::Cow<'a, str>, Option<f32>)> = tokens
        .map(|(text, probability)| (with_line_ends(text), probability))
        .collect();
    let pieces: Vec<Piece<'_>> = tokens
        .iter()
        .map(|(text, probability)| Piece {
            text,
            probability: *probability,
            learnt: None,
        })
        .collect();
    widgets::pieces(ui, &pieces);
}

/// Tokens are told with line ends written as `\n`. One that is nothing but line ends becomes them
/// again, so that long texts keep their lines.
fn with_line_ends(token: &str) -> std::borrow::Cow<'_, str> {
    let ends = token.len() / 2;
    if ends > 0 && token == "\\n".repeat(ends) {
        "\n".repeat(ends).into()
    } else {
        token.into()
    }
}

/// Draws a part of a long list, or leaves its room free where it is out of sight. `height` is
/// what it took when it was drawn last, and a guess before.
pub fn in_sight(ui: &mut Ui, height: &mut f32, draw: impl FnOnce(&mut Ui)) {
    let size = vec2(ui.available_width(), *height);
    if !ui.is_rect_visible(Rect::from_min_size(ui.cursor().min, size)) {
        ui.allocate_space(size);
        return;
    }
    *height = ui.scope(draw).response.rect.height();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_of_nothing_but_line_ends_become_line_ends() {
        assert_eq!(with_line_ends("\\n"), "\n");
        assert_eq!(with_line_ends("\\n\\n"), "\n\n");
        for other in ["\\neq", "n", "", "a\\n", "\\"] {
            assert_eq!(with_line_ends(other), other);
        }
    }
}
