//! Messages between a page and its worker, as bytes: MessagePack with the fields' names. Numbers
//! that are not finite stay what they are, and a file's bytes are bytes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::engine::{Reply, Request};
use super::library::{Errand, Found};

/// What a page says to its worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToWorker {
    Engine(Request),
    Library(Errand),
    /// A word of the library has been taken in: it may say more.
    Heard,
}

/// What a worker says to its page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromWorker {
    Engine(Reply),
    Library(Found),
}

/// A message that cannot be sent, or was not sent by a program of this version.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("a message to or from the worker cannot be written: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error(
        "a message of {bytes} bytes to or from the worker cannot be read ({source}): page and worker \
         are of different versions, reload the page"
    )]
    Decode {
        bytes: usize,
        source: rmp_serde::decode::Error,
    },
}

/// A message as bytes.
///
/// # Errors
/// If a value has no form in MessagePack.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, WireError> {
    Ok(rmp_serde::to_vec_named(message)?)
}

/// The message that bytes hold.
///
/// # Errors
/// If they hold none of this type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    rmp_serde::from_slice(bytes).map_err(|source| WireError::Decode {
        bytes: bytes.len(),
        source,
    })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
