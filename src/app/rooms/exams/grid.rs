//! Accuracy by level and step, as read from the log.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::RunConfig;
use crate::curriculum::Curriculum;
use crate::evaluation::statistics::wilson;
use crate::training::{CompletionRecord, EvaluationRecord};

/// How well one level was answered, once or in several exams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub right: usize,
    pub problems: usize,
    /// Exams taken together.
    pub exams: usize,
}

impl Cell {
    pub fn of(record: &EvaluationRecord) -> Option<Self> {
        let accuracy = *record.metrics.get("accuracy")?;
        let right = match record.correct.as_slice() {
            [] => (accuracy * record.problems as f64).round() as usize,
            correct => correct.iter().filter(|&&correct| correct).count(),
        };
        Some(Self {
            right,
            problems: record.problems,
            exams: 1,
        })
    }

    /// Share of right answers in [0, 1].
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.problems.max(1) as f64
    }

    fn add(&mut self, other: &Cell) {
        self.right += other.right;
        self.problems += other.problems;
        self.exams += other.exams;
    }

    /// The cell in words: how many were right and how sure that is.
    pub fn words(&self) -> String {
        let Self {
            right,
            problems,
            exams,
        } = *self;
        let together = match exams {
            0 | 1 => String::new(),
            exams => format!(" in {exams} exams together"),
        };
        let sure = wilson(right, problems).map_or_else(String::new, |interval| {
            let (low, high) = (100.0 * interval.low, 100.0 * interval.high);
            format!(" (95 % interval {low:.0} to {high:.0} %)")
        });
        let percent = 100.0 * self.accuracy();
        format!("{right} of {problems} problems right{together}: {percent:.1} %{sure}")
    }
}

/// All levels at one moment.
pub type Column = BTreeMap<u32, Cell>;

/// An exam or a test at one level: what can be opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Spot {
    /// `exam`, or a test's name.
    pub kind: String,
    pub step: u64,
    pub level: u32,
}

/// The exams in order of steps, and the tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    pub exams: Vec<(u64, Column)>,
    /// Kind, step, and the problems as they are.
    pub tests: Vec<(String, u64, Column)>,
    pub levels: BTreeSet<u32>,
    /// Levels that are never trained on.
    pub unseen: BTreeSet<u32>,
    /// Evaluations taken in so far, and what the last of them was.
    taken: usize,
    last: Option<Spot>,
}

impl Grid {
    /// Takes in what is new among a run's evaluations; begins anew if the log is not the same any
    /// more. Returns whether anything changed.
    pub fn follow(&mut self, evaluations: &[EvaluationRecord]) -> bool {
        let last = self.taken.checked_sub(1).and_then(|at| evaluations.get(at));
        let same = last.map(spot) == self.last;
        if !same {
            *self = Self::default();
        }
        let before = self.taken;
        for record in &evaluations[self.taken..] {
            self.take(record);
        }
        self.taken = evaluations.len();
        self.last = evaluations.last().map(spot);
        !same || self.taken != before
    }

    fn take(&mut self, record: &EvaluationRecord) {
        let Some(cell) = Cell::of(record).filter(|_| record.perturbation.is_none()) else {
            return;
        };
        self.levels.insert(record.level);
        if record.unseen {
            self.unseen.insert(record.level);
        }
        let step = record.step;
        let column = if record.kind == "exam" {
            let at = self.exams.partition_point(|(other, _)| *other < step);
            if self.exams.get(at).is_none_or(|(other, _)| *other != step) {
                self.exams.insert(at, (step, Column::new()));
            }
            &mut self.exams[at].1
        } else {
            let same = |(kind, at, _): &(String, u64, _)| (kind, *at) == (&record.kind, step);
            let at = self.tests.iter().position(same).unwrap_or_else(|| {
                let kind = record.kind.clone();
                self.tests.push((kind, step, Column::new()));
                self.tests.len() - 1
            });
            &mut self.tests[at].2
        };
        // What is said again counts instead of what was said before.
        column.insert(record.level, cell);
    }

    /// When levels opened. Run folders of old do not say so, but it follows from the exams;
    /// `logged` are the openings that were seen to happen.
    pub fn opened(&self, config: &RunConfig, logged: &[(u64, u32)]) -> Vec<(u64, u32)> {
        let mut curriculum = Curriculum::new(&config.curriculum, config.exam.pass, config.seed);
        let mut opened: BTreeMap<u32, u64> = BTreeMap::new();
        for (step, column) in &self.exams {
            let accuracy = |(level, cell): (&u32, &Cell)| (*level, Some(cell.accuracy()));
            let results = curriculum.exam_results(&column.iter().map(accuracy).collect());
            opened.extend(results.iter().map(|result| (result.level, *step)));
        }
        opened.extend(logged.iter().map(|&(step, level)| (level, step)));
        opened
            .into_iter()
            .map(|(level, step)| (step, level))
            .collect()
    }

    pub fn is_empty(&self) -> bool {
        self.exams.is_empty() && self.tests.is_empty()
    }

    /// What is in a place, if anything.
    pub fn cell(&self, spot: &Spot) -> Option<&Cell> {
        self.column(&spot.kind, spot.step)?.get(&spot.level)
    }

    /// An exam's or a test's levels.
    pub fn column(&self, kind: &str, step: u64) -> Option<&Column> {
        if kind == "exam" {
            let at = self.exams.binary_search_by_key(&step, |(step, _)| *step);
            return at.ok().map(|at| &self.exams[at].1);
        }
        let same = |(other, at, _): &&(String, u64, _)| (other.as_str(), *at) == (kind, step);
        self.tests.iter().find(same).map(|(_, _, column)| column)
    }

    /// The exams before and after one, by step.
    pub fn around(&self, step: u64) -> (Option<u64>, Option<u64>) {
        let before = self.exams.partition_point(|(other, _)| *other < step);
        let after = self.exams.partition_point(|(other, _)| *other <= step);
        let step = |at: usize| self.exams.get(at).map(|(step, _)| *step);
        (before.checked_sub(1).and_then(step), step(after))
    }

    /// What to open unless something else is asked for: the newest exam or test, at its hardest
    /// trained level.
    pub fn newest(&self) -> Option<Spot> {
        let exam = self
            .exams
            .last()
            .map(|(step, column)| ("exam", *step, column));
        let test = self.tests.last();
        let test = test.map(|(kind, step, column)| (kind.as_str(), *step, column));
        let newest = [exam, test].into_iter().flatten().max_by_key(|of| of.1)?;
        let (kind, step, column) = newest;
        let mut trained = column.keys().filter(|level| !self.unseen.contains(level));
        let level = trained.next_back().or_else(|| column.keys().last())?;
        Some(Spot {
            kind: kind.to_owned(),
            step,
            level: *level,
        })
    }

    /// Exams taken together, `per` at a time from the beginning on, so that columns stay where
    /// they are while new exams come.
    pub fn binned(&self, per: usize) -> Vec<Bin> {
        let bin = |part: &[(u64, Column)]| {
            let mut cells = Column::new();
            for (level, cell) in part.iter().flat_map(|(_, column)| column) {
                cells.entry(*level).or_default().add(cell);
            }
            Bin {
                first: part.first().map_or(0, |(step, _)| *step),
                last: part.last().map_or(0, |(step, _)| *step),
                cells,
            }
        };
        self.exams.chunks(per.max(1)).map(bin).collect()
    }
}

/// Neighbouring exams drawn as one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// Step of the first exam and of the last.
    pub first: u64,
    pub last: u64,
    pub cells: Column,
}

fn spot(record: &EvaluationRecord) -> Spot {
    Spot {
        kind: record.kind.clone(),
        step: record.step,
        level: record.level,
    }
}

/// How much of the exams a column shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// Width of a column in points.
    pub width: f32,
    /// Exams in a column.
    pub per: usize,
}

/// Widths of a column that shows one exam, widest first.
const WIDTHS: [f32; 5] = [56.0, 40.0, 24.0, 12.0, 6.0];

/// The zoom of a degree: 0 is the closest; beyond the narrowest columns each further degree takes
/// twice as many exams together.
pub fn zoom(degree: usize) -> Zoom {
    let narrowest = WIDTHS.len() - 1;
    Zoom {
        width: WIDTHS[degree.min(narrowest)],
        per: 1 << degree.saturating_sub(narrowest).min(30),
    }
}

/// The closest degree at which `exams` columns fit into a width.
pub fn fitting(exams: usize, width: f32) -> usize {
    let fits = |degree: &usize| {
        let zoom = zoom(*degree);
        exams.div_ceil(zoom.per) as f32 * zoom.width <= width
    };
    (0..WIDTHS.len() + 30)
        .find(fits)
        .unwrap_or(WIDTHS.len() - 1)
}

/// Where levels open among columns that end at the steps `ends` (rising): the exam that opens a
/// level stands in its column, so the level is open from the next column on. Level and that
/// column's index.
pub fn openings(opened: &[(u64, u32)], ends: &[u64]) -> Vec<(u32, usize)> {
    let place = |&(step, level): &(u64, u32)| (level, ends.partition_point(|&end| end < step) + 1);
    opened.iter().map(place).collect()
}

/// The rule by which exams steer, and where that stands.
pub fn rule(config: &RunConfig, opened: &[(u64, u32)]) -> String {
    let [low, high] = config.curriculum.levels;
    let (every, problems) = (config.exam.every, config.exam.problems);
    let open = opened.iter().map(|&(_, level)| level).max();
    let open = open.unwrap_or(0).max(config.curriculum.start).min(high);
    let asked = match every {
        0 => "This run takes no exams.".to_owned(),
        every => format!(
            "Every {every} steps an exam asks {problems} problems of each level that are never \
             trained on, one answer each."
        ),
    };
    let pass = 100.0 * config.exam.pass;
    let steers = if every == 0 || low == high {
        String::new()
    } else if open < high {
        let now = match open == low {
            true => format!("Level {low} is open"),
            false => format!("Levels {low} to {open} are open"),
        };
        format!(
            " {now}; {pass:.0} % right on level {open} opens level {}.",
            open + 1
        )
    } else if opened.is_empty() {
        " All levels were open from the start, so exams open nothing here.".to_owned()
    } else {
        format!(" {pass:.0} % right on the highest open level opens the next; all are open now.")
    };
    asked + &steers
}

/// A test's name for people.
pub fn title(kind: &str) -> String {
    match kind {
        "exam" => "Exam".into(),
        "after_warmup" => "After warm-up".into(),
        "final" => "Final test".into(),
        other => other.replace('_', " "),
    }
}

/// Answers to one set of problems: reworded in some way, or as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sitting {
    pub perturbation: Option<String>,
    /// Rows among the answers.
    pub rows: std::ops::Range<usize>,
}

/// Divides a test's answers at one level into its sets of problems. They stand in the log in the
/// order of the evaluations. None where the two do not agree.
pub fn sittings(
    evaluations: &[&EvaluationRecord],
    answers: &[&CompletionRecord],
) -> Option<Vec<Sitting>> {
    let mut start = 0;
    let mut found = Vec::new();
    for record in evaluations {
        let rows = start..start + record.problems;
        let part = answers.get(rows.clone())?;
        let same = part
            .iter()
            .map(|answer| answer.correct)
            .eq(record.correct.iter().copied());
        if !same && !record.correct.is_empty() {
            return None;
        }
        start = rows.end;
        found.push(Sitting {
            perturbation: record.perturbation.clone(),
            rows,
        });
    }
    (start == answers.len()).then_some(found)
}
