// The gradients of SwiGLU: with s = sigmoid(gate),
// dgate = g · up · (s + gate · s · (1 − s)), dup = g · gate · s.
//
// gate, up, g: [n] → dgate, dup: [n].

struct Numbers {
    n: u32,
}

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(4) var<storage, read_write> dup: array<f32>;
@group(0) @binding(5) var<uniform> numbers: Numbers;

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
        let s = sigmoid(a);
        let silu = a * s;
        dgate[i] = g[i] * up[i] * (s + silu * (1.0 - s));
        dup[i] = g[i] * silu;
    }
}
