//! How often somebody may knock: so many requests a minute for each account (or address, when nobody is signed
//! in), and few wrong passwords from one address.
//!
//! Counted in the memory of this process: a restart forgives. The lock of an account after wrong passwords is
//! apart and kept by the store. Time comes from the program's clock; where that jumps back nobody waits longer than for a
//! used-up allowance.

use crate::error::Fault;
use crate::state::AppState;
use app::Actor;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Wrong passwords from one address before it must wait.
const WRONG_FREE: i64 = 30;
/// One wrong password is forgiven every so many microseconds.
const WRONG_EVERY: i64 = 30_000_000;
/// Most callers remembered; beyond it the idle ones are forgotten.
const CALLERS_MAX: usize = 50_000;

/// The counts of this process.
#[derive(Default)]
pub struct Limits(Mutex<HashMap<String, i64>>);

impl Limits {
    /// Counts one event of a caller: each uses `every` microseconds of an allowance of `burst` events that fills
    /// up with time. Answers the seconds to wait when the allowance is used up, and then counts nothing.
    fn take(&self, caller: String, every: i64, burst: i64, now: i64) -> Result<(), u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CALLERS_MAX {
            all.retain(|_, free_at| *free_at > now);
        }
        let free_at = all.entry(caller).or_insert(now);
        let allowance = burst.saturating_mul(every);
        // Further ahead than a whole allowance nobody comes by knocking: the clock jumped back, and that is forgiven.
        let known = if *free_at > now + allowance { now } else { (*free_at).max(now) };
        let next = known + every;
        let over = next - now - allowance;
        if over > 0 {
            return Err(u64::try_from(over / 1_000_000).unwrap_or(0) + 1);
        }
        *free_at = next;
        Ok(())
    }

    /// Notes a wrong password from an address.
    pub fn wrong_password(&self, address: &str, now: i64) {
        // When nothing is left the address waits anyway.
        let _ = self.take(format!("wrong {address}"), WRONG_EVERY, WRONG_FREE, now);
    }

    /// Whether an address may try a password now.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub fn may_try(&self, address: &str, now: i64) -> Result<(), Fault> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = WRONG_FREE * WRONG_EVERY;
        let used = all.get_mut(&format!("wrong {address}")).map_or(0, |free_at| {
            // A clock that jumped back forgives no wrong password, but nobody waits for it to come forward again.
            *free_at = (*free_at).min(now + full);
            *free_at - now
        });
        let over = used + WRONG_EVERY - full;
        if over > 0 { Err(Fault::TooMany(u64::try_from(over / 1_000_000).unwrap_or(0) + 1)) } else { Ok(()) }
    }
}

/// The address a request comes from, for counting; the same word for all where the server does not say.
///
/// It is the peer of the connection. Where that is one of our own proxies, it is the last address of
/// `X-Forwarded-For` that is not: what stands before it was written by whoever asks and proves nothing.
pub fn address(trusted: &[IpAddr], headers: &HeaderMap, extensions: &Extensions) -> String {
    let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>() else {
        return "unknown".to_owned();
    };
    let ours = |address: &IpAddr| trusted.iter().any(|proxy| proxy.to_canonical() == *address);
    let mut nearest = peer.ip().to_canonical();
    if !ours(&nearest) {
        return nearest.to_string();
    }
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for named in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(named) = named.trim().parse::<IpAddr>() else { break };
        nearest = named.to_canonical();
        if !ours(&nearest) {
            break;
        }
    }
    nearest.to_string()
}

/// The layer: counts requests, when the settings limit them.
pub async fn count(
    State((state, limits)): State<(AppState, Arc<Limits>)>,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let a_minute = i64::from(state.app.settings.requests_per_minute);
    if a_minute > 0 && !request.uri().path().starts_with("/assets/") {
        let account = request.extensions().get::<Actor>().and_then(|actor| actor.account.as_ref());
        let here = || address(&state.app.settings.trusted_proxies, request.headers(), request.extensions());
        let caller = account.map_or_else(here, ToString::to_string);
        limits
            .take(caller, 60_000_000 / a_minute, a_minute, state.app.clock.micros())
            .map_err(Fault::TooMany)?;
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_is_used_up_and_fills_again_with_time() {
        let limits = Limits::default();
        let take = |now| limits.take("a".to_owned(), 1_000_000, 3, now);
        assert_eq!((take(0), take(0), take(0)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(take(0), Err(2));
        assert_eq!(take(1_000_000), Ok(()));
        assert!(take(1_000_000).is_err());
        assert_eq!(limits.take("b".to_owned(), 1_000_000, 3, 0), Ok(()));
    }

    #[test]
    fn a_clock_that_jumps_back_shuts_nobody_out() {
        let (limits, hour) = (Limits::default(), 3_600_000_000);
        assert_eq!(limits.take("a".to_owned(), 1_000_000, 3, hour), Ok(()));
        assert_eq!(limits.take("a".to_owned(), 1_000_000, 3, 0), Ok(()));
        for _ in 0..WRONG_FREE {
            limits.wrong_password("a", hour);
        }
        assert!(limits.may_try("a", 0).is_err(), "wrong passwords are not forgiven");
        assert!(limits.may_try("a", WRONG_EVERY).is_ok(), "but wait no longer for it");
    }

    fn from(peer: &str, forwarded: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap()];
        address(&trusted, &headers, &extensions)
    }

    #[test]
    fn only_our_own_proxies_are_believed_about_who_asks() {
        assert_eq!(from("192.0.2.7:9000", &["198.51.100.1"]), "192.0.2.7");
        assert_eq!(from("127.0.0.1:9000", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("[::ffff:127.0.0.1]:9000", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("127.0.0.1:9000", &["203.0.113.5, 198.51.100.1, 10.0.0.9"]), "198.51.100.1");
        assert_eq!(from("127.0.0.1:9000", &["203.0.113.5", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("127.0.0.1:9000", &["203.0.113.5, nonsense"]), "127.0.0.1");
        assert_eq!(from("127.0.0.1:9000", &[]), "127.0.0.1");
    }

    #[test]
    fn wrong_passwords_close_an_address_for_a_while_only() {
        let limits = Limits::default();
        for _ in 0..WRONG_FREE {
            assert!(limits.may_try("a", 0).is_ok());
            limits.wrong_password("a", 0);
        }
        assert!(limits.may_try("a", 0).is_err() && limits.may_try("b", 0).is_ok());
        assert!(limits.may_try("a", WRONG_EVERY).is_ok());
    }
}
