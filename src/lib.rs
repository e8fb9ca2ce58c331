//! The edge of Watchkeeper: everything that can fail for reasons that are not ours.
//!
//! - [`sender`] turns what arrives into signals, and answers in the sender's dialect.
//! - `store` keeps incidents, policies and secrets; `channel` tells people, by `outgoing` where they gave a URL.
//! - [`link`] makes the links in messages, `confirm` the page behind them, and [`form`] reads what it sends.
//! - `lambda` is the loop that the functions share, and the only place where a clock is read.
//!
//! Rules are not here: they are in the `domain` crate. Without the feature `aws` only what needs no AWS is left.
#![warn(missing_docs)]

#[cfg(feature = "aws")]
pub mod channel;
#[cfg(feature = "aws")]
pub mod confirm;
pub mod form;
pub mod link;
#[cfg(feature = "aws")]
pub mod outgoing;
pub mod secret;
pub mod sender;
