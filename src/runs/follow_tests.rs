use std::io::Write as _;

use super::*;
use crate::config::Method;
use crate::runs::RunData;
use crate::runs::synthetic::{self, Files};

/// A folder of a test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("sasr-follow-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    fn append(&self, file: &str, bytes: &[u8]) {
        let options = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.0.join(file));
        options.unwrap().write_all(bytes).unwrap();
    }

    fn set_manifest(&self, started: u64, finished: bool) {
        let manifest = serde_json::json!({ "started_unix": started, "finished": finished });
        self.write(MANIFEST, &manifest.to_string());
    }

    /// All of a run's logs as they are.
    fn write_logs(&self, files: &Files) {
        for (file, text) in logs_of(files) {
            self.write(file, text);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn logs_of(files: &Files) -> [(&'static str, &str); 4] {
    [
        (METRICS, &files.metrics),
        (COMPLETIONS, &files.completions),
        (EVALUATIONS, &files.evaluations),
        (ALARMS, &files.alarms),
    ]
}

fn example() -> (RunData, Files) {
    let run = synthetic::of(Method::Sasr, 1, 40);
    let files = Files::of(&run);
    (run, files)
}

/// What events add up to.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    steps: Vec<StepRecord>,
    completions: Vec<CompletionRecord>,
    evaluations: Vec<EvaluationRecord>,
    alarms: Vec<Alarm>,
    changes: Vec<Event>,
    started: usize,
    finished: usize,
}

impl Heard {
    fn of(run: &RunData) -> Self {
        Self {
            steps: run.steps.clone(),
            completions: run.completions.clone(),
            evaluations: run.evaluations.clone(),
            alarms: run.alarms.clone(),
            changes: Vec::new(),
            started: 0,
            finished: 0,
        }
    }

    fn add(&mut self, news: &News) {
        if news.restarted {
            *self = Self::default();
        }
        for event in &news.events {
            match event.clone() {
                Event::Step(record) => self.steps.push(*record),
                Event::Completions { records } => self.completions.extend(records),
                Event::Evaluated(record) => self.evaluations.push(*record),
                Event::Alarm(alarm) => self.alarms.push(alarm),
                Event::Finished { .. } => self.finished += 1,
                Event::Started { .. } => self.started += 1,
                event @ (Event::Changed { .. } | Event::LevelOpened { .. }) => {
                    self.changes.push(event);
                }
                other => panic!("no log holds {other:?}"),
            }
        }
    }
}

/// Polls until nothing more is there; at most `budget` bytes at a time.
fn catch_up(follower: &mut Follower, budget: usize, heard: &mut Heard) -> Vec<News> {
    let mut all = Vec::new();
    for _ in 0..1_000_000 {
        let news = follower.poll(budget).unwrap();
        heard.add(&news);
        all.push(news);
        if all.last().is_some_and(|news| news.caught_up) {
            return all;
        }
    }
    panic!("it never catches up");
}

fn open(folder: &Folder, files: &Files) -> Follower {
    folder.write(CONFIG, &files.config);
    Follower::open(&folder.0).unwrap()
}

#[test]
fn growth_in_odd_slices_adds_up_to_what_a_reader_of_the_whole_sees() {
    let (run, files) = example();
    for (name, slice, budget) in [
        ("small", 97, 31),
        ("odd", 4099, 1000),
        ("large", 100_003, 1),
    ] {
        let folder = Folder::new(name);
        let mut follower = open(&folder, &files);
        assert_eq!(follower.config(), &run.config);
        assert!(follower.name().starts_with("sasr-follow-") && follower.manifest().is_null());
        let mut heard = Heard::default();
        let logs = logs_of(&files);
        let longest = logs.iter().map(|(_, text)| text.len()).max().unwrap();
        for from in (0..longest).step_by(slice) {
            for (file, text) in logs {
                let bytes = text.as_bytes();
                let end = (from + slice).min(bytes.len());
                folder.append(file, &bytes[from.min(end)..end]);
            }
            for news in catch_up(&mut follower, budget, &mut heard) {
                assert!(!news.restarted && !news.finished && news.notices.is_empty());
            }
        }
        assert_eq!(heard, Heard::of(&run), "{name}");
    }
}

#[test]
fn what_is_there_already_comes_in_the_order_of_its_steps_and_in_slices() {
    let (run, files) = example();
    let folder = Folder::new("order");
    let mut follower = open(&folder, &files);
    folder.write_logs(&files);
    folder.set_manifest(5, true);
    let mut heard = Heard::default();
    let news = catch_up(&mut follower, 5000, &mut heard);
    assert!(news.len() > 10, "{} slices", news.len());
    let events: Vec<&Event> = news.iter().flat_map(|news| &news.events).collect();
    let step = |event: &Event| match event {
        Event::Step(record) => record.step,
        Event::Completions { records } => records[0].step,
        Event::Evaluated(record) => record.step,
        Event::Alarm(alarm) => alarm.step,
        _ => u64::MAX,
    };
    assert!(events.is_sorted_by_key(|event| step(event)));
    // A step's rollouts come before it, its exam after it.
    let place = |fits: &dyn Fn(&Event) -> bool| events.iter().position(|event| fits(event));
    let last = run.config.max_steps;
    let stepped = place(&|event| matches!(event, Event::Step(record) if record.step == last));
    let tested = place(&|event| matches!(event, Event::Evaluated(r) if r.step == last));
    assert!(stepped.unwrap() < tested.unwrap());
    let Some(Event::Finished { step, seconds }) = events.last() else {
        panic!("{:?}", events.last());
    };
    assert_eq!(*step, last);
    let all: f64 = run.steps.iter().map(|record| record.step_time).sum();
    assert!((seconds - all).abs() < 1e-9);
    // Said once.
    assert_eq!(heard.finished, 1);
    let again = follower.poll(5000).unwrap();
    assert!(again.events.is_empty() && again.finished && again.caught_up);
}

#[test]
fn completions_of_one_step_come_together() {
    let (run, files) = example();
    let folder = Folder::new("groups");
    let mut follower = open(&folder, &files);
    folder.write_logs(&files);
    let mut groups = Vec::new();
    let news = follower.poll(usize::MAX).unwrap();
    assert!(news.caught_up);
    for event in news.events {
        if let Event::Completions { records } = event {
            assert!(records.iter().all(|record| record.step == records[0].step));
            groups.push(records[0].step);
        }
    }
    let mut steps: Vec<u64> = run.completions.iter().map(|record| record.step).collect();
    steps.dedup();
    assert!(steps.len() > 1);
    assert_eq!(groups, steps);
}

#[test]
fn a_torn_line_is_waited_for_and_a_bad_one_is_an_error() {
    let (run, files) = example();
    let folder = Folder::new("torn");
    let mut follower = open(&folder, &files);
    let second = files.metrics.find('\n').unwrap() + 1;
    let cut = second + 40;
    folder.append(METRICS, &files.metrics.as_bytes()[..cut]);
    let mut heard = Heard::default();
    catch_up(&mut follower, 1 << 20, &mut heard);
    assert_eq!(heard.steps, run.steps[..1]);
    for _ in 0..3 {
        let news = follower.poll(1 << 20).unwrap();
        assert!(news.caught_up && news.events.is_empty(), "{news:?}");
    }
    let third = cut + files.metrics[cut..].find('\n').unwrap() + 1;
    folder.append(METRICS, &files.metrics.as_bytes()[cut..third]);
    folder.append(METRICS, b"{\"step\": 3, \"phase\n");
    folder.append(METRICS, &files.metrics.as_bytes()[third..]);
    // What was good before it is said first.
    heard.add(&follower.poll(1 << 20).unwrap());
    assert_eq!(heard.steps, run.steps[..2]);
    for _ in 0..2 {
        let error = follower.poll(1 << 20).unwrap_err();
        assert!(
            error.to_string().starts_with("metrics.jsonl:3: "),
            "{error}"
        );
    }
    // Mended, everything is read anew.
    folder.write(METRICS, &files.metrics);
    catch_up(&mut follower, 1 << 20, &mut heard);
    assert_eq!(heard.steps, run.steps);
}

#[test]
fn the_rest_of_a_finished_run_is_taken_as_it_is() {
    let (run, mut files) = example();
    files.metrics.truncate(files.metrics.len() - 1);
    files.evaluations.truncate(files.evaluations.len() - 9);
    let folder = Folder::new("rest");
    let mut follower = open(&folder, &files);
    folder.write_logs(&files);
    let mut heard = Heard::default();
    catch_up(&mut follower, 1 << 20, &mut heard);
    assert_eq!(heard.steps.len(), run.steps.len() - 1);
    folder.set_manifest(1, true);
    let news = follower.poll(1 << 20).unwrap();
    heard.add(&news);
    let read = RunData::parse("run", &files.borrow()).unwrap();
    assert_eq!(news.notices, read.notices);
    assert_eq!(news.notices.len(), 1);
    assert_eq!(
        (heard.steps, heard.evaluations),
        (read.steps, read.evaluations)
    );
    assert_eq!(heard.finished, 1);
}

#[test]
fn logs_that_were_cut_back_void_what_was_said() {
    let (run, files) = example();
    let folder = Folder::new("cut");
    let mut follower = open(&folder, &files);
    folder.write_logs(&files);
    let mut heard = Heard::default();
    catch_up(&mut follower, 1 << 20, &mut heard);
    // Cut back.
    let half = files.metrics.len() / 2;
    let half = half + files.metrics[half..].find('\n').unwrap() + 1;
    folder.write(METRICS, &files.metrics[..half]);
    let news = catch_up(&mut follower, 1 << 20, &mut heard);
    assert!(news[0].restarted && !news[1..].iter().any(|news| news.restarted));
    let kept = files.metrics[..half].lines().count();
    assert_eq!(heard.steps, run.steps[..kept]);
    assert_eq!(heard.completions, run.completions);

    // Cut back and longer again, with other times, before anybody looked.
    let mut again = run.clone();
    for step in &mut again.steps[kept / 2..] {
        step.step_time += 0.25;
    }
    folder.write_logs(&Files::of(&again));
    let news = catch_up(&mut follower, 1 << 20, &mut heard);
    assert!(news[0].restarted);
    assert_eq!(heard, Heard::of(&again));
}

#[test]
fn another_run_in_the_folder_is_a_restart_and_a_longer_one_is_not() {
    let (run, files) = example();
    let folder = Folder::new("another");
    folder.set_manifest(100, true);
    let mut follower = open(&folder, &files);
    folder.write_logs(&files);
    let mut heard = Heard::default();
    catch_up(&mut follower, 1 << 20, &mut heard);
    assert_eq!(heard.finished, 1);

    // Extended: it goes on, with another configuration, and ends again.
    folder.set_manifest(100, false);
    let longer = files.config.replace("max_steps = 40", "max_steps = 41");
    folder.write(CONFIG, &longer);
    let news = follower.poll(1 << 20).unwrap();
    assert!(!news.restarted && !news.finished && news.events.is_empty());
    assert_eq!(news.config.unwrap().max_steps, 41);
    assert_eq!(follower.config().max_steps, 41);
    let mut next = run.steps[39].clone();
    next.step = 41;
    let line = serde_json::to_string(&next).unwrap() + "\n";
    folder.append(METRICS, line.as_bytes());
    folder.set_manifest(100, true);
    catch_up(&mut follower, 1 << 20, &mut heard);
    assert_eq!((heard.steps.len(), heard.finished), (41, 2));

    // Begun anew under the same name.
    folder.set_manifest(200, false);
    let news = follower.poll(1 << 20).unwrap();
    assert!(news.restarted && !news.finished && news.config.is_none());
    heard.add(&news);
    assert_eq!((heard.steps.len(), heard.finished), (41, 0));
    assert_eq!(heard.completions, run.completions);
}

#[test]
fn a_folder_without_a_run_is_an_error_and_so_is_one_that_goes_away() {
    let folder = Folder::new("none");
    let error = Follower::open(&folder.0).err().unwrap();
    assert!(error.is_wrong_input() && error.to_string().contains(CONFIG));
    let (_, files) = example();
    let mut follower = open(&folder, &files);
    assert!(follower.poll(10).unwrap().caught_up);
    folder.write(CONFIG, "max_stepps = 3");
    let error = follower.poll(10).unwrap_err();
    assert!(error.to_string().contains("max_stepps"), "{error}");
    fs::remove_dir_all(&folder.0).unwrap();
    assert!(matches!(
        follower.poll(10).unwrap_err(),
        ReadError::File { .. }
    ));
}

#[test]
fn the_beginning_and_what_changed_on_the_way_are_told() {
    let (run, files) = example();
    let folder = Folder::new("changes");
    let mut follower = open(&folder, &files);
    folder.write_logs(&files);
    let changed = Event::Changed {
        step: 12,
        path: "balance.gamma".into(),
        before: "1.0".into(),
        value: "2".into(),
    };
    let opened = Event::LevelOpened { step: 20, level: 3 };
    for event in [&changed, &opened] {
        let line = serde_json::to_string(event).unwrap() + "\n";
        folder.append(CHANGES, line.as_bytes());
    }
    // Without a manifest nothing is known of the beginning.
    let mut heard = Heard::default();
    let news = catch_up(&mut follower, 5000, &mut heard);
    assert_eq!((heard.started, heard.steps.len()), (0, 40));
    assert_eq!(heard.changes, [changed.clone(), opened]);
    let events: Vec<&Event> = news.iter().flat_map(|news| &news.events).collect();
    let at = events.iter().position(|event| **event == changed).unwrap();
    let steps = events[..at].iter();
    let steps = steps.filter(|event| matches!(event, Event::Step(_)));
    assert_eq!(steps.count(), 12, "after the step it followed");

    folder.write(
        MANIFEST,
        r#"{"device": "cpu", "parameters": 9, "vocabulary": 7, "notices": ["few problems"]}"#,
    );
    let news = follower.poll(1 << 20).unwrap();
    let started = Event::Started {
        parameters: 9,
        vocabulary: 7,
        device: "cpu".into(),
        steps: run.config.max_steps,
        notices: vec!["few problems".into()],
    };
    assert_eq!(news.events, [started]);
    assert!(follower.poll(1 << 20).unwrap().events.is_empty());

    // Another event does not belong there.
    folder.append(CHANGES, b"{\"event\":\"paused\",\"step\":3}\n");
    let error = follower.poll(1 << 20).unwrap_err().to_string();
    assert!(error.starts_with("changes.jsonl:3: "), "{error}");
}
