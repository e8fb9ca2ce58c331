//! The evidence: exported, verified, shown and proven.

use std::path::Path;

use crate::args::{AuditCommand, Keys};
use crate::client::Client;
use crate::failure::Failure;
use crate::show::Show;
use domain::evidence::note::PublicKey;
use jiff::Timestamp;
use watchkeeper::verify::Trust;

mod describe;
mod export;
mod live;
mod progress;
mod prove;
mod verify;

/// Does what is asked of the evidence; `client` connects where the network is needed.
pub fn audit(client: impl Fn() -> Result<Client, Failure>, command: AuditCommand, show: Show) -> Result<(), Failure> {
    match command {
        AuditCommand::Export(wanted) => export::export(&client()?, &wanted, Timestamp::now(), show),
        AuditCommand::Verify { what: Some(what), keys, .. } => verify::verify(&what, &trust(keys)?, show),
        AuditCommand::Verify { what: None, keys, .. } => live::verify(&client()?, &trust(keys)?, show),
        AuditCommand::Restore { dir, keys } => verify::archive(&dir, &trust(keys)?, show),
        AuditCommand::Show { what } if Path::new(&what).is_dir() => describe::bundle(Path::new(&what), show),
        AuditCommand::Show { what } => describe::stream(&client()?, &what, show),
        AuditCommand::Prove { stream, seq, output } => prove::prove(&client()?, &stream, seq, output.as_deref()),
    }
}

fn trust(keys: Keys) -> Result<Trust, Failure> {
    let read = keys.key.iter().map(|path| {
        PublicKey::from_pem(&read(path)?).ok_or_else(|| Failure::Failed {
            what: format!("{} is no public key of P-256", path.display()),
            fix: Some("it begins with -----BEGIN PUBLIC KEY-----".to_owned()),
        })
    });
    Ok(Trust { keys: read.collect::<Result<_, _>>()?, fingerprints: keys.fingerprint })
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let what = format!("{} cannot be read: {error}", path.display());
        if error.kind() == std::io::ErrorKind::NotFound {
            return Failure::NotFound { what, fix: None };
        }
        Failure::failed(what)
    })
}
