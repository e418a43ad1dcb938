//! A configuration in a link: a teacher sends it, the page opens with it in the form.
//!
//! `#config=` is followed by what differs from the defaults, as TOML, packed with deflate and written
//! in base64url. Nothing leaves the browser: a fragment is not sent to the server.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::config::{ConfigError, RunConfig};

const KEY: &str = "config=";

/// A configuration is a few kilobytes of text: what unpacks to more is none.
const MOST: u64 = 256 << 10;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A link that holds no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    #[error("the configuration in this link is damaged ({0}): copy the link again, whole")]
    Damaged(&'static str),
    #[error("the configuration in this link does not fit this version: {0}")]
    Config(#[from] ConfigError),
}

/// The fragment, without `#`, of a link that opens with this configuration.
///
/// # Errors
/// Where it cannot be written as TOML; no configuration that passes its checks fails.
pub fn fragment(config: &RunConfig) -> Result<String, ConfigError> {
    let text = differences(config)?;
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    packer.write_all(text.as_bytes()).ok();
    let packed = packer.finish().unwrap_or_default();
    Ok(format!("{KEY}{}", encode(&packed)))
}

/// A link to this page that opens with the configuration in the form; on a desktop there is no page,
/// and it is the fragment alone.
///
/// # Errors
/// As [`fragment`].
pub fn link(config: &RunConfig) -> Result<String, ConfigError> {
    #[cfg(target_family = "wasm")]
    let page = crate::web::address();
    #[cfg(not(target_family = "wasm"))]
    let page = "";
    Ok(format!("{page}#{}", fragment(config)?))
}

/// The configuration that a fragment holds, with or without its `#`; none where it is about
/// something else.
pub fn of_fragment(fragment: &str) -> Option<Result<RunConfig, ShareError>> {
    let fragment = fragment.trim_start_matches('#');
    let mut parts = fragment.split('&');
    let code = parts.find_map(|part| part.strip_prefix(KEY))?;
    Some(open(code))
}

fn open(code: &str) -> Result<RunConfig, ShareError> {
    let packed = decode(code).ok_or(ShareError::Damaged("it has other signs than base64url's"))?;
    let mut text = String::new();
    DeflateDecoder::new(packed.as_slice())
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|_| ShareError::Damaged("it cannot be unpacked"))?;
    Ok(RunConfig::from_toml(&text, "the link", &[])?)
}

/// The configuration as TOML, without what is as the defaults have it.
fn differences(config: &RunConfig) -> Result<String, ConfigError> {
    let whole = config.to_toml()?;
    let parse = |text: &str| text.parse::<toml::Table>().ok();
    let default = RunConfig::default().to_toml()?;
    let (Some(mut table), Some(default)) = (parse(&whole), parse(&default)) else {
        return Ok(whole);
    };
    remove_equal(&mut table, &default);
    let short = table.to_string();
    // What the defaults set and this leaves unset cannot be said by leaving it out.
    match RunConfig::from_toml(&short, "the link", &[]) {
        Ok(read) if read == *config => Ok(short),
        _ => Ok(whole),
    }
}

fn remove_equal(table: &mut toml::Table, default: &toml::Table) {
    table.retain(|name, value| match (value, default.get(name)) {
        (toml::Value::Table(inner), Some(toml::Value::Table(default))) => {
            remove_equal(inner, default);
            !inner.is_empty()
        }
        (value, default) => default != Some(value),
    });
}

/// Base64 with `-` and `_`, without padding (RFC 4648, section 5).
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=chunk.len() {
            let index = bits >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[index as usize]));
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0u32;
        for (place, sign) in chunk.iter().enumerate() {
            let digit = DIGITS.iter().position(|digit| digit == sign)?;
            bits |= (digit as u32) << (18 - 6 * place);
        }
        let whole = bits.to_be_bytes();
        bytes.extend(&whole[1..chunk.len().max(1)]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_a_whole_configuration() {
        for preset in crate::app::presets::all() {
            let link = fragment(&preset.config).unwrap();
            let read = of_fragment(&format!("#{link}")).unwrap().unwrap();
            assert_eq!(read, preset.config, "{}", preset.file);
            assert!(link.len() < 900, "{}: {} signs", preset.file, link.len());
            let plain = |sign: char| sign.is_ascii_alphanumeric() || "-_=".contains(sign);
            assert!(link.chars().all(plain), "{link}");
        }
    }

    #[test]
    fn base64url_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert!(decode("a+b").is_none());
    }

    #[test]
    fn what_is_no_link_says_so_and_what_is_too_large_is_not_unpacked() {
        assert!(of_fragment("").is_none());
        assert!(of_fragment("#elsewhere").is_none());
        let damaged = of_fragment("#config=!!").unwrap().unwrap_err();
        assert!(damaged.to_string().contains("damaged"), "{damaged}");
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&vec![b'#'; 64 << 20]).unwrap();
        let bomb = encode(&packer.finish().unwrap());
        // Cut at the limit it is one comment, and so the defaults.
        let read = of_fragment(&format!("config={bomb}")).unwrap().unwrap();
        assert_eq!(read, RunConfig::default());
        let unknown = encode(&{
            let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
            packer.write_all(b"[grpo]\nnum_prompt = 3\n").unwrap();
            packer.finish().unwrap()
        });
        let error = of_fragment(&format!("config={unknown}"))
            .unwrap()
            .unwrap_err();
        assert!(error.to_string().contains("num_prompts"), "{error}");
    }
}
