//! Checking signatures and papers: what arrives, what somebody shows us, what we gave out.

pub mod arrive;
pub mod issue;
pub mod kept;
pub mod show;
