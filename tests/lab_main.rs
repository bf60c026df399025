//! `lab`: see `scripts/`.
mod lab;
fn main() {}
