//! A linear layer of few rows in one launch with what stands around it in a decoder.

use burn::tensor::Tensor;

use crate::kernels::wgpu::{self, GpuTensor, Launch, Shader, dims, shader};

static LINEAR: Shader = shader!("decode_linear");

/// Rows and columns that one workgroup of `decode_linear.wgsl` computes.
const TILE: [usize; 2] = [4, 32];

/// RMSNorm before a linear layer.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    gamma: GpuTensor,
    epsilon: f32,
}

impl Norm {
    /// gamma: `[width]`.
    pub(crate) fn new(gamma: Tensor<1>, epsilon: f64) -> Self {
        let gamma = wgpu::tensor(in_fours(gamma.unsqueeze_dim::<2>(0)));
        Self {
            gamma,
            epsilon: epsilon as f32,
        }
    }
}

/// What becomes of a linear layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It is written.
    Write = 0,
    /// It is added to what is there.
    Add = 1,
    /// Gate and up, turn by turn, become silu(gate) · up.
    SwiGlu = 2,
}

/// A linear layer laid out for decoding.
#[derive(Clone, Debug)]
pub(crate) struct StepLinear {
    /// [out, in], rows padded with zeros to a multiple of four.
    weight: GpuTensor,
    bias: GpuTensor,
    /// The width of x without padding.
    width: usize,
}

impl StepLinear {
    /// weight: [out, in], bias: `[out]`.
    pub(crate) fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        let [outs, width] = weight.dims();
        let bias = bias.unwrap_or_else(|| Tensor::zeros([outs], &weight.device()));
        Self {
            weight: wgpu::tensor(in_fours(weight)),
            bias: wgpu::tensor(bias),
            width,
        }
    }

    /// Several layers of one input as one, their outputs side by side.
    pub(crate) fn side_by_side(layers: Vec<(Tensor<2>, Option<Tensor<1>>)>) -> Self {
        let (weights, biases) = together(layers);
        Self::new(Tensor::cat(weights, 0), biases.map(|b| Tensor::cat(b, 0)))
    }

    /// Gate and up as one layer, their outputs turn by turn.
    pub(crate) fn in_turns(layers: Vec<(Tensor<2>, Option<Tensor<1>>)>) -> Self {
        let (weights, biases) = together(layers);
        let [outs, width] = weights[0].dims();
        let count = weights.len();
        let weight = Tensor::stack::<3>(weights, 1).reshape([count * outs, width]);
        let bias = biases.map(|b| Tensor::stack::<2>(b, 1).reshape([count * outs]));
        Self::new(weight, bias)
    }

    /// Outputs, gate and up counted apart.
    pub(crate) fn outs(&self) -> usize {
        dims(&self.weight)[0]
    }

    /// y ← x·Wᵀ + b for the first `rows` rows, in the way `after` says, with `norm` before.
    ///
    /// x and y come from [`buffer`]; x is as wide as this layer's input.
    pub(crate) fn launch(
        &self,
        x: &GpuTensor,
        y: &GpuTensor,
        rows: usize,
        norm: Option<&Norm>,
        after: After,
    ) {
        let outs = self.outs();
        // A binding without a use: what is bound there is not read.
        let gamma = norm.map_or(&self.weight, |norm| &norm.gamma);
        let launch = Launch::new(&LINEAR)
            .constant("WIDTH", dims(&self.weight)[1] / 4)
            .constant("OUTS", outs)
            .constant("STRIDE", dims(y)[1])
            .constant("NORM", usize::from(norm.is_some()))
            .constant("AFTER", after as usize)
            .input(x)
            .input(&self.weight)
            .input(&self.bias)
            .input(gamma);
        let launch = match after {
            After::Add => launch.changed(y),
            After::Write | After::SwiGlu => launch.output(y),
        };
        launch
            .number(rows)
            .real(1.0 / self.width as f32)
            .real(norm.map_or(0.0, |norm| norm.epsilon))
            .dispatch(rows.div_ceil(TILE[0]) * outs.div_ceil(TILE[1]));
    }
}

/// Weights and, where any layer has one, the biases of all.
fn together(
    layers: Vec<(Tensor<2>, Option<Tensor<1>>)>,
) -> (Vec<Tensor<2>>, Option<Vec<Tensor<1>>>) {
    let any = layers.iter().any(|(_, bias)| bias.is_some());
    let zeros = |weight: &Tensor<2>| Tensor::zeros([weight.dims()[0]], &weight.device());
    let biases = layers
        .iter()
        .map(|(weight, bias)| bias.clone().unwrap_or_else(|| zeros(weight)));
    let biases = any.then(|| biases.collect());
    (
        layers.into_iter().map(|(weight, _)| weight).collect(),
        biases,
    )
}

/// Rows padded with zeros to a multiple of four.
pub(super) fn in_fours(x: Tensor<2>) -> Tensor<2> {
    let [rows, width] = x.dims();
    let room = width.next_multiple_of(4) - width;
    if room == 0 {
        return x;
    }
    let zeros = Tensor::zeros([rows, room], &x.device());
    Tensor::cat(vec![x, zeros], 1)
}

/// Zeros for `rows` rows of `width` values, padded to a multiple of four.
pub(crate) fn buffer(rows: usize, width: usize, like: &GpuTensor) -> GpuTensor {
    let device = wgpu::plain_tensor::<2>(like.clone()).device();
    wgpu::tensor(Tensor::<2>::zeros(
        [rows, width.next_multiple_of(4)],
        &device,
    ))
}
