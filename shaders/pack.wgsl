// Copies up to seven tensors into one, each from a multiple of 256 numbers on.
//
// x_s: [n_s] → packed, from number 256 · begin_s on, begin_0 = 0; what lies between two of them keeps its
// content.
// Seven tensors and the one are what WebGPU's eight storage buffers hold; of fewer than seven the
// rest have n_s = 0 and begin_s = end.

struct Numbers {
    // Blocks of 256 numbers: where each tensor begins, where the last of them ends.
    begin_0: u32,
    begin_1: u32,
    begin_2: u32,
    begin_3: u32,
    begin_4: u32,
    begin_5: u32,
    begin_6: u32,
    end: u32,
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
@group(0) @binding(7) var<storage, read_write> packed: array<f32>;
@group(0) @binding(8) var<uniform> numbers: Numbers;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // One block is of one tensor.
    let block = id.y * count.x + id.x;
    let at = block * 256u + local;
    if block >= numbers.end {
        return;
    }
    if block >= numbers.begin_6 {
        let i = at - numbers.begin_6 * 256u;
        if i < numbers.n_6 { packed[at] = x_6[i]; }
    } else if block >= numbers.begin_5 {
        let i = at - numbers.begin_5 * 256u;
        if i < numbers.n_5 { packed[at] = x_5[i]; }
    } else if block >= numbers.begin_4 {
        let i = at - numbers.begin_4 * 256u;
        if i < numbers.n_4 { packed[at] = x_4[i]; }
    } else if block >= numbers.begin_3 {
        let i = at - numbers.begin_3 * 256u;
        if i < numbers.n_3 { packed[at] = x_3[i]; }
    } else if block >= numbers.begin_2 {
        let i = at - numbers.begin_2 * 256u;
        if i < numbers.n_2 { packed[at] = x_2[i]; }
    } else if block >= numbers.begin_1 {
        let i = at - numbers.begin_1 * 256u;
        if i < numbers.n_1 { packed[at] = x_1[i]; }
    } else {
        let i = at - numbers.begin_0 * 256u;
        if i < numbers.n_0 { packed[at] = x_0[i]; }
    }
}
