//! The state of the machine around a measurement: how busy it is and how fast its disk flushes.

use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::services::Folder;
use crate::{Failure, Outcome};

/// On this kind of disk nobody flushes faster: a quicker answer is a cache that lies.
const LYING_FLUSHES_PER_SECOND: f64 = 20_000.0;

/// Load and flush rate at one moment.
#[derive(Clone, Copy)]
pub struct Conditions {
    /// Load average of the last minute.
    pub load: f64,
    /// 4 KiB overwrites with `fdatasync`, per second.
    pub flushes: f64,
}

impl Conditions {
    /// Looks at the machine now; takes half a second.
    pub fn now() -> Outcome<Conditions> {
        let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
        Ok(Conditions { load, flushes: flush_rate(Duration::from_millis(500))? })
    }

    /// Whether the disk answers faster than a disk can.
    pub fn disk_lies(self) -> bool {
        self.flushes > LYING_FLUSHES_PER_SECOND
    }

    /// Whether something else happened on the machine between two looks.
    pub fn disturbed(self, after: Conditions) -> bool {
        let moved = |a: f64, b: f64| (a - b).abs() > 0.5 * a.max(b);
        moved(self.flushes, after.flushes)
            || (moved(self.load, after.load) && self.load.max(after.load) > 2.0)
    }
}

/// Microseconds since 1970, to be compared with what another process of the same machine printed.
#[allow(
    clippy::disallowed_methods,
    reason = "no business time: the clock of the machine is what is measured"
)]
pub fn micros() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_micros()).unwrap_or_default()
}

/// Overwrites of one 4 KiB block, each flushed, for the time given.
pub fn flush_rate(span: Duration) -> Outcome<f64> {
    let folder = Folder::make("flush")?;
    let measure = || -> std::io::Result<f64> {
        let mut file = std::fs::File::create(folder.path().join("block"))?;
        let (block, started, mut count) = ([7_u8; 4096], Instant::now(), 0_u32);
        while started.elapsed() < span {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&block)?;
            file.sync_data()?;
            count += 1;
        }
        Ok(f64::from(count) / started.elapsed().as_secs_f64())
    };
    measure().map_err(|error| Failure::Broken(format!("cannot measure the disk: {error}")))
}
