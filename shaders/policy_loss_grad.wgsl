// The gradient of policy_loss: the slopes of each token times the gradient of its part of the loss.
//
// slopes: [n, 2], g: [n, 4], of which the first column counts → dscored: [n, 2].

struct Numbers {
    n: u32,
}

@group(0) @binding(0) var<storage, read> slopes: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> dscored: array<f32>;
@group(0) @binding(3) var<uniform> numbers: Numbers;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (id.y * count.x + id.x) * 64u + local;
    if i < 2u * numbers.n {
        dscored[i] = slopes[i] * g[i / 2u * 4u];
    }
}
