//! A comparison as text for a terminal.

use std::fmt::Write as _;

use super::{Comparison, Estimate, Family, Group};
use crate::evaluation::names;

impl Comparison {
    /// Results, results by level, cost and differences, in aligned columns. Accuracies are in
    /// percent, with their 95 % intervals in brackets.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for sentence in &self.head {
            text.push_str(&format!("{sentence}\n"));
        }
        if !self.head.is_empty() {
            text.push('\n');
        }
        let first = self.reference();
        let sampled = |prefix: &str| first.sampled_name(prefix).map(str::to_owned);
        let mut columns: Vec<(String, Column)> = vec![column("accuracy", "accuracy", percent)];
        for prefix in ["mean@", "pass@", "maj@"] {
            columns.extend(sampled(prefix).map(|name| column(&name, &name, percent)));
        }
        columns.extend([
            column("two right differ", names::CORRECT_PATH_SIMPSON, percent),
            column("paths among 4", names::RAREFIED_CORRECT_PATHS, plain),
            column("for the right reason", names::SAMPLED_FAITHFULNESS, percent),
            column("perturbed", "accuracy_perturbed", percent),
            column("unseen levels", "accuracy_unseen", percent),
            column("gain", "gain", points),
        ]);
        self.section(&mut text, "Final test (greedy accuracy in %)", columns);

        let levels = self.groups.iter().flat_map(|group| &group.levels);
        let mut by_level: Vec<(u32, bool)> = levels
            .map(|(&level, (unseen, _))| (level, *unseen))
            .collect();
        by_level.sort_unstable();
        by_level.dedup();
        if by_level.len() > 1 {
            let columns = by_level
                .into_iter()
                .map(|(level, unseen)| {
                    let title = format!("level {level}{}", if unseen { " (unseen)" } else { "" });
                    let cell: Column = Box::new(move |group: &Group| {
                        group
                            .levels
                            .get(&level)
                            .map(|(_, estimate)| percent(estimate))
                    });
                    (title, cell)
                })
                .collect();
            self.section(&mut text, "Accuracy by level (%)", columns);
        }

        let columns = vec![
            column("SFT steps", "sft_steps", whole),
            column("GRPO steps", "grpo_steps", whole),
            column("blended", "blend_steps", whole),
            column("training tokens", "tokens", whole),
            column("seconds", "seconds", whole),
            column("exam and test tokens", "evaluation_tokens", whole),
        ];
        self.section(&mut text, "Cost (mean over runs)", columns);

        // A terminal shows what a comparison is about, and what is real among the rest.
        let (accuracy, others): (Vec<_>, Vec<_>) =
            (self.differences.iter()).partition(|difference| difference.family == Family::Accuracy);
        let real = || {
            others
                .iter()
                .filter(|difference| difference.is_significant())
        };
        for difference in accuracy.iter().chain(real()) {
            text.push_str(&format!("{}\n", difference.sentence));
        }
        if !others.is_empty() {
            text.push_str(&format!(
                "{} differences in other numbers, {} of them significant: the report has all.\n",
                others.len(),
                real().count()
            ));
        }
        for note in &self.notes {
            text.push_str(&format!("Note: {note}\n"));
        }
        text
    }

    /// Writes one aligned table. Columns that no group can fill are left out.
    fn section(&self, text: &mut String, title: &str, columns: Vec<(String, Column)>) {
        let mut rows: Vec<Vec<String>> = vec![vec!["method".into(), "runs".into()]];
        for group in &self.groups {
            rows.push(vec![group.label.clone(), group.outcomes.len().to_string()]);
        }
        for (title, cell) in columns {
            let cells: Vec<Option<String>> = self.groups.iter().map(cell).collect();
            if cells.iter().any(Option::is_some) {
                rows[0].push(title);
                for (row, cell) in rows[1..].iter_mut().zip(cells) {
                    row.push(cell.unwrap_or_else(|| "-".into()));
                }
            }
        }
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|column| {
                rows.iter()
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        text.push_str(&format!("{title}\n"));
        for (number, row) in rows.iter().enumerate() {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                // Names to the left, numbers to the right.
                let written = match column {
                    0 => write!(line, "  {cell:<width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
                written.expect("writing to a string does not fail");
            }
            text.push_str(&format!("{line}\n"));
            if number == 0 {
                let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
                text.push_str(&format!("  {}\n", rule.join("  ")));
            }
        }
        text.push('\n');
    }
}

/// A cell's text for a group; none where the group lacks the number.
type Column = Box<dyn Fn(&Group) -> Option<String>>;

fn column(title: &str, name: &str, show: fn(&Estimate) -> String) -> (String, Column) {
    let name = name.to_owned();
    (
        title.to_owned(),
        Box::new(move |group| group.numbers.get(&name).map(show)),
    )
}

fn with_interval(estimate: &Estimate, show: impl Fn(f64) -> String) -> String {
    match estimate.interval {
        Some(interval) => format!(
            "{} [{}, {}]",
            show(estimate.mean),
            show(interval.low),
            show(interval.high)
        ),
        None => show(estimate.mean),
    }
}

fn percent(estimate: &Estimate) -> String {
    with_interval(estimate, |value| format!("{:.1}", 100.0 * value))
}

fn points(estimate: &Estimate) -> String {
    with_interval(estimate, |value| format!("{:+.1}", 100.0 * value))
}

fn plain(estimate: &Estimate) -> String {
    with_interval(estimate, |value| format!("{value:.2}"))
}

fn whole(estimate: &Estimate) -> String {
    format!("{:.0}", estimate.mean)
}
