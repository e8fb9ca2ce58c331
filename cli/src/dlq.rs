//! Dead letters: what could not be done, why, and doing it again.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use jiff::Timestamp;
use watchkeeper::api::{DeadLetterList, DeadLetterQueue, DeadLetterQueueList, Redrive, Redriven};

use crate::args::{DlqCommand, Queue};
use crate::client::Client;
use crate::failure::Failure;
use crate::incidents::times;
use crate::show::{self, BLUE, BOLD, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// What is said of letters that nobody else sees while somebody looks at them.
const UNSEEN: &str = "they cannot be seen right now, as somebody else looks at them; ask again in a minute";

/// Does what `command` says.
pub fn letters(client: &Client, command: DlqCommand, show: Show) -> Result<(), Failure> {
    match command {
        DlqCommand::List => {
            show.print(&client.get::<DeadLetterQueueList>("/v1/dead-letters")?, list);
            Ok(())
        }
        DlqCommand::Show { queue } => {
            let found: DeadLetterList = client.get(&format!("/v1/dead-letters/{}", queue.as_str()))?;
            show.print(&found, one);
            Ok(())
        }
        DlqCommand::Redrive { queue, cause, dry_run, rate } => redrive(client, queue, cause, dry_run, rate, show),
    }
}

/// Does the letters again that are there now, some of them in each second.
fn redrive(
    client: &Client,
    queue: Queue,
    cause: Option<String>,
    dry_run: bool,
    rate: u32,
    show: Show,
) -> Result<(), Failure> {
    let path = format!("/v1/dead-letters/{}/redrive", queue.as_str());
    // What fails again comes back later than this, and is not done again.
    let asked = Redrive { cause, before: Some(Timestamp::now()), most: Some(rate), dry_run };
    let mut all = Redriven::default();
    loop {
        let part: Redriven = client.post(&path, &asked)?;
        all.redriven += part.redriven;
        // These stay, and are met again in each part.
        all.impossible = all.impossible.max(part.impossible);
        all.failed = all.failed.max(part.failed);
        all.more = part.more;
        // Where nothing came of it, nothing would come of the same at once.
        if dry_run || !part.more || part.redriven == 0 {
            break;
        }
        sleep(Duration::from_secs(1));
    }
    show.print(&all, |all| redriven(all, queue, dry_run));
    if all.failed > 0 {
        let fix = Some(format!("end the trouble first: docs/runbooks.md#{}", queue.as_str()));
        return Err(Failure::Failed { what: format!("{} failed once more, and stay", letters_of(all.failed)), fix });
    }
    Ok(())
}

fn redriven(all: &Redriven, queue: Queue, dry_run: bool) -> String {
    let done = if dry_run { "would be redriven" } else { "redriven" };
    let mut told = format!("{} of {} {done}\n", letters_of(all.redriven), queue.as_str());
    if all.impossible > 0 {
        let _ = writeln!(told, "  {} cannot be, and stay", paint(YELLOW, &letters_of(all.impossible)));
    }
    if all.more {
        let _ =
            writeln!(told, "  {}", paint(DIM, "and there may be more that were not reached; do it again in a minute"));
    }
    told
}

fn letters_of(count: u64) -> String {
    if count == 1 { "1 letter".to_owned() } else { format!("{count} letters") }
}

fn list(all: &DeadLetterQueueList) -> String {
    let full: Vec<&DeadLetterQueue> = all.queues.iter().filter(|queue| queue.letters > 0).collect();
    if full.is_empty() {
        return paint(GREEN, &format!("All {} queues of dead letters are empty.", all.queues.len())) + "\n";
    }
    let mut told = String::new();
    for queue in full {
        let (name, count) = (paint(BLUE, &text(&queue.name)), paint(RED, &letters_of(queue.letters)));
        let _ = writeln!(told, "{name}  {count}: {}", text(&queue.means));
        for cause in &queue.causes {
            let again = if cause.possible { text(&cause.again) } else { format!("stays: {}", text(&cause.again)) };
            let since = show::time(cause.oldest_at);
            let _ = writeln!(told, "  {:>6}  {}, since {since}", cause.letters, paint(BOLD, &text(&cause.cause)));
            let _ = writeln!(told, "          {}", paint(DIM, &again));
        }
        if !queue.complete {
            let unseen = if queue.causes.is_empty() { UNSEEN } else { "and more that were not looked at" };
            let _ = writeln!(told, "  {}", paint(DIM, unseen));
        }
        let _ = writeln!(told, "  {}", paint(DIM, &text(&queue.runbook)));
    }
    told
}

fn one(found: &DeadLetterList) -> String {
    if found.letters.is_empty() && found.complete {
        return format!("There are no dead letters of {}.\n", text(&found.name));
    }
    if found.letters.is_empty() {
        return format!("There are dead letters of {}, but {UNSEEN}\n", text(&found.name));
    }
    let mut told = String::new();
    for letter in &found.letters {
        let about = letter.about.as_ref().map(|about| format!("  {}", text(about))).unwrap_or_default();
        let _ = writeln!(told, "{}  {}{about}", paint(BLUE, &text(&letter.id)), show::time(letter.sent_at));
        let _ = writeln!(told, "  {}: {}", paint(BOLD, &text(&letter.cause)), text(&letter.again));
        let tries = letter.tries.map(|tries| format!("tried {}", times(tries)));
        let trace = letter.trace.as_ref().map(|trace| format!("see {} in the traces and logs", text(trace)));
        let known: Vec<String> = tries.into_iter().chain(trace).collect();
        if !known.is_empty() {
            let _ = writeln!(told, "  {}", known.join(", "));
        }
        let _ = writeln!(told, "  {}", paint(DIM, &text(&letter.body)));
    }
    if !found.complete {
        let _ = writeln!(told, "{}", paint(DIM, "and more"));
    }
    told
}
