//! What runs by itself: background loops, each a `run_once` that may be repeated without harm.

pub mod daily_register;
pub mod deliver;
pub mod receive;
