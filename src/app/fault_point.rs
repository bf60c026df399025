//! Faults on demand, so that a test can see what follows from them in the running service.
//!
//! They exist only in builds with debug assertions, and there only if the variable `FAULT_POINT` names a place, a number and a fault:
//! `worker:500:hang` has a worker stand still that is about to work on its 500th record; without a third part it panics. In a release
//! build there is neither the variable nor any of this.

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

/// What goes wrong there, beside what is done at once: a panic (no name), or that the thread stands still (`hang`).
#[cfg_attr(not(debug_assertions), expect(dead_code, reason = "nothing goes wrong in a release build"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// `occupy`: a slot of the next body that is submitted is occupied twice, as if a document of it was settled and in flight.
    Occupy,
    /// `lose`: the next body that is submitted is lost on its way.
    Lose,
}

#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy)]
enum Fault {
    Panic,
    Hang,
    Later(Later),
}

/// Counts what passes it.
#[derive(Debug)]
pub struct FaultPoint {
    #[cfg(debug_assertions)]
    left: Option<(u64, Fault)>,
    #[cfg(debug_assertions)]
    due: Option<Later>,
}

#[cfg(debug_assertions)]
impl FaultPoint {
    /// One at which nothing goes wrong, unless the variable names this place.
    pub fn new(place: Place) -> Self {
        let name = match place {
            Place::Worker => "worker",
            Place::Dispatch => "dispatch",
            Place::Reader => "reader",
        };
        let wanted = std::env::var("FAULT_POINT").unwrap_or_default();
        let mut parts = wanted.split(':');
        let here = parts.next() == Some(name);
        let number = parts.next().and_then(|number| number.parse().ok());
        let fault = match parts.next() {
            Some("hang") => Fault::Hang,
            Some("occupy") => Fault::Later(Later::Occupy),
            Some("lose") => Fault::Later(Later::Lose),
            _ => Fault::Panic,
        };
        Self { left: number.filter(|_| here).map(|number| (number, fault)), due: None }
    }

    /// Lets `count` pass, unless the wanted one is among them.
    pub fn pass(&mut self, count: u64) {
        let Some((left, fault)) = &mut self.left else { return };
        if *left > count {
            *left -= count;
            return;
        }
        match *fault {
            Fault::Panic => panic!("the panic that FAULT_POINT asks for"),
            Fault::Hang => loop {
                std::thread::park();
            },
            Fault::Later(what) => (self.left, self.due) = (None, Some(what)),
        }
    }

    /// What goes wrong now, once.
    pub fn due(&mut self) -> Option<Later> {
        self.due.take()
    }
}

#[cfg(not(debug_assertions))]
impl FaultPoint {
    /// One at which nothing goes wrong.
    pub fn new(_place: Place) -> Self {
        Self {}
    }

    /// Lets everything pass.
    pub fn pass(&mut self, _count: u64) {}

    /// Nothing.
    pub fn due(&mut self) -> Option<Later> {
        None
    }
}
