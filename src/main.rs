//! Native entry: parse the command line and hand over.

fn main() -> std::process::ExitCode {
    sasr::cli::run()
}
