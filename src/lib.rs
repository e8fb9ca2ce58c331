//! The edge of Watchkeeper: everything that can fail for reasons that are not ours.
//!
//! - [`sender`] turns what arrives into signals, and answers in the sender's dialect.
//! - `store` keeps incidents, policies and secrets; `channel` tells people.
//! - [`api`] has the objects that scripts and the command read.
//! - `lambda` is the loop that the functions share, and the only place where a clock is read.
//!
//! Rules are not here: they are in the `domain` crate. Without the feature `aws` only what needs no AWS is left.
#![warn(missing_docs)]

#[cfg(feature = "aws")]
pub mod access;
pub mod api;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod channel;
#[cfg(feature = "aws")]
pub mod config;
#[cfg(feature = "aws")]
pub mod error;
#[cfg(feature = "aws")]
pub mod intake;
#[cfg(feature = "aws")]
pub mod lambda;
#[cfg(feature = "aws")]
pub mod read;
pub mod reply;
pub mod secret;
pub mod sender;
#[cfg(feature = "aws")]
pub mod store;
