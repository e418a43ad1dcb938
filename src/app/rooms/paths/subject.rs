//! Whom to ask: a run, and a point of its training.

use std::collections::BTreeMap;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use crate::app::engine::{Subject, Ticket};
use crate::app::library::{Errand, Found};
use crate::app::record::RunKey;
use crate::app::{Actions, World};

/// A point of a run's training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Point {
    /// The policy that the adaptive phase departed from.
    AfterWarmup,
    /// The first checkpoint that was kept.
    Oldest,
    /// The newest checkpoint, or the model a finished run ended with.
    Newest,
    /// As it is at this moment, while it is trained here.
    Now,
    /// A checkpoint by its folder's name.
    At(String),
}

/// What the user chose; nothing chosen is the run shown, at the point a room prefers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    pub run: Option<RunKey>,
    pub point: Option<Point>,
}

impl Chosen {
    /// The run asked.
    pub fn run<'a>(&'a self, world: &'a World) -> Option<&'a str> {
        let there = |run: &&String| {
            let listed = || world.runs.iter().any(|card| card.key == **run);
            world.records.contains_key(*run) || listed()
        };
        let chosen = self.run.as_ref().filter(there).map(String::as_str);
        chosen.or_else(|| world.shown.map(|record| record.key.as_str()))
    }

    /// The point asked, where that run has it; `preferred` where nothing was chosen.
    pub fn point(&self, world: &World, shelf: &Shelf, preferred: &Point) -> Point {
        let Some(run) = self.run(world) else {
            return Point::Newest;
        };
        let names = shelf.names(run);
        let has = |point: &&Point| match point {
            Point::Newest => true,
            Point::Oldest => names.len() > 1,
            Point::Now => world.live == Some(run),
            Point::AfterWarmup => is_warmed_up(run, world, names),
            Point::At(name) => names.contains(name),
        };
        let chosen = self.point.as_ref().filter(has);
        // The next best beginning is the first checkpoint.
        let oldest = || Some(&Point::Oldest).filter(|_| *preferred == Point::AfterWarmup);
        let point = chosen
            .or(Some(preferred).filter(has))
            .or_else(|| oldest().filter(has));
        // A run that is trained here may have no checkpoint yet, but it always has a model.
        let otherwise = || match world.live == Some(run) {
            true => Point::Now,
            false => Point::Newest,
        };
        point.cloned().unwrap_or_else(otherwise)
    }

    /// For the engine, with its name in words.
    pub fn subject(
        &self,
        world: &World,
        shelf: &Shelf,
        preferred: &Point,
    ) -> Option<(Subject, String)> {
        let run = self.run(world)?.to_owned();
        let point = self.point(world, shelf, preferred);
        let name = format!("{run}, {}", words(&point, shelf.names(&run)));
        let checkpoint = match point {
            Point::Now => return Some((Subject::Live, name)),
            Point::AfterWarmup => return Some((Subject::Origin { run }, name)),
            Point::Newest => None,
            Point::Oldest => shelf.names(&run).first().cloned(),
            Point::At(checkpoint) => Some(checkpoint),
        };
        Some((Subject::Checkpoint { run, checkpoint }, name))
    }
}

/// Whether a run's policy at the end of the warm-up is kept somewhere.
fn is_warmed_up(run: &str, world: &World, names: &[String]) -> bool {
    let record = world.records.get(run);
    let warmup = record.map_or(0, |record| {
        let config = &record.config;
        crate::balance::warmup_steps(&config.balance, config.max_steps)
    });
    // A checkpoint at the very end of the warm-up was made before the first decision.
    if world.live == Some(run) {
        return record.is_some_and(|record| record.step() > warmup);
    }
    let newest = names.last().and_then(|name| number_of(name));
    newest.is_some_and(|step| step > warmup)
}

/// A point in words.
pub fn words(point: &Point, names: &[String]) -> String {
    match point {
        Point::Oldest => match names.first() {
            Some(name) => format!("oldest ({})", step_of(name)),
            None => "oldest".into(),
        },
        Point::Newest => match names.last() {
            Some(name) => format!("newest ({})", step_of(name)),
            None => "newest".into(),
        },
        Point::Now => "as it is now".into(),
        Point::AfterWarmup => "after warm-up".into(),
        Point::At(name) => step_of(name),
    }
}

/// `step-000200` as `step 200`.
fn step_of(name: &str) -> String {
    number_of(name).map_or_else(|| name.to_owned(), |step| format!("step {step}"))
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("step-")?.parse().ok()
}

/// The checkpoints of runs, as far as they were asked for.
#[derive(Default)]
pub struct Shelf {
    runs: BTreeMap<RunKey, Kept>,
}

#[derive(Default)]
struct Kept {
    names: Vec<String>,
    asked: Option<Ticket>,
    /// When it was asked: it is asked again where a run has gone on.
    as_of: Option<(u64, bool)>,
}

impl Shelf {
    /// A run's checkpoints that are known, oldest first.
    pub fn names(&self, run: &str) -> &[String] {
        self.runs.get(run).map_or(&[], |kept| &kept.names)
    }

    /// Asks for a run's checkpoints, unless they are known or asked for already.
    pub fn look_up(&mut self, run: &str, world: &World, actions: &mut Actions) {
        let record = world.records.get(run).map(|record| {
            let every = record.config.checkpoint.every.max(1);
            (record.step() / every, record.finished)
        });
        let card = world.runs.iter().find(|card| card.key == run);
        let now = record.or(card.map(|card| (card.step, card.finished)));
        let kept = self.runs.entry(run.to_owned()).or_default();
        if kept.asked.is_none() && (kept.as_of.is_none() || kept.as_of != now) {
            let ticket = actions.ticket();
            (kept.asked, kept.as_of) = (Some(ticket), now.or(Some((0, false))));
            let run = run.to_owned();
            actions.library(Errand::Checkpoints { ticket, run });
        }
    }

    /// Takes in an answer.
    pub fn found(&mut self, found: &Found) {
        let (asked, names) = match found {
            Found::Checkpoints { ticket, names } => (ticket, names.as_slice()),
            // A run without a folder of checkpoints has none.
            Found::Refused { ticket, .. } => (ticket, [].as_slice()),
            _ => return,
        };
        for kept in self.runs.values_mut() {
            if kept.asked == Some(*asked) {
                kept.names = names.to_vec();
                kept.asked = None;
            }
        }
    }
}

/// Lets the user choose run and point. `side` tells two choices in one room apart, also by name.
pub fn pick(
    ui: &mut Ui,
    side: &str,
    chosen: &mut Chosen,
    preferred: &Point,
    (world, shelf, actions): (&World, &mut Shelf, &mut Actions),
) {
    let Some(run) = chosen.run(world).map(str::to_owned) else {
        return;
    };
    shelf.look_up(&run, world, actions);
    let name = |what: &str| match side {
        "" => what.to_owned(),
        side => format!("{side} {}", what.to_lowercase()),
    };
    let room = (ui.available_width() - 130.0).max(160.0);
    let label = ui.label(RichText::new(name("Run")).weak());
    egui::ComboBox::from_id_salt((side, "run"))
        .width((room * 0.5).clamp(90.0, 220.0))
        .truncate()
        .selected_text(run.as_str())
        .show_ui(ui, |ui| choose_run(ui, &run, chosen, world, actions))
        .response
        .labelled_by(label.id)
        .on_hover_text(format!(
            "{run}\nOpen runs come first, then those of the runs folder"
        ));
    let point = chosen.point(world, shelf, preferred);
    let label = ui
        .label(RichText::new("at").weak())
        .on_hover_text(name("Checkpoint"));
    egui::ComboBox::from_id_salt((side, "point"))
        .width((room * 0.5).clamp(90.0, 180.0))
        .truncate()
        .selected_text(words(&point, shelf.names(&run)))
        .show_ui(ui, |ui| {
            choose_point(ui, &point, chosen, (world, &run), shelf.names(&run));
        })
        .response
        .labelled_by(label.id)
        .on_hover_text(name("Checkpoint"));
}

fn choose_run(ui: &mut Ui, now: &str, chosen: &mut Chosen, world: &World, actions: &mut Actions) {
    for key in world.records.keys() {
        if ui.selectable_label(key == now, key).clicked() {
            chosen.run = Some(key.clone());
        }
    }
    let closed = |card: &&crate::app::library::RunCard| {
        card.damaged.is_none() && !world.records.contains_key(&card.key)
    };
    let mut closed = world.runs.iter().filter(closed).peekable();
    if closed.peek().is_some() {
        ui.separator();
        ui.label(RichText::new("Opens when chosen").weak().small());
    }
    for card in closed {
        if ui.selectable_label(card.key == now, &card.key).clicked() {
            chosen.run = Some(card.key.clone());
            // Its settings tell which problems it knows.
            actions.library(Errand::Open(card.key.clone()));
        }
    }
}

fn choose_point(
    ui: &mut Ui,
    now: &Point,
    chosen: &mut Chosen,
    (world, run): (&World, &str),
    names: &[String],
) {
    let mut offer = |point: Point| {
        let text = words(&point, names);
        if ui.selectable_label(*now == point, text).clicked() {
            chosen.point = Some(point);
        }
    };
    if world.live == Some(run) {
        offer(Point::Now);
    }
    offer(Point::Newest);
    if is_warmed_up(run, world, names) {
        offer(Point::AfterWarmup);
    }
    if names.len() > 1 {
        offer(Point::Oldest);
    }
    for name in names.iter().rev() {
        offer(Point::At(name.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Action;
    use crate::app::record::{Motion, Record};
    use crate::config::RunConfig;

    fn records() -> BTreeMap<RunKey, Record> {
        let record = |key: &str| Record::new(key.into(), RunConfig::default(), Motion::Still);
        ["one", "two"]
            .map(|key| (key.to_owned(), record(key)))
            .into()
    }

    fn world<'a>(records: &'a BTreeMap<RunKey, Record>, live: Option<&'a str>) -> World<'a> {
        World {
            records,
            shown: records.get("two"),
            live,
            queue: None,
            runs: &[],
            selected: None,
            time: 0.0,
        }
    }

    fn asked(actions: &mut Actions) -> Vec<(Ticket, String)> {
        let list = std::mem::take(&mut actions.list).into_iter();
        list.filter_map(|action| match action {
            Action::Library(Errand::Checkpoints { ticket, run }) => Some((ticket, run)),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn checkpoints_are_asked_for_once_and_found_by_their_ticket() {
        let (mut shelf, mut actions, records) = (Shelf::default(), Actions::default(), records());
        let world = world(&records, None);
        for _ in 0..3 {
            shelf.look_up("one", &world, &mut actions);
            shelf.look_up("two", &world, &mut actions);
        }
        let tickets = asked(&mut actions);
        assert_eq!(tickets.len(), 2);
        let names = vec!["step-000100".to_owned(), "step-000200".to_owned()];
        let ticket = tickets[1].0;
        shelf.found(&Found::Checkpoints { ticket, names });
        assert_eq!((shelf.names("one").len(), shelf.names("two").len()), (0, 2));
        shelf.look_up("two", &world, &mut actions);
        assert_eq!(asked(&mut actions), []);
    }

    #[test]
    fn a_choice_that_is_gone_falls_back_to_what_there_is() {
        let (mut shelf, mut actions, records) = (Shelf::default(), Actions::default(), records());
        let still = world(&records, None);
        shelf.look_up("two", &still, &mut actions);
        let ticket = asked(&mut actions)[0].0;
        let names = vec!["step-000100".to_owned(), "step-000200".to_owned()];
        shelf.found(&Found::Checkpoints { ticket, names });
        let at = |chosen: &Chosen, world: &World| {
            chosen
                .subject(world, &shelf, &Point::Oldest)
                .expect("a run is shown")
        };
        let checkpoint = |run: &str, checkpoint: Option<&str>| Subject::Checkpoint {
            run: run.into(),
            checkpoint: checkpoint.map(Into::into),
        };
        let mut chosen = Chosen::default();
        let oldest = at(&chosen, &still);
        assert_eq!(oldest.0, checkpoint("two", Some("step-000100")));
        assert_eq!(oldest.1, "two, oldest (step 100)");
        chosen.point = Some(Point::At("step-000300".into()));
        assert_eq!(
            at(&chosen, &still).0,
            checkpoint("two", Some("step-000100"))
        );
        chosen.point = Some(Point::Now);
        assert_eq!(at(&chosen, &world(&records, Some("two"))).0, Subject::Live);
        chosen.run = Some("one".into());
        assert_eq!(at(&chosen, &still).0, checkpoint("one", None));
        assert_eq!(at(&chosen, &world(&records, Some("one"))).0, Subject::Live);
        // After the warm-up of 50 steps there is an origin, whatever checkpoints were kept.
        let origin = |world: &World| {
            let chosen = Chosen::default();
            let subject = chosen.subject(world, &shelf, &Point::AfterWarmup);
            subject.expect("a run is shown")
        };
        let after = Subject::Origin { run: "two".into() };
        assert_eq!(origin(&still), (after.clone(), "two, after warm-up".into()));
        let live = world(&records, Some("two"));
        assert_eq!(
            origin(&live).0,
            checkpoint("two", Some("step-000100")),
            "still warming up"
        );
        chosen.run = Some("gone".into());
        assert_eq!(chosen.run(&still), Some("two"));
    }
}
