//! Colours and sizes of the window. What a colour means is said in [`crate::palette`]; no meaning is
//! carried by colour alone.

use eframe::egui::{self, Color32, Visuals};

use crate::balance::Branch;
use crate::config::Method;
use crate::palette::{self, Rgb, Tones};

/// Colours with a meaning, for a light or a dark background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    pub sft: Color32,
    pub grpo: Color32,
    pub blend: Color32,
    /// The adaptive rule, where it stands beside what a run did.
    pub sasr: Color32,
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

const fn color([r, g, b]: Rgb) -> Color32 {
    Color32::from_rgb(r, g, b)
}

const DARK: Palette = Palette {
    sft: color(palette::SFT.dark),
    grpo: color(palette::GRPO.dark),
    blend: color(palette::BLEND.dark),
    sasr: color(palette::method(Method::Sasr).dark),
    right: color(palette::RIGHT.dark),
    wrong: color(palette::WRONG.dark),
    notice: Color32::from_rgb(240, 228, 66),
    accent: Color32::from_rgb(130, 170, 255),
    faint: Color32::from_rgb(120, 124, 132),
    bar: Color32::from_rgb(58, 84, 150),
    on_bar: Color32::from_rgb(240, 242, 246),
};

const LIGHT: Palette = Palette {
    sft: color(palette::SFT.light),
    grpo: color(palette::GRPO.light),
    blend: color(palette::BLEND.light),
    sasr: color(palette::method(Method::Sasr).light),
    right: color(palette::RIGHT.light),
    wrong: color(palette::WRONG.light),
    notice: Color32::from_rgb(140, 110, 0),
    accent: Color32::from_rgb(40, 90, 200),
    faint: Color32::from_rgb(125, 128, 135),
    bar: Color32::from_rgb(166, 194, 250),
    on_bar: Color32::from_rgb(20, 24, 34),
};

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

fn tone(tones: Tones, visuals: &Visuals) -> Color32 {
    color(if visuals.dark_mode {
        tones.dark
    } else {
        tones.light
    })
}

/// A method's colour.
pub fn method(ui: &egui::Ui, method: Method) -> Color32 {
    tone(palette::method(method), ui.visuals())
}

/// A method's colour for words: as much darker, or lighter on a dark background, as reading needs.
pub fn method_text(ui: &egui::Ui, method: Method) -> Color32 {
    let visuals = ui.visuals();
    readable(tone(palette::method(method), visuals), visuals)
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
                sasr,
                right,
                wrong,
                notice,
                accent,
                faint,
                bar,
                on_bar,
            } = *palette;
            for color in [sft, grpo, blend, sasr, right, wrong, notice, accent, faint] {
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
            for method in Method::ALL {
                let color = tone(palette::method(method), &visuals);
                let contrast = contrast(color, visuals.panel_fill);
                assert!(contrast >= 3.0, "{method:?} has contrast {contrast}");
                words.push((readable(color, &visuals), visuals.panel_fill));
            }
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
        let blue = color(palette::SFT.light);
        assert_eq!(readable(blue, &light), blue);
        let pale = Color32::from_rgb(230, 159, 0);
        let orange = readable(pale, &light);
        assert!(luminance(orange) < luminance(pale) && orange.r() > orange.b());
    }
}
