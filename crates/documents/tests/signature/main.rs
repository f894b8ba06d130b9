//! Signatures against tools that the project did not write, against tampering and against garbage.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's failure")]

mod cades;
mod common;
mod pades;
mod smime;
mod stamp;
mod xades;
