// Parts of Σ x² over up to seven tensors, each in a fixed order: part p of tensor s adds the blocks
// of 256 numbers p, p + PARTS, p + 2·PARTS, ..
//
// x_s: [n_s] → parts: PARTS numbers a tensor, from `first` on. One workgroup a part. Seven tensors
// and the parts are what WebGPU's eight storage buffers hold.
//
// const PARTS: u32 = 16u;

struct Numbers {
    first: u32,
    n_0: u32,
    n_1: u32,
    n_2: u32,
    n_3: u32,
    n_4: u32,
    n_5: u32,
    n_6: u32,
}

@group(0) @binding(0) var<storage, read> x_0: array<f32>;
@group(0) @binding(1) var<storage, read> x_1: array<f32>;
@group(0) @binding(2) var<storage, read> x_2: array<f32>;
@group(0) @binding(3) var<storage, read> x_3: array<f32>;
@group(0) @binding(4) var<storage, read> x_4: array<f32>;
@group(0) @binding(5) var<storage, read> x_5: array<f32>;
@group(0) @binding(6) var<storage, read> x_6: array<f32>;
@group(0) @binding(7) var<storage, read_write> parts: array<f32>;
@group(0) @binding(8) var<uniform> numbers: Numbers;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = id.y * count.x + id.x;
    let start = group % PARTS * 256u + local;
    let step = PARTS * 256u;
    let tensor = group / PARTS;
    var sum = 0.0;
    switch tensor {
        case 0u: {
            for (var i = start; i < numbers.n_0; i += step) { sum += x_0[i] * x_0[i]; }
        }
        case 1u: {
            for (var i = start; i < numbers.n_1; i += step) { sum += x_1[i] * x_1[i]; }
        }
        case 2u: {
            for (var i = start; i < numbers.n_2; i += step) { sum += x_2[i] * x_2[i]; }
        }
        case 3u: {
            for (var i = start; i < numbers.n_3; i += step) { sum += x_3[i] * x_3[i]; }
        }
        case 4u: {
            for (var i = start; i < numbers.n_4; i += step) { sum += x_4[i] * x_4[i]; }
        }
        case 5u: {
            for (var i = start; i < numbers.n_5; i += step) { sum += x_5[i] * x_5[i]; }
        }
        case 6u: {
            for (var i = start; i < numbers.n_6; i += step) { sum += x_6[i] * x_6[i]; }
        }
        default: {}
    }
    sums[local] = sum;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if local < half {
            sums[local] += sums[local + half];
        }
    }
    if local == 0u && tensor < 7u {
        parts[numbers.first + group] = sums[0];
    }
}
