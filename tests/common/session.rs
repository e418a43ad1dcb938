//! Sessions without a front end.

use sasr::config::RunConfig;
use sasr::training::{Event, Session, Setup, Start, StepRecord};

/// A session of a configuration with these fields changed.
pub fn session(toml: &str, set: &[&str], start: Start) -> Session {
    let set: Vec<String> = set.iter().map(|set| set.to_string()).collect();
    let config = RunConfig::from_toml(toml, "tiny", &set).unwrap_or_else(|error| panic!("{error}"));
    let device = pollster::block_on(sasr::devices::open_for(&config)).unwrap();
    let setup = Setup::new(config, device, &|path| std::fs::read(path)).unwrap();
    Session::new(setup, start).unwrap()
}

/// One unit of work.
pub fn step(session: &mut Session) -> Vec<Event> {
    pollster::block_on(session.step()).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that happens until something does, or until the end.
pub fn run_until(session: &mut Session, reached: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut all = Vec::new();
    for _ in 0..10_000 {
        if session.is_done() {
            return all;
        }
        let events = step(session);
        let there = events.iter().any(&reached);
        all.extend(events);
        if there {
            return all;
        }
    }
    panic!("the session does not end");
}

/// The steps among what happened.
pub fn records(events: &[Event]) -> Vec<StepRecord> {
    let record = |event: &Event| match event {
        Event::Step(record) => Some((**record).clone()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
}
