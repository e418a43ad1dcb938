// Rotary position embedding in the rotate-half form: dimension i of a head's first half turns with
// dimension i of its second half by the angle of the row's position; `direction` −1 turns back,
// which is the gradient.
//
// x: [rows, heads, head_dim], cos, sin: [positions there are, head_dim / 2], positions: [rows]
// → y: [rows, heads, head_dim].
//
// const HEADS: u32 = 3u;
// const HEAD_DIM: u32 = 8u;

const HALF: u32 = HEAD_DIM / 2u;

struct Numbers {
    rows: u32,
    direction: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> cos_table: array<f32>;
@group(0) @binding(2) var<storage, read> sin_table: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> numbers: Numbers;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // One invocation turns one pair.
    let pair = (id.y * count.x + id.x) * 256u + local;
    let row = pair / (HEADS * HALF);
    if row < numbers.rows {
        let i = pair % HALF;
        let first = pair / HALF * HEAD_DIM + i;
        let angle = u32(positions[row]) * HALF + i;
        let c = cos_table[angle];
        let s = numbers.direction * sin_table[angle];
        let a = x[first];
        let b = x[first + HALF];
        y[first] = a * c - b * s;
        y[first + HALF] = b * c + a * s;
    }
}
