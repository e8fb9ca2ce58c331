//! Conditions: what another system asks of an alert, as a route asks it.

/// Words that CEL keeps for itself, so that no field can be named by them after a dot.
const KEPT: [&str; 6] = ["as", "false", "in", "null", "package", "true"];

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Field<'a> {
    /// A field that every alert has.
    Of(&'a str),
    /// A label, which an alert may not have.
    Label(&'a str),
}

impl Field<'_> {
    fn name(self) -> String {
        match self {
            Self::Of(name) => name.to_owned(),
            Self::Label(label) => {
                let letters = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let plain = letters && !label.starts_with(|c: char| c.is_ascii_digit()) && !label.is_empty();
                if plain && !KEPT.contains(&label) {
                    format!("alert.labels.{label}")
                } else {
                    format!("alert.labels[{}]", text(label))
                }
            }
        }
    }

    /// That it is `value`, where a missing label may leave all of the condition undecided: that does not match either.
    pub fn equals(self, value: &str) -> String {
        format!("{} == {}", self.name(), text(value))
    }

    /// What `asks` of it, as a whole; of a label that is missing it does not hold.
    pub fn test(self, asks: impl FnOnce(&str) -> String) -> String {
        let asked = asks(&self.name());
        match self {
            Self::Of(_) => format!("({asked})"),
            Self::Label(label) => format!("({} in alert.labels && {asked})", text(label)),
        }
    }

    /// That it is empty; a label that is missing is.
    pub fn is_empty(self) -> String {
        let name = self.name();
        match self {
            Self::Of(_) => format!("({name} == \"\")"),
            Self::Label(label) => format!("!({} in alert.labels && {name} != \"\")", text(label)),
        }
    }
}

/// A text as CEL writes it.
pub fn text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is plain JSON")
}
