//! Senders.

pub mod verify;
