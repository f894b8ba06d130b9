//! The `procedures` room.
