//! How far a long reading is, drawn on standard error while that is a terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is not drawn where nobody looks.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for bytes.
    pub fn of_bytes() -> Self {
        Self::drawn("  {bar:40.cyan} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
    }

    /// A bar for things that are counted, such as `streams`.
    pub fn of(things: &str) -> Self {
        Self::drawn(&format!("  {{bar:40.cyan}} {{pos}}/{{len}} {things}  {{eta}} left"))
    }

    fn drawn(template: &str) -> Self {
        let shown = std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style))
    }

    /// Says how far it is, of how much.
    pub fn at(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
