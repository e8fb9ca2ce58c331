//! Configuration: environment variables, read once at start.

use crate::error::Error;

/// The value of the variable `name`, which the template sets; a missing or empty one stops the start, by name.
pub fn required(name: &str) -> Result<String, Error> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(Error::Misconfigured(format!("the environment variable {name} is not set"))),
    }
}

/// The value of the variable `name`, or nothing.
pub fn optional(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
