//! Causal attention with the kernels `attention`, `attention_grad_queries` and
//! `attention_grad_keys`.

use burn::backend::Wgpu;

use super::{GpuTensor, Launch, Shader, dims, empty, shader};
use crate::kernels::attention::{CausalAttention, Sizes};
use crate::kernels::node::FusedOp;

static FORWARD: Shader = shader!("attention");
static QUERIES: Shader = shader!("attention_grad_queries");
static KEYS: Shader = shader!("attention_grad_keys");

/// Rows of one workgroup.
const ROWS: usize = 64;

impl Sizes {
    /// A launch with its constants. The tile is what fits into 16 KiB of workgroup memory.
    fn launch(&self, shader: &'static Shader) -> Launch {
        let tile = (480 / self.head_dim.div_ceil(4)).clamp(1, 16);
        Launch::new(shader)
            .constant("HEADS", self.heads)
            .constant("GROUPS", self.groups)
            .constant("HEAD_DIM", self.head_dim)
            .constant("TILE", tile)
    }

    /// Its numbers, and off it goes for that many heads.
    fn dispatch(&self, launch: Launch, heads: usize) {
        launch
            .number(self.batch)
            .number(self.time)
            .real(self.scale())
            .dispatch(self.batch * heads * self.time.div_ceil(ROWS));
    }
}

/// What the backward pass needs: the inputs, the output, and log Σ exp of each row's scores.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    q: GpuTensor,
    k: GpuTensor,
    v: GpuTensor,
    output: GpuTensor,
    log_sum: GpuTensor,
}

impl FusedOp<Wgpu, 3> for CausalAttention {
    type Saved = Saved;

    fn forward(&self, [q, k, v]: [GpuTensor; 3]) -> (GpuTensor, Saved) {
        let s = Sizes::new(&dims(&q), &dims(&k));
        let output = empty(&q, &dims(&q));
        let log_sum = empty(&q, &[s.batch, s.heads, s.time]);
        let launch = s
            .launch(&FORWARD)
            .input(&q)
            .input(&k)
            .input(&v)
            .output(&output)
            .output(&log_sum);
        s.dispatch(launch, s.heads);
        (
            output.clone(),
            Saved {
                q,
                k,
                v,
                output,
                log_sum,
            },
        )
    }

    fn backward(&self, saved: Saved, grad: GpuTensor, _: [bool; 3]) -> [Option<GpuTensor>; 3] {
        let Saved {
            q,
            k,
            v,
            output,
            log_sum,
        } = saved;
        let s = Sizes::new(&dims(&q), &dims(&k));
        let dq = empty(&q, &dims(&q));
        let mean = empty(&q, &[s.batch, s.heads, s.time]);
        let launch = s
            .launch(&QUERIES)
            .input(&q)
            .input(&k)
            .input(&v)
            .input(&output)
            .input(&log_sum)
            .input(&grad)
            .output(&dq)
            .output(&mean);
        s.dispatch(launch, s.heads);
        let (dk, dv) = (empty(&k, &dims(&k)), empty(&k, &dims(&k)));
        let launch = s
            .launch(&KEYS)
            .input(&q)
            .input(&k)
            .input(&v)
            .input(&log_sum)
            .input(&mean)
            .input(&grad)
            .output(&dk)
            .output(&dv);
        s.dispatch(launch, s.groups);
        [Some(dq), Some(dk), Some(dv)]
    }
}
