// The losses of the tokens of some completions and their slopes: with ρ = exp(logp − old), of the
// token or (BY_SEQUENCE) of the mean over its completion,
//
//   part = weight · (−min(min(ρ, delta)·A, clip(ρ, low, high)·A) + beta·k3) − entropy_coef · entropy_weight · entropy,
//   part = weight · (−sg(min(ρ, high))·A·logp + beta·k3) − …                                   (CISPO),
//
// k3 = exp(ref − logp) − (ref − logp) − 1, times ρ where KL_TIMES_RATIO.
//
// scored: [n, 2], logp and entropy. tokens: [n, 5], old, ref, A, weight, entropy_weight.
// starts: [completions + 1], the token each completion begins with, and n.
// → values: [n, 4], part, min(ρ, delta), k3, entropy; slopes: [n, 2], d Σ part / d scored.
// One workgroup a completion.

const CISPO: u32 = 1u;
const BY_SEQUENCE: u32 = 2u;
const KL_TIMES_RATIO: u32 = 4u;
// Whether there is an old policy, and a reference.
const OLD: u32 = 8u;
const REFERENCE: u32 = 16u;

struct Numbers {
    completions: u32,
    flags: u32,
    low: f32,
    high: f32,
    delta: f32,
    beta: f32,
    entropy_coef: f32,
}

@group(0) @binding(0) var<storage, read> scored: array<f32>;
@group(0) @binding(1) var<storage, read> tokens: array<f32>;
@group(0) @binding(2) var<storage, read> starts: array<i32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> slopes: array<f32>;
@group(0) @binding(5) var<uniform> numbers: Numbers;

var<workgroup> sums: array<f32, 64>;

fn is(flag: u32) -> bool {
    return (numbers.flags & flag) != 0u;
}

fn log_ratio(t: u32) -> f32 {
    return select(0.0, scored[2u * t] - tokens[5u * t], is(OLD));
}

// The sum over the workgroup, for all of it.
fn total(local: u32, own: f32) -> f32 {
    sums[local] = own;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if local < half {
            sums[local] += sums[local + half];
        }
    }
    workgroupBarrier();
    let sum = sums[0];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let completion = id.y * count.x + id.x;
    var first = 0u;
    var end = 0u;
    if completion < numbers.completions {
        first = u32(starts[completion]);
        end = u32(starts[completion + 1u]);
    }
    let length = f32(max(end - first, 1u));

    var own = 0.0;
    for (var t = first + local; t < end; t += 64u) {
        own += log_ratio(t);
    }
    let mean = total(local, own) / length;

    // d Σ part / d ρ · ρ, which all tokens share where ρ is of the completion.
    var shared_slope = 0.0;
    for (var t = first + local; t < end; t += 64u) {
        let logp = scored[2u * t];
        let entropy = scored[2u * t + 1u];
        let advantage = tokens[5u * t + 2u];
        let weight = tokens[5u * t + 3u];
        let bonus = numbers.entropy_coef * tokens[5u * t + 4u];
        let ratio = exp(select(log_ratio(t), mean, is(BY_SEQUENCE)));
        let bounded = min(ratio, numbers.delta);
        // The slope along ρ, and the one along logp beside it.
        var loss: f32;
        var along_ratio = 0.0;
        var along_logp = 0.0;
        if is(CISPO) {
            along_logp = -min(ratio, numbers.high) * advantage;
            loss = along_logp * logp;
        } else {
            let free = bounded * advantage;
            let clipped = clamp(ratio, numbers.low, numbers.high) * advantage;
            loss = -min(free, clipped);
            let within = ratio >= numbers.low && ratio <= numbers.high;
            if free < clipped {
                along_ratio = select(0.0, -advantage, ratio <= numbers.delta);
            } else {
                along_ratio = select(0.0, -advantage, within);
            }
        }
        var kl = 0.0;
        if is(REFERENCE) {
            let difference = tokens[5u * t + 1u] - logp;
            let odds = exp(difference);
            kl = odds - difference - 1.0;
            var kl_slope = 1.0 - odds;
            if is(KL_TIMES_RATIO) {
                along_ratio += numbers.beta * kl;
                kl_slope *= ratio;
                kl *= ratio;
            }
            loss += numbers.beta * kl;
            along_logp += numbers.beta * kl_slope;
        }
        values[4u * t] = weight * loss - bonus * entropy;
        values[4u * t + 1u] = bounded;
        values[4u * t + 2u] = kl;
        values[4u * t + 3u] = entropy;
        let through_ratio = weight * along_ratio * ratio;
        if is(BY_SEQUENCE) {
            shared_slope += through_ratio;
            slopes[2u * t] = weight * along_logp;
        } else {
            slopes[2u * t] = weight * along_logp + through_ratio;
        }
        slopes[2u * t + 1u] = -bonus;
    }
    let each = total(local, shared_slope) / length;
    for (var t = first + local; t < end; t += 64u) {
        slopes[2u * t] += each;
    }
}
