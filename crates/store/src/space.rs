//! Whether the folder of documents can be written, and how much room is left there.

use std::io::Write;

use crate::Store;

impl Store {
    /// Free bytes where documents are kept; `None` when that folder cannot be written. Tried with a small
    /// file of its own, which is removed at once.
    #[must_use]
    pub fn space(&self) -> Option<u64> {
        let folder = &self.config().blobs;
        let mut probe = tempfile::Builder::new().prefix(".probe-").tempfile_in(folder).ok()?;
        probe.write_all(b"telaio").ok()?;
        let room = rustix::fs::statvfs(folder).ok()?;
        Some(room.f_bavail.saturating_mul(room.f_frsize))
    }
}
