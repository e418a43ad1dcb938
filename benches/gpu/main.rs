//! What training on a graphics card costs: launches, bytes and time of a step, with our kernels and
//! with burn's own operations, and how they grow with width, depth, batch and group.
//!
//! ```text
//! cargo bench --bench gpu                 # around 4 layers, width 128, 16 × 64 tokens
//! cargo bench --bench gpu -- --quick      # around 2 layers, width 64, 4 × 32 tokens
//! cargo bench --bench gpu -- --ours       # without burn's own operations
//! cargo bench --bench gpu -- --presets    # steps of the presets, their base models trained on the CPU
//! cargo bench --bench gpu -- --bandwidth 1008 --tflops 82.6     # of a card that is not in peak.rs
//! ```
//!
//! burn's matrix products take tens of seconds to compile on a software adapter, once. Tables are
//! Markdown, as `docs/PERFORMANCE.md` has them.

mod cost;
mod peak;
mod presets;
mod work;

use burn::tensor::Device;
use cost::Cost;
use peak::Peak;
use sasr::kernels;
use work::{Rollouts, Shape, Training};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let number = |flag: &str| -> Option<f64> {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let device = match pollster::block_on(sasr::devices::open("gpu")) {
        Ok(device) => device,
        Err(error) => {
            println!("{error}");
            return;
        }
    };
    let all = sasr::devices::list();
    let adapter = all.iter().find(|info| info.device == "gpu");
    let adapter = adapter.map_or("", |info| info.description.as_str());
    let peak = Peak::of(adapter, number("--bandwidth"), number("--tflops"));
    println!("{adapter}; peak {peak}");
    let quick = given("--quick");
    let middle = if quick {
        Shape::new(2, 64, 4, 32)
    } else {
        Shape::new(4, 128, 16, 64)
    };
    let repeats = if quick { 3 } else { 7 };
    if given("--presets") {
        presets::presets(&device, if quick { 1 } else { 5 }, &peak);
        sasr::devices::settle();
        return;
    }
    compare(&middle, &device, repeats, given("--ours"));
    steps(&middle, &device, repeats, &peak);
    rollouts(&middle, &device, repeats, &peak);
    sasr::devices::settle();
}

/// Our kernels and burn's operations.
fn compare(shape: &Shape, device: &Device, repeats: usize, only_ours: bool) {
    println!("\nAn SFT step: {shape}");
    let ways: &[(&str, bool)] = &[("our kernels", false), ("burn's operations", true)];
    for &(what, portable) in &ways[..if only_ours { 1 } else { 2 }] {
        kernels::prefer_portable(portable);
        let mut training = Training::new(shape, device);
        let cost = Cost::of(repeats, || training.step());
        println!(
            "{what}: first step {:.2} s, then {:.4} s; {} launches a step, {} of them ours; loss {:.5}",
            cost.first,
            cost.seconds,
            cost.launches(),
            cost.ours,
            training.loss,
        );
        for (kernel, count) in &cost.by_name {
            println!("    {count:5} × {kernel}");
        }
    }
    kernels::prefer_portable(false);
}

/// SFT steps around a shape: other widths, other depths, other batches.
fn steps(middle: &Shape, device: &Device, repeats: usize, peak: &Peak) {
    println!("\nSFT steps, {} tokens a row", middle.time);
    println!(
        "| width | layers | rows | launches | ours | ms | tokens/s | MB bound | {} |",
        Peak::COLUMNS
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let shapes = [
        middle.with_width(middle.width / 2),
        middle.clone(),
        middle.with_width(middle.width * 2),
        middle.with_layers(middle.layers / 2),
        middle.with_layers(middle.layers * 2),
        middle.with_rows(middle.rows / 2),
        middle.with_rows(middle.rows * 2),
    ];
    for shape in shapes {
        let mut training = Training::new(&shape, device);
        let cost = Cost::of(repeats, || training.step());
        let tokens = (shape.rows * shape.time) as f64;
        let operations = training.operations();
        println!(
            "| {} | {} | {} | {} | {} | {:.1} | {:.0} | {:.1} | {} |",
            shape.width,
            shape.layers,
            shape.rows,
            cost.launches(),
            cost.ours,
            1e3 * cost.seconds,
            tokens / cost.seconds,
            cost.bytes as f64 / 1e6,
            peak.shares(cost.bytes as f64, operations, cost.seconds)
        );
    }
}

/// Rollouts of groups of several sizes.
fn rollouts(shape: &Shape, device: &Device, repeats: usize, peak: &Peak) {
    let (prompts, tokens) = (4, 16);
    println!(
        "\nRollouts: width {}, {} layers, {prompts} prompts, {tokens} new tokens; numbers are of one token \
         of every row",
        shape.width, shape.layers
    );
    println!(
        "| group | rows | launches | ours | ms | tokens/s | MB bound | {} |",
        Peak::COLUMNS
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for group in [2, 8, 32] {
        let rollouts = Rollouts::new(shape, [prompts, group, tokens], device);
        let cost = Cost::of(repeats, || rollouts.generate());
        let (rows, steps) = ((prompts * group) as f64, tokens as f64);
        let bytes = cost.bytes as f64;
        println!(
            "| {group} | {rows} | {:.1} | {:.1} | {:.2} | {:.0} | {:.2} | {} |",
            cost.launches() as f64 / steps,
            cost.ours as f64 / steps,
            1e3 * cost.seconds / steps,
            rows * steps / cost.seconds,
            bytes / steps / 1e6,
            peak.shares(bytes, rollouts.operations(), cost.seconds)
        );
    }
}
