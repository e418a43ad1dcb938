// RMSNorm over rows: y[r, i] = gamma[i] · x[r, i] · scale[r], scale[r] = 1 / √(mean(x[r]²) + eps).
//
// x: [rows, width], gamma: [width] → y: [rows, width], scale: [rows], kept for the gradient.
// LANES invocations work on one row, 64 / LANES rows on one workgroup.
//
// const WIDTH: u32 = 17u;
// const LANES: u32 = 16u;

const ROWS: u32 = 64u / LANES;

struct Numbers {
    rows: u32,
    eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(0) @binding(4) var<uniform> numbers: Numbers;

var<workgroup> squares: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let lane = local % LANES;
    let row = (id.y * count.x + id.x) * ROWS + local / LANES;
    let inside = row < numbers.rows;
    let first = row * WIDTH;

    var sum = 0.0;
    if inside {
        for (var i = lane; i < WIDTH; i += LANES) {
            sum += x[first + i] * x[first + i];
        }
    }
    squares[local] = sum;
    workgroupBarrier();

    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
        total += squares[local - lane + i];
    }
    let factor = 1.0 / sqrt(total / f32(WIDTH) + numbers.eps);
    if inside {
        for (var i = lane; i < WIDTH; i += LANES) {
            y[first + i] = x[first + i] * factor * gamma[i];
        }
        if lane == 0u {
            scale[row] = factor;
        }
    }
}
