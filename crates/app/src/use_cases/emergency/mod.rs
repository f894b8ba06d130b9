//! The emergency register (D.P.R. 445/2000, art. 63): registration by hand while
//! the system is down, and its way back into the register.
//!
//! A period is authorised by the records manager with cause and times; beyond 24
//! hours each further authorisation lasts at most a week. On restoration the
//! entries get ordinary numbers, both numbers stay linked, and the legal date is
//! that of the entry by hand. Bringing the same file in again adds nothing.

mod blank;
mod import;
mod period;
mod rows;

pub use blank::blank;
pub use import::{Outcome, ReportRow, dry_run, import};
pub use period::{Opening, authorise, linked, list, open, restore};
pub use rows::HEADER;
pub use store::emergency::{Linked, Period};
