// Opens a cache for decoding: copies each prompt's keys and values to the slots of its completions,
// in the layout that decode_attention.wgsl reads.
//
// const GROUPS: u32 = 2u;  // key and value heads
// const HEAD: u32 = 6u;    // values of a head
//
// k, v: [prompts, time, GROUPS, HEAD], prompts: [slots] (which prompt a slot continues),
// keys: [slots, GROUPS, HEAD, room], values: [slots, GROUPS, room, HEAD], with room ≥ time.
// Positions from `time` on are left as they are.

struct Numbers {
    slots: u32,
    time: u32,
    room: u32,
}

@group(0) @binding(0) var<storage, read> k: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> prompts: array<u32>;
@group(0) @binding(3) var<storage, read_write> keys: array<f32>;
@group(0) @binding(4) var<storage, read_write> values: array<f32>;
@group(0) @binding(5) var<uniform> numbers: Numbers;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = (id.y * count.x + id.x) * 256u + thread;
    let per_slot = numbers.time * GROUPS * HEAD;
    let slot = index / per_slot;
    if slot >= numbers.slots {
        return;
    }
    let within = index % per_slot;
    let i = within % HEAD;
    let group = within / HEAD % GROUPS;
    let time = within / (HEAD * GROUPS);
    let source = prompts[slot] * per_slot + within;
    let target_group = slot * GROUPS + group;
    keys[(target_group * HEAD + i) * numbers.room + time] = k[source];
    values[(target_group * numbers.room + time) * HEAD + i] = v[source];
}
