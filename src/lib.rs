//! The edge of Watchkeeper: everything that can fail for reasons that are not ours.
//!
//! - [`sender`] turns what arrives into signals, and answers in the sender's dialect.
//! - [`api`] has the objects that scripts and the command read; [`link`] and [`form`] are what pages and buttons carry.
//! - `store` keeps incidents, policies and secrets; `channel` tells people, by `outgoing` where they gave a URL.
//! - `reception`, `intake`, `pager`, `respond`, `roster`, `silence`, `heartbeat`, `sweep`, `auto_close`, `read` and `apply` are
//!   the flows of the functions over all these; `archive` and `checkpoint` make the log provable.
//! - `opsgenie` is the Alert API of Opsgenie, over signals and incidents.
//! - `operate` says whether what must hold does, and empties the queues of what failed.
//! - `alertmanager` is the API of Alertmanager, over silences and incidents.
//! - [`verify`] says whether evidence that somebody was given is sound.
//! - `topics` fetches from SNS what its messages are verified by.
//! - `lambda` is the loop that the functions share, and the only place where a clock is read.
//!
//! Rules are not here: they are in the `domain` crate. Without the feature `aws` only what needs no AWS is left.
#![warn(missing_docs)]

#[cfg(feature = "aws")]
pub mod access;
#[cfg(feature = "aws")]
pub mod alertmanager;
#[cfg(feature = "aws")]
mod answers;
pub mod api;
#[cfg(feature = "aws")]
pub mod apply;
#[cfg(feature = "aws")]
pub mod archive;
#[cfg(feature = "aws")]
pub mod audit;
#[cfg(feature = "aws")]
pub mod auto_close;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod channel;
#[cfg(feature = "aws")]
pub mod checkpoint;
#[cfg(feature = "aws")]
pub mod config;
#[cfg(feature = "aws")]
pub mod confirm;
#[cfg(test)]
mod dice;
#[cfg(feature = "aws")]
pub mod error;
#[cfg(feature = "aws")]
pub mod export;
pub mod form;
#[cfg(feature = "aws")]
pub mod grouping;
#[cfg(feature = "aws")]
pub mod heartbeat;
#[cfg(feature = "aws")]
pub mod inhibition;
#[cfg(feature = "aws")]
pub mod intake;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod link;
#[cfg(feature = "aws")]
pub mod operate;
#[cfg(feature = "aws")]
pub mod opsgenie;
#[cfg(feature = "aws")]
pub mod outgoing;
#[cfg(feature = "aws")]
pub mod pager;
#[cfg(feature = "aws")]
mod query;
#[cfg(feature = "aws")]
pub mod read;
#[cfg(feature = "aws")]
pub mod reception;
#[cfg(feature = "aws")]
pub mod reminder;
pub mod reply;
#[cfg(feature = "aws")]
pub mod respond;
#[cfg(feature = "aws")]
pub mod roster;
pub mod secret;
pub mod sender;
#[cfg(feature = "aws")]
pub mod signed;
#[cfg(feature = "aws")]
pub mod silence;
#[cfg(feature = "aws")]
pub mod store;
#[cfg(feature = "aws")]
pub mod sweep;
#[cfg(feature = "aws")]
pub mod topics;
pub mod verify;
