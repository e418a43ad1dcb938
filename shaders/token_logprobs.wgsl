// Log-probabilities of given tokens and the entropy of their distributions from logits, in one pass
// with a running maximum (online softmax): with l = logits[r] · inverse (1 / temperature),
// log_sum = log Σ exp l, out = (l[target] − log_sum, H), H = log_sum − Σ p · l.
//
// logits: [rows, vocabulary], targets: [n] → out: [n, 2], kept: [n, 2] = (log_sum, H) for the
// gradient; the rows are those from `first` on of n. One workgroup a row.

const LOWEST: f32 = -3.0e38;

struct Numbers {
    rows: u32,
    vocabulary: u32,
    first: u32,
    inverse: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read_write> kept: array<f32>;
@group(0) @binding(4) var<uniform> numbers: Numbers;

// A part's maximum, Σ exp(l − maximum), Σ exp(l − maximum) · (l − maximum).
var<workgroup> parts: array<vec3<f32>, 64>;

// Two parts as one.
fn joined(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
    let top = max(a.x, b.x);
    // A part without numbers has a sum of 0, and its distance is meaningless.
    let da = select(a.x - top, 0.0, a.y == 0.0);
    let db = select(b.x - top, 0.0, b.y == 0.0);
    let ea = exp(da);
    let eb = exp(db);
    return vec3<f32>(
        top,
        a.y * ea + b.y * eb,
        (a.z + da * a.y) * ea + (b.z + db * b.y) * eb,
    );
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = id.y * count.x + id.x;
    let inside = row < numbers.rows;
    var part = vec3<f32>(LOWEST, 0.0, 0.0);
    if inside {
        for (var j = local; j < numbers.vocabulary; j += 64u) {
            let l = logits[row * numbers.vocabulary + j] * numbers.inverse;
            if l > part.x {
                part = joined(part, vec3<f32>(l, 0.0, 0.0));
                part.x = l;
            }
            let below = l - part.x;
            let p = exp(below);
            part.y += p;
            part.z += p * below;
        }
    }
    parts[local] = part;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if local < half {
            parts[local] = joined(parts[local], parts[local + half]);
        }
    }
    if inside && local == 0u {
        let all = parts[0];
        let log_sum = all.x + log(all.y);
        let entropy = log(all.y) - all.z / all.y;
        let to = 2u * (numbers.first + row);
        let target_index = u32(targets[numbers.first + row]);
        let chosen = logits[row * numbers.vocabulary + target_index] * numbers.inverse;
        out[to] = chosen - log_sum;
        out[to + 1u] = entropy;
        kept[to] = log_sum;
        kept[to + 1u] = entropy;
    }
}
