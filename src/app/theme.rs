//! Colours and sizes. The palette is Okabe and Ito's, which people with colour blindness tell apart
//! (<https://jfly.uni-koeln.de/color/>), with lighter or darker tones for text on each background;
//! no meaning is carried by colour alone.

use eframe::egui::{self, Color32, Visuals};

use crate::balance::Branch;

/// Colours with a meaning, for a light or a dark background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    pub sft: Color32,
    pub grpo: Color32,
    pub blend: Color32,
    pub right: Color32,
    pub wrong: Color32,
    /// Attention, without something being wrong.
    pub notice: Color32,
    /// What is pointed at.
    pub accent: Color32,
    pub faint: Color32,
    /// How far something is, and words that lie half on that and half on what is behind it.
    pub bar: Color32,
    pub on_bar: Color32,
}

const DARK: Palette = Palette {
    sft: Color32::from_rgb(86, 180, 233),
    grpo: Color32::from_rgb(240, 160, 40),
    blend: Color32::from_rgb(214, 140, 180),
    right: Color32::from_rgb(40, 185, 140),
    wrong: Color32::from_rgb(235, 110, 60),
    notice: Color32::from_rgb(240, 228, 66),
    accent: Color32::from_rgb(130, 170, 255),
    faint: Color32::from_rgb(120, 124, 132),
    bar: Color32::from_rgb(58, 84, 150),
    on_bar: Color32::from_rgb(240, 242, 246),
};

const LIGHT: Palette = Palette {
    sft: Color32::from_rgb(0, 114, 178),
    grpo: Color32::from_rgb(196, 112, 0),
    blend: Color32::from_rgb(165, 80, 130),
    right: Color32::from_rgb(0, 128, 94),
    wrong: Color32::from_rgb(200, 76, 0),
    notice: Color32::from_rgb(140, 110, 0),
    accent: Color32::from_rgb(40, 90, 200),
    faint: Color32::from_rgb(125, 128, 135),
    bar: Color32::from_rgb(166, 194, 250),
    on_bar: Color32::from_rgb(20, 24, 34),
};

/// Colours of runs and groups laid over each other, in this order.
pub const SERIES: [Color32; 7] = [
    Color32::from_rgb(0, 114, 178),
    Color32::from_rgb(230, 159, 0),
    Color32::from_rgb(0, 158, 115),
    Color32::from_rgb(204, 121, 167),
    Color32::from_rgb(213, 94, 0),
    Color32::from_rgb(86, 180, 233),
    Color32::from_rgb(150, 140, 20),
];

/// The palette for what is drawn now.
pub fn palette(ui: &egui::Ui) -> &'static Palette {
    of(ui.visuals())
}

/// The palette that goes with visuals.
pub fn of(visuals: &Visuals) -> &'static Palette {
    if visuals.dark_mode { &DARK } else { &LIGHT }
}

impl Palette {
    /// A branch's colour.
    pub fn branch(&self, branch: Branch) -> Color32 {
        match branch {
            Branch::Sft => self.sft,
            Branch::Grpo => self.grpo,
            Branch::Blend => self.blend,
        }
    }

    /// Right or wrong.
    pub fn verdict(&self, correct: bool) -> Color32 {
        if correct { self.right } else { self.wrong }
    }

    /// From `wrong` at 0 over a neutral tone to `right` at 1, for shares and probabilities.
    pub fn share(&self, share: f32) -> Color32 {
        let share = share.clamp(0.0, 1.0);
        if share < 0.5 {
            self.wrong.lerp_to_gamma(self.faint, share * 2.0)
        } else {
            self.faint.lerp_to_gamma(self.right, share * 2.0 - 1.0)
        }
    }
}

/// A colour of [`SERIES`], lighter on a dark background.
pub fn series(ui: &egui::Ui, index: usize) -> Color32 {
    let color = SERIES[index % SERIES.len()];
    if ui.visuals().dark_mode {
        color.lerp_to_gamma(Color32::WHITE, 0.2)
    } else {
        color
    }
}

/// A colour of [`SERIES`] for words: as much darker, or lighter on a dark background, as reading
/// needs.
pub fn series_text(ui: &egui::Ui, index: usize) -> Color32 {
    readable(SERIES[index % SERIES.len()], ui.visuals())
}

/// Contrast that words need against their background (WCAG 2.2, level AA).
const READABLE: f32 = 4.5;

fn readable(color: Color32, visuals: &Visuals) -> Color32 {
    let ground = visuals.panel_fill;
    let end = if visuals.dark_mode {
        Color32::WHITE
    } else {
        Color32::BLACK
    };
    let tone = |step: u8| color.lerp_to_gamma(end, f32::from(step) / 20.0);
    let stands_out = |color: &Color32| contrast(*color, ground) >= READABLE;
    (0..=20).map(tone).find(stands_out).unwrap_or(end)
}

/// Contrast of two opaque colours, from 1 to 21 (WCAG 2.2).
fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance (WCAG 2.2).
fn luminance(color: Color32) -> f32 {
    let linear = |value: u8| {
        let value = f32::from(value) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

/// egui's visuals with words that stand out more: its grey ones are hard to read in small sizes.
fn visuals(dark: bool) -> Visuals {
    let (mut visuals, text, weak) = if dark {
        (Visuals::dark(), 200, 160)
    } else {
        (Visuals::light(), 50, 98)
    };
    visuals.widgets.noninteractive.fg_stroke.color = Color32::from_gray(text);
    visuals.widgets.inactive.fg_stroke.color = Color32::from_gray(if dark { 210 } else { 40 });
    visuals.weak_text_color = Some(Color32::from_gray(weak));
    visuals
}

/// Sets colours, fonts, text sizes and spacing, once.
pub fn apply(context: &egui::Context) {
    // The text font has no arrows; the one for code has.
    let mut fonts = egui::FontDefinitions::default();
    let text = fonts
        .families
        .entry(egui::FontFamily::Proportional)
        .or_default();
    text.insert(1.min(text.len()), "Hack".into());
    context.set_fonts(fonts);
    context.set_visuals_of(egui::Theme::Dark, visuals(true));
    context.set_visuals_of(egui::Theme::Light, visuals(false));
    context.all_styles_mut(|style| {
        use egui::{FontFamily, FontId, TextStyle};
        style.text_styles = [
            (
                TextStyle::Heading,
                FontId::new(20.0, FontFamily::Proportional),
            ),
            (TextStyle::Body, FontId::new(14.0, FontFamily::Proportional)),
            (
                TextStyle::Button,
                FontId::new(14.0, FontFamily::Proportional),
            ),
            (
                TextStyle::Small,
                FontId::new(11.5, FontFamily::Proportional),
            ),
            (
                TextStyle::Monospace,
                FontId::new(13.0, FontFamily::Monospace),
            ),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(8.0, 6.0);
        style.spacing.button_padding = egui::vec2(10.0, 5.0);
        style.spacing.interact_size.y = 24.0;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stand_out_from_their_background() {
        for (palette, visuals) in [(&DARK, visuals(true)), (&LIGHT, visuals(false))] {
            let Palette {
                sft,
                grpo,
                blend,
                right,
                wrong,
                notice,
                accent,
                faint,
                bar,
                on_bar,
            } = *palette;
            for color in [sft, grpo, blend, right, wrong, notice, accent, faint] {
                let contrast = contrast(color, visuals.panel_fill);
                assert!(contrast >= 3.0, "{color:?} has contrast {contrast}");
            }
            // Words, on what they lie on.
            let weak = visuals.weak_text_color();
            let text = visuals.text_color();
            let mut words = vec![
                (weak, visuals.panel_fill),
                (weak, visuals.extreme_bg_color),
                (weak, visuals.faint_bg_color),
                (text, visuals.panel_fill),
                (on_bar, bar),
                (on_bar, visuals.extreme_bg_color),
            ];
            words.extend(SERIES.map(|color| (readable(color, &visuals), visuals.panel_fill)));
            for (color, ground) in words {
                let contrast = contrast(color, over(ground, visuals.panel_fill));
                assert!(contrast >= READABLE, "{color:?} on {ground:?}: {contrast}");
            }
            // What is less important looks so.
            let of = |color| contrast(color, visuals.panel_fill);
            assert!(of(weak) < of(text) && of(text) < of(visuals.strong_text_color()));
        }
    }

    /// A colour that lets through, over another.
    fn over(color: Color32, ground: Color32) -> Color32 {
        ground.blend(color)
    }

    #[test]
    fn words_keep_the_colour_of_their_curve_where_that_can_be_read() {
        let light = visuals(false);
        assert_eq!(readable(SERIES[0], &light), SERIES[0]);
        let orange = readable(SERIES[1], &light);
        assert!(luminance(orange) < luminance(SERIES[1]) && orange.r() > orange.b());
    }
}
