//! What can be wrong with a policy.

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The policy cannot be applied.
    Error,
    /// It can, but somebody may regret it.
    Warning,
}

/// Something that is wrong with a policy, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// How bad it is.
    pub level: Level,
    /// The line in the file, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The place in the policy, such as `escalations.platform.steps[0].notify[1]`.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}
