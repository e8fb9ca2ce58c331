//! The table: a figure, its budget, and how they stand to each other.

/// A line of the table.
pub struct Row {
    what: String,
    figure: f64,
    unit: &'static str,
    budget: Option<f64>,
    peer: Option<f64>,
    noisy: bool,
}

impl Row {
    pub fn plain(what: &str, figure: f64, unit: &'static str) -> Self {
        Self { what: what.to_owned(), figure, unit, budget: None, peer: None, noisy: true }
    }

    pub fn budget(what: &str, figure: f64, unit: &'static str, budget: f64) -> Self {
        Self { budget: Some(budget), ..Self::plain(what, figure, unit) }
    }

    /// Another program's figure for the same work, if it could be run here, and ours.
    pub fn peer(what: &str, figure: Option<f64>, ours: f64) -> Self {
        Self { peer: Some(ours), ..Self::plain(what, figure.unwrap_or(f64::NAN), "us CPU") }
    }

    /// A figure that does not depend on how quiet the machine is.
    pub fn regardless(self) -> Self {
        Self { noisy: false, ..self }
    }
}

/// Everything that was measured.
pub struct Table {
    lines: Vec<String>,
    drift: f64,
    over: usize,
    colour: bool,
}

impl Table {
    pub fn new() -> Self {
        let colour = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stdout());
        Self { lines: Vec::new(), drift: 1.0, over: 0, colour }
    }

    /// How much slower than the machine of the budgets this one was.
    pub fn drift(&mut self, drift: f64) {
        self.drift = drift;
    }

    pub fn head(&mut self, text: &str) {
        self.lines.push(format!("\n{text}"));
    }

    pub fn row(&mut self, row: Row) {
        let Row { what, figure, unit, budget, peer, noisy } = row;
        let mut line = format!("  {what:<52}");
        if figure.is_nan() {
            line += "  not installed here";
        } else {
            line += &format!("{figure:>10.2} {unit:<7}");
        }
        if let Some(ours) = peer.filter(|_| !figure.is_nan()) {
            line += &format!("{:.1} times ours", figure / ours);
        }
        if let Some(budget) = budget {
            let allowed = if noisy { budget * self.drift } else { budget };
            line += &format!("budget {budget:>7.2}   {:>5.2} of it", figure / budget);
            if figure > allowed {
                self.over += 1;
                let mark = "  OVER";
                line += &if self.colour { format!("\x1b[31m{mark}\x1b[0m") } else { mark.to_owned() };
            }
        }
        self.lines.push(line);
    }

    pub fn print(&self) {
        for line in &self.lines {
            println!("{line}");
        }
        println!(
            "\nThis machine was {:.2} times as slow as the one of the budgets; a figure is over when it is over its",
            self.drift
        );
        println!("budget times that. Over: {}.", self.over);
    }
}
