// Attention of one new token per row over its cached keys and values, with grouped queries: norms
// and turns the new queries and keys, stores keys and values in the cache, and attends to all
// positions so far by an online softmax (Milakov & Gimelshein 2018), in runs of 64 positions.
//
// const HEADS: u32 = 4u;    // query heads
// const GROUPS: u32 = 2u;   // key and value heads
// const HEAD: u32 = 6u;     // values of a head, an even number
// const STRIDE: u32 = 24u;  // values from one row of y to the next
// const NORM: u32 = 1u;     // 1: RMSNorm on each head's query and key first (qwen3)
//
// qkv: [rows, (HEADS + 2·GROUPS)·HEAD], norms: [2, HEAD] (of queries, of keys),
// rotary: [positions there are, HEAD] (cos, then sin, HEAD/2 each),
// keys: [slots, GROUPS, HEAD, room], values: [slots, GROUPS, room, HEAD], y: [rows, STRIDE].
//
// One workgroup per row and group. Rows that have finished are left out.

struct Row {
    slot: u32,
    prompt: u32,
    limit: u32,
    key: u32,
    finished: u32,
}

struct Numbers {
    rows: u32,
    // Which token of the completion this is, counted from 0: its position is prompt + token.
    token: u32,
    room: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> norms: array<f32>;
@group(0) @binding(2) var<storage, read> rotary: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<Row>;
@group(0) @binding(4) var<storage, read_write> keys: array<f32>;
@group(0) @binding(5) var<storage, read_write> values: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<uniform> numbers: Numbers;

const THREADS: u32 = 64u;
const LOWEST: f32 = -3.4028234e38;
// Query heads that share a key head.
const TIMES: u32 = HEADS / GROUPS;
const HALF: u32 = HEAD / 2u;
const OUTPUTS: u32 = TIMES * HEAD;
const OUTPUTS_PER_THREAD: u32 = (OUTPUTS + THREADS - 1u) / THREADS;

var<workgroup> slot: u32;
var<workgroup> position: u32;
var<workgroup> finished: u32;
// The group's queries, then its key.
var<workgroup> heads: array<f32, (TIMES + 1u) * HEAD>;
var<workgroup> scales: array<f32, TIMES + 1u>;
// Scores, then weights, of this run's positions for each query.
var<workgroup> weights: array<f32, TIMES * THREADS>;
var<workgroup> partial: array<f32, TIMES * 8u>;
var<workgroup> tops: array<f32, TIMES>;
// What earlier sums are worth under the new maximum.
var<workgroup> fades: array<f32, TIMES>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = id.y * count.x + id.x;
    let row = index / GROUPS;
    let group = index % GROUPS;
    if row >= numbers.rows {
        return;
    }
    if thread == 0u {
        slot = rows[row].slot;
        position = rows[row].prompt + numbers.token;
        finished = rows[row].finished;
    }
    if workgroupUniformLoad(&finished) != 0u {
        return;
    }
    let now = workgroupUniformLoad(&position);
    let own = (workgroupUniformLoad(&slot) * GROUPS + group) * HEAD * numbers.room;

    let start = row * (HEADS + 2u * GROUPS) * HEAD;
    let new_key = start + (HEADS + group) * HEAD;
    let new_value = new_key + GROUPS * HEAD;
    for (var i = thread; i < OUTPUTS; i += THREADS) {
        heads[i] = qkv[start + group * OUTPUTS + i];
    }
    for (var i = thread; i < HEAD; i += THREADS) {
        heads[OUTPUTS + i] = qkv[new_key + i];
        values[own + now * HEAD + i] = qkv[new_value + i];
    }
    workgroupBarrier();
    if NORM == 1u {
        for (var head = thread; head <= TIMES; head += THREADS) {
            var sum = 0.0;
            for (var i = 0u; i < HEAD; i += 1u) {
                let value = heads[head * HEAD + i];
                sum += value * value;
            }
            scales[head] = 1.0 / sqrt(sum / f32(HEAD) + numbers.epsilon);
        }
        workgroupBarrier();
    }
    for (var pair = thread; pair < (TIMES + 1u) * HALF; pair += THREADS) {
        let head = pair / HALF;
        let i = pair % HALF;
        let at = head * HEAD + i;
        var a = heads[at];
        var b = heads[at + HALF];
        if NORM == 1u {
            let scale = scales[head];
            let norm = select(0u, HEAD, head == TIMES);
            a *= scale * norms[norm + i];
            b *= scale * norms[norm + HALF + i];
        }
        let cos = rotary[now * HEAD + i];
        let sin = rotary[now * HEAD + HALF + i];
        let first = a * cos - b * sin;
        let second = b * cos + a * sin;
        if head == TIMES {
            keys[own + i * numbers.room + now] = first;
            keys[own + (HALF + i) * numbers.room + now] = second;
        }
        heads[at] = first;
        heads[at + HALF] = second;
    }
    if thread < TIMES {
        tops[thread] = LOWEST;
    }
    storageBarrier();
    workgroupBarrier();

    var outputs: array<f32, OUTPUTS_PER_THREAD>;
    var totals: array<f32, OUTPUTS_PER_THREAD>;
    let scale = 1.0 / sqrt(f32(HEAD));
    for (var run = 0u; run <= now; run += THREADS) {
        let time = run + thread;
        var scores: array<f32, TIMES>;
        if time <= now {
            for (var i = 0u; i < HEAD; i += 1u) {
                let key = keys[own + i * numbers.room + time];
                for (var head = 0u; head < TIMES; head += 1u) {
                    scores[head] += heads[head * HEAD + i] * key;
                }
            }
        }
        for (var head = 0u; head < TIMES; head += 1u) {
            weights[head * THREADS + thread] = select(LOWEST, scores[head] * scale, time <= now);
        }
        workgroupBarrier();
        for (var part = thread; part < TIMES * 8u; part += THREADS) {
            var top = LOWEST;
            for (var i = 0u; i < 8u; i += 1u) {
                top = max(top, weights[part * 8u + i]);
            }
            partial[part] = top;
        }
        workgroupBarrier();
        if thread < TIMES {
            var top = tops[thread];
            for (var i = 0u; i < 8u; i += 1u) {
                top = max(top, partial[thread * 8u + i]);
            }
            fades[thread] = exp(tops[thread] - top);
            tops[thread] = top;
        }
        workgroupBarrier();
        for (var head = 0u; head < TIMES; head += 1u) {
            let at = head * THREADS + thread;
            weights[at] = select(0.0, exp(weights[at] - tops[head]), time <= now);
        }
        workgroupBarrier();
        let seen = min(THREADS, now - run + 1u);
        for (var part = 0u; part < OUTPUTS_PER_THREAD; part += 1u) {
            let output = part * THREADS + thread;
            if output < OUTPUTS {
                let head = output / HEAD;
                var sum = outputs[part] * fades[head];
                var total = totals[part] * fades[head];
                for (var i = 0u; i < seen; i += 1u) {
                    let weight = weights[head * THREADS + i];
                    sum += weight * values[own + (run + i) * HEAD + output % HEAD];
                    total += weight;
                }
                outputs[part] = sum;
                totals[part] = total;
            }
        }
        workgroupBarrier();
    }
    for (var part = 0u; part < OUTPUTS_PER_THREAD; part += 1u) {
        let output = part * THREADS + thread;
        if output < OUTPUTS {
            y[row * STRIDE + group * OUTPUTS + output] = outputs[part] / totals[part];
        }
    }
}
