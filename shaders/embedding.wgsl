// Rows of a table by index: y[r] = table[ids[r]].
//
// table: [entries, width], ids: [rows] → y: [rows, width].

struct Numbers {
    rows: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> numbers: Numbers;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (id.y * count.x + id.x) * 256u + local;
    let row = i / numbers.width;
    if row < numbers.rows {
        y[i] = table[u32(ids[row]) * numbers.width + i % numbers.width];
    }
}
