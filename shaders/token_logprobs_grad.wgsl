// From logits to their gradient, in place: with l = logits[r] · inverse, log p = l − log_sum and
// (dlogp, dH) = g[r], dlogits[r, j] = inverse · (dlogp · ([j = target] − p_j) − dH · p_j · (log p_j + H)).
//
// logits: [rows, vocabulary] → its gradient; targets: [n], kept: [n, 2] = (log_sum, H), g: [n, 2];
// the rows are those from `first` on of n.

struct Numbers {
    rows: u32,
    vocabulary: u32,
    first: u32,
    inverse: f32,
}

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read> kept: array<f32>;
@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<uniform> numbers: Numbers;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (id.y * count.x + id.x) * 256u + local;
    let row = i / numbers.vocabulary;
    if row < numbers.rows {
        let n = numbers.first + row;
        let log_p = logits[i] * numbers.inverse - kept[2u * n];
        let p = exp(log_p);
        // 0 · log 0 is 0: p underflows long before log p overflows.
        let surprise = select(p * (log_p + kept[2u * n + 1u]), 0.0, p == 0.0);
        var slope = -g[2u * n] * p - g[2u * n + 1u] * surprise;
        if i % numbers.vocabulary == u32(targets[n]) {
            slope += g[2u * n];
        }
        logits[i] = numbers.inverse * slope;
    }
}
