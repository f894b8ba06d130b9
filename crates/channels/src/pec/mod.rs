//! Certified mail (*posta elettronica certificata*): what leaves, what arrives and what it is.

mod daticert;
pub mod mailbox;
pub mod parse;
pub mod send;

pub use daticert::{Daticert, DaticertError, Recipient, read as read_daticert};
pub use mailbox::{Arrived, Keep, Mailbox, MailboxError, MailboxSettings, Quota, Raw};
pub use parse::{Attached, Content, Kind, Mail, ParseError, ReceiptKind, Signed, parse};
pub use send::Submission;
