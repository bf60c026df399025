//! stub
#![allow(missing_docs)]
pub use crate::record::Rejection;
use crate::{
    event::Event,
    record::{DropReason, Record},
};
pub struct Pipeline;
#[derive(Default)]
pub struct Scratch;
pub trait Sink {
    fn document(&mut self, sub: u32, index: &str, event: &Event<'_>);
    fn dropped(&mut self, reason: DropReason, sub: u32);
    fn rejected(&mut self, sub: u32, rejection: Rejection);
}
impl Pipeline {
    pub fn run(&self, _: &mut Scratch, _: &Record<'_>, _: &mut impl Sink) {}
}
