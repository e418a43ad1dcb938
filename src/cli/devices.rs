//! `sasr devices`.

use clap::Args;

use super::{Ended, say};

#[derive(Args)]
pub struct DevicesArgs {
    /// Print one JSON line per device.
    #[arg(long)]
    json: bool,
}

pub fn run(args: DevicesArgs) -> anyhow::Result<Ended> {
    for device in crate::devices::list() {
        if args.json {
            say!("{}", serde_json::to_string(&device)?);
        } else {
            say!("{:<8} {}", device.device, device.description);
        }
    }
    Ok(Ended::Done)
}
