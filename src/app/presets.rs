//! The configurations to start from: the files of `configs/`, with what each teaches.

use crate::config::RunConfig;

/// A configuration to start from.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Its file's name in `configs/`.
    pub file: &'static str,
    /// What one sees or learns with it.
    pub teaches: &'static str,
    /// Parameters of the model and the time of a run, measured on two cores.
    pub size: &'static str,
    /// Whether it needs files that are not part of the program.
    pub needs_files: bool,
    pub config: RunConfig,
    /// The file's text.
    pub text: &'static str,
}

impl Preset {
    /// Whether the file gives a value for a setting, rather than leaving it to its default.
    pub fn gives(&self, path: &str) -> bool {
        let table: toml::Table = self.text.parse().unwrap_or_default();
        let mut names = path.split('.');
        let first = names.next().and_then(|name| table.get(name));
        names
            .try_fold(first, |value, name| Some(value?.get(name)))
            .flatten()
            .is_some()
    }
}

const FILES: [(&str, &str, &str, bool, &str); 10] = [
    (
        "quickstart.toml",
        "How SASR decides: a small model learns three-step arithmetic, first from the textbook, \
         then more and more from the quiz",
        "0.1 M parameters, about 1 minute",
        false,
        include_str!("../../configs/quickstart.toml"),
    ),
    (
        "lesson_balance.toml",
        "Lesson: what the balance does, in small: textbook, quiz, and each decision between them",
        "0.07 M parameters, seconds; in a browser 1 to 2 minutes",
        false,
        include_str!("../../configs/lesson_balance.toml"),
    ),
    (
        "lesson_overfitting.toml",
        "Lesson: overfitting of SFT: twelve demonstrations known by heart, the exam far behind",
        "0.07 M parameters, seconds; in a browser 1 to 2 minutes",
        false,
        include_str!("../../configs/lesson_overfitting.toml"),
    ),
    (
        "lesson_collapse.toml",
        "Lesson: collapse of RL: the quiz alone, too fast, until nothing is explored any more",
        "0.07 M parameters, seconds; in a browser 1 to 2 minutes",
        false,
        include_str!("../../configs/lesson_collapse.toml"),
    ),
    (
        "lesson_diversity.toml",
        "Lesson: path diversity: many ways through one problem, and how many the quiz leaves",
        "0.07 M parameters, seconds; in a browser 1 to 2 minutes",
        false,
        include_str!("../../configs/lesson_diversity.toml"),
    ),
    (
        "arithmetic.toml",
        "A curriculum: exams open one level after the other",
        "0.1 M parameters, about 1 minute",
        false,
        include_str!("../../configs/arithmetic.toml"),
    ),
    (
        "countdown.toml",
        "Search: many ways to try, few that hit, and more to gain from the quiz",
        "0.1 M parameters, about 80 seconds",
        false,
        include_str!("../../configs/countdown.toml"),
    ),
    (
        "knights_knaves.toml",
        "Path diversity: one logic puzzle, many valid orders of reasoning",
        "0.1 M parameters, about 2 minutes",
        false,
        include_str!("../../configs/knights_knaves.toml"),
    ),
    (
        "published_rule.toml",
        "The published rule: gradient norms alone decide, without the pull back to the origin",
        "0.1 M parameters, about 1 minute",
        false,
        include_str!("../../configs/published_rule.toml"),
    ),
    (
        "gsm8k.toml",
        "Real word problems from files, with a tokenizer of their own",
        "1 M parameters, about 4 minutes",
        true,
        include_str!("../../configs/gsm8k.toml"),
    ),
];

/// All presets, the one to begin with first.
pub fn all() -> Vec<Preset> {
    let preset = |(file, teaches, size, needs_files, text)| {
        // Tested: every preset reads.
        let config = RunConfig::from_toml(text, file, &[]).unwrap_or_default();
        Preset {
            file,
            teaches,
            size,
            needs_files,
            config,
            text,
        }
    };
    FILES.into_iter().map(preset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_read_and_named_as_its_file() {
        for (file, _, _, _, text) in FILES {
            let config = RunConfig::from_toml(text, file, &[]).unwrap();
            assert_eq!(format!("{}.toml", config.name.replace('-', "_")), file);
        }
        let quickstart = &all()[0];
        assert!(quickstart.gives("curriculum.levels") && quickstart.gives("max_steps"));
        assert!(!quickstart.gives("task.demonstrations") && !quickstart.gives("no.such.thing"));
        let there = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs")).unwrap();
        assert_eq!(there.count(), FILES.len(), "a preset is not offered");
    }
}
