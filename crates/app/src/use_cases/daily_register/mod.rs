//! The daily register (AgID guidelines 2021, 3.1.6): the entries and changes of
//! one day in static form, closed once, chained to the day before.
//!
//! A day is closed after it has ended in Rome, by the worker of the night or by
//! the next start after a stop; days are closed in order and none is left out,
//! also those without entries. The XML is the register, the PDF and the CSV say the same
//! to people; all three are sealed. Sending to preservation is not done here.

mod close;
mod csv;
mod paper;
mod read;
mod xml;

pub use close::{close_next, close_until_today};
pub use read::{Form, PAGE, list, open};
