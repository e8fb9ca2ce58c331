//! The evidence: exported.

use jiff::Timestamp;

use crate::args::AuditCommand;
use crate::client::Client;
use crate::failure::Failure;
use crate::show::Show;

mod export;

/// Does what is asked of the evidence; `client` connects where the network is needed.
pub fn audit(client: impl Fn() -> Result<Client, Failure>, command: AuditCommand, show: Show) -> Result<(), Failure> {
    match command {
        AuditCommand::Export(wanted) => export::export(&client()?, &wanted, Timestamp::now(), show),
    }
}
