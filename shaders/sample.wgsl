// Chooses the next token of every row: Gumbel-max over logits / T with noise from a counter-based
// generator, as rollout::Sampling::choose does on the host, with the same integers and the same
// polynomials, so that a seed gives the same completions on every device.
//
// const VOCAB: u32 = 151u;   // logits of a row
// const HIDDEN: u32 = 24u;   // values of a row of `embed`
// const STRIDE: u32 = 24u;   // values from one row of `hidden` to the next
// const WORKERS: u32 = 64u;  // threads of a workgroup, a power of two
//
// logits: [rows, VOCAB], embed: [VOCAB, HIDDEN], stops: [numbers.stops or more],
// rows: the state of every row, chosen: [tokens, rows, 2] (the token and the bits of its
// log-probability over the whole vocabulary), hidden: [rows, STRIDE], which receives the
// embedding of the token, where the next step starts.
//
// One workgroup per row. Rows that have finished are left out. What truncation keeps is found by
// bisection over the bits of the logits, which is exact: top k by counting; top p by summing
// probabilities, where only the rounding of the sum can differ from the host's.

struct Row {
    slot: u32,
    prompt: u32,
    limit: u32,
    key: u32,
    finished: u32,
}

struct Numbers {
    rows: u32,
    // Which token of the completion this is, counted from 0, and where it is written.
    token: u32,
    place: u32,
    stops: u32,
    // 1 / T
    inverse: f32,
    // 1: no noise
    greedy: u32,
    // 0 keeps all
    top_k: u32,
    // 1 or more keeps all
    top_p: f32,
    // ln of min p; anything below -1e30 keeps all
    min_p: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> embed: array<f32>;
@group(0) @binding(2) var<storage, read> stops: array<u32>;
@group(0) @binding(3) var<storage, read_write> rows: array<Row>;
@group(0) @binding(4) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(5) var<storage, read_write> hidden: array<f32>;
@group(0) @binding(6) var<uniform> numbers: Numbers;

const LOWEST: f32 = -3.4028234e38;
const NOBODY: u32 = 0xffffffffu;

var<workgroup> finished: u32;
var<workgroup> values: array<f32, WORKERS>;
var<workgroup> others: array<f32, WORKERS>;
var<workgroup> tokens: array<u32, WORKERS>;

// rng::hash32
fn hash32(word: u32) -> u32 {
    var x = word;
    x ^= x >> 16u;
    x *= 0x7feb352du;
    x ^= x >> 15u;
    x *= 0x846ca68bu;
    return x ^ (x >> 16u);
}

// rng::mix32
fn mix32(key: u32, word: u32) -> u32 {
    return hash32(((key << 5u) | (key >> 27u)) ^ hash32(word ^ 0x9e3779b9u));
}

// kernels::simd::ln, for positive normal x. WGSL's own log may be off by 2⁻²¹ near 1, where the
// noise depends on all bits.
fn ln(x: f32) -> f32 {
    let shifted = bitcast<u32>(x) - 0x3f3504f3u;
    let e = f32(bitcast<i32>(shifted) >> 23u);
    let mantissa = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u);
    let r = mantissa - 1.0;
    let z = r * r;
    var p = 7.0376836e-2;
    p = p * r - 1.151461e-1;
    p = p * r + 1.1676999e-1;
    p = p * r - 1.2420141e-1;
    p = p * r + 1.4249323e-1;
    p = p * r - 1.6668058e-1;
    p = p * r + 2.0000715e-1;
    p = p * r - 2.4999994e-1;
    p = p * r + 3.333333e-1;
    let y = r * z * p - 2.1219444e-4 * e;
    return (r + (y - 0.5 * z)) + e * 0.6933594;
}

// −ln(−ln u) with u from the top 24 bits of a hash.
fn gumbel(hash: u32) -> f32 {
    let u = (f32(hash >> 8u) + 0.5) * 5.9604645e-8;
    // The largest u rounds to 1. The host's formula then takes the logarithm of −0, which gives
    // this; a device may not keep the sign of zero.
    if u >= 1.0 {
        return -89.41586;
    }
    return -ln(-ln(u));
}

// Integers in the order of the floats.
fn ordered(value: f32) -> u32 {
    // −0 counts as 0.
    let bits = bitcast<u32>(select(value, 0.0, value == 0.0));
    return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn scaled(row: u32, token: u32) -> f32 {
    return logits[row * VOCAB + token] * numbers.inverse;
}

// Σ over the workgroup; every thread gets it.
fn sum(thread: u32, part: f32) -> f32 {
    values[thread] = part;
    workgroupBarrier();
    for (var half = WORKERS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            values[thread] += values[thread + half];
        }
        workgroupBarrier();
    }
    let total = values[0];
    workgroupBarrier();
    return total;
}

// The largest threshold, in the order of `ordered`, that leaves at least `wanted`: of how many
// tokens where `log_sum` is not asked for, else of their probability.
fn threshold(thread: u32, row: u32, wanted: f32, log_sum: f32, probabilities: bool) -> u32 {
    var best = 0u;
    for (var bit = 0x80000000u; bit > 0u; bit >>= 1u) {
        let candidate = best | bit;
        var part = 0.0;
        for (var token = thread; token < VOCAB; token += WORKERS) {
            let value = scaled(row, token);
            if ordered(value) >= candidate {
                part += select(1.0, exp(value - log_sum), probabilities);
            }
        }
        if sum(thread, part) >= wanted {
            best = candidate;
        }
    }
    return best;
}

@compute @workgroup_size(WORKERS)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = id.y * count.x + id.x;
    if row >= numbers.rows {
        return;
    }
    if thread == 0u {
        finished = rows[row].finished;
    }
    if workgroupUniformLoad(&finished) != 0u {
        return;
    }

    // log Σ exp, online.
    var top = LOWEST;
    var total = 0.0;
    for (var token = thread; token < VOCAB; token += WORKERS) {
        let value = scaled(row, token);
        if value > top {
            total = total * exp(top - value) + 1.0;
            top = value;
        } else {
            total += exp(value - top);
        }
    }
    values[thread] = top;
    others[thread] = total;
    workgroupBarrier();
    for (var half = WORKERS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            let a = values[thread];
            let b = values[thread + half];
            let larger = max(a, b);
            others[thread] = others[thread] * exp(a - larger)
                + others[thread + half] * exp(b - larger);
            values[thread] = larger;
        }
        workgroupBarrier();
    }
    let largest = values[0];
    let log_sum = largest + ln(others[0]);
    workgroupBarrier();

    var kept = 0u;
    if numbers.greedy == 0u {
        if numbers.top_k > 0u && numbers.top_k < VOCAB {
            kept = threshold(thread, row, f32(numbers.top_k), log_sum, false);
        }
        if numbers.top_p < 1.0 {
            kept = max(kept, threshold(thread, row, numbers.top_p, log_sum, true));
        }
    }
    let floor = select(LOWEST, largest + numbers.min_p, numbers.min_p > -1e30);

    let key = mix32(rows[row].key, numbers.token);
    var best = LOWEST;
    var winner = NOBODY;
    for (var token = thread; token < VOCAB; token += WORKERS) {
        var value = scaled(row, token);
        if numbers.greedy == 0u {
            if value < floor || ordered(value) < kept {
                continue;
            }
            value += gumbel(hash32(key ^ hash32(token)));
        }
        // A thread's tokens only grow: the first of equals stays.
        if value > best || winner == NOBODY {
            best = value;
            winner = token;
        }
    }
    values[thread] = best;
    tokens[thread] = winner;
    workgroupBarrier();
    for (var half = WORKERS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            let a = values[thread];
            let b = values[thread + half];
            let other = tokens[thread + half];
            let better = b > a || (b == a && other < tokens[thread]) || tokens[thread] == NOBODY;
            if better && other != NOBODY {
                values[thread] = b;
                tokens[thread] = other;
            }
        }
        workgroupBarrier();
    }
    // Of logits that are not numbers nothing is the largest.
    let token = min(tokens[0], VOCAB - 1u);

    if thread == 0u {
        let at = (numbers.place * numbers.rows + row) * 2u;
        chosen[at] = token;
        chosen[at + 1u] = bitcast<u32>(scaled(row, token) - log_sum);
        var ends = numbers.token + 1u >= rows[row].limit;
        for (var i = 0u; i < numbers.stops; i += 1u) {
            ends = ends || stops[i] == token;
        }
        rows[row].finished = select(0u, 1u, ends);
    }
    for (var i = thread; i < HIDDEN; i += WORKERS) {
        hidden[row * STRIDE + i] = embed[token * HIDDEN + i];
    }
}
