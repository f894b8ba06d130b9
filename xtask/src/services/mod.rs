//! Throw-away servers for the tests: a PostgreSQL and a mail stack of our own, on loopback.
//!
//! They live in a temporary folder, on ports nobody else uses, with passwords made at the start, and
//! die with the value that holds them. Nothing of the machine's own servers is touched.

pub mod mail;
pub mod postgres;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, Outcome, shell};

/// A folder that is removed with everything in it when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes an empty folder that other users may enter (servers refuse to run as root).
    pub fn make(name: &str) -> Outcome<Folder> {
        let path = std::env::temp_dir().join(format!("telaio-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path)
            .map_err(|error| Failure::Broken(format!("cannot make {}: {error}", path.display())))?;
        shell::run(Command::new("chmod").arg("755").arg(&path))?;
        Ok(Folder(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0");
    let port = listener.and_then(|listener| listener.local_addr()).map(|address| address.port());
    port.map_err(|error| Failure::Broken(format!("no free port on loopback: {error}")))
}

/// A password that nobody has seen, from the kernel's own source of randomness.
pub fn secret() -> Outcome<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| std::io::Read::read_exact(&mut source, &mut bytes))
        .map_err(|error| Failure::Broken(format!("no randomness: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The numeric user and group of an account of the machine, from `/etc/passwd`.
pub fn account(name: &str) -> Option<(u32, u32)> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = table.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
