//! `watchkeeper`, the operator's command: everything a person does with incidents and policies, from a shell.
//!
//! It speaks to the same API as everybody else and holds no rule of its own. What it prints with `--json` are the API's
//! objects; what it prints for people has senders' texts made harmless and times in the reader's own zone.
#![expect(unreachable_pub, reason = "a binary has no public items, and `pub` reads better than `pub(crate)`")]

use std::process::ExitCode;

use clap::Parser;

mod answer;
mod args;
mod audit;
mod calendar;
mod client;
mod cover;
mod dialect;
mod dlq;
mod erase;
mod explain;
mod failure;
mod fsck;
mod history;
mod hygiene;
mod import;
mod incidents;
mod migrate;
mod oncall;
mod owners;
mod past;
mod plan;
mod policy;
mod schedule;
mod send;
mod settings;
mod show;
mod silence;
mod stack;
mod test_page;

use args::{Args, Command, PolicyCommand};
use client::Client;
use failure::Failure;
use show::Show;
use watchkeeper::api::{Answer, Erase, Reassign, Snooze};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            show::fail(&failure);
            failure.exit_code()
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    let show = Show { json: args.json };
    let client = || Client::connect(&settings::Settings::find(args.url.as_deref())?);
    match args.command {
        Command::Up => stack::up(),
        Command::Down => stack::down(),
        Command::Send(what) => send::send(&what, &settings::Settings::find(args.url.as_deref())?, show),
        Command::Incidents { status, limit } => incidents::list(&client()?, status, limit, show),
        Command::Incident { id, verify } => incidents::one(&client()?, &id, verify, show),
        Command::Ack { ids, by } => answer::each(&client()?, &ids, "acknowledge", &answer::from(by, None), show),
        Command::Unack { ids, by } => answer::each(&client()?, &ids, "unacknowledge", &answer::from(by, None), show),
        Command::Snooze { id, length, until, by } => {
            answer::one(&client()?, &id, "snooze", &Snooze { by, until, length }, show)
        }
        Command::Reassign { id, to, by } => answer::one(&client()?, &id, "reassign", &Reassign { by, to }, show),
        Command::Resolve { ids, by } => answer::each(&client()?, &ids, "resolve", &answer::from(by, None), show),
        Command::Escalate { id, by } => answer::each(&client()?, &[id], "escalate", &answer::from(by, None), show),
        Command::Note { id, text, by, about } => {
            let note = Answer { about, ..answer::from(by, Some(text.join(" "))) };
            answer::each(&client()?, &[id], "notes", &note, show)
        }
        Command::Erase { subject, reason, by } => erase::subject(&client()?, &subject, &Erase { by, reason }, show),
        Command::Oncall { at } => oncall::at(&client()?, at, show),
        Command::Schedule(command) => schedule::schedules(client, command, show),
        Command::Override(command) => cover::overrides(&client()?, command, show),
        Command::Swap(swap) => cover::swap(&client()?, swap, show),
        Command::Absence(command) => cover::absences(&client()?, command, show),
        Command::Calendar(command) => calendar::calendars(&client()?, command, show),
        Command::TestPage { user, contact, wait } => test_page::send(&client()?, &user, contact, wait, show),
        Command::Silence(what) => silence::silence(&client()?, what, show),
        Command::Maintenance(what) => silence::maintenance(&client()?, what, show),
        Command::Hygiene { span } => hygiene::report(&client()?, &span, show),
        Command::Policy(PolicyCommand::Validate { file, strict }) => policy::validate(&file, strict, show),
        Command::Policy(PolicyCommand::Plan(what)) => plan::plan(&what, client, show),
        Command::Policy(PolicyCommand::History { span }) => history::write(&client()?, &span),
        Command::Policy(PolicyCommand::Apply { file, yes, accept_lost_pages, span }) => {
            policy::apply(&file, policy::Consent { yes, accept_lost_pages }, &span, client, show)
        }
        Command::Policy(PolicyCommand::Owners(wanted)) => owners::convert(&wanted, show),
        Command::Policy(PolicyCommand::Show) => policy::show(&client()?, show),
        Command::Import(from) => migrate::import(&from, show),
        Command::Explain(what) => explain::explain(&what, client, show),
        Command::Dlq(command) => dlq::letters(&client()?, command, show),
        Command::Fsck { repair } => fsck::check(&client()?, repair, show),
        Command::Audit(what) => audit::audit(client, what, show),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut <Args as clap::CommandFactory>::command(),
                "watchkeeper",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}
