// The gradient of causal attention in the queries, with the weights computed again from log_sum:
// P = exp(q·k · scale − log_sum), dP = g·v, mean = g·y, dq = Σ P · (dP − mean) · scale · k; and
// mean: [batch, HEADS, time], which attention_grad_keys needs too.
//
// q, g, y: [batch, time, HEADS, HEAD_DIM], k, v: [batch, time, GROUPS, HEAD_DIM],
// log_sum: [batch, HEADS, time] → dq: like q, mean: like log_sum.
// A workgroup works on 64 queries of one head, one each invocation, with TILE keys at a time.
//
// const HEADS: u32 = 4u;
// const GROUPS: u32 = 2u;
// const HEAD_DIM: u32 = 6u;
// const TILE: u32 = 16u;

const ROWS: u32 = 64u;
const QUADS: u32 = (HEAD_DIM + 3u) / 4u;

struct Numbers {
    batch: u32,
    time: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read> log_sum: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;
@group(0) @binding(7) var<storage, read_write> mean: array<f32>;
@group(0) @binding(8) var<uniform> numbers: Numbers;

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
    var grad: array<vec4<f32>, QUADS>;
    var sum: array<vec4<f32>, QUADS>;
    var along = 0.0;
    for (var d = 0u; d < QUADS; d++) {
        var quad = vec4<f32>();
        var out = vec4<f32>();
        for (var c = 0u; c < 4u; c++) {
            let source = at + d * 4u + c;
            if inside && d * 4u + c < HEAD_DIM {
                quad[c] = q[source] * numbers.scale;
                out[c] = g[source];
                along += g[source] * y[source];
            }
        }
        query[d] = quad;
        grad[d] = out;
        sum[d] = vec4<f32>();
    }
    var total = 0.0;
    if inside {
        total = log_sum[(b * HEADS + head) * time + row];
    }
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
            for (var j = 0u; j < seen; j++) {
                var score = 0.0;
                var change = 0.0;
                for (var d = 0u; d < QUADS; d++) {
                    score += dot(query[d], keys[j * QUADS + d]);
                    change += dot(grad[d], values[j * QUADS + d]);
                }
                let slope = exp(score - total) * (change - along) * numbers.scale;
                for (var d = 0u; d < QUADS; d++) {
                    sum[d] += slope * keys[j * QUADS + d];
                }
            }
        }
        // The next keys overwrite these.
        workgroupBarrier();
    }
    if inside {
        for (var d = 0u; d < QUADS; d++) {
            for (var c = 0u; c < 4u; c++) {
                if d * 4u + c < HEAD_DIM {
                    dq[at + d * 4u + c] = sum[d][c];
                }
            }
        }
        mean[(b * HEADS + head) * time + row] = along;
    }
}
