//! One launch of one kernel.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use burn::backend::wgpu::{KernelSource, SourceKernel, SourceTemplate};
use burn::cubecl::client::Client;
use burn::cubecl::prelude::{BufferIOAttr, CubeCount, CubeDim, ExecutionMode, KernelId};
use burn::cubecl::server::{KernelArguments, MetadataBindingInfo};

use super::GpuTensor;

/// A kernel's text.
pub(crate) struct Shader {
    /// The file's name in `shaders/`, without its ending.
    pub name: &'static str,
    pub text: &'static str,
}

/// The [`Shader`] of a file in `shaders/`.
macro_rules! shader {
    ($name:literal) => {
        $crate::kernels::wgpu::Shader {
            name: $name,
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/shaders/",
                $name,
                ".wgsl"
            )),
        }
    };
}
pub(crate) use shader;

/// A kernel's constants: each set of values is a program of its own.
type Constants = Vec<(&'static str, u32)>;

/// Programs of ours that were compiled since the program started.
static PROGRAMS: AtomicUsize = AtomicUsize::new(0);

/// How many programs of ours were compiled since the program started. Launches are only noted down, and
/// carried out by a thread of the device: those that nobody has waited for may be missing.
pub(crate) fn programs() -> usize {
    PROGRAMS.load(Ordering::Relaxed)
}

/// Launches of our kernels since the program started.
static DISPATCHES: AtomicU64 = AtomicU64::new(0);

/// How often one of our kernels was launched since the program started.
pub(crate) fn dispatches() -> u64 {
    DISPATCHES.load(Ordering::Relaxed)
}

/// Bytes of the tensors those launches were given.
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Bytes of all tensors that launches of our kernels were given, each counted once a launch: what a
/// kernel reads twice, or passes over, is not told apart.
pub(crate) fn bytes_bound() -> u64 {
    BYTES.load(Ordering::Relaxed)
}

/// WebGPU's limit on workgroups in one dimension.
const WORKGROUPS: usize = 65_535;

/// What burn compiles and remembers: a shader with its constants.
struct Source {
    shader: &'static Shader,
    constants: Constants,
}

impl KernelSource for Source {
    /// A device asks for the text once, to compile it, and knows the program by its `id` from then on;
    /// for one that does not compile it asks at every launch.
    fn source(&self) -> SourceTemplate {
        PROGRAMS.fetch_add(1, Ordering::Relaxed);
        SourceTemplate::new(text(self.shader, &self.constants))
    }

    fn id(&self) -> KernelId {
        // Loops in our kernels end by their own bounds; "checked" would count every iteration.
        KernelId::new::<Self>()
            .mode(ExecutionMode::Unchecked)
            .info((self.shader.name, self.constants.clone()))
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// The complete text of a kernel.
pub(super) fn text(shader: &Shader, constants: &[(&'static str, u32)]) -> String {
    let mut text: String = constants
        .iter()
        .map(|(name, value)| format!("const {name}: u32 = {value}u;\n"))
        .collect();
    // Natively several tensors share one buffer, which may not be bound both for reading and for
    // writing in one dispatch. In the browser every tensor has its own, and there two writable
    // bindings of one buffer are refused.
    if cfg!(target_family = "wasm") {
        text.push_str(shader.text);
    } else {
        text.push_str(
            &shader
                .text
                .replace("var<storage, read>", "var<storage, read_write>"),
        );
    }
    text
}

/// One launch in the making: constants, then tensors and numbers in the order of the bindings.
#[must_use = "`dispatch` launches it"]
pub(crate) struct Launch {
    source: Source,
    client: Option<Client>,
    arguments: KernelArguments,
    numbers: Vec<u32>,
    /// Of the tensors so far.
    bytes: usize,
}

impl Launch {
    /// A launch of `shader`.
    pub(crate) fn new(shader: &'static Shader) -> Self {
        Self {
            source: Source {
                shader,
                constants: Vec::new(),
            },
            client: None,
            arguments: KernelArguments::new(),
            numbers: Vec::new(),
            bytes: 0,
        }
    }

    /// A number that is fixed for a model. Each set of values is compiled anew.
    pub(crate) fn constant(mut self, name: &'static str, value: usize) -> Self {
        self.source.constants.push((name, value as u32));
        self
    }

    /// The next binding: a contiguous tensor that is read.
    pub(crate) fn input(self, tensor: &GpuTensor) -> Self {
        debug_assert!(tensor.is_contiguous(), "kernels take contiguous tensors");
        self.bind(tensor, BufferIOAttr::ReadOnly)
    }

    /// The next `slots` bindings: contiguous tensors that are read, at least one and at most so many. The
    /// first is bound again where there are fewer.
    pub(crate) fn inputs(self, tensors: &[GpuTensor], slots: usize) -> Self {
        let tensor = |slot| tensors.get(slot).unwrap_or(&tensors[0]);
        (0..slots).map(tensor).fold(self, Self::input)
    }

    /// The next binding: a contiguous tensor that is written completely.
    pub(crate) fn output(self, tensor: &GpuTensor) -> Self {
        self.bind(tensor, BufferIOAttr::WriteOnly)
    }

    /// The next binding: a tensor that nobody else holds, changed where it lies.
    pub(crate) fn changed(self, tensor: &GpuTensor) -> Self {
        self.bind(tensor, BufferIOAttr::ReadWrite)
    }

    /// The next binding: a tensor that is read through strides the kernel is told.
    pub(crate) fn strided_input(self, tensor: &GpuTensor) -> Self {
        self.bind(tensor, BufferIOAttr::ReadOnly)
    }

    fn bind(mut self, tensor: &GpuTensor, io: BufferIOAttr) -> Self {
        self.client.get_or_insert_with(|| tensor.client.clone());
        self.bytes += tensor.meta.num_elements() * tensor.dtype.size();
        self.arguments = self
            .arguments
            .with_buffer_io(tensor.handle.clone().binding(), io);
        self
    }

    /// The next number of the uniform: a u32.
    pub(crate) fn number(mut self, value: usize) -> Self {
        self.numbers.push(value as u32);
        self
    }

    /// The next number of the uniform: an f32.
    pub(crate) fn real(mut self, value: f32) -> Self {
        self.numbers.push(value.to_bits());
        self
    }

    /// Launches `workgroups` workgroups, folded into two dimensions where there are many.
    pub(crate) fn dispatch(mut self, workgroups: usize) {
        let Some(client) = self.client.filter(|_| workgroups > 0) else {
            return;
        };
        if !self.numbers.is_empty() {
            // Uniform structs come in multiples of 16 bytes.
            self.numbers
                .resize(self.numbers.len().next_multiple_of(4), 0);
            let pairs = self.numbers.chunks_exact(2);
            let words = pairs.map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32);
            self.arguments = self
                .arguments
                .with_info(MetadataBindingInfo::custom(words.collect()));
        }
        let rows = workgroups.div_ceil(WORKGROUPS);
        let columns = workgroups.div_ceil(rows);
        let count = CubeCount::Static(columns as u32, rows as u32, 1);
        DISPATCHES.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(self.bytes as u64, Ordering::Relaxed);
        let kernel = SourceKernel::new(self.source, CubeDim::new_single());
        client.launch(Box::new(kernel), count, self.arguments);
    }
}
