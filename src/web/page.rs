//! The page's side: the studio on a canvas, its engine and library at the other end of a line.

use std::cell::RefCell;
use std::rc::Rc;

use eframe::egui;
use serde::Deserialize;
use serde_json::json;
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

use crate::app::adapter::{self, Adapter};
use crate::app::engine::Request;
use crate::app::library::{Dropped, Errand};
use crate::app::remote::{Line, Wish};
use crate::app::studio::Studio;
use crate::app::wire::{self, FromWorker, ToWorker};
use crate::app::{Action, Place, share};
use crate::config::RunConfig;

#[wasm_bindgen]
extern "C" {
    /// What the script around the page does for it.
    pub type Host;
    /// Sends bytes to the worker.
    #[wasm_bindgen(method)]
    fn post(this: &Host, bytes: Vec<u8>);
    /// Asks the user for a file and hands it to [`Page::drop_file`].
    #[wasm_bindgen(method)]
    fn choose(this: &Host);
    /// Saves a file where the browser puts downloads.
    #[wasm_bindgen(method)]
    fn download(this: &Host, name: &str, bytes: Vec<u8>);
}

/// The studio, drawing.
#[wasm_bindgen]
pub struct Page {
    runner: eframe::WebRunner,
    line: Line,
    context: egui::Context,
}

/// What a test or a teacher's script may ask for, as JSON.
#[derive(Deserialize)]
enum Order {
    Engine(Request),
    Library(Errand),
    /// Trains what this TOML says.
    Train(String),
    /// Opens a preset's configuration by its file's name and trains it.
    Preset(String),
    Go(Place),
    Show(String),
}

/// Draws the studio on a canvas. `fragment` is that of the page's address: it may hold a
/// configuration, which is then in the form.
///
/// # Errors
/// Where the browser has no WebGL, or refuses it.
#[wasm_bindgen(js_name = startPage)]
pub async fn start_page(
    canvas: HtmlCanvasElement,
    host: Host,
    fragment: String,
) -> Result<Page, JsValue> {
    super::say_panics();
    let host = Rc::new(host);
    let poster = host.clone();
    let post = move |message: ToWorker| match wire::encode(&message) {
        Ok(bytes) => poster.post(bytes),
        Err(error) => super::console_error(&error.to_string()),
    };
    let wish = move |wish: Wish| match wish {
        Wish::Choose => host.choose(),
        Wish::Download { name, bytes } => host.download(&name, bytes),
    };
    let line = Line::new(post, wish);
    let shown: Rc<RefCell<Option<egui::Context>>> = Rc::default();
    let runner = eframe::WebRunner::new();
    let options = eframe::WebOptions::default();
    let (ends, context) = (line.clone(), shown.clone());
    let create: eframe::AppCreator<'static> = Box::new(move |creation| {
        *context.borrow_mut() = Some(creation.egui_ctx.clone());
        let storage = creation.storage;
        let mut studio = Studio::new(&creation.egui_ctx, storage, ends.engine(), ends.library());
        match share::of_fragment(&fragment) {
            Some(Ok(config)) => studio.act(Action::Configure(Box::new(config))),
            Some(Err(error)) => studio.complain(error.to_string()),
            None => {}
        }
        Ok(Box::new(studio))
    });
    runner.start(canvas, options, create).await?;
    let context = shown.take().unwrap_or_default();
    Ok(Page {
        runner,
        line,
        context,
    })
}

#[wasm_bindgen]
impl Page {
    /// Takes in what the worker said. A hidden tab draws nothing, so there it is taken in at once:
    /// hours of training must not wait in a queue.
    ///
    /// # Errors
    /// Where it is not a message of this version.
    pub fn hear(&self, bytes: &[u8], hidden: bool) -> Result<(), String> {
        let message: FromWorker = wire::decode(bytes).map_err(|error| error.to_string())?;
        self.line.hear(message);
        if hidden && let Some(mut studio) = self.runner.app_mut::<Studio>() {
            studio.think(&self.context);
        }
        self.context.request_repaint();
        Ok(())
    }

    /// The worker is no more, and why. The run it was training, if it was.
    pub fn lost(&self, why: &str) -> Option<String> {
        let run = self.line.lost(why);
        self.context.request_repaint();
        run
    }

    /// A new worker is there; it goes on with a run from its last checkpoint, perhaps on another
    /// device.
    pub fn again(&self, resume: Option<String>, device: Option<String>) {
        self.line.again();
        if let Some(run) = resume {
            let set = device.map(|device| format!("device={device}"));
            self.line.engine().send(Request::Resume {
                run,
                checkpoint: None,
                set: set.into_iter().collect(),
            });
        }
    }

    /// A file that was chosen, or dropped into the page.
    #[wasm_bindgen(js_name = dropFile)]
    pub fn drop_file(&self, name: String, bytes: Vec<u8>) {
        let dropped = Dropped::Bytes { name, bytes };
        self.line.library().send(Errand::Import(dropped));
    }

    /// Says something to the user; a problem stays until it is dismissed.
    pub fn say(&self, text: String, problem: bool) {
        if let Some(mut studio) = self.runner.app_mut::<Studio>() {
            match problem {
                true => studio.complain(text),
                false => studio.act(Action::Say(text)),
            }
        }
        self.context.request_repaint();
    }

    /// Says which device training takes. `adapter` is WebGPU's information in JSON, or `null`.
    ///
    /// # Errors
    /// Where it is something else.
    #[wasm_bindgen(js_name = tellDevices)]
    pub fn tell_devices(&self, adapter: &str) -> Result<(), String> {
        let adapter: Option<Adapter> =
            serde_json::from_str(adapter).map_err(|error| error.to_string())?;
        if let Some(mut studio) = self.runner.app_mut::<Studio>() {
            let (short, reason) = adapter::in_words(adapter.as_ref());
            studio.tell_devices(short, reason);
        }
        self.context.request_repaint();
        Ok(())
    }

    /// Whether drawing broke down, and what was said.
    #[wasm_bindgen(js_name = brokeDown)]
    pub fn broke_down(&self) -> Option<String> {
        let panic = self.runner.panic_summary();
        panic.map(|panic| panic.message())
    }

    /// Does what an order in JSON says, as if a room had asked for it.
    ///
    /// # Errors
    /// Where it is none.
    pub fn send(&self, order: &str) -> Result<(), String> {
        let order: Order = serde_json::from_str(order).map_err(|error| error.to_string())?;
        let mut studio = self.runner.app_mut::<Studio>().ok_or("nothing is drawn")?;
        studio.act(match order {
            Order::Engine(request) => Action::Engine(request),
            Order::Library(errand) => Action::Library(errand),
            Order::Train(text) => {
                let config = RunConfig::from_toml(&text, "the order", &[]);
                Action::Train(Box::new(config.map_err(|error| error.to_string())?))
            }
            Order::Preset(file) => {
                let mut all = crate::app::presets::all().into_iter();
                let preset = all.find(|preset| preset.file == file);
                Action::Train(Box::new(preset.ok_or("there is no such preset")?.config))
            }
            Order::Go(place) => Action::Go(place),
            Order::Show(run) => Action::Show(run),
        });
        self.context.request_repaint();
        Ok(())
    }

    /// What the page knows, as JSON: for tests.
    pub fn state(&self) -> String {
        let Some(studio) = self.runner.app_mut::<Studio>() else {
            return "{}".into();
        };
        let record = |record: &crate::app::record::Record| {
            let newest = record.step_record(record.step());
            let decision = newest.and_then(|step| step.decision);
            json!({
                "step": record.step(),
                "steps": record.config.max_steps,
                "base": record.base_loss.len(),
                "phase": record.phase,
                "motion": record.motion.label(),
                "finished": record.finished,
                "error": record.error,
                "device": record.device,
                "notices": record.notices,
                "losses": record.columns.get("loss").map(|all| &all[..all.len().min(16)]),
                "decision": decision.map(|decision| decision.sentence()),
            })
        };
        let records: serde_json::Map<_, _> = studio
            .records()
            .iter()
            .map(|(key, open)| (key.clone(), record(open)))
            .collect();
        json!({
            "place": studio.place(),
            "live": studio.live(),
            "shown": studio.shown_run(),
            "runs": studio.runs().iter().map(|card| json!({
                "key": card.key, "step": card.step, "finished": card.finished,
            })).collect::<Vec<_>>(),
            "records": records,
            "words": studio.words(),
            "devices": studio.devices(),
            "frame_ms_p95": studio.frame_time() * 1e3,
            "frames": studio.frames_drawn(),
        })
        .to_string()
    }
}
