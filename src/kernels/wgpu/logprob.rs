//! Log-probabilities and entropies with the kernels `token_logprobs` and `token_logprobs_grad`
//! around matrix products, for as many rows at a time as fit a budget.

use burn::backend::Wgpu;
use burn::tensor::{Int, Tensor};

use super::embedding::{add_up, look_up};
use super::matmul::{Matrix, Plus, matmul, matmul_into};
use super::{GpuTensor, Input, Launch, Shader, apply, dims, empty, int_tensor, shader};
use crate::kernels::node::FusedOp;
use crate::kernels::preparing;

static FORWARD: Shader = shader!("token_logprobs");
static GRADIENT: Shader = shader!("token_logprobs_grad");

/// Logits held at a time, in values: 64 MiB, half of what WebGPU lets one buffer hold.
const LOGITS: usize = 1 << 24;

/// Vocabularies from which batches may not fit [`LOGITS`].
const LARGE: usize = 4096;

/// See [`crate::kernels::token_logprobs`].
pub(crate) fn token_logprobs(
    hidden: Tensor<2>,
    head: Tensor<2>,
    rows: Tensor<1, Int>,
    targets: Tensor<1, Int>,
    temperature: f32,
) -> Tensor<2> {
    let op = TokenLogprobs::new(rows, targets, temperature, LOGITS);
    op.apply(hidden, head)
}

#[derive(Clone, Debug)]
pub(super) struct TokenLogprobs {
    rows: GpuTensor,
    targets: GpuTensor,
    /// 1 / temperature.
    inverse: f32,
    /// Logits held at a time, in values.
    budget: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Saved {
    /// The hidden states of the rows: [n, width].
    inputs: GpuTensor,
    head: GpuTensor,
    /// log Σ exp of each row's scaled logits and the entropy: [n, 2].
    kept: GpuTensor,
    /// Rows of the hidden states there are.
    positions: usize,
}

impl TokenLogprobs {
    /// See [`crate::kernels::token_logprobs`]; `budget` logits are held at a time.
    pub(super) fn new(
        rows: Tensor<1, Int>,
        targets: Tensor<1, Int>,
        temperature: f32,
        budget: usize,
    ) -> Self {
        Self {
            rows: int_tensor(rows),
            targets: int_tensor(targets),
            inverse: 1.0 / temperature,
            budget,
        }
    }

    /// Runs it on plain or differentiable tensors.
    pub(super) fn apply(self, hidden: Tensor<2>, head: Tensor<2>) -> Tensor<2> {
        apply(self, [Input::new(hidden), Input::new(head)])
    }

    /// Runs of rows whose logits are held at a time: (first row, rows).
    fn runs(&self, vocabulary: usize) -> impl Iterator<Item = (usize, usize)> {
        let n = dims(&self.rows)[0];
        let mut size = (self.budget / vocabulary).max(1);
        if vocabulary > LARGE && preparing::is_on() {
            // A large batch will come in several runs, whose parts are added up.
            size = size.min(n.div_ceil(2));
        }
        (0..n)
            .step_by(size)
            .map(move |first| (first, size.min(n - first)))
    }

    /// The logits of a run: [rows, vocabulary].
    fn logits(inputs: &GpuTensor, head: &GpuTensor, (first, rows): (usize, usize)) -> GpuTensor {
        let [vocabulary, width] = [dims(head)[0], dims(head)[1]];
        let states = Matrix::rows(inputs, width).below(first);
        let weight = Matrix::rows(head, width).transposed();
        matmul([rows, width, vocabulary], states, weight, Plus::Nothing)
    }

    /// The numbers both kernels take.
    fn dispatch(
        &self,
        launch: Launch,
        (first, rows): (usize, usize),
        vocabulary: usize,
        workgroups: usize,
    ) {
        launch
            .number(rows)
            .number(vocabulary)
            .number(first)
            .real(self.inverse)
            .dispatch(workgroups);
    }
}

impl FusedOp<Wgpu, 2> for TokenLogprobs {
    type Saved = Saved;

    fn forward(&self, [hidden, head]: [GpuTensor; 2]) -> (GpuTensor, Saved) {
        let n = dims(&self.rows)[0];
        let vocabulary = dims(&head)[0];
        let inputs = look_up(&hidden, &self.rows);
        let (output, kept) = (empty(&hidden, &[n, 2]), empty(&hidden, &[n, 2]));
        for run in self.runs(vocabulary) {
            let logits = Self::logits(&inputs, &head, run);
            let launch = Launch::new(&FORWARD)
                .input(&logits)
                .input(&self.targets)
                .changed(&output)
                .changed(&kept);
            self.dispatch(launch, run, vocabulary, run.1);
        }
        let positions = dims(&hidden)[0];
        (
            output,
            Saved {
                inputs,
                head,
                kept,
                positions,
            },
        )
    }

    fn backward(&self, saved: Saved, grad: GpuTensor, _: [bool; 2]) -> [Option<GpuTensor>; 2] {
        let Saved {
            inputs,
            head,
            kept,
            positions,
        } = saved;
        let n = dims(&self.rows)[0];
        let [vocabulary, width] = [dims(&head)[0], dims(&head)[1]];
        if n == 0 {
            // No rows: sums over nothing.
            let zeros = |rows| Some(add_up(&inputs, &self.rows, rows));
            return [zeros(positions), zeros(vocabulary)];
        }
        let dinputs = empty(&inputs, &[n, width]);
        let dhead = empty(&head, &[vocabulary, width]);
        for run in self.runs(vocabulary) {
            let (first, rows) = run;
            let logits = Self::logits(&inputs, &head, run);
            let launch = Launch::new(&GRADIENT)
                .changed(&logits)
                .input(&self.targets)
                .input(&kept)
                .input(&grad);
            let workgroups = (rows * vocabulary).div_ceil(256);
            self.dispatch(launch, run, vocabulary, workgroups);
            let dlogits = Matrix::rows(&logits, vocabulary);
            let weight = Matrix::rows(&head, width);
            let size = [rows, vocabulary, width];
            matmul_into(size, dlogits, weight, &dinputs, first * width, false);
            let states = Matrix::rows(&inputs, width).below(first);
            let size = [vocabulary, rows, width];
            matmul_into(size, dlogits.transposed(), states, &dhead, 0, first > 0);
        }
        [Some(add_up(&dinputs, &self.rows, positions)), Some(dhead)]
    }
}
