//! Which device there is and what it can do.
//!
//! | name | what it is |
//! |---|---|
//! | `cpu` | burn's flex with our fused kernels: the reference, everywhere |
//! | `gpu`, `gpu:1` … | a graphics card through wgpu: Vulkan, Metal, DX12, in a browser WebGPU |
//! | `cuda`, `cuda:1` … | an NVIDIA card through CUDA (not in this build) |
//! | `auto` | a real card where there is one and the model is large enough to gain, else the CPU |

#[cfg(feature = "gpu")]
mod gpu;
#[cfg(all(feature = "gpu", target_os = "linux"))]
mod hush;
mod room;

pub use room::free_memory;

use burn::tensor::Device;

use crate::config::RunConfig;

/// A device that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "device \"{asked}\" is not in this build, which has: {}. Choose one of these, or \"auto\"",
        BUILT.join(", ")
    )]
    NotInThisBuild { asked: String },
    #[error("device \"{asked}\" is no device: choose \"auto\", \"cpu\", \"gpu\" or \"gpu:N\"")]
    Unknown { asked: String },
    #[error(
        "no graphics card can be reached here (no Vulkan, Metal, DX12 or WebGPU adapter): choose \
         device = \"cpu\" (or \"auto\"), or install the card's driver"
    )]
    NoAdapter,
    #[error(
        "device \"gpu:{index}\": there {}; `sasr devices` lists them",
        if *.count == 1 { "is only gpu:0".into() } else { format!("are only gpu:0 to gpu:{}", .count - 1) }
    )]
    NoSuchAdapter { index: usize, count: usize },
    #[error("{adapter} cannot be opened: {why}. Choose device = \"cpu\" (or \"auto\")")]
    Refused { adapter: String, why: String },
}

/// The devices this build has.
const BUILT: &[&str] = if cfg!(feature = "gpu") {
    &["cpu", "gpu"]
} else {
    &["cpu"]
};

/// What `sasr devices` lists.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DeviceInfo {
    /// As it is named in a configuration.
    pub device: String,
    pub description: String,
}

/// Numbers in the layers (not the vocabulary) from which `auto` takes a card. Below, the fixed cost
/// of starting each kernel outweighs what the card computes faster: at 0.1 M numbers a step takes
/// the CPU 10 ms, about what some hundred kernel starts take. A browser's CPU is one thread with
/// narrow vectors, so there a card pays off at a tenth of the size. Estimated from the CPU's
/// measured speed; not yet measured on a card.
const WORTH_A_CARD: u64 = if cfg!(target_family = "wasm") {
    100_000
} else {
    1_000_000
};

/// Opens the device a configuration names, choosing for `auto` by the model's size.
///
/// # Errors
/// If this build or this machine does not have it.
pub async fn open_for(config: &RunConfig) -> Result<Device, DeviceError> {
    let model = &config.model;
    // A model from a folder is taken to be large.
    let size = if model.path.is_empty() {
        let width = model.hidden_size as u64;
        let feed_forward = match model.intermediate_size as u64 {
            0 => 4 * width,
            set => set,
        };
        model.num_hidden_layers as u64 * width * (4 * width + 3 * feed_forward)
    } else {
        u64::MAX
    };
    if config.device == "auto" && size >= WORTH_A_CARD {
        return Ok(card().await.unwrap_or_else(Device::flex));
    }
    open(&config.device).await
}

/// A real card, if there is one that opens.
#[cfg(all(feature = "gpu", not(target_family = "wasm")))]
async fn card() -> Option<Device> {
    let index = gpu::adapters()
        .iter()
        .position(|adapter| !adapter.software)?;
    gpu::open(index).await.ok()
}

#[cfg(all(feature = "gpu", target_family = "wasm"))]
async fn card() -> Option<Device> {
    let (device, adapter) = gpu::opened().await.ok()?;
    (!adapter.software).then_some(device)
}

#[cfg(not(feature = "gpu"))]
async fn card() -> Option<Device> {
    None
}

/// Opens a device by its name: `cpu`, `gpu[:i]` or `cuda[:i]`; `auto` is the CPU here, where no
/// model is known (see [`open_for`]).
///
/// # Errors
/// If this build or this machine does not have it.
pub async fn open(name: &str) -> Result<Device, DeviceError> {
    let asked = || name.to_string();
    let (family, index) = match name.split_once(':') {
        Some((family, index)) => {
            let index = index.parse::<usize>();
            (
                family,
                index.map_err(|_| DeviceError::Unknown { asked: asked() })?,
            )
        }
        None => (name, 0),
    };
    match family {
        "auto" | "cpu" => Ok(Device::flex()),
        "gpu" | "cuda" if !BUILT.contains(&family) => {
            Err(DeviceError::NotInThisBuild { asked: asked() })
        }
        #[cfg(feature = "gpu")]
        "gpu" => gpu::open(index).await,
        _ => Err(DeviceError::Unknown { asked: asked() }),
    }
}

/// Whether a device is the CPU.
pub fn is_cpu(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// The short name of an open device.
pub fn name(device: &Device) -> &'static str {
    if is_cpu(device) { "cpu" } else { "gpu" }
}

/// Gives back the memory that a device keeps for later use but does not hold anything in. Phases of
/// a run need other sizes; without this each keeps what the largest of them needed.
pub fn tidy(device: &Device) {
    if !is_cpu(device) {
        device.memory_cleanup();
    }
}

/// Waits until every card that was opened has computed what it was given. A program calls it before it
/// ends: a software driver that is unloaded in the middle of its work crashes the process.
#[cfg(not(target_family = "wasm"))]
pub fn settle() {
    #[cfg(feature = "gpu")]
    gpu::settle();
}

/// What a device's library says, in one line and without the trace of calls that it did not take.
pub(crate) fn in_plain_words(error: &str) -> String {
    let lines = error.lines().map(str::trim);
    let told = lines.filter(|line| !matches!(*line, "" | "Backtrace:" | "No backtrace available"));
    told.collect::<Vec<_>>()
        .join(" ")
        .replace(" Caused by: ", ": ")
}

/// The devices of this build on this machine.
#[cfg(not(target_family = "wasm"))]
pub fn list() -> Vec<DeviceInfo> {
    let mut all = vec![cpu()];
    #[cfg(feature = "gpu")]
    all.extend(
        gpu::adapters()
            .iter()
            .enumerate()
            .map(|(index, adapter)| DeviceInfo {
                device: if index == 0 {
                    "gpu".into()
                } else {
                    format!("gpu:{index}")
                },
                description: adapter.description(),
            }),
    );
    all
}

/// The devices a browser gives, and why not a card where there is none.
#[cfg(target_family = "wasm")]
pub async fn list() -> (Vec<DeviceInfo>, Option<String>) {
    #[cfg(feature = "gpu")]
    {
        let device = "gpu".into();
        match gpu::opened().await {
            Ok((_, adapter)) => {
                let description = adapter.description();
                let why = adapter.software.then(|| {
                    format!("{description}: the processor itself is faster, so it trains there")
                });
                let card = DeviceInfo {
                    device,
                    description,
                };
                (vec![cpu(), card], why)
            }
            Err(error) => (vec![cpu()], Some(error.to_string())),
        }
    }
    #[cfg(not(feature = "gpu"))]
    {
        (vec![cpu()], None)
    }
}

fn cpu() -> DeviceInfo {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    DeviceInfo {
        device: "cpu".into(),
        description: format!(
            "burn-flex, {threads} hardware thread{}, {}",
            if threads == 1 { "" } else { "s" },
            instruction_set()
        ),
    }
}

/// The vector instructions that fused operations and matrix products use here.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            return "AVX2 with FMA";
        }
        "SSE2"
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        if cfg!(target_arch = "aarch64") {
            "NEON"
        } else if cfg!(target_feature = "simd128") {
            "WebAssembly SIMD"
        } else {
            "portable instructions"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[&str]) -> RunConfig {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        RunConfig::from_toml("", "test", &set).expect("a sound configuration")
    }

    #[test]
    fn a_small_model_stays_on_the_cpu_whatever_cards_there_are() {
        let config = config(&["model.hidden_size=64", "model.num_hidden_layers=2"]);
        let device = pollster::block_on(open_for(&config)).expect("the CPU is always there");
        assert_eq!(name(&device), "cpu");
    }

    #[test]
    fn auto_never_takes_a_program_that_stands_in_for_a_card() {
        let config = config(&["model.hidden_size=512", "model.num_hidden_layers=8"]);
        let device = pollster::block_on(open_for(&config)).expect("auto always opens something");
        let real = list()
            .iter()
            .any(|info| info.device != "cpu" && !info.description.contains("software"));
        assert_eq!(name(&device), if real { "gpu" } else { "cpu" });
    }

    #[test]
    fn a_librarys_error_becomes_one_line() {
        let error = "An error happened during execution\nCaused by:\n  Out of memory\nBacktrace:\n\
                     No backtrace available";
        let plain = in_plain_words(error);
        assert_eq!(plain, "An error happened during execution: Out of memory");
        let traced = in_plain_words("Lost\nBacktrace:\n   0: main");
        assert_eq!(traced, "Lost 0: main", "a trace that was asked for stays");
    }

    #[test]
    fn wrong_names_say_what_there_is() {
        let error = |name: &str| {
            let opened = pollster::block_on(open(name));
            opened.expect_err("there is no such device").to_string()
        };
        assert!(error("tpu").contains("\"gpu:N\""));
        assert!(error("gpu:x").contains("no device"));
        assert!(error("cuda").contains("is not in this build, which has: cpu"));
        let far = error("gpu:998");
        let why = ["gpu:0", "no graphics card", "not in this build"];
        assert!(why.iter().any(|part| far.contains(part)), "{far}");
    }
}
