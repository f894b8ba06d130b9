//! The one clock. Everything that needs the time gets a `Moment` from here, once per request or job; nobody else
//! asks the system (a lint forbids it). Tests and the demo's history move it by hand.

use domain::Moment;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The time of the machine.
    System,
    /// A time moved by hand: microseconds since 1970, UTC.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at a moment until it is moved.
    pub fn manual(at: Moment) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.micros())))
    }

    /// Now.
    pub fn now(&self) -> Moment {
        Moment::from_micros(self.micros())
    }

    /// Now, in microseconds since 1970, UTC.
    pub fn micros(&self) -> i64 {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
            Self::System => jiff::Timestamp::now().as_microsecond(),
            Self::Manual(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock; a system clock stays as it is.
    pub fn set(&self, to: Moment) {
        if let Self::Manual(at) = self {
            at.store(to.micros(), Ordering::SeqCst);
        }
    }

    /// Moves a manual clock forward (or back, with a negative number).
    pub fn advance_seconds(&self, seconds: i64) {
        if let Self::Manual(at) = self {
            at.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        }
    }

    /// The form in which the store asks for the time: a function that gives microseconds.
    pub fn as_fn(&self) -> Arc<dyn Fn() -> i64 + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.micros())
    }
}
