//! Graphics cards through wgpu: which there are, and opening one.

#[cfg(not(target_family = "wasm"))]
use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::wgpu::wgpu;
use burn::tensor::{Device, DeviceKind};

use super::DeviceError;

/// An adapter of this machine.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    pub name: String,
    /// Vulkan, Metal, Dx12 or WebGPU.
    pub api: String,
    /// A program on the processor that stands in for a card.
    pub software: bool,
    kind: DeviceKind,
    /// A browser has but one.
    #[cfg(not(target_family = "wasm"))]
    backend: WgpuBackend,
}

impl Adapter {
    pub fn description(&self) -> String {
        let kind = match self.kind {
            DeviceKind::DiscreteGpu(_) => "discrete",
            DeviceKind::IntegratedGpu(_) => "integrated",
            DeviceKind::VirtualGpu(_) => "virtual",
            _ if self.software => "software: slow, for tests",
            _ => "GPU",
        };
        format!("{}, {} ({kind})", self.name, self.api)
    }
}

/// Names under which programs that draw on the processor go.
const SOFTWARE: [&str; 5] = [
    "swiftshader",
    "llvmpipe",
    "lavapipe",
    "softpipe",
    "basic render",
];

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    let said = format!("{} {} {}", info.name, info.driver, info.driver_info).to_lowercase();
    info.device_type == wgpu::DeviceType::Cpu || SOFTWARE.iter().any(|name| said.contains(name))
}

/// Command buffers are submitted after this many kernels. A step of a small model is a few hundred
/// of them; Brush, which trains with burn in the browser, found the same number.
const TASKS_MAX: usize = 64;

/// What the system says in its own words.
fn refused(adapter: &str, why: impl ToString) -> DeviceError {
    DeviceError::Refused {
        adapter: adapter.into(),
        why: super::in_plain_words(&why.to_string()),
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, OnceLock, PoisonError};

    use super::*;

    #[cfg(target_os = "linux")]
    use crate::devices::hush::hushed;

    /// Only there a library complains.
    #[cfg(not(target_os = "linux"))]
    fn hushed<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    /// The graphics APIs that compute well, best first. OpenGL is left out: its compute shaders
    /// lack what training needs on too many drivers.
    const APIS: [(wgpu::Backend, WgpuBackend); 3] = [
        (wgpu::Backend::Metal, WgpuBackend::Metal),
        (wgpu::Backend::Vulkan, WgpuBackend::Vulkan),
        (wgpu::Backend::Dx12, WgpuBackend::Dx12),
    ];

    /// The adapters of the first API that has a card, or else of the first that has anything. Asked
    /// once: drivers do not like to be asked from several threads at a time.
    pub(in crate::devices) fn adapters() -> &'static [Adapter] {
        static ADAPTERS: OnceLock<Vec<Adapter>> = OnceLock::new();
        ADAPTERS.get_or_init(|| hushed(found))
    }

    fn found() -> Vec<Adapter> {
        let mut all = APIS.iter().map(|&(api, backend)| on(api, backend));
        let mut software = Vec::new();
        all.find(|adapters| {
            let card = adapters.iter().any(|adapter| !adapter.software);
            if !card && software.is_empty() {
                software.clone_from(adapters);
            }
            card
        })
        .unwrap_or(software)
    }

    fn on(api: wgpu::Backend, backend: WgpuBackend) -> Vec<Adapter> {
        if !wgpu::Instance::enabled_backend_features().contains(api.into()) {
            return Vec::new();
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: api.into(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let found = pollster::block_on(instance.enumerate_adapters(api.into()));
        // Each kind counts from zero on its own; burn names adapters the same way.
        let mut counts = [0; 3];
        let mut next = |kind: usize| {
            counts[kind] += 1;
            counts[kind] - 1
        };
        let adapter = |adapter: &wgpu::Adapter| {
            let info = adapter.get_info();
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(next(0)),
                wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(next(1)),
                wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(next(2)),
                wgpu::DeviceType::Cpu => DeviceKind::Cpu,
                // Not to be told apart from one another: the API's first choice is taken.
                wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
            };
            Adapter {
                software: is_software(&info),
                name: info.name,
                api: format!("{api:?}"),
                kind,
                backend,
            }
        };
        let mut adapters: Vec<Adapter> = found.iter().map(adapter).collect();
        // Cards before what stands in for one, discrete ones first; so `gpu` is the best there is.
        adapters.sort_by_key(|adapter| match adapter.kind {
            _ if adapter.software => 4,
            DeviceKind::DiscreteGpu(_) => 0,
            DeviceKind::IntegratedGpu(_) => 1,
            DeviceKind::VirtualGpu(_) => 2,
            _ => 3,
        });
        adapters
    }

    /// The adapters that are open, by their place in [`adapters`].
    static OPEN: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());

    /// Waits until the open adapters have computed everything they were given.
    pub(in crate::devices) fn settle() {
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        for device in open.values() {
            // What failed was told where it was waited for.
            device.sync().ok();
        }
    }

    /// Opens adapter `index` of [`adapters`]; one that is open already is shared.
    pub(in crate::devices) async fn open(index: usize) -> Result<Device, DeviceError> {
        let adapters = adapters();
        let adapter = adapters.get(index).ok_or(match adapters.len() {
            0 => DeviceError::NoAdapter,
            count => DeviceError::NoSuchAdapter { index, count },
        })?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(device) = open.get(&index) {
            return Ok(device.clone());
        }
        let options = Device::wgpu_options()
            .device_kind(adapter.kind.clone())
            .graphics_api(adapter.backend)
            .tasks_max(TASKS_MAX);
        let device = hushed(|| options.init()).map_err(|error| refused(&adapter.name, error))?;
        open.insert(index, device.clone());
        Ok(device)
    }
}

#[cfg(not(target_family = "wasm"))]
pub(super) use native::{adapters, open, settle};

#[cfg(target_family = "wasm")]
mod web {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        /// A browser gives one adapter, and burn wants it opened once.
        static OPEN: RefCell<Option<(Device, Adapter)>> = const { RefCell::new(None) };
    }

    /// The browser's adapter, opened.
    pub(in crate::devices) async fn opened() -> Result<(Device, Adapter), DeviceError> {
        if let Some(open) = OPEN.with_borrow(Clone::clone) {
            return Ok(open);
        }
        let options = Device::wgpu_options().tasks_max(TASKS_MAX);
        let (device, setup) = options.init_with_setup_async().await.map_err(|error| {
            let why = error.to_string();
            if why.contains("adapter") {
                return DeviceError::NoAdapter;
            }
            refused("the browser's adapter", why)
        })?;
        let info = setup.adapter.get_info();
        let adapter = Adapter {
            software: is_software(&info),
            name: if info.name.is_empty() {
                "graphics card".into()
            } else {
                info.name
            },
            api: "WebGPU".into(),
            kind: DeviceKind::DefaultDevice,
        };
        OPEN.set(Some((device.clone(), adapter.clone())));
        Ok((device, adapter))
    }

    /// Opens adapter `index`, of which there is one.
    pub(in crate::devices) async fn open(index: usize) -> Result<Device, DeviceError> {
        if index > 0 {
            return Err(DeviceError::NoSuchAdapter { index, count: 1 });
        }
        Ok(opened().await?.0)
    }
}

#[cfg(target_family = "wasm")]
pub(super) use web::{open, opened};
