//! Policies: every mistake with its place, applying one, showing the active one.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use domain::policy::{Level, Mistake, Policy};
use jiff::Timestamp;
use serde_json::json;
use watchkeeper::api::{ActivePolicy, AppliedPolicy};

use crate::args::Span;
use crate::client::Client;
use crate::failure::Failure;
use crate::history::History;
use crate::plan::Plan;
use crate::show::{self, BLUE, BOLD, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// Reads a policy and its warnings, and prints its mistakes as a compiler would; the warnings too, if that is `wanted`.
pub fn read(file: &Path, wanted: Warnings) -> Result<(Policy, Vec<Mistake>), Failure> {
    let (source, found) = parse(file)?;
    match found {
        Ok((policy, warnings)) => {
            if matches!(wanted, Warnings::Told) {
                show::aside(&told(file, &source, &warnings));
            }
            Ok((policy, warnings))
        }
        Err(mistakes) => {
            show::aside(&told(file, &source, &mistakes));
            Err(refused(file, &mistakes))
        }
    }
}

/// What is done with warnings.
#[derive(Debug, Clone, Copy)]
pub enum Warnings {
    /// They are printed.
    Told,
    /// They are not what was asked for.
    LeftOut,
}

type Parsed = Result<(Policy, Vec<Mistake>), Vec<Mistake>>;

fn parse(file: &Path) -> Result<(String, Parsed), Failure> {
    let source = text_of(file)?;
    let found = domain::policy::inspect(&source, Timestamp::now());
    Ok((source, found))
}

/// The text of a file, or why there is none.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        let what = format!("{}: {error}", file.display());
        if error.kind() == std::io::ErrorKind::NotFound {
            Failure::NotFound { what, fix: None }
        } else {
            Failure::failed(what)
        }
    })
}

fn refused(file: &Path, mistakes: &[Mistake]) -> Failure {
    let errors = mistakes.iter().filter(|mistake| mistake.level == Level::Error).count();
    // Where warnings count, they are what is wrong when nothing else is.
    let errors = if errors == 0 { mistakes.len() } else { errors };
    Failure::Mistakes { file: file.to_owned(), errors }
}

/// Names every mistake in `file`; when it is `strict`, warnings are mistakes.
pub fn validate(file: &Path, strict: bool, show: Show) -> Result<(), Failure> {
    let (source, found) = parse(file)?;
    let (policy, mistakes) = match found {
        Ok((policy, warnings)) => (Some(policy), warnings),
        Err(mistakes) => (None, mistakes),
    };
    let hash = policy.as_ref().map(Policy::hash);
    let object = json!({
        "valid": policy.is_some(),
        "hash": hash,
        "mistakes": mistakes.iter().map(object).collect::<Vec<_>>(),
    });
    show.print(&object, |_| {
        let good = hash.map(|hash| {
            let valid = paint(GREEN, "valid");
            format!("{} is {valid}. As a policy it is {}\n", text(&file.display().to_string()), short(hash.as_str()))
        });
        told(file, &source, &mistakes) + &good.unwrap_or_default()
    });
    if policy.is_some() && (mistakes.is_empty() || !strict) { Ok(()) } else { Err(refused(file, &mistakes)) }
}

/// A mistake as an object.
pub fn object(mistake: &Mistake) -> serde_json::Value {
    json!({
        "level": if mistake.level == Level::Error { "error" } else { "warning" },
        "line": mistake.line,
        "column": mistake.column,
        "path": mistake.path,
        "what": mistake.what,
        "fix": mistake.fix,
        "untold": mistake.untold,
    })
}

/// Each mistake with its place, the line it stands in, and what to do about it.
fn told(file: &Path, source: &str, mistakes: &[Mistake]) -> String {
    let mut out = String::new();
    for mistake in mistakes {
        let (word, style) = match mistake.level {
            Level::Error => ("error", RED),
            Level::Warning => ("warning", YELLOW),
        };
        let Mistake { line, column, path, what, fix, .. } = mistake;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let bar = paint(BLUE, "|");
        let _ = writeln!(out, "{}: {}", paint(style, word), paint(BOLD, &text(what)));
        let arrow = paint(BLUE, "-->");
        let _ = writeln!(out, "{margin}{arrow} {}:{line}:{column}", text(&file.display().to_string()));
        if let Some(code) = source.lines().nth(line.saturating_sub(1)) {
            // What stands before the place takes the same room below it, whatever is written out.
            let before: String = code.chars().take(column.saturating_sub(1)).collect();
            let indent = " ".repeat(text(&before).chars().count());
            let _ = writeln!(out, "{margin} {bar}\n{} {bar} {}", paint(BLUE, &number), text(code));
            let _ = writeln!(out, "{margin} {bar} {indent}{} {}", paint(style, "^"), paint(DIM, &text(path)));
        }
        if !fix.is_empty() {
            let _ = writeln!(out, "{margin} {} {}", paint(BLUE, "= help:"), text(fix));
        }
        out.push('\n');
    }
    out
}

/// What was agreed to beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Consent {
    /// To apply it without asking.
    pub yes: bool,
    /// That pages are lost.
    pub accept_lost_pages: bool,
}

/// Makes the policy in `file` the one that decides, after rehearsing it on the days of `span`, and after asking.
pub fn apply(
    file: &Path,
    consent: Consent,
    span: &Span,
    client: impl FnOnce() -> Result<Client, Failure>,
    show: Show,
) -> Result<(), Failure> {
    let (policy, warnings) = read(file, Warnings::Told)?;
    let hash = policy.hash();
    let client = client()?;
    let active = match client.get::<ActivePolicy>("/v1/policy") {
        Ok(active) => Some(active),
        Err(Failure::NotFound { .. }) => None,
        Err(failure) => return Err(failure),
    };
    if active.as_ref().map(|active| &active.hash) != Some(&hash) {
        let plan = active.map(|active| History::fetch(&client, active, span)).transpose()?;
        let plan = plan.map(|history| Plan::of(&history, &policy));
        let first = || format!("none -> {}\n", paint(BOLD, short(hash.as_str())));
        show::aside(&plan.as_ref().map_or_else(first, |plan| plan.tell(false)));
        if !consent.accept_lost_pages {
            heard(plan.as_ref(), &warnings)?;
        }
        if !consent.yes && !agreed()? {
            return Err(Failure::failed("nothing was changed"));
        }
    }
    let applied: AppliedPolicy = client.put("/v1/policy", policy.compile())?;
    show.print(&applied, |applied| {
        let hash = short(applied.hash.as_str());
        if applied.changed {
            format!(
                "{}: {hash} decides from now on. Open incidents keep the policy they have.\n",
                paint(GREEN, "Applied")
            )
        } else {
            format!("{hash} decides already: nothing to do.\n")
        }
    });
    Ok(())
}

/// Refuses a policy by which pages would be lost, or by which somebody may go untold.
fn heard(plan: Option<&Plan>, warnings: &[Mistake]) -> Result<(), Failure> {
    let lost = plan.map_or(0, Plan::lost);
    let untold = warnings.iter().filter(|warning| warning.untold).count();
    let what = match (lost, untold) {
        (0, 0) => return Ok(()),
        (0, _) => "nothing was changed: somebody may go untold, as the warnings say".to_owned(),
        (1, _) => "nothing was changed: a page of the past would be lost".to_owned(),
        (lost, _) => format!("nothing was changed: {lost} pages of the past would be lost"),
    };
    Err(Failure::Failed { what, fix: Some("if that is meant, add --accept-lost-pages".to_owned()) })
}

fn agreed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("there is nobody to ask: add --yes to apply without asking".to_owned()));
    }
    show::aside("Apply it? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::failed(error.to_string()))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// As much of a hash as a person compares.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Shows the policy that decides now.
pub fn show(client: &Client, show: Show) -> Result<(), Failure> {
    let active: ActivePolicy = client.get("/v1/policy")?;
    show.print(&active, |active| {
        let policy = &active.policy;
        let mut told = format!("{} {}\n", paint(BOLD, "Policy"), active.hash);
        let mut line = |name: &str, entries: Vec<&str>| {
            if !entries.is_empty() {
                let _ = writeln!(told, "  {} {}", paint(DIM, &format!("{name:<12}")), text(&entries.join(", ")));
            }
        };
        line("people", policy.people.keys().map(String::as_str).collect());
        line("teams", policy.teams.keys().map(String::as_str).collect());
        line("schedules", policy.schedules.keys().map(String::as_str).collect());
        line("escalations", policy.escalations.keys().map(String::as_str).collect());
        line("services", policy.services.keys().map(String::as_str).collect());
        line("routes", policy.routes.iter().map(|route| route.name.as_str()).collect());
        line("integrations", policy.integrations.keys().map(String::as_str).collect());
        line("catch-all", vec![&policy.catch_all.escalation]);
        let _ = writeln!(told, "{}", paint(DIM, "--json shows all of it."));
        told
    });
    Ok(())
}
