// The sum of all rows of a matrix: y[i] = Σ_r x[r, i], in one fixed order.
//
// x: [rows, width] → y: [width]. A workgroup adds 32 columns with 8 invocations each.

const COLUMNS: u32 = 32u;
const LANES: u32 = 8u;

struct Numbers {
    rows: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> numbers: Numbers;

var<workgroup> sums: array<f32, COLUMNS * LANES>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let column = (id.y * count.x + id.x) * COLUMNS + local % COLUMNS;
    var sum = 0.0;
    if column < numbers.width {
        for (var row = local / COLUMNS; row < numbers.rows; row += LANES) {
            sum += x[row * numbers.width + column];
        }
    }
    sums[local] = sum;
    workgroupBarrier();
    if local < COLUMNS && column < numbers.width {
        var total = 0.0;
        for (var lane = 0u; lane < LANES; lane++) {
            total += sums[lane * COLUMNS + local];
        }
        y[column] = total;
    }
}
