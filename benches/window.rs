//! What a frame of the window costs with a long run loaded, room by room, and what the run's record
//! costs in memory. Nothing is presented: our own code, egui's layout and the tessellation are
//! measured, without a window.
//!
//! ```text
//! cargo bench --bench window               # 100,000 steps
//! cargo bench --bench window -- --quick    # 5,000 steps
//! ```
//!
//! Every frame is drawn while new steps keep coming in, as during training, and the pointer moves
//! over the plots. Times are medians and 95th percentiles over 400 frames.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use eframe::egui::{self, Event as Input, RawInput, Rect, pos2, vec2};
use sasr::app::engine::{Engine, Reply, Request};
use sasr::app::library::{Errand, Found, Library};
use sasr::app::studio::{Studio, percentile};
use sasr::app::{Action, Place};
use sasr::balance::{self, Observation, Rollouts};
use sasr::config::RunConfig;
use sasr::training::{Branch, CompletionRecord, EvaluationRecord, Event, Phase, StepRecord};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FRAMES: usize = 400;
/// Steps that come in with every frame: 12 a second at 60 frames a second would be 0.2.
const STEPS_PER_FRAME: u64 = 1;
const RUN: &str = "bench";

/// An engine and a library that only say what they are told to say.
#[derive(Clone, Default)]
struct Told(Rc<RefCell<VecDeque<Reply>>>);

impl Engine for Told {
    fn send(&mut self, _: Request) {}
    fn receive(&mut self) -> Option<Reply> {
        self.0.borrow_mut().pop_front()
    }
}

struct Nothing;

impl Library for Nothing {
    fn send(&mut self, _: Errand) {}
    fn receive(&mut self) -> Option<Found> {
        None
    }
}

/// A run as the controller decides it over made-up measurements.
struct Story {
    controller: Box<dyn balance::Controller>,
    step: u64,
    noise: u64,
}

impl Story {
    fn new(config: &RunConfig) -> Self {
        let controller = balance::build(&config.balance, config.seed, config.max_steps);
        Self {
            controller,
            step: 0,
            noise: 7,
        }
    }

    /// Between 0 and 1.
    fn draw(&mut self) -> f64 {
        self.noise = self
            .noise
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.noise >> 33) as f64 / f64::from(1u32 << 31)
    }

    fn next(&mut self) -> Vec<Event> {
        self.step += 1;
        let step = self.step;
        let plan = self.controller.plan(step);
        let branch = plan.explanation.branch;
        let noise = self.draw();
        let mut measured = Vec::new();
        match branch {
            Branch::Grpo => {
                let rollouts = Rollouts {
                    reward: noise,
                    reward_std: 0.5,
                    frac_reward_zero_std: 0.25,
                };
                measured.push(Observation::Rollouts { step, rollouts });
                let nats = 0.2 * noise;
                measured.push(Observation::Divergence {
                    step,
                    nats,
                    probe: false,
                    tokens: 0,
                    capped: 0,
                });
            }
            _ => measured.push(Observation::SftGradNorm {
                step,
                norm: 0.5 + noise,
                probe: false,
            }),
        }
        measured.push(plan.taken(true));
        for observation in &measured {
            self.controller.observe(observation).expect("finite");
        }
        let names = [
            "reward",
            "reward_std",
            "frac_reward_zero_std",
            "entropy",
            "kl",
        ];
        let more = [
            "completions/mean_length",
            "completions/clipped_ratio",
            "clip_ratio/region_mean",
        ];
        let metrics = names
            .iter()
            .chain(&more)
            .map(|name| ((*name).to_owned(), noise));
        let record = StepRecord {
            step,
            phase: match plan.explanation.phase {
                balance::Phase::Warmup => Phase::Warmup,
                balance::Phase::Adaptive => Phase::Adaptive,
            },
            branch,
            updated: true,
            loss: noise,
            grad_norm: 1.0 + noise,
            learning_rate: 1e-3,
            num_tokens: step * 4000,
            step_time: 0.03,
            timing: [("update".to_owned(), 0.03)].into(),
            metrics: metrics.collect(),
            decision: Some(plan.explanation),
            measured,
            batch: Vec::new(),
        };
        let mut events = vec![Event::Step(Box::new(record))];
        if step.is_multiple_of(50) {
            let records = (0..32).map(|sample| completion(step, sample)).collect();
            events.push(Event::Completions { records });
        }
        if step.is_multiple_of(200) {
            events
                .extend((1..=3).map(|level| Event::Evaluated(Box::new(exam(step, level, noise)))));
        }
        events
    }
}

fn completion(step: u64, sample: u32) -> CompletionRecord {
    let text = "<think>1+2*3=1+6=7</think><answer>7</answer>";
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    CompletionRecord {
        holds: None,
        step_sizes: Vec::new(),
        step,
        source: "rollout".into(),
        split: sasr::tasks::Split::Train,
        level: 3,
        problem: u64::from(sample / 8),
        prompt: "1+2*3".into(),
        answer: "7".into(),
        sample: sample % 8,
        completion: text.into(),
        finished: true,
        tokens: pieces.len(),
        reward: (sample % 2) as f32,
        parts: vec![("answer".into(), (sample % 2) as f32)],
        correct: sample % 2 == 1,
        advantage: Some(0.5),
        path: Some("1+6|7".into()),
        given: None,
        wrong_path: None,
        logprobs: vec![-0.1; pieces.len()],
        pieces,
    }
}

fn exam(step: u64, level: u32, noise: f64) -> EvaluationRecord {
    EvaluationRecord {
        places: Vec::new(),
        num_tokens: 0,
        seconds: 0.0,
        holds: sasr::training::Judgements::default(),
        samples: sasr::evaluation::Tallies::default(),
        step,
        kind: "exam".into(),
        split: sasr::tasks::Split::Exam,
        level,
        unseen: false,
        perturbation: None,
        problems: 32,
        metrics: [("accuracy".to_owned(), noise)].into(),
        correct: Vec::new(),
    }
}

/// A window without a screen.
struct Screen {
    context: egui::Context,
    studio: Studio,
    told: Told,
    frame: u64,
}

impl Screen {
    fn new() -> Self {
        let context = egui::Context::default();
        let told = Told::default();
        let engine = Box::new(told.clone());
        let studio = Studio::new(&context, None, engine, Box::new(Nothing));
        Self {
            context,
            studio,
            told,
            frame: 0,
        }
    }

    fn tell(&self, events: Vec<Event>) {
        let run = RUN.to_owned();
        self.told
            .0
            .borrow_mut()
            .push_back(Reply::Events { run, events });
    }

    /// One frame: seconds of drawing, seconds of tessellating.
    fn draw(&mut self) -> (f64, f64) {
        self.frame += 1;
        let x = 200.0 + (self.frame * 7 % 600) as f32;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 820.0))),
            time: Some(self.frame as f64 / 60.0),
            events: vec![Input::PointerMoved(pos2(x, 300.0))],
            ..RawInput::default()
        };
        let begun = Instant::now();
        let studio = &mut self.studio;
        let output = self.context.run_ui(input, |ui| {
            let context = ui.ctx().clone();
            studio.think(&context);
            studio.show(ui);
        });
        let drawn = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let shapes = output.shapes.clone();
        let meshes = self.context.tessellate(shapes, output.pixels_per_point);
        std::hint::black_box(meshes.len());
        let tessellated = begun.elapsed().as_secs_f64();
        output.drop_without_applying_deltas();
        (drawn, tessellated)
    }
}

fn memory() -> usize {
    memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem)
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let steps = if quick { 5_000 } else { 100_000 };
    let config = RunConfig {
        max_steps: 2 * steps,
        ..RunConfig::default()
    };
    let mut screen = Screen::new();
    let began = Reply::Began {
        run: RUN.into(),
        config: Box::new(config.clone()),
        before: Vec::new(),
    };
    screen.told.0.borrow_mut().push_back(began);
    screen.draw();
    let mut story = Story::new(&config);
    let before = memory();
    let (begun, mut frames, mut slowest) = (Instant::now(), 0u64, 0.0f64);
    while story.step < steps {
        let events: Vec<Event> = (0..40).flat_map(|_| story.next()).collect();
        screen.tell(events);
        let heard = |screen: &Screen| screen.studio.records()[RUN].step();
        while heard(&screen) < story.step {
            let (drawn, _) = screen.draw();
            slowest = slowest.max(drawn);
            frames += 1;
        }
    }
    println!(
        "{steps} steps loaded in {frames} frames, {:.1} s; slowest frame {:.1} ms; memory + {} MB",
        begun.elapsed().as_secs_f64(),
        slowest * 1e3,
        (memory().saturating_sub(before)) >> 20
    );
    println!("room        our code and layout (ms)     tessellation (ms)");
    println!("            median      p95              median      p95");
    for place in Place::ALL {
        screen.studio.act(Action::Go(place));
        screen.studio.act(Action::Select(Some(steps / 2)));
        (0..20).for_each(|_| {
            screen.draw();
        });
        let (mut drawing, mut tessellating) = (VecDeque::new(), VecDeque::new());
        for _ in 0..FRAMES {
            let events = (0..STEPS_PER_FRAME).flat_map(|_| story.next()).collect();
            screen.tell(events);
            let (drawn, tessellated) = screen.draw();
            drawing.push_back(drawn as f32);
            tessellating.push_back(tessellated as f32);
        }
        let [a, b, c, d] = [
            (&drawing, 0.5),
            (&drawing, 0.95),
            (&tessellating, 0.5),
            (&tessellating, 0.95),
        ]
        .map(|(times, rank)| percentile(times, rank) * 1e3);
        println!(
            "{:<11} {a:>6.2}   {b:>6.2}              {c:>6.2}   {d:>6.2}",
            place.title()
        );
    }
}
