//! Log-probabilities of given tokens and the entropy at their positions, straight from the last
//! hidden states: the output projection is fused in, so that logits exist only for a few rows at a
//! time and never for the whole vocabulary × sequence.

use burn::backend::Flex;
use burn::tensor::{Int, Tensor, activation};

use super::cpu::{self, CpuTensor, Input, View, from_vec, matmul, values};
use super::family::Family;
use super::linear::dims;
use super::node::FusedOp;
use super::simd::{add_scaled, exp, max, sum_of, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// hidden: [positions, width], head: [vocabulary, width]; `rows`: `[n]` picks positions, `targets`:
/// `[n]` the token that follows each → [n, 2]: log softmax(hidden·headᵀ / temperature) at the target,
/// and the entropy of that distribution, both in nats.
pub fn token_logprobs(
    hidden: Tensor<2>,
    head: Tensor<2>,
    rows: Tensor<1, Int>,
    targets: Tensor<1, Int>,
    temperature: f32,
) -> Tensor<2> {
    match Family::of(&hidden.device()) {
        Family::Cpu => {}
        #[cfg(feature = "gpu")]
        Family::Wgpu => return wgpu::token_logprobs(hidden, head, rows, targets, temperature),
        Family::Other => {
            return token_logprobs_portable(hidden, head, rows, targets, temperature);
        }
    }
    let op = TokenLogprobs {
        rows: cpu::cpu_ints(rows),
        targets: cpu::cpu_ints(targets),
        temperature,
    };
    cpu::apply(op, [Input::new(hidden), Input::new(head)])
}

/// The same from burn's operations, for every device; holds all logits at once.
pub fn token_logprobs_portable(
    hidden: Tensor<2>,
    head: Tensor<2>,
    rows: Tensor<1, Int>,
    targets: Tensor<1, Int>,
    temperature: f32,
) -> Tensor<2> {
    let logits = hidden
        .select(0, rows)
        .matmul(head.transpose())
        .div_scalar(temperature);
    let logprobs = activation::log_softmax(logits, 1);
    let chosen = logprobs.clone().gather(1, targets.unsqueeze_dim::<2>(1));
    let entropy = (logprobs.clone().exp() * logprobs).sum_dim(1).neg();
    Tensor::cat(vec![chosen, entropy], 1)
}

/// Logits held at a time, in values.
const LOGITS: usize = 1 << 16;

#[derive(Clone, Debug)]
struct TokenLogprobs {
    rows: Vec<usize>,
    targets: Vec<usize>,
    temperature: f32,
}

#[derive(Clone, Debug)]
struct Saved {
    hidden: CpuTensor,
    head: CpuTensor,
    /// log Σ exp of each row's scaled logits.
    log_sums: Vec<f32>,
    entropies: Vec<f32>,
}

impl TokenLogprobs {
    /// Calls `body(first row, the hidden rows, their scaled logits)` chunk by chunk.
    fn chunks(
        &self,
        hidden: &CpuTensor,
        head: &CpuTensor,
        mut body: impl FnMut(usize, &[f32], &mut [f32]),
    ) {
        let [vocabulary, width] = [dims(head)[0], dims(head)[1]];
        let size = (LOGITS / vocabulary).clamp(16, 256);
        let mut inputs = vec![0.0; size * width];
        let mut logits = vec![0.0; size * vocabulary];
        for (chunk, rows) in self.rows.chunks(size).enumerate() {
            for (input, &row) in inputs.chunks_exact_mut(width).zip(rows) {
                input.copy_from_slice(&values(hidden)[row * width..(row + 1) * width]);
            }
            let inputs = &inputs[..rows.len() * width];
            let logits = &mut logits[..rows.len() * vocabulary];
            let weight = View::rows(values(head), width).transposed();
            let product = [rows.len(), width, vocabulary];
            matmul(
                product,
                View::rows(inputs, width),
                weight,
                logits,
                vocabulary,
                false,
            );
            if self.temperature != 1.0 {
                let inverse = 1.0 / self.temperature;
                logits.iter_mut().for_each(|logit| *logit *= inverse);
            }
            body(chunk * size, inputs, logits);
        }
    }
}

impl FusedOp<Flex, 2> for TokenLogprobs {
    type Saved = Saved;

    fn forward(&self, [hidden, head]: [CpuTensor; 2]) -> (CpuTensor, Saved) {
        let n = self.rows.len();
        let vocabulary = dims(&head)[0];
        let mut output = Vec::with_capacity(2 * n);
        let mut log_sums = Vec::with_capacity(n);
        let mut entropies = Vec::with_capacity(n);
        self.chunks(&hidden, &head, |first, _, logits| {
            for (i, logits) in logits.chunks_exact(vocabulary).enumerate() {
                let (log_sum, entropy) = vectorized(|| summary(logits));
                output.extend([logits[self.targets[first + i]] - log_sum, entropy]);
                log_sums.push(log_sum);
                entropies.push(entropy);
            }
        });
        (
            from_vec(output, &[n, 2]),
            Saved {
                hidden,
                head,
                log_sums,
                entropies,
            },
        )
    }

    fn backward(&self, saved: Saved, grad: CpuTensor, _: [bool; 2]) -> [Option<CpuTensor>; 2] {
        let grad = values(&grad);
        let Saved {
            hidden,
            head,
            log_sums,
            entropies,
        } = saved;
        let [vocabulary, width] = [dims(&head)[0], dims(&head)[1]];
        let mut dhidden = vec![0.0; values(&hidden).len()];
        let mut dhead = vec![0.0; vocabulary * width];
        let mut drows = Vec::new();
        let inverse = 1.0 / self.temperature;
        self.chunks(&hidden, &head, |first, inputs, logits| {
            let n = logits.len() / vocabulary;
            for (i, logits) in logits.chunks_exact_mut(vocabulary).enumerate() {
                let row = first + i;
                let [dlogp, dentropy] = [grad[2 * row], grad[2 * row + 1]];
                let (log_sum, entropy) = (log_sums[row], entropies[row]);
                // ∂log p_y/∂l_j = [j = y] − p_j;  ∂H/∂l_j = −p_j·(log p_j + H)
                vectorized(|| {
                    for logit in logits.iter_mut() {
                        let logp = *logit - log_sum;
                        let p = exp(logp);
                        // 0·log 0 is 0 (p underflows before log p is −∞ times anything).
                        let entropy_term = if p > 0.0 { p * (logp + entropy) } else { 0.0 };
                        *logit = -inverse * (dlogp * p + dentropy * entropy_term);
                    }
                });
                logits[self.targets[row]] += inverse * dlogp;
            }
            drows.resize(n * width, 0.0);
            let (dlogits, weight) = (View::rows(logits, vocabulary), values(&head));
            let product = [n, vocabulary, width];
            matmul(
                product,
                dlogits,
                View::rows(weight, width),
                &mut drows,
                width,
                false,
            );
            for (drow, &row) in drows.chunks_exact(width).zip(&self.rows[first..]) {
                add_scaled(&mut dhidden[row * width..(row + 1) * width], 1.0, drow);
            }
            let product = [vocabulary, n, width];
            let inputs = View::rows(inputs, width);
            matmul(
                product,
                dlogits.transposed(),
                inputs,
                &mut dhead,
                width,
                true,
            );
        });
        let shape = dims(&hidden);
        [
            Some(from_vec(dhidden, &shape)),
            Some(from_vec(dhead, &[vocabulary, width])),
        ]
    }
}

/// (log Σ exp, entropy) of one row of logits.
#[inline(always)]
fn summary(logits: &[f32]) -> (f32, f32) {
    let top = max(logits);
    let sum = sum_of(logits, |logit| exp(logit - top));
    let weighted = sum_of(logits, |logit| {
        let shifted = logit - top;
        let p = exp(shifted);
        if p > 0.0 { p * shifted } else { 0.0 }
    });
    let log_sum = sum.ln();
    // H = log Σ − Σ p·l, with everything shifted by the maximum.
    (top + log_sum, log_sum - weighted / sum)
}
