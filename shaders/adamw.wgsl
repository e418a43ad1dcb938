// One AdamW update (Loshchilov & Hutter 2019) of up to two parameters where they lie, in PyTorch's
// order: with g = grad · grad_scale, m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
// θ ← θ · decay − rate · m / (√v · root + ε), rate = lr / (1 − β₁ᵗ), root = 1 / √(1 − β₂ᵗ).
//
// parameter, grad, m, v: [n] for each of the two; the second may be empty (n_1 = 0). Two are what
// WebGPU's eight storage buffers hold.

struct Numbers {
    n_0: u32,
    n_1: u32,
    // Workgroups of the first parameter; the others work on the second.
    split: u32,
    decay_0: f32,
    decay_1: f32,
    grad_scale: f32,
    beta1: f32,
    beta2: f32,
    rate: f32,
    root: f32,
    epsilon: f32,
}

@group(0) @binding(0) var<storage, read_write> parameter_0: array<f32>;
@group(0) @binding(1) var<storage, read> grad_0: array<f32>;
@group(0) @binding(2) var<storage, read_write> m_0: array<f32>;
@group(0) @binding(3) var<storage, read_write> v_0: array<f32>;
@group(0) @binding(4) var<storage, read_write> parameter_1: array<f32>;
@group(0) @binding(5) var<storage, read> grad_1: array<f32>;
@group(0) @binding(6) var<storage, read_write> m_1: array<f32>;
@group(0) @binding(7) var<storage, read_write> v_1: array<f32>;
@group(0) @binding(8) var<uniform> numbers: Numbers;

// (θ, m, v) after one update.
fn updated(parameter: f32, gradient: f32, moment1: f32, moment2: f32, decay: f32) -> vec3<f32> {
    let g = gradient * numbers.grad_scale;
    let m = numbers.beta1 * moment1 + (1.0 - numbers.beta1) * g;
    let v = numbers.beta2 * moment2 + (1.0 - numbers.beta2) * g * g;
    let change = numbers.rate * m / (sqrt(v) * numbers.root + numbers.epsilon);
    return vec3<f32>(parameter * decay - change, m, v);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    if group < numbers.split {
        let i = group * 256u + local;
        if i < numbers.n_0 {
            let next = updated(parameter_0[i], grad_0[i], m_0[i], v_0[i], numbers.decay_0);
            parameter_0[i] = next.x;
            m_0[i] = next.y;
            v_0[i] = next.z;
        }
    } else {
        let i = (group - numbers.split) * 256u + local;
        if i < numbers.n_1 {
            let next = updated(parameter_1[i], grad_1[i], m_1[i], v_1[i], numbers.decay_1);
            parameter_1[i] = next.x;
            m_1[i] = next.y;
            v_1[i] = next.z;
        }
    }
}
