//! Whether the folder of documents can be written, and how much room is left there.

use std::io::Write;

use crate::{Store, StoreError};

impl Store {
    /// Free bytes where documents are kept. Tried with a small file of its own, which is removed at once.
    ///
    /// # Errors
    /// `DiskFull` when not even that fits; `Io` when the folder cannot be written.
    pub fn space(&self) -> Result<u64, StoreError> {
        let folder = &self.config().blobs;
        let mut probe = tempfile::Builder::new().prefix(".probe-").tempfile_in(folder)?;
        probe.write_all(b"telaio")?;
        let room = rustix::fs::statvfs(folder).map_err(std::io::Error::from)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}
