//! What is kept: one struct per noun, built from a client and the name of its table, bucket or queue.

mod calendars;
mod changes;
mod covers;
mod gaps;
mod groups;
mod heartbeats;
mod incidents;
mod inhibitions;
mod ledger;
mod machines;
mod objects;
mod policies;
mod policy_log;
mod queue;
mod secrets;
mod silences;
mod throttle;
mod turns;

pub use calendars::{Calendar, CalendarLog};
pub use changes::Changes;
pub use covers::CoverLog;
pub use gaps::GapLog;
pub use groups::{Groups, Row};
pub use heartbeats::{Heartbeats, Kept};
pub use incidents::{Incidents, Listing};
pub(crate) use incidents::{STEP, pause};
pub use inhibitions::{Inhibitions, Source};
pub use ledger::{Ledger, Standing};
pub use machines::{Machine, look_again};
pub use policies::{Active, Policies};
pub use policy_log::{PolicyEvent, PolicyLog};
pub use queue::Queue;
pub use secrets::{Loaded, Secrets};
pub use silences::SilenceLog;
pub use throttle::Throttle;
pub use turns::Turns;
