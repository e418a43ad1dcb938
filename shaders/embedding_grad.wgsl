// The gradient of looking rows up: dtable[e] = Σ g[r] over the rows r with ids[r] = e, added in the
// order of the rows, so that the sum is the same every time; zeros where there are none.
//
// g: [rows, width], ids: [rows] → dtable: [entries, width]. A workgroup owns `run` entries: it
// looks at 64 ids at a time and marks those that are its own; then each invocation adds up its
// columns of the marked rows.

struct Numbers {
    rows: u32,
    width: u32,
    entries: u32,
    run: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> dtable: array<f32>;
@group(0) @binding(3) var<uniform> numbers: Numbers;

var<workgroup> marks: array<atomic<u32>, 2>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let width = numbers.width;
    let first = min((id.y * count.x + id.x) * numbers.run, numbers.entries);
    let end = min(first + numbers.run, numbers.entries);
    for (var entry = first; entry < end; entry++) {
        for (var i = local; i < width; i += 64u) {
            dtable[entry * width + i] = 0.0;
        }
    }
    for (var start = 0u; start < numbers.rows; start += 64u) {
        if local < 2u {
            atomicStore(&marks[local], 0u);
        }
        workgroupBarrier();
        let row = start + local;
        if row < numbers.rows {
            let entry = u32(ids[row]);
            if entry >= first && entry < end {
                atomicOr(&marks[local / 32u], 1u << (local % 32u));
            }
        }
        workgroupBarrier();
        for (var half = 0u; half < 2u; half++) {
            var left = atomicLoad(&marks[half]);
            while left != 0u {
                let marked = start + half * 32u + firstTrailingBit(left);
                left &= left - 1u;
                let to = u32(ids[marked]) * width;
                for (var i = local; i < width; i += 64u) {
                    dtable[to + i] += g[marked * width + i];
                }
            }
        }
        // The next ids clear the marks.
        workgroupBarrier();
    }
}
