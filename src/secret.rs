//! Secrets in memory: never printed, wiped when dropped.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// One secret, key or token.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Holds `text`.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this secret, in a time that tells nothing about where they differ.
    pub fn matches(&self, presented: &str) -> bool {
        use sha2::{Digest, Sha256};
        Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(presented.as_bytes())).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// The secrets that a parameter's value holds: one a line, the current first, so that two are valid while one is replaced.
pub fn lines(value: &str) -> Vec<Secret> {
    value.lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l05_a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn a_parameter_of_two_lines_is_two_valid_secrets() {
        let secrets = lines(" new \n\nold\n");
        assert!(secrets.iter().any(|secret| secret.matches("new")));
        assert!(secrets.iter().any(|secret| secret.matches("old")));
        assert!(!secrets.iter().any(|secret| secret.matches("ne")));
    }
}
