//! A session's state as bytes: what a checkpoint folder holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::alarms::Alarms;
use super::event::Phase;
use super::follow_ups::FollowUp;
use super::session::Session;
use crate::balance::ControllerState;
use crate::curriculum::CurriculumState;
use crate::model::Parameters;

/// The policy at the end of warm-up.
pub(super) const ORIGIN: &str = "origin";
/// The base model.
pub(super) const BASE: &str = "base";

/// `state.json`: where a run stands, beside its tensors. Random streams are functions of the seed
/// and these counters, so none of their states is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub version: String,
    pub phase: Phase,
    /// Update attempts made.
    pub step: u64,
    pub num_tokens: u64,
    /// Seconds of work so far.
    pub seconds: f64,
    /// Updates of the optimizer, and of the one for GRPO where they are separate.
    pub updates: Vec<u64>,
    pub controller: ControllerState,
    pub curriculum: CurriculumState,
    pub alarms: Alarms,
    /// Mean exam accuracy of the best checkpoint so far.
    pub best_exam: Option<f64>,
    /// Mean accuracy of the exam at this step, if there was one.
    pub exam: Option<f64>,
    /// Gradients in a row that were not finite.
    pub not_finite: u32,
    /// What follows this step before the next one.
    pub follow_ups: Vec<FollowUp>,
    /// The configuration in force, live changes included (TOML).
    pub config: String,
}

/// A checkpoint: named files and their bytes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub step: u64,
    /// `model.safetensors`, `config.json`, the tokenizer's files, `optimizer.safetensors`,
    /// `origin.safetensors` where there is an origin, `state.json`.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Snapshot {
    /// One file's bytes.
    ///
    /// # Errors
    /// If the checkpoint does not have it.
    pub fn file(&self, name: &str) -> Result<&Vec<u8>, TrainError> {
        self.files.get(name).ok_or_else(|| TrainError::Checkpoint {
            what: format!("has no {name}; choose an earlier one"),
        })
    }

    /// The state.
    ///
    /// # Errors
    /// If `state.json` is missing or cannot be read.
    pub fn state(&self) -> Result<State, TrainError> {
        serde_json::from_slice(self.file("state.json")?).map_err(|error| TrainError::Checkpoint {
            what: format!("state.json cannot be read: {error}"),
        })
    }
}

impl Session {
    /// Everything needed to go on from here, to the same numbers.
    ///
    /// # Errors
    /// If the device fails to give the tensors.
    pub async fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let mut files = BTreeMap::new();
        for (name, bytes) in self.study.text.files() {
            files.insert(name, bytes);
        }
        let text = &self.study.text;
        let config = self.model.spec.to_json(text.eos(), text.pad());
        files.insert("config.json".into(), pretty(&config)?);
        let generation = serde_json::json!({
            "eos_token_id": text.stops(), "pad_token_id": text.pad(), "do_sample": true,
        });
        files.insert("generation_config.json".into(), pretty(&generation)?);
        // The largest file first, while there is most room: a file takes twice its size to make.
        let mut moments = Parameters {
            entries: Vec::new(),
        };
        for (index, optimizer) in self.optimizers.iter().enumerate() {
            for (part, list) in [("m", &optimizer.moment1), ("v", &optimizer.moment2)] {
                moments
                    .entries
                    .extend(list.entries.iter().cloned().map(|mut entry| {
                        entry.name = format!("{index}.{part}.{}", entry.name);
                        entry
                    }));
            }
        }
        files.insert(
            "optimizer.safetensors".into(),
            moments.to_safetensors().await?,
        );
        drop(moments);
        files.insert(
            "model.safetensors".into(),
            self.model.parameters.to_safetensors().await?,
        );
        for (name, origin) in &self.origins {
            files.insert(
                format!("{name}.safetensors"),
                origin.to_safetensors().await?,
            );
        }
        let state = State {
            version: env!("CARGO_PKG_VERSION").into(),
            phase: self.phase,
            step: self.step,
            num_tokens: self.num_tokens,
            seconds: self.seconds(),
            updates: self
                .optimizers
                .iter()
                .map(|optimizer| optimizer.time)
                .collect(),
            controller: self.controller.state(),
            curriculum: self.curriculum.state().clone(),
            alarms: self.alarms.clone(),
            best_exam: self.best_exam,
            exam: self.exam,
            not_finite: self.not_finite,
            follow_ups: self.follow_ups.iter().copied().collect(),
            config: self.config.to_toml()?,
        };
        files.insert("state.json".into(), pretty(&state)?);
        Ok(Snapshot {
            step: self.step,
            files,
        })
    }

    /// Goes on from where a snapshot was taken.
    ///
    /// # Errors
    /// A snapshot that lacks a file, or whose tensors are not those of this session's configuration.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let state = snapshot.state()?;
        let spec = self.model.spec.clone();
        let device = self.device.clone();
        let read = |name: &str| -> Result<Parameters, TrainError> {
            let file = std::slice::from_ref(snapshot.file(name)?);
            Ok(Parameters::from_safetensors(&spec, file, &device)?)
        };
        self.model.parameters = read("model.safetensors")?;
        if state.updates.len() != self.optimizers.len() {
            let what = "has another number of optimizers than optimizer.separate asks for".into();
            return Err(TrainError::Checkpoint { what });
        }
        let moments = snapshot.file("optimizer.safetensors")?;
        for (index, optimizer) in self.optimizers.iter_mut().enumerate() {
            optimizer.time = state.updates[index];
            for (part, list) in [("m", &mut optimizer.moment1), ("v", &mut optimizer.moment2)] {
                let prefix = format!("{index}.{part}.");
                let names = spec.parameters().into_iter();
                let wanted = names.map(|(name, shape)| (format!("{prefix}{name}"), shape));
                let mut tensors = Parameters::read_named(
                    wanted.collect(),
                    std::slice::from_ref(moments),
                    &device,
                )?;
                for entry in &mut tensors.entries {
                    entry.name = entry.name[prefix.len()..].to_string();
                }
                *list = tensors;
            }
        }
        for name in [ORIGIN, BASE] {
            if snapshot.files.contains_key(&format!("{name}.safetensors")) {
                self.origins
                    .insert(name, read(&format!("{name}.safetensors"))?);
            }
        }
        let balance = &self.config.balance;
        let named = [Some(balance.origin), balance.kl_origin];
        if state.step > 0
            && named.contains(&Some(crate::config::Origin::Base))
            && !self.origins.contains_key(BASE)
        {
            let what = "keeps no base model to measure from, which balance.origin or balance.kl_origin \
                        = \"base\" asks for: it was made with another origin";
            return Err(TrainError::Checkpoint { what: what.into() });
        }
        // The controller keeps the configuration of the session, which may have been extended.
        self.controller.restore(state.controller);
        self.curriculum.restore(state.curriculum);
        self.alarms = state.alarms;
        self.best_exam = state.best_exam;
        self.exam = state.exam;
        self.not_finite = state.not_finite;
        self.follow_ups = state.follow_ups.into();
        if state.step < self.config.max_steps {
            // The run was extended: its old last step no longer triggers the final test.
            self.follow_ups
                .retain(|follow_up| *follow_up != FollowUp::Final);
        }
        self.step = state.step;
        self.num_tokens = state.num_tokens;
        self.seconds_before = state.seconds;
        let warming_up = self.step < self.warmup_steps();
        self.phase = if warming_up {
            Phase::Warmup
        } else {
            Phase::Adaptive
        };
        Ok(())
    }
}

fn pretty(value: &impl Serialize) -> Result<Vec<u8>, TrainError> {
    serde_json::to_vec_pretty(value).map_err(|error| TrainError::Checkpoint {
        what: error.to_string(),
    })
}
