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

/// Sets fonts, text sizes and spacing, once.
pub fn apply(context: &egui::Context) {
    // The text font has no arrows; the one for code has.
    let mut fonts = egui::FontDefinitions::default();
    let text = fonts
        .families
        .entry(egui::FontFamily::Proportional)
        .or_default();
    text.insert(1.min(text.len()), "Hack".into());
    context.set_fonts(fonts);
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

    #[test]
    fn colours_stand_out_from_their_background() {
        for (palette, visuals) in [(&DARK, Visuals::dark()), (&LIGHT, Visuals::light())] {
            let back = luminance(visuals.panel_fill);
            let Palette {
                sft,
                grpo,
                blend,
                right,
                wrong,
                notice,
                accent,
                faint,
            } = *palette;
            for color in [sft, grpo, blend, right, wrong, notice, accent, faint] {
                let (a, b) = (luminance(color), back);
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 3.0, "{color:?} has contrast {contrast}");
            }
        }
    }
}
