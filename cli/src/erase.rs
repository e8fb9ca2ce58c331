//! Erasure: the end of what was written about a person or a customer.

use watchkeeper::api::{Erase, Erased};

use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{GREEN, Show, paint, text};

/// Makes all that was written about `subject` unreadable.
pub fn subject(client: &Client, subject: &str, erase: &Erase, show: Show) -> Result<(), Failure> {
    let erased: Erased = client.delete(&format!("/v1/subjects/{}", encoded(subject)), erase)?;
    show.print(&erased, |erased| {
        format!("{} what was sealed with the key {}\n", paint(GREEN, "erased:"), text(&erased.key))
    });
    Ok(())
}
