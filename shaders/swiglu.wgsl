// SwiGLU, element by element: y = silu(gate) · up, silu(a) = a / (1 + exp(−a)).
//
// gate, up: [n] → y: [n].

struct Numbers {
    n: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> numbers: Numbers;

// exp never overflows here: its argument is never positive.
fn sigmoid(a: f32) -> f32 {
    let e = exp(-abs(a));
    return select(e, 1.0, a >= 0.0) / (1.0 + e);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (id.y * count.x + id.x) * 256u + local;
    if i < numbers.n {
        let a = gate[i];
        y[i] = a * sigmoid(a) * up[i];
    }
}
