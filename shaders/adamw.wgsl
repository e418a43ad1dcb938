// One AdamW update (Loshchilov & Hutter 2019) of up to five parameters where they lie, in PyTorch's
// order: with g = grad · grad_scale, m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
// θ ← θ · decay − rate · m / (√v · root + ε), rate = lr / (1 − β₁ᵗ), root = 1 / √(1 − β₂ᵗ).
//
// parameters, m, v: the part of the lists that holds these parameters, each from a multiple of 256
// numbers on (`pack`). grad_s: [n_s]. Three lists and five gradients are what WebGPU's eight storage
// buffers hold; of fewer than five the rest have n_s = 0 and begin_s = end.

struct Numbers {
    // Blocks of 256 numbers: where each parameter begins, where the last of them ends.
    begin_0: u32,
    begin_1: u32,
    begin_2: u32,
    begin_3: u32,
    begin_4: u32,
    end: u32,
    n_0: u32,
    n_1: u32,
    n_2: u32,
    n_3: u32,
    n_4: u32,
    decay_0: f32,
    decay_1: f32,
    decay_2: f32,
    decay_3: f32,
    decay_4: f32,
    grad_scale: f32,
    beta1: f32,
    beta2: f32,
    rate: f32,
    root: f32,
    epsilon: f32,
}

@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read_write> m: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;
@group(0) @binding(3) var<storage, read> grad_0: array<f32>;
@group(0) @binding(4) var<storage, read> grad_1: array<f32>;
@group(0) @binding(5) var<storage, read> grad_2: array<f32>;
@group(0) @binding(6) var<storage, read> grad_3: array<f32>;
@group(0) @binding(7) var<storage, read> grad_4: array<f32>;
@group(0) @binding(8) var<uniform> numbers: Numbers;

// Number `at` of the list, with its gradient.
fn change(at: u32, gradient: f32, decay: f32) {
    let g = gradient * numbers.grad_scale;
    let moment1 = numbers.beta1 * m[at] + (1.0 - numbers.beta1) * g;
    let moment2 = numbers.beta2 * v[at] + (1.0 - numbers.beta2) * g * g;
    let step = numbers.rate * moment1 / (sqrt(moment2) * numbers.root + numbers.epsilon);
    parameters[at] = parameters[at] * decay - step;
    m[at] = moment1;
    v[at] = moment2;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // One block is of one parameter.
    let block = id.y * count.x + id.x;
    let at = block * 256u + local;
    if block >= numbers.end {
        return;
    }
    if block >= numbers.begin_4 {
        let i = at - numbers.begin_4 * 256u;
        if i < numbers.n_4 { change(at, grad_4[i], numbers.decay_4); }
    } else if block >= numbers.begin_3 {
        let i = at - numbers.begin_3 * 256u;
        if i < numbers.n_3 { change(at, grad_3[i], numbers.decay_3); }
    } else if block >= numbers.begin_2 {
        let i = at - numbers.begin_2 * 256u;
        if i < numbers.n_2 { change(at, grad_2[i], numbers.decay_2); }
    } else if block >= numbers.begin_1 {
        let i = at - numbers.begin_1 * 256u;
        if i < numbers.n_1 { change(at, grad_1[i], numbers.decay_1); }
    } else {
        let i = at - numbers.begin_0 * 256u;
        if i < numbers.n_0 { change(at, grad_0[i], numbers.decay_0); }
    }
}
