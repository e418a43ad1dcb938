//! The configuration that stands in a run's folder: complete, perhaps written by an older version, with
//! paths that hold wherever the program is started.

use std::path::{Component, Path, PathBuf};

use super::{ConfigError, RunConfig};
use crate::files as fs;

/// What runs of 0.1.0 did where their (complete) configuration does not know a setting yet. Without these
/// a run that is gone on with, or replayed, would change its rule in the middle.
const BEFORE_0_2: [(&str, &str); 4] = [
    ("balance.d_token_cap", "0"),
    ("balance.d_ema", "1"),
    ("grpo.denominators", "live"),
    // D was measured in every GRPO step, whoever needed it.
    ("logging.divergence_every", "1"),
];

/// Settings that 0.1.0 took with any value where the task is not of the kind that reads them: the table, the
/// name, the kind, and what may stand there all the same.
const UNREAD_BEFORE_0_2: [(&str, &str, &str, &[&str]); 4] = [
    ("files", "answer_key", "jsonl", &["\"\""]),
    ("files", "level_key", "jsonl", &["\"\""]),
    ("files", "verifier", "jsonl", &["\"exact\""]),
    (
        "knights_knaves",
        "depth",
        "knights_knaves",
        &["2", "3", "4"],
    ),
];

/// Takes these out of a configuration. Whether there were any.
fn forget_unread(written: &mut toml::Table) -> bool {
    let Some(task) = written.get_mut("task").and_then(toml::Value::as_table_mut) else {
        return false;
    };
    let kind = task.get("kind").and_then(toml::Value::as_str).unwrap_or("");
    let kind = kind.to_owned();
    let mut forgot = false;
    for (section, name, read_by, fine) in UNREAD_BEFORE_0_2 {
        let section = task.get_mut(section).and_then(toml::Value::as_table_mut);
        let Some(section) = section.filter(|_| kind != read_by) else {
            continue;
        };
        let is_fine = |value: &toml::Value| fine.contains(&value.to_string().as_str());
        if section.get(name).is_some_and(|value| !is_fine(value)) {
            section.remove(name);
            forgot = true;
        }
    }
    forgot
}

impl RunConfig {
    /// Reads the configuration of a run folder or a checkpoint: every setting is written there, so one
    /// that is not is newer than the run, and has the value that the run was made with. `set` as in
    /// [`RunConfig::from_toml`].
    ///
    /// # Errors
    /// As [`RunConfig::from_toml`].
    pub fn of_run(text: &str, name: &str, set: &[String]) -> Result<Self, ConfigError> {
        let Ok(mut written) = text.parse::<toml::Table>() else {
            return Self::from_toml(text, name, set);
        };
        // Without what nothing read, in whatever range it is.
        let leaner = forget_unread(&mut written).then(|| written.to_string());
        let text = leaner.as_deref().unwrap_or(text);
        let is_written = |path: &str| {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            let mut rest = rest.split('.').filter(|part| !part.is_empty());
            rest.try_fold(written.get(first)?, |value, part| value.get(part))
        };
        let mut all: Vec<String> = BEFORE_0_2
            .iter()
            .filter(|(path, _)| is_written(path).is_none())
            .map(|(path, value)| format!("{path}={value}"))
            .collect();
        // Schedules were spread over `max_steps`, whatever that became.
        if let Some(steps) = is_written("max_steps") {
            for horizon in ["optimizer.horizon", "balance.horizon"] {
                if is_written(horizon).is_none() {
                    all.push(format!("{horizon}={steps}"));
                }
            }
        }
        all.extend_from_slice(set);
        Self::from_toml(text, name, &all)
    }

    /// Takes the horizons of another configuration where the text that this one was read from has none: those
    /// of 0.1.0 do not say what their schedules were spread over when they began.
    pub fn take_unwritten_horizons(&mut self, text: &str, from: &Self) {
        let written: toml::Table = text.parse().unwrap_or_default();
        let has = |section: &str| {
            written
                .get(section)
                .is_some_and(|s| s.get("horizon").is_some())
        };
        if !has("optimizer") {
            self.optimizer.horizon = from.optimizer.horizon;
        }
        if !has("balance") {
            self.balance.horizon = from.balance.horizon;
        }
    }

    /// The paths in it, each with its setting.
    fn paths(&mut self) -> Vec<(&'static str, &mut String)> {
        let files = &mut self.task.files;
        let train = files
            .train
            .iter_mut()
            .map(|path| ("task.files.train", path));
        let test = files.test.iter_mut().map(|path| ("task.files.test", path));
        let others = [
            ("model.path", &mut self.model.path),
            ("tokenizer.path", &mut self.tokenizer.path),
        ];
        let all = train.chain(test).chain(others);
        all.filter(|(_, path)| !path.is_empty()).collect()
    }

    /// Finds what a file in `folder` names: a relative path is looked for there first, and otherwise left
    /// as it is, relative to where the program was started. Settings that `set` gives are left alone.
    pub fn find_from(&mut self, folder: &Path, set: &[String]) {
        let given = |setting: &str| {
            let of =
                |assignment: &String| assignment.split('=').next().unwrap_or("").trim() == setting;
            set.iter().any(of)
        };
        for (setting, path) in self.paths() {
            let there = folder.join(&*path);
            if Path::new(&*path).is_relative() && !given(setting) && fs::exists(&there) {
                *path = without_detours(&there).to_string_lossy().into_owned();
            }
        }
    }

    /// The same for a file in `folder`: relative paths lead from there. What is not there, and absolute
    /// paths, stay as they are.
    pub fn seen_from(&self, folder: &Path) -> Self {
        let mut config = self.clone();
        for (_, path) in config.paths() {
            if Path::new(&*path).is_relative()
                && let Some(way) = way(folder, Path::new(&*path))
            {
                *path = way.to_string_lossy().replace('\\', "/");
            }
        }
        config
    }

    /// Whether a run of `other` is this one, which has started.
    pub fn same_run(&self, other: &Self) -> bool {
        self.differs_from(other).is_empty()
    }

    /// What sets a run of `other` apart from this one, which has started: it kept to the levels that its
    /// files have, and its paths may lead to the same files another way.
    pub fn differs_from(&self, other: &Self) -> Vec<(String, String, String)> {
        let whole = |config: &Self| {
            let mut config = config.clone().settled();
            for (_, path) in config.paths() {
                if let Ok(there) = fs::canonicalize(&*path) {
                    *path = there.to_string_lossy().into_owned();
                }
            }
            config
        };
        let mut other = other.clone();
        if other.task.is_from_files() {
            let [low, high] = self.curriculum.levels;
            let widest = other.task.kind.widest_levels();
            other.curriculum.keep_to(low..=high, widest);
        }
        super::diff(&whole(self), &whole(&other))
    }

    /// Takes over the paths of another configuration of the same run, which only say where things are now; those
    /// that were `given` by hand stay.
    pub fn take_paths(&mut self, from: &Self, given: impl Fn(&str) -> bool) {
        let (files, others) = (&mut self.task.files, &from.task.files);
        for (setting, paths, now) in [
            ("task.files.train", &mut files.train, &others.train),
            ("task.files.test", &mut files.test, &others.test),
        ] {
            if paths.len() == now.len() && !given(setting) {
                paths.clone_from(now);
            }
        }
        let both = [
            ("model.path", &mut self.model.path, &from.model.path),
            (
                "tokenizer.path",
                &mut self.tokenizer.path,
                &from.tokenizer.path,
            ),
        ];
        for (setting, path, now) in both {
            if !path.is_empty() && !now.is_empty() && !given(setting) {
                path.clone_from(now);
            }
        }
    }
}

/// The path without `.` and without going into a folder and out again.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match (part, plain.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(plain.pop()),
            _ => plain.push(part),
        }
    }
    plain
}

/// The way from a folder to a file, both there.
fn way(from: &Path, to: &Path) -> Option<PathBuf> {
    let (from, to) = (fs::canonicalize(from).ok()?, fs::canonicalize(to).ok()?);
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    Some(up.chain(to[shared..].iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Denominators;

    #[test]
    fn what_an_older_run_does_not_know_has_the_value_it_was_made_with() {
        let mut old: toml::Table = RunConfig::default().to_toml().unwrap().parse().unwrap();
        for (section, name) in [
            ("balance", "d_ema"),
            ("balance", "d_token_cap"),
            ("balance", "horizon"),
            ("optimizer", "horizon"),
            ("grpo", "denominators"),
            ("logging", "divergence_every"),
        ] {
            old[section].as_table_mut().unwrap().remove(name).unwrap();
        }
        let read = |set: &[&str]| {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            RunConfig::of_run(&old.to_string(), "config.toml", &set).unwrap()
        };
        let run = read(&[]);
        assert_eq!((run.balance.d_ema, run.balance.d_token_cap), (1.0, 0.0));
        assert_eq!(run.grpo.denominators, Denominators::Live);
        assert_eq!((run.optimizer.horizon, run.balance.horizon), (800, 800));
        // Extending it moves no schedule; what is set is set.
        let longer = read(&["max_steps=4000", "balance.d_ema=0.5"]);
        assert_eq!((longer.max_steps, longer.optimizer.horizon), (4000, 800));
        assert_eq!(longer.balance.d_ema, 0.5);
        // What no task read does not keep a run from opening.
        old["task"]["files"]["verifier"] = "number".into();
        old["task"]["knights_knaves"]["depth"] = 1.into();
        let run = RunConfig::of_run(&old.to_string(), "config.toml", &[]).unwrap();
        assert_eq!(run.task, RunConfig::default().task);
        // A complete configuration is what it says.
        let whole = RunConfig::default().settled();
        let text = whole.to_toml().unwrap();
        assert_eq!(RunConfig::of_run(&text, "config.toml", &[]).unwrap(), whole);
        assert!(RunConfig::of_run("max_steps = [", "config.toml", &[]).is_err());
    }

    #[test]
    fn paths_lead_from_the_folder_that_names_them() {
        let folder = std::env::temp_dir().join(format!("sasr-paths-{}", std::process::id()));
        let (configs, run) = (folder.join("configs"), folder.join("runs/one"));
        for there in [&configs, &run, &folder.join("data")] {
            std::fs::create_dir_all(there).unwrap();
        }
        std::fs::write(folder.join("data/train.jsonl"), "{}").unwrap();
        let named = |path: &str| {
            let mut config = RunConfig::default();
            config.task.files.train = vec![path.into()];
            config
        };
        let train = |config: &RunConfig| config.task.files.train[0].clone();
        let whole = folder
            .join("data/train.jsonl")
            .to_string_lossy()
            .into_owned();
        let mut config = named("../data/train.jsonl");
        config.find_from(&configs, &[]);
        assert_eq!(train(&config), whole);
        // Absolute paths stay; those given by hand are relative to where the program is started.
        assert_eq!(train(&config.seen_from(&run)), whole);
        let mut given = named("../data/train.jsonl");
        given.find_from(
            &configs,
            &["task.files.train=[\"../data/train.jsonl\"]".into()],
        );
        assert_eq!(train(&given), "../data/train.jsonl");
        let mut elsewhere = named("nowhere.jsonl");
        elsewhere.find_from(&configs, &[]);
        assert_eq!(train(&elsewhere), "nowhere.jsonl");
        assert_eq!(train(&elsewhere.seen_from(&run)), "nowhere.jsonl");
        assert_eq!(
            way(&run, &folder.join("data/train.jsonl")).unwrap(),
            Path::new("../../data/train.jsonl")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
