// The gradients of causal attention in the keys and values, over all queries from each position on
// and all heads of the group: dv = Σ P · g, dk = Σ P · (dP − mean) · scale · q, with
// P = exp(q·k · scale − log_sum) and dP = g·v (see attention_grad_queries).
//
// q, g: [batch, time, HEADS, HEAD_DIM], k, v: [batch, time, GROUPS, HEAD_DIM],
// log_sum, mean: [batch, HEADS, time] → dk, dv: like k.
// A workgroup works on 64 positions of one group, one each invocation, with TILE queries at a time.
//
// const HEADS: u32 = 4u;
// const GROUPS: u32 = 2u;
// const HEAD_DIM: u32 = 6u;
// const TILE: u32 = 15u;

const ROWS: u32 = 64u;
const QUADS: u32 = (HEAD_DIM + 3u) / 4u;
const SHARE: u32 = HEADS / GROUPS;

struct Numbers {
    batch: u32,
    time: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<f32>;
@group(0) @binding(7) var<storage, read_write> dv: array<f32>;
@group(0) @binding(8) var<uniform> numbers: Numbers;

var<workgroup> queries: array<vec4<f32>, TILE * QUADS>;
var<workgroup> grads: array<vec4<f32>, TILE * QUADS>;
var<workgroup> totals: array<f32, TILE>;
var<workgroup> means: array<f32, TILE>;

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
    let group = work / blocks % GROUPS;
    let b = work / blocks / GROUPS;
    let position = start + local;
    let inside = b < numbers.batch && position < time;
    let at = ((b * time + position) * GROUPS + group) * HEAD_DIM;

    var key: array<vec4<f32>, QUADS>;
    var value: array<vec4<f32>, QUADS>;
    var key_sum: array<vec4<f32>, QUADS>;
    var value_sum: array<vec4<f32>, QUADS>;
    for (var d = 0u; d < QUADS; d++) {
        var first = vec4<f32>();
        var second = vec4<f32>();
        for (var c = 0u; c < 4u; c++) {
            if inside && d * 4u + c < HEAD_DIM {
                first[c] = k[at + d * 4u + c];
                second[c] = v[at + d * 4u + c];
            }
        }
        key[d] = first;
        value[d] = second;
        key_sum[d] = vec4<f32>();
        value_sum[d] = vec4<f32>();
    }
    for (var h = 0u; h < SHARE; h++) {
        let head = group * SHARE + h;
        for (var first = start; first < time; first += TILE) {
            for (var l = local; l < TILE * QUADS; l += ROWS) {
                let row = first + l / QUADS;
                let source = ((b * time + row) * HEADS + head) * HEAD_DIM;
                var query = vec4<f32>();
                var grad = vec4<f32>();
                for (var c = 0u; c < 4u; c++) {
                    let d = l % QUADS * 4u + c;
                    if b < numbers.batch && row < time && d < HEAD_DIM {
                        query[c] = q[source + d] * numbers.scale;
                        grad[c] = g[source + d];
                    }
                }
                queries[l] = query;
                grads[l] = grad;
            }
            if local < TILE && b < numbers.batch && first + local < time {
                totals[local] = log_sum[(b * HEADS + head) * time + first + local];
                means[local] = mean[(b * HEADS + head) * time + first + local];
            }
            workgroupBarrier();
            if inside {
                let end = min(time - first, TILE);
                for (var r = select(0u, position - first, position > first); r < end; r++) {
                    var score = 0.0;
                    var change = 0.0;
                    for (var d = 0u; d < QUADS; d++) {
                        score += dot(queries[r * QUADS + d], key[d]);
                        change += dot(grads[r * QUADS + d], value[d]);
                    }
                    let weight = exp(score - totals[r]);
                    let slope = weight * (change - means[r]);
                    for (var d = 0u; d < QUADS; d++) {
                        value_sum[d] += weight * grads[r * QUADS + d];
                        key_sum[d] += slope * queries[r * QUADS + d];
                    }
                }
            }
            // The next queries overwrite these.
            workgroupBarrier();
        }
    }
    if inside {
        for (var d = 0u; d < QUADS; d++) {
            for (var c = 0u; c < 4u; c++) {
                if d * 4u + c < HEAD_DIM {
                    dk[at + d * 4u + c] = key_sum[d][c];
                    dv[at + d * 4u + c] = value_sum[d][c];
                }
            }
        }
    }
}
