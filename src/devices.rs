//! Which device there is and what it can do.

use burn::tensor::Device;

/// A device that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "device \"{asked}\" is not in this build, which has: cpu. Choose device = \"cpu\" \
         (or \"auto\")"
    )]
    NotInThisBuild { asked: String },
}

/// What `sasr devices` lists.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DeviceInfo {
    /// As it is named in a configuration.
    pub device: String,
    pub description: String,
}

/// Opens the device a configuration names: `auto`, `cpu`, `gpu` or `cuda[:i]`.
///
/// # Errors
/// If this build does not have it.
pub async fn open(name: &str) -> Result<Device, DeviceError> {
    match name {
        "auto" | "cpu" => Ok(Device::flex()),
        other => Err(DeviceError::NotInThisBuild {
            asked: other.to_string(),
        }),
    }
}

/// The short name of an open device.
pub fn name(device: &Device) -> &'static str {
    if device.clone().inner() == Device::flex() {
        "cpu"
    } else {
        "gpu"
    }
}

/// The devices of this build on this machine.
pub fn list() -> Vec<DeviceInfo> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let description = format!(
        "burn-flex, {threads} hardware threads, {}",
        instruction_set()
    );
    vec![DeviceInfo {
        device: "cpu".into(),
        description,
    }]
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
        } else {
            "portable instructions"
        }
    }
}
