//! The colours that mean something, for the window, the page, the report and the pictures alike.
//!
//! The textbook (SFT) is blue and the quiz (GRPO) orange, as branches of a run and as methods of a
//! comparison; what decides between them (p) is neutral: the colour of the text. Every other method has a
//! colour of its own, whatever else is shown. The tones are near Okabe and Ito's, which people with colour
//! blindness tell apart (<https://jfly.uni-koeln.de/color/>); right and wrong carry a sign besides.

use crate::balance::Branch;
use crate::config::Method;

/// Red, green and blue.
pub type Rgb = [u8; 3];

/// A colour on a light and on a dark background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tones {
    pub light: Rgb,
    pub dark: Rgb,
}

const fn tones(light: Rgb, dark: Rgb) -> Tones {
    Tones { light, dark }
}

/// Blue.
pub const SFT: Tones = tones([0, 114, 178], [86, 180, 233]);
/// Orange.
pub const GRPO: Tones = tones([196, 112, 0], [240, 160, 40]);
/// Pink, for steps that are both.
pub const BLEND: Tones = tones([165, 80, 130], [214, 140, 180]);
/// Green.
pub const RIGHT: Tones = tones([0, 128, 94], [40, 185, 140]);
/// Vermilion.
pub const WRONG: Tones = tones([200, 56, 24], [240, 102, 76]);

/// The colour of a branch.
pub const fn branch(branch: Branch) -> Tones {
    match branch {
        Branch::Sft => SFT,
        Branch::Grpo => GRPO,
        Branch::Blend => BLEND,
    }
}

/// The colour of a method.
pub const fn method(method: Method) -> Tones {
    match method {
        // Purple: neither of the two between which it decides.
        Method::Sasr => tones([118, 66, 188], [184, 146, 245]),
        Method::Sft => SFT,
        Method::Grpo => GRPO,
        // Grass.
        Method::Static => tones([58, 140, 40], [130, 205, 110]),
        // Magenta.
        Method::Periodic => tones([176, 0, 176], [225, 90, 230]),
        // A coin takes no side.
        Method::Constant => tones([104, 110, 118], [160, 166, 174]),
        // Crimson.
        Method::Cosine => tones([186, 42, 98], [240, 120, 160]),
    }
}

/// Custom properties for a style sheet: `--sft`, `--grpo`, `--blend`, `--right`, `--wrong`, and
/// `--method-…` by name.
pub fn css(dark: bool) -> String {
    let tone = |tones: Tones| {
        let [r, g, b] = if dark { tones.dark } else { tones.light };
        format!("#{r:02x}{g:02x}{b:02x}")
    };
    let named = [
        ("sft", SFT),
        ("grpo", GRPO),
        ("blend", BLEND),
        ("right", RIGHT),
        ("wrong", WRONG),
    ];
    let meanings = named.map(|(name, tones)| format!("--{name}: {};", tone(tones)));
    let methods = Method::ALL.map(|of| format!("--method-{}: {};", of.name(), tone(method(of))));
    let all: Vec<String> = meanings.into_iter().chain(methods).collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hue on the colour wheel, in degrees, and how far from grey.
    fn hue([r, g, b]: Rgb) -> (f64, f64) {
        let [r, g, b] = [r, g, b].map(f64::from);
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        let spread = (most - least).max(1e-9);
        let sixth = match most {
            most if most == r => (g - b) / spread % 6.0,
            most if most == g => (b - r) / spread + 2.0,
            _ => (r - g) / spread + 4.0,
        };
        ((60.0 * sixth + 360.0) % 360.0, (most - least) / 255.0)
    }

    #[test]
    fn the_textbook_is_blue_the_quiz_orange_and_the_rule_between_them_neither() {
        let is_blue = |rgb| (195.0..235.0).contains(&hue(rgb).0);
        let is_orange = |rgb| (20.0..45.0).contains(&hue(rgb).0);
        for dark in [false, true] {
            let tone = |tones: Tones| if dark { tones.dark } else { tones.light };
            assert!(is_blue(tone(branch(Branch::Sft))) && is_orange(tone(branch(Branch::Grpo))));
            for of in Method::ALL {
                let rgb = tone(method(of));
                assert_eq!(
                    is_blue(rgb) && hue(rgb).1 > 0.2,
                    of == Method::Sft,
                    "{of:?}"
                );
                assert_eq!(is_orange(rgb), of == Method::Grpo, "{of:?}");
            }
        }
        assert_eq!(method(Method::Sft), branch(Branch::Sft));
        assert_eq!(method(Method::Grpo), branch(Branch::Grpo));
    }

    #[test]
    fn the_report_gives_every_class_its_own_colour() {
        let sheet = include_str!("runs/report/style.css");
        let gives = |class: &str, colour: &str| {
            let rule = format!(".{class} {{ --c: var(--{colour}); }}");
            assert!(sheet.contains(&rule), "{rule}");
            assert_eq!(sheet.matches(&format!(".{class} {{")).count(), 1, "{class}");
        };
        for of in Method::ALL {
            gives(
                &format!("m-{}", of.name()),
                &format!("method-{}", of.name()),
            );
        }
        for name in ["sft", "grpo", "blend", "right", "wrong"] {
            gives(&format!("c-{name}"), name);
        }
        // What decides between the branches is neutral.
        gives("c-p", "ink");
    }

    #[test]
    fn methods_are_told_apart() {
        for dark in [false, true] {
            let colours = Method::ALL.map(|of| {
                let tones = method(of);
                if dark { tones.dark } else { tones.light }
            });
            for (index, a) in colours.iter().enumerate() {
                for b in &colours[..index] {
                    let apart: i32 = (0..3)
                        .map(|i| (i32::from(a[i]) - i32::from(b[i])).abs())
                        .sum();
                    assert!(apart >= 90, "{a:?} and {b:?}");
                }
            }
        }
    }
}
