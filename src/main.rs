//! Native entry: parse the command line and hand over.

/// Training makes and drops large buffers at every operation; the system's allocator gives them back
/// to the system and faults them in again (measured in `benches/speed.rs`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sasr::cli::run()
}
