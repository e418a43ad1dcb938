//! A puzzle with its names, and the changes that keep its meaning.

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use serde::{Deserialize, Serialize};

use super::statement::Statement;
use super::wording::Wording;
use super::{short, text, write_all};
use crate::config::Layout;
use crate::rng::Stream;
use crate::tasks::Problem;

/// A puzzle with everything that its wording depends on.
#[derive(Clone, Debug)]
pub struct Puzzle {
    /// What person i is called.
    pub names: Vec<String>,
    /// What person i says.
    pub statements: Vec<Statement>,
    /// Whether person i is a knight.
    pub solution: Vec<bool>,
    /// Which of [`text::TEMPLATES`] introduces person i's statement.
    pub templates: Vec<usize>,
    /// The order in which people speak.
    pub order: Vec<usize>,
}

/// How a [`Puzzle`] is kept in [`Problem::payload`].
#[derive(Serialize, Deserialize)]
struct Payload {
    names: Vec<String>,
    /// In the published form.
    statements: String,
    solution: Vec<bool>,
    templates: Vec<usize>,
    order: Vec<usize>,
}

impl Puzzle {
    /// The puzzle a problem was made from; `None` where the problem is not of this task.
    pub fn of(problem: &Problem) -> Option<Self> {
        let payload: Payload = serde_json::from_value(problem.payload.clone()).ok()?;
        let Payload {
            names,
            statements,
            solution,
            templates,
            order,
        } = payload;
        let statements = Statement::parse_all(&statements).ok()?;
        let people = statements.len();
        let fits = names.len() == people && solution.len() == people;
        fits.then_some(Self {
            names,
            statements,
            solution,
            templates,
            order,
        })
    }

    /// The puzzle as [`Problem::payload`].
    pub fn payload(&self) -> serde_json::Value {
        serde_json::to_value(Payload {
            names: self.names.clone(),
            statements: write_all(&self.statements),
            solution: self.solution.clone(),
            templates: self.templates.clone(),
            order: self.order.clone(),
        })
        .expect("numbers and text have a JSON form")
    }

    /// What is asked.
    pub fn prompt(&self, wording: Wording, layout: Layout) -> String {
        match (wording, layout) {
            (Wording::Short, _) => short::quiz(&self.names, &self.statements, &self.order),
            (Wording::English, Layout::Compact) => self.quiz(),
            (Wording::English, Layout::Tags) => {
                format!("{}\n{}", self.quiz(), text::INSTRUCTIONS)
            }
        }
    }

    fn quiz(&self) -> String {
        text::quiz(&self.names, &self.statements, &self.templates, &self.order)
    }

    /// The same puzzle with other names: from the list in English, exchanged ones in short.
    pub(super) fn renamed(mut self, wording: Wording, random: &mut Stream) -> Self {
        match wording {
            Wording::English => {
                let free: Vec<&str> = text::NAMES
                    .into_iter()
                    .filter(|name| !self.names.iter().any(|other| other == name))
                    .collect();
                self.names = free
                    .sample(random, self.names.len())
                    .map(ToString::to_string)
                    .collect();
            }
            Wording::Short => self.names.shuffle(random),
        }
        self
    }

    /// The same puzzle told in another order.
    pub(super) fn shuffled(mut self, random: &mut Stream) -> Self {
        self.order.shuffle(random);
        self
    }

    /// The same puzzle with every statement introduced by another template.
    pub(super) fn reworded(mut self, random: &mut Stream) -> Self {
        for template in &mut self.templates {
            *template += random.random_range(1..text::TEMPLATES.len());
            *template %= text::TEMPLATES.len();
        }
        self
    }
}
