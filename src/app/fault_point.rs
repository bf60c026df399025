//! A panic on demand, so that a test can see what follows from one in the running service.
//!
//! It exists only in builds with debug assertions, and there only if the variable `FAULT_POINT` names a place and a number:
//! `worker:500` panics in a worker that is about to work on its 500th record. In a release build there is neither the variable
//! nor the panic.

/// The places that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A worker, counting records.
    Worker,
    /// The dispatch, counting answers to bulk requests.
    Dispatch,
    /// The reader, counting records.
    Reader,
}

/// Counts what passes it.
#[derive(Debug)]
pub struct FaultPoint {
    #[cfg(debug_assertions)]
    left: Option<u64>,
}

impl FaultPoint {
    /// One that never panics, unless the variable names this place.
    #[cfg(debug_assertions)]
    pub fn new(place: Place) -> Self {
        let name = match place {
            Place::Worker => "worker",
            Place::Dispatch => "dispatch",
            Place::Reader => "reader",
        };
        let wanted = std::env::var("FAULT_POINT").ok();
        let wanted = wanted.as_deref().and_then(|text| text.split_once(':')).filter(|(place, _)| *place == name);
        Self { left: wanted.and_then(|(_, number)| number.parse().ok()) }
    }

    /// One that never panics.
    #[cfg(not(debug_assertions))]
    pub fn new(_place: Place) -> Self {
        Self {}
    }

    /// Lets `count` pass, or panics if the wanted one is among them.
    #[cfg(debug_assertions)]
    pub fn pass(&mut self, count: u64) {
        if let Some(left) = &mut self.left {
            assert!(*left > count, "the panic that FAULT_POINT asks for");
            *left -= count;
        }
    }

    /// Lets everything pass.
    #[cfg(not(debug_assertions))]
    pub fn pass(&mut self, _count: u64) {}
}
