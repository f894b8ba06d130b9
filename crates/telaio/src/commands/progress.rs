//! Signs of life for whatever takes longer than two seconds.

use std::future::Future;
use std::time::Duration;

/// How long nothing is said, and then how often something is.
const QUIET: Duration = Duration::from_secs(2);

/// Waits for the work, telling every two seconds on the standard error that it goes on.
pub async fn watched<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    let mut seconds = 0;
    loop {
        match tokio::time::timeout(QUIET, &mut work).await {
            Ok(done) => return done,
            Err(_) => {
                seconds += QUIET.as_secs();
                eprintln!("{what}… {seconds} s");
            }
        }
    }
}
