//! The integration tests: the real binaries and the real template.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]
#![allow(unreachable_pub, dead_code, reason = "the test binary exports nothing, and shares parts with the bench")]

mod alertmanager;
mod answers;
mod audited;
mod auto_close;
mod cases;
mod client;
mod cloud;
mod doors;
mod evidence;
mod export;
mod faults;
mod functions;
mod gaps;
mod grouping;
mod heartbeat;
mod history;
mod inhibition;
mod kill;
mod noise;
mod operate;
mod opsgenie;
mod paging;
mod phone;
mod refusals;
mod rights;
mod roster;
mod runtime;
mod server;
mod set_by_people;
mod silence;
mod slack;
mod standin;
mod statemachines;
mod storm;
mod streams;
mod supply;
mod sweep;
mod template;
mod test_page;
mod twilio;
mod yaml;
