//! Which versions of the fused operations a device can run.

use burn::backend::DispatchDevice;
use burn::tensor::Device;

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
            DispatchDevice::Cube(burn::cubecl::Device::Wgpu(_)) => Self::Wgpu,
            // Without `gpu` there may be no other backend to match.
            #[allow(unreachable_patterns)]
            _ => Self::Other,
        }
    }
}
