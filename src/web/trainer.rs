//! The worker's side: [`Worker`] with its files from the browser's storage.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::app::engine::Request;
use crate::app::wire::{self, FromWorker, ToWorker};
use crate::app::worker::{Desk, Worker};
use crate::clock;
use crate::config::RunConfig;
use crate::files;
use crate::files::storage::{self, Job, Storage, Stored};

/// The folder of runs in the worker's tree.
const RUNS: &str = "runs";

/// Seconds of work after which messages are heard.
const BREATH: f64 = 0.02;

#[wasm_bindgen]
extern "C" {
    /// What the script around the worker does for it.
    pub type Loop;
    /// Sends bytes to the page.
    #[wasm_bindgen(method)]
    fn post(this: &Loop, bytes: Vec<u8>);
    /// A turn of the browser's own loop, in which messages are heard.
    #[wasm_bindgen(method)]
    async fn rest(this: &Loop);
}

/// Engine and library in a dedicated worker. Everything may be called while a turn is awaited.
#[wasm_bindgen]
pub struct Trainer {
    worker: RefCell<Option<Worker>>,
    desk: Desk,
    storage: RefCell<Option<Storage>>,
    stored: RefCell<Vec<Stored>>,
    device: Option<String>,
    pause: Cell<Duration>,
}

#[wasm_bindgen]
impl Trainer {
    /// Where a `device` is named, `auto` means that one.
    #[wasm_bindgen(constructor)]
    pub fn new(around: Loop, device: Option<String>) -> Self {
        super::say_panics();
        let around = Rc::new(around);
        let resting = around.clone();
        let give_way = move || -> Pin<Box<dyn Future<Output = ()>>> {
            let around = resting.clone();
            Box::pin(async move { around.rest().await })
        };
        clock::breathe_by(BREATH, Rc::new(give_way));
        let say = move |said: FromWorker| match wire::encode(&said) {
            Ok(bytes) => around.post(bytes),
            Err(error) => super::console_error(&error.to_string()),
        };
        let worker = Worker::new(Path::new(RUNS), Rc::new(say));
        Self {
            desk: worker.desk(),
            worker: RefCell::new(Some(worker)),
            storage: RefCell::new(None),
            stored: RefCell::default(),
            device,
            pause: Cell::new(Duration::ZERO),
        }
    }

    /// A file of the browser's storage; `changed` in milliseconds since 1970. All of them are put
    /// before [`Trainer::open`].
    pub fn put(&self, file: String, bytes: Vec<u8>, changed: Option<f64>) {
        let changed = changed.map(|time| Duration::from_secs_f64(time.max(0.0) / 1e3));
        self.stored.borrow_mut().push(Stored {
            file,
            bytes,
            changed,
        });
    }

    /// Makes the tree of what was put.
    ///
    /// # Errors
    /// Where the storage is damaged, in words.
    pub fn open(&self) -> Result<(), String> {
        let stored = self.stored.take();
        let opened = storage::load(stored).map_err(|error| error.to_string())?;
        *self.storage.borrow_mut() = Some(opened);
        Ok(())
    }

    /// Whether anything of a run was kept, so that it can be resumed.
    pub fn keeps(&self, run: &str) -> bool {
        files::exists(Path::new(RUNS).join(run).join("config.toml"))
    }

    /// Takes in a message of the page's.
    ///
    /// # Errors
    /// Where it is not one of this version.
    pub fn hear(&self, bytes: &[u8]) -> Result<(), String> {
        let message: ToWorker = wire::decode(bytes).map_err(|error| error.to_string())?;
        self.desk.put(self.with_device(message));
        Ok(())
    }

    /// One unit of work. Milliseconds until the next is due, where no message comes before.
    pub async fn turn(&self) -> f64 {
        let Some(mut worker) = self.worker.take() else {
            // Another turn is awaited.
            return self.pause.get().as_secs_f64() * 1e3;
        };
        let pause = worker.turn().await;
        super::memory::forget();
        *self.worker.borrow_mut() = Some(worker);
        self.pause.set(pause);
        pause.as_secs_f64() * 1e3
    }

    /// What is to be done to the storage, in order: `[file, at, bytes]` writes, without bytes it
    /// removes. To be asked between turns.
    ///
    /// # Errors
    /// If the index cannot be written down.
    pub fn jobs(&self) -> Result<Array, String> {
        let mut storage = self.storage.borrow_mut();
        let Some(storage) = storage.as_mut() else {
            return Ok(Array::new());
        };
        let jobs = storage.take().map_err(|error| error.to_string())?;
        let all = Array::new();
        for job in jobs {
            let (file, at, bytes): (String, u64, JsValue) = match job {
                Job::Write { file, at, bytes } => {
                    (file, at, Uint8Array::from(bytes.as_slice()).into())
                }
                Job::Remove { file } => (file, 0, JsValue::NULL),
            };
            let (file, at) = (JsValue::from(file), JsValue::from_f64(at as f64));
            all.push(&Array::of3(&file, &at, &bytes));
        }
        Ok(all)
    }

    /// The storage refused a job.
    pub fn refused(&self) {
        if let Some(storage) = self.storage.borrow_mut().as_mut() {
            storage.failed();
        }
    }
}

impl Trainer {
    /// Replaces `auto` by the device that the page's address names.
    fn with_device(&self, mut message: ToWorker) -> ToWorker {
        let Some(device) = &self.device else {
            return message;
        };
        let set = |config: &mut RunConfig| {
            if config.device == "auto" {
                config.device.clone_from(device);
            }
        };
        match &mut message {
            ToWorker::Engine(Request::Train { config } | Request::Estimate { config, .. }) => {
                set(config);
            }
            ToWorker::Engine(Request::Queue { configs, .. }) => configs.iter_mut().for_each(set),
            _ => {}
        }
        message
    }
}
