//! Free ports on loopback for servers that cannot be told to choose their own.
//!
//! They lie below the kernel's range of ephemeral ports: a server that is stopped and started again on the same port
//! would otherwise now and then find it taken by somebody's outgoing connection, even by a client's connection to itself.

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Result;

const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// Finds `N` different ports of 127.0.0.1 that nothing listens on.
///
/// # Errors
/// None is free.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    let start = nanos.wrapping_mul(2_654_435_761).wrapping_add(std::process::id().wrapping_mul(7919));
    let mut found = [0; N];
    // Held until all are found, so that they differ.
    let mut held = Vec::with_capacity(N);
    for step in 0..COUNT {
        if held.len() == N {
            break;
        }
        let port = u16::try_from(FIRST + start.wrapping_add(step) % COUNT)?;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            found[held.len()] = port;
            held.push(listener);
        }
    }
    if held.len() < N {
        return Err("no free port between 20000 and 32000 on 127.0.0.1".into());
    }
    Ok(found)
}
