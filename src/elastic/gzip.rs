//! Compresses the bodies of requests.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Of the levels the one that costs least: for logs the others save little more.
const LEVEL: u32 = 1;

/// The body, compressed. This takes processor time: about 30 ms for 5 MiB of logs.
///
/// # Errors
/// Writing to memory does not fail.
pub(super) fn gzip(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6 + 64), Compression::new(LEVEL));
    encoder.write_all(body)?;
    Ok(encoder.finish()?.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::gzip;

    #[test]
    fn a_body_comes_out_as_it_went_in() {
        let body = br#"{"create":{"_id":"a"}}"#.repeat(1000);
        let compressed = gzip(&body).unwrap();
        assert!(compressed.len() < body.len() / 20);
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut out).unwrap();
        assert_eq!(out, body);
    }

    /// Not a test: `cargo test --release --lib gzip -- --ignored --nocapture` shows what compression costs.
    #[test]
    #[ignore = "measures"]
    fn what_it_costs() {
        let line = |n: u64| {
            format!(
                "{{\"create\":{{\"_id\":\"web-access-c7b63311c8a8-0003-{n:012}\"}}}}\n{{\"@timestamp\":\"2025-06-10T00:{:02}:{:02}.000Z\",\"clientip\":\"203.0.{}.{}\",\"request\":\"/shop/item/{}?ref={}\",\"response\":{},\"bytes\":{},\"agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101\",\"kafka\":{{\"topic\":\"web-access\",\"partition\":3,\"offset\":{n},\"timestamp\":{}}}}}\n",
                n / 60 % 60,
                n % 60,
                n * 7 % 251,
                n * 31 % 253,
                n * 7919 % 100_003,
                n * 104_729 % 9973,
                [200, 200, 200, 304, 404][(n % 5) as usize],
                n * 6_700_417 % 90_000,
                n % 120,
                1_749_513_600_000 + n * 13
            )
        };
        let body: String = (0..)
            .map(line)
            .scan(0, |bytes, line| {
                *bytes += line.len();
                (*bytes < 5 << 20).then_some(line)
            })
            .collect();
        for _ in 0..3 {
            let started = std::time::Instant::now();
            let compressed = gzip(body.as_bytes()).unwrap();
            eprintln!("{} bytes become {} in {:?}", body.len(), compressed.len(), started.elapsed());
        }
    }
}
