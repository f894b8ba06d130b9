//! The `channels` room.
