//! Which versions of the fused operations a device can run.

#[cfg(feature = "gpu")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use burn::backend::DispatchDevice;
use burn::tensor::Device;

/// Set by [`prefer_portable`].
#[cfg(feature = "gpu")]
static PORTABLE: AtomicBool = AtomicBool::new(false);

/// Whether graphics cards run burn's own operations rather than our kernels from now on, in the
/// whole program: to measure one against the other.
#[cfg(feature = "gpu")]
pub fn prefer_portable(yes: bool) {
    PORTABLE.store(yes, Relaxed);
}

/// The kinds of devices that have versions of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// burn's CPU backend: hand-written loops.
    Cpu,
    /// Graphics cards through wgpu, native and in the browser: the WGSL kernels in `shaders/`.
    #[cfg(feature = "gpu")]
    Wgpu,
    /// Everything else, such as CUDA: burn's own operations.
    Other,
}

impl Family {
    /// The family of a device, with or without autodiff.
    pub(crate) fn of(device: &Device) -> Self {
        match device.clone().inner().as_dispatch() {
            DispatchDevice::Flex(_) => Self::Cpu,
            #[cfg(feature = "gpu")]
            DispatchDevice::Cube(burn::cubecl::Device::Wgpu(_)) if !PORTABLE.load(Relaxed) => {
                Self::Wgpu
            }
            // Without `gpu` there may be no other backend to match.
            #[allow(unreachable_patterns)]
            _ => Self::Other,
        }
    }
}
