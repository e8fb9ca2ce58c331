//! A mistake in a policy: where it is, what is wrong, and what to do about it.

use std::fmt;

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
    /// The line in the file, from 1; 0 when there is no file, as with a compiled policy.
    pub line: usize,
    /// The column, from 1; 0 when there is no file.
    pub column: usize,
    /// The place in the policy, such as `escalations.platform.steps[0].notify[1]`.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// Whether somebody may go untold because of it: `policy apply` asks for a word more.
    pub untold: bool,
}

impl Mistake {
    /// One that makes the policy unusable, without its place in the file.
    pub(super) fn error(path: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (path, what, fix) = (path.into(), what.into(), fix.into());
        Self { level: Level::Error, line: 0, column: 0, path, what, fix, untold: false }
    }

    /// The same at a place.
    pub(super) fn at(self, (line, column): (usize, usize)) -> Self {
        Self { line, column, ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.level == Level::Error { "error" } else { "warning" };
        if self.line > 0 {
            write!(out, "{}:{}: ", self.line, self.column)?;
        }
        write!(out, "{level}: ")?;
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        write!(out, "{}; {}", self.what, self.fix)
    }
}

/// The one of `names` that `name` was most likely meant to be.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let scored = names.into_iter().map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 >= 0.8).then_some(best.1)
}
