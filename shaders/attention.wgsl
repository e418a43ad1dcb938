// Causal grouped-query attention without the T × T weights (FlashAttention, Dao et al. 2022):
// y = softmax(q·kᵀ · scale)·v over the positions up to each query's own, and
// log_sum = log Σ exp of each query's scores, kept for the gradient.
//
// q: [batch, time, HEADS, HEAD_DIM], k, v: [batch, time, GROUPS, HEAD_DIM]
// → y: like q, log_sum: [batch, HEADS, time].
// A workgroup works on 64 queries of one head, one each invocation, with TILE keys at a time.
//
// const HEADS: u32 = 4u;
// const GROUPS: u32 = 2u;
// const HEAD_DIM: u32 = 6u;
// const TILE: u32 = 16u;

const ROWS: u32 = 64u;
const QUADS: u32 = (HEAD_DIM + 3u) / 4u;
const LOWEST: f32 = -3.0e38;

struct Numbers {
    batch: u32,
    time: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> log_sum: array<f32>;
@group(0) @binding(5) var<uniform> numbers: Numbers;

var<workgroup> keys: array<vec4<f32>, TILE * QUADS>;
var<workgroup> values: array<vec4<f32>, TILE * QUADS>;

@compute @workgroup_size(ROWS)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let time = numbers.time;
    let blocks = (time + ROWS - 1u) / ROWS;
    let work = id.y * count.x + id.x;
    let start = work % blocks * ROWS;
    let head = work / blocks % HEADS;
    let b = work / blocks / HEADS;
    let group = head / (HEADS / GROUPS);
    let row = start + local;
    let inside = b < numbers.batch && row < time;
    let at = ((b * time + row) * HEADS + head) * HEAD_DIM;

    var query: array<vec4<f32>, QUADS>;
    var sum: array<vec4<f32>, QUADS>;
    for (var d = 0u; d < QUADS; d++) {
        var quad = vec4<f32>();
        for (var c = 0u; c < 4u; c++) {
            if inside && d * 4u + c < HEAD_DIM {
                quad[c] = q[at + d * 4u + c] * numbers.scale;
            }
        }
        query[d] = quad;
        sum[d] = vec4<f32>();
    }
    var top = LOWEST;
    var weights = 0.0;
    let end = min(start + ROWS, time);
    for (var first = 0u; first < end; first += TILE) {
        for (var l = local; l < TILE * QUADS; l += ROWS) {
            let position = first + l / QUADS;
            let source = ((b * time + position) * GROUPS + group) * HEAD_DIM;
            var key = vec4<f32>();
            var value = vec4<f32>();
            for (var c = 0u; c < 4u; c++) {
                let d = l % QUADS * 4u + c;
                if b < numbers.batch && position < time && d < HEAD_DIM {
                    key[c] = k[source + d];
                    value[c] = v[source + d];
                }
            }
            keys[l] = key;
            values[l] = value;
        }
        workgroupBarrier();
        if inside && row >= first {
            let seen = min(row + 1u - first, TILE);
            var scores: array<f32, TILE>;
            var high = top;
            for (var j = 0u; j < seen; j++) {
                var score = 0.0;
                for (var d = 0u; d < QUADS; d++) {
                    score += dot(query[d], keys[j * QUADS + d]);
                }
                scores[j] = score;
                high = max(high, score);
            }
            let shrink = exp(top - high);
            weights *= shrink;
            for (var d = 0u; d < QUADS; d++) {
                sum[d] *= shrink;
            }
            for (var j = 0u; j < seen; j++) {
                let weight = exp(scores[j] - high);
                weights += weight;
                for (var d = 0u; d < QUADS; d++) {
                    sum[d] += weight * values[j * QUADS + d];
                }
            }
            top = high;
        }
        // The next keys overwrite these.
        workgroupBarrier();
    }
    if inside {
        for (var d = 0u; d < QUADS; d++) {
            for (var c = 0u; c < 4u; c++) {
                if d * 4u + c < HEAD_DIM {
                    y[at + d * 4u + c] = sum[d][c] / weights;
                }
            }
        }
        log_sum[(b * HEADS + head) * time + row] = top + log(weights);
    }
}
