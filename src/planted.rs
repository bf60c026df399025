//! Faults that can be planted in the cores, to see that the simulator finds them. They are there in tests, and with the features
//! `simulation` and `shuttle`: in the service nothing is ever planted, and the compiler leaves out what would follow from it.

#[cfg(not(any(test, feature = "simulation", feature = "shuttle")))]
pub(crate) const fn is_planted(_fault: &str) -> bool {
    false
}

#[cfg(any(test, feature = "simulation", feature = "shuttle"))]
thread_local! {
    static PLANTED: std::cell::Cell<&'static str> = const { std::cell::Cell::new("") };
}

/// True if this fault is planted in the thread's cores.
#[cfg(any(test, feature = "simulation", feature = "shuttle"))]
pub(crate) fn is_planted(fault: &str) -> bool {
    PLANTED.get() == fault
}

/// Plants a fault in the cores of this thread, in the place of any before; the empty name is none.
#[cfg(any(test, feature = "simulation", feature = "shuttle"))]
pub(crate) fn plant(fault: &'static str) {
    PLANTED.set(fault);
}
