// The gradients of RMSNorm: with x̂ = x · scale and ĝ = g · gamma,
// dx[r, i] = scale[r] · (ĝ[r, i] − x̂[r, i] · mean(ĝ[r] · x̂[r])) (+ plus[r, i]), and parts of
// dgamma[i] = Σ_r g[r, i] · x̂[r, i], each over RUN rows; sum_rows adds the parts up.
//
// x, g, plus: [rows, width], gamma: [width], scale: [rows] → dx: [rows, width], parts: [.., width].
// LANES invocations work on RUN rows one after the other, 64 / LANES such runs on one workgroup.
//
// const WIDTH: u32 = 17u;
// const LANES: u32 = 16u;
// const RUN: u32 = 8u;
// const PLUS: u32 = 0u;      // 1: plus is added

const RUNS: u32 = 64u / LANES;
// Columns of one invocation.
const OWN: u32 = (WIDTH + LANES - 1u) / LANES;

struct Numbers {
    rows: u32,
    runs: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read> plus: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<storage, read_write> parts: array<f32>;
@group(0) @binding(7) var<uniform> numbers: Numbers;

var<workgroup> products: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let lane = local % LANES;
    let run = (id.y * count.x + id.x) * RUNS + local / LANES;
    var own: array<f32, OWN>;
    for (var c = 0u; c < OWN; c++) {
        own[c] = 0.0;
    }
    for (var step = 0u; step < RUN; step++) {
        let row = run * RUN + step;
        let inside = row < numbers.rows;
        let first = row * WIDTH;
        var factor = 0.0;
        var product = 0.0;
        if inside {
            factor = scale[row];
            for (var i = lane; i < WIDTH; i += LANES) {
                product += g[first + i] * gamma[i] * x[first + i];
            }
        }
        products[local] = product;
        workgroupBarrier();
        var total = 0.0;
        for (var i = 0u; i < LANES; i++) {
            total += products[local - lane + i];
        }
        let along = total * factor / f32(WIDTH);
        if inside {
            for (var c = 0u; c < OWN; c++) {
                let i = lane + c * LANES;
                if i < WIDTH {
                    let normalised = x[first + i] * factor;
                    var slope = factor * (g[first + i] * gamma[i] - normalised * along);
                    if PLUS == 1u {
                        slope += plus[first + i];
                    }
                    dx[first + i] = slope;
                    own[c] += g[first + i] * normalised;
                }
            }
        }
        // The next row writes `products` again.
        workgroupBarrier();
    }
    if run < numbers.runs {
        for (var c = 0u; c < OWN; c++) {
            let i = lane + c * LANES;
            if i < WIDTH {
                parts[run * WIDTH + i] = own[c];
            }
        }
    }
}
