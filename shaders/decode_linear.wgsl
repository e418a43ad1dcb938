// y = x·Wᵀ + b for the rows of one decoding step, with what stands before and after it in a decoder
// in the same pass: RMSNorm of x before, the residual sum or SwiGLU after.
//
// const WIDTH: u32 = 6u;    // values of a row of x and of W, in fours; the last four padded with zeros
// const OUTS: u32 = 20u;    // rows of W; with SwiGLU gate and up take turns
// const STRIDE: u32 = 20u;  // values from one row of y to the next
// const NORM: u32 = 1u;     // 1: x is normed first, x·γ / √(mean(x²) + ε)
// const AFTER: u32 = 0u;    // 0: y is written, 1: added to what y holds, 2: silu(gate) · up is written
//
// x: [rows, 4·WIDTH], weight: [OUTS, 4·WIDTH], bias: [OUTS], gamma: [4·WIDTH],
// y: [rows, STRIDE], of which the first OUTS columns (with SwiGLU OUTS/2) are written.
//
// A workgroup computes 4 rows × 32 columns. Eight lanes share a sum over the width; each lane has
// 4 × 4 sums. The sum of squares comes from the same loop, since the norm only scales a whole row.
// A row's sums are added in an order that does not depend on the rows beside it.

struct Numbers {
    rows: u32,
    // 1 / the width without padding
    part: f32,
    epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> gamma: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> numbers: Numbers;

const LANES: u32 = 8u;
const THREADS: u32 = 64u;
const ROWS: u32 = 4u;
const COLUMNS: u32 = 32u;

// Pairs of columns: 2 pairs × 4 rows of every thread.
var<workgroup> sums: array<vec2<f32>, 512>;
// Σ x² of the four rows, of every thread.
var<workgroup> squares: array<vec4<f32>, 64>;

fn columns(x: vec4<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(dot(x, a), dot(x, b), dot(x, c), dot(x, d));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let tiles = (OUTS + COLUMNS - 1u) / COLUMNS;
    let tile = id.y * count.x + id.x;
    let first_row = tile / tiles * ROWS;
    if first_row >= numbers.rows {
        return;
    }
    let lane = thread % LANES;
    let first = tile % tiles * COLUMNS + thread / LANES * 4u;

    // Rows and columns beyond the last repeat it; nothing of theirs is written.
    let last_row = numbers.rows - 1u;
    let x0 = first_row * WIDTH;
    let x1 = min(first_row + 1u, last_row) * WIDTH;
    let x2 = min(first_row + 2u, last_row) * WIDTH;
    let x3 = min(first_row + 3u, last_row) * WIDTH;
    let w0 = min(first, OUTS - 1u) * WIDTH;
    let w1 = min(first + 1u, OUTS - 1u) * WIDTH;
    let w2 = min(first + 2u, OUTS - 1u) * WIDTH;
    let w3 = min(first + 3u, OUTS - 1u) * WIDTH;

    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    var square = vec4<f32>();
    for (var k = lane; k < WIDTH; k += LANES) {
        var a = x[x0 + k];
        var b = x[x1 + k];
        var c = x[x2 + k];
        var d = x[x3 + k];
        if NORM == 1u {
            square += vec4<f32>(dot(a, a), dot(b, b), dot(c, c), dot(d, d));
            let g = gamma[k];
            a *= g;
            b *= g;
            c *= g;
            d *= g;
        }
        let p = weight[w0 + k];
        let q = weight[w1 + k];
        let r = weight[w2 + k];
        let s = weight[w3 + k];
        s0 += columns(a, p, q, r, s);
        s1 += columns(b, p, q, r, s);
        s2 += columns(c, p, q, r, s);
        s3 += columns(d, p, q, r, s);
    }
    sums[thread] = s0.xy;
    sums[THREADS + thread] = s0.zw;
    sums[2u * THREADS + thread] = s1.xy;
    sums[3u * THREADS + thread] = s1.zw;
    sums[4u * THREADS + thread] = s2.xy;
    sums[5u * THREADS + thread] = s2.zw;
    sums[6u * THREADS + thread] = s3.xy;
    sums[7u * THREADS + thread] = s3.zw;
    squares[thread] = square;
    workgroupBarrier();

    // Each thread finishes one pair of columns of one row of its lanes' tile.
    let start = thread - lane;
    let row = first_row + lane / 2u;
    let column = first + lane % 2u * 2u;
    var sum = vec2<f32>();
    var total = 0.0;
    for (var other = 0u; other < LANES; other += 1u) {
        sum += sums[lane * THREADS + start + other];
        total += squares[start + other][lane / 2u];
    }
    if row >= numbers.rows || column >= OUTS {
        return;
    }
    if NORM == 1u {
        sum *= 1.0 / sqrt(total * numbers.part + numbers.epsilon);
    }
    sum.x += bias[column];
    let both = column + 1u < OUTS;
    if both {
        sum.y += bias[column + 1u];
    }
    if AFTER == 2u {
        y[row * STRIDE + column / 2u] = sum.x / (1.0 + exp(-sum.x)) * sum.y;
        return;
    }
    let at = row * STRIDE + column;
    if AFTER == 1u {
        sum.x += y[at];
        if both {
            sum.y += y[at + 1u];
        }
    }
    y[at] = sum.x;
    if both {
        y[at + 1u] = sum.y;
    }
}
