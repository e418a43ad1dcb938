//! The losses of tokens with the kernels `policy_loss` and `policy_loss_grad`.

use burn::backend::Wgpu;
use burn::tensor::{Int, Tensor, TensorData};

use super::{GpuTensor, Input, Launch, Shader, apply, dims, empty, int_tensor, shader, tensor};
use crate::kernels::node::FusedOp;
use crate::kernels::policy::{PolicyTokens, Surrogate};

static FORWARD: Shader = shader!("policy_loss");
static GRADIENT: Shader = shader!("policy_loss_grad");

/// See [`crate::kernels::policy_loss`].
pub(crate) fn policy_loss(scored: Tensor<2>, tokens: &PolicyTokens, by: &Surrogate) -> Tensor<2> {
    let device = scored.device().inner();
    let n = tokens.weights.len();
    debug_assert_eq!(scored.dims()[0], n, "every token has a weight");
    let of = |list: &Option<Vec<f32>>, t: usize| list.as_ref().map_or(0.0, |list| list[t]);
    let row = |t: usize| {
        [
            of(&tokens.old_logps, t),
            of(&tokens.ref_logps, t),
            tokens.advantages[t],
            tokens.weights[t],
            tokens.entropy_weights[t],
        ]
    };
    let rows: Vec<f32> = (0..n).flat_map(row).collect();
    let rows: Tensor<2> = Tensor::from_data(TensorData::new(rows, [n, 5]), &device);
    let ends = tokens.lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end as i32)
    });
    let starts: Vec<i32> = std::iter::once(0).chain(ends).collect();
    let size = [starts.len()];
    let starts: Tensor<1, Int> = Tensor::from_data(TensorData::new(starts, size), &device);
    let flags = [
        by.cispo,
        by.by_sequence,
        by.kl_times_ratio,
        tokens.old_logps.is_some(),
        tokens.ref_logps.is_some(),
    ];
    let bit = |(index, &flag): (usize, &bool)| usize::from(flag) << index;
    let op = PolicyLoss {
        tokens: tensor(rows),
        starts: int_tensor(starts),
        by: by.clone(),
        flags: flags.iter().enumerate().map(bit).sum(),
    };
    apply(op, [Input::new(scored)])
}

#[derive(Clone, Debug)]
struct PolicyLoss {
    /// [n, 5], as the kernel wants them.
    tokens: GpuTensor,
    starts: GpuTensor,
    by: Surrogate,
    flags: usize,
}

impl FusedOp<Wgpu, 1> for PolicyLoss {
    /// The slopes: [n, 2].
    type Saved = GpuTensor;

    fn forward(&self, [scored]: [GpuTensor; 1]) -> (GpuTensor, GpuTensor) {
        let n = dims(&scored)[0];
        let (values, slopes) = (empty(&scored, &[n, 4]), empty(&scored, &[n, 2]));
        let completions = dims(&self.starts)[0] - 1;
        let delta = self.by.delta as f32;
        Launch::new(&FORWARD)
            .input(&scored)
            .input(&self.tokens)
            .input(&self.starts)
            .output(&values)
            .output(&slopes)
            .number(completions)
            .number(self.flags)
            .real(self.by.low as f32)
            .real(self.by.high as f32)
            .real(if delta > 0.0 { delta } else { f32::MAX })
            .real(self.by.beta as f32)
            .real(self.by.entropy_coef as f32)
            .dispatch(completions);
        (values, slopes)
    }

    fn backward(&self, slopes: GpuTensor, grad: GpuTensor, _: [bool; 1]) -> [Option<GpuTensor>; 1] {
        let n = dims(&slopes)[0];
        let dscored = empty(&slopes, &[n, 2]);
        Launch::new(&GRADIENT)
            .input(&slopes)
            .input(&grad)
            .output(&dscored)
            .number(n)
            .dispatch((2 * n).div_ceil(64));
        [Some(dscored)]
    }
}
