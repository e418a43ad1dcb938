// A matrix product: c[i, j] = Σ_k a(i, k) · b(k, j) (+ plus[j] or plus[i, j]), where a(i, k) is
// a[a_start + i · a_row + k · a_column] and b(k, j) is b[b_start + k · b_row + j · b_column], so that
// one text serves x·Wᵀ, g·W and gᵀ·x.
//
// a, b: as the strides say → c: [splits, m, n]. Split s sums the k from s · depth on; sum_rows adds
// the splits up. A workgroup computes a tile of SIDE·4 × SIDE·4, an invocation 4 × 4 of it.
//
// const SIDE: u32 = 8u;      // 8 or 16
// const A_ROWS: u32 = 0u;    // 1 where neighbours in memory are neighbours along i, else along k
// const B_ROWS: u32 = 1u;    // 1 where neighbours in memory are neighbours along j, else along k
// const PLUS: u32 = 0u;      // 1: plus[j] is added, 2: plus[i, j]
// const ADD: u32 = 0u;       // 1: c is added to

const TILE: u32 = SIDE * 4u;
const DEPTH: u32 = 16u;
const THREADS: u32 = SIDE * SIDE;

struct Numbers {
    m: u32,
    n: u32,
    k: u32,
    a_row: u32,
    a_column: u32,
    b_row: u32,
    b_column: u32,
    // Of k, for one split.
    depth: u32,
    // Where a, b and c begin.
    a_start: u32,
    b_start: u32,
    c_start: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> plus: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;
@group(0) @binding(4) var<uniform> numbers: Numbers;

// For each k, four values along i and along j in one.
var<workgroup> a_tile: array<vec4<f32>, DEPTH * SIDE>;
var<workgroup> b_tile: array<vec4<f32>, DEPTH * SIDE>;

// Four results of row i from column j on, of a split.
fn put(split: u32, i: u32, j: u32, values: vec4<f32>) {
    let start = numbers.c_start + split * numbers.m * numbers.n;
    if i >= numbers.m {
        return;
    }
    for (var s = 0u; s < 4u; s++) {
        if j + s < numbers.n {
            let to = start + i * numbers.n + j + s;
            var value = values[s];
            if PLUS == 1u && split == 0u {
                value += plus[j + s];
            }
            if PLUS == 2u && split == 0u {
                value += plus[i * numbers.n + j + s];
            }
            if ADD == 1u {
                value += c[to];
            }
            c[to] = value;
        }
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let m = numbers.m;
    let n = numbers.n;
    let rows = (m + TILE - 1u) / TILE;
    let columns = (n + TILE - 1u) / TILE;
    let group = id.y * count.x + id.x;
    let split = group / (rows * columns);
    let i0 = group / columns % rows * TILE;
    let j0 = group % columns * TILE;
    let end = min(numbers.k, (split + 1u) * numbers.depth);
    let i = local / SIDE * 4u;
    let j = local % SIDE * 4u;

    var c0 = vec4<f32>();
    var c1 = vec4<f32>();
    var c2 = vec4<f32>();
    var c3 = vec4<f32>();
    for (var k0 = split * numbers.depth; k0 < end; k0 += DEPTH) {
        for (var l = local; l < DEPTH * SIDE; l += THREADS) {
            // Neighbouring invocations read neighbouring numbers.
            let ak = select(l % DEPTH, l / SIDE, A_ROWS == 1u);
            let ai = select(l / DEPTH, l % SIDE, A_ROWS == 1u);
            let bk = select(l % DEPTH, l / SIDE, B_ROWS == 1u);
            let bj = select(l / DEPTH, l % SIDE, B_ROWS == 1u);
            var a_quad = vec4<f32>();
            var b_quad = vec4<f32>();
            for (var s = 0u; s < 4u; s++) {
                let row = i0 + ai * 4u + s;
                if k0 + ak < end && row < m {
                    let at = row * numbers.a_row + (k0 + ak) * numbers.a_column;
                    a_quad[s] = a[numbers.a_start + at];
                }
                let column = j0 + bj * 4u + s;
                if k0 + bk < end && column < n {
                    let at = (k0 + bk) * numbers.b_row + column * numbers.b_column;
                    b_quad[s] = b[numbers.b_start + at];
                }
            }
            a_tile[ak * SIDE + ai] = a_quad;
            b_tile[bk * SIDE + bj] = b_quad;
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let column = a_tile[k * SIDE + local / SIDE];
            let row = b_tile[k * SIDE + local % SIDE];
            c0 += column.x * row;
            c1 += column.y * row;
            c2 += column.z * row;
            c3 += column.w * row;
        }
        // The next step writes the tiles again.
        workgroupBarrier();
    }
    if split * numbers.depth < numbers.k {
        put(split, i0 + i, j0 + j, c0);
        put(split, i0 + i + 1u, j0 + j, c1);
        put(split, i0 + i + 2u, j0 + j, c2);
        put(split, i0 + i + 3u, j0 + j, c3);
    }
}
