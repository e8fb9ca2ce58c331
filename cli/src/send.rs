//! Sending alerts as their senders do: to the same doors, with the same proofs, and again when nobody takes them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use jiff::Timestamp;
use serde::Serialize;
use ureq::Agent;
use ureq::http::Request;
use watchkeeper::secret::Secret;

use crate::args::{self, Sender};
use crate::client::{agent, unreachable};
use crate::dialect::Letter;
use crate::failure::{Failure, is_local};
use crate::settings::Settings;
use crate::show::{DIM, GREEN, Show, paint, text};

/// How often one alert is tried while the door is overloaded, as senders do.
const TRIES: u32 = 5;
/// How long to wait before the second try; longer before each after it.
const PAUSE: Duration = Duration::from_millis(200);
/// The function that CloudWatch's alarms are given to.
const FUNCTION: &str = "watchkeeper-ingest";
/// The local cloud takes the account's root key without looking at the signature; nothing else would take this.
const LOCAL_ROOT: &str =
    "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0";

/// What came of sending; an object of the command's own.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    sender: &'static str,
    sent: u32,
    accepted: u32,
    tried_again: u32,
    seconds: f64,
    answers: BTreeMap<u16, u32>,
    last: String,
}

/// Where letters go, and what they are made of.
struct Post<'a> {
    sender: Sender,
    integration: &'a str,
    what: Option<&'a [u8]>,
    resolve: bool,
    key: Option<Secret>,
    url: String,
    begun: Timestamp,
}

/// Sends a file or a sample.
pub fn send(asked: &args::Send, settings: &Settings, show: Show) -> Result<(), Failure> {
    let sample = Sender::from_str(&asked.what, true).ok().filter(|_| !Path::new(&asked.what).is_file());
    let file = if sample.is_some() { None } else { Some(read(Path::new(&asked.what))?) };
    let sender = asked.sender.or(sample).or_else(|| file.as_deref().and_then(Sender::of)).ok_or_else(|| {
        Failure::Usage(format!("{} does not say whose it is: add --sender, such as --sender generic", asked.what))
    })?;
    let key = sender.key().and_then(|name| settings.get(name));
    if let (None, Some(name), Sender::Pagerduty | Sender::Generic) = (&key, sender.key(), sender) {
        return Err(Failure::Unconfigured(name));
    }
    let url = if sender.is_handed_over() { cloud(sender, settings, &asked.what)? } else { settings.url.clone() };
    let post = Post {
        sender,
        integration: asked.integration.as_deref().unwrap_or_else(|| sender.name()),
        what: file.as_deref(),
        resolve: asked.resolve,
        key,
        url,
        begun: Timestamp::now(),
    };
    let sent = post.all(asked.repeat, asked.parallel)?;
    show.print(&sent, tell);
    if sent.accepted == sent.sent { Ok(()) } else { Err(Failure::failed("not everything was accepted")) }
}

/// The words for senders.
fn names() -> String {
    Sender::value_variants().iter().map(|sender| sender.name()).collect::<Vec<_>>().join(", ")
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::NotFound {
        what: format!("{}: {error}", file.display()),
        fix: Some(format!("name a file, or one of: {}", names())),
    })
}

/// The local cloud's address: an alarm has no door, AWS itself hands it to the function.
fn cloud(sender: Sender, settings: &Settings, what: &str) -> Result<String, Failure> {
    let file = if Path::new(what).is_file() { what } else { "FILE" };
    let local = settings.get("AWS_ENDPOINT_URL").map(|url| url.expose().trim_end_matches('/').to_owned());
    let local = local.filter(|url| is_local(url));
    if sender == Sender::Email {
        return local.ok_or_else(|| Failure::Failed {
            what: "a mail has no door: SES hands it to the function".to_owned(),
            fix: Some("on AWS, write a mail to the address of the integration".to_owned()),
        });
    }
    local.ok_or_else(|| Failure::Failed {
        what: "a CloudWatch alarm has no door: AWS itself hands it to the function".to_owned(),
        fix: Some(format!(
            "on AWS, set an alarm off (aws cloudwatch set-alarm-state), or give the function the event: aws lambda \
             invoke --function-name {FUNCTION} --cli-binary-format raw-in-base64-out --payload file://{file} /dev/stdout"
        )),
    })
}

impl Post<'_> {
    /// Sends as often as asked, `parallel` at the same time.
    fn all(&self, repeat: u32, parallel: u32) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        let sent = Mutex::new(Outcome { sender: self.sender.name(), ..Outcome::default() });
        let failed = Mutex::new(None);
        let taken = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..parallel.min(repeat) {
                scope.spawn(|| {
                    let agent = agent(&self.url);
                    loop {
                        let number = taken.fetch_add(1, Ordering::Relaxed);
                        if number >= repeat {
                            return;
                        }
                        match self.one(&agent, number) {
                            Ok((status, body, tries)) => note(&sent, status, body, tries),
                            Err(failure) => {
                                taken.store(repeat, Ordering::Relaxed);
                                failed.lock().expect("nobody panics with it").get_or_insert(failure);
                            }
                        }
                    }
                });
            }
        });
        if let Some(failure) = failed.into_inner().expect("nobody panics with it") {
            return Err(failure);
        }
        let mut sent = sent.into_inner().expect("nobody panics with it");
        sent.seconds = begun.elapsed().as_secs_f64();
        Ok(sent)
    }

    /// Sends one, again while nobody takes it; its status, what was answered, and how often it was tried.
    fn one(&self, agent: &Agent, number: u32) -> Result<(u16, String, u32), Failure> {
        let id = format!("msg_{:x}_{number}", self.begun.as_nanosecond());
        let sample = || self.sender.fresh_sample(self.resolve, Timestamp::now(), &id);
        let body = self.what.map_or_else(sample, <[u8]>::to_vec);
        for tries in 1.. {
            // Made anew for each try, as the signature is over the time of the try.
            let mut letter = self.sender.letter(self.integration, &body, self.key.as_ref(), &id)?;
            if self.sender.is_handed_over() {
                letter.path = format!("/2015-03-31/functions/{FUNCTION}/invocations");
                letter.headers.push(("authorization".to_owned(), LOCAL_ROOT.to_owned()));
            }
            match post(agent, &self.url, letter) {
                Ok((status, body)) if status < 500 && status != 429 || tries == TRIES => {
                    return Ok((status, body, tries));
                }
                Err(failure) if tries == TRIES || number == 0 => return Err(failure),
                Ok(_) | Err(_) => std::thread::sleep(PAUSE * tries),
            }
        }
        unreachable!("the last try returns")
    }
}

fn note(sent: &Mutex<Outcome>, status: u16, body: String, tries: u32) {
    let mut sent = sent.lock().expect("nobody panics with it");
    sent.sent += 1;
    sent.accepted += u32::from((200..300).contains(&status));
    sent.tried_again += tries - 1;
    *sent.answers.entry(status).or_default() += 1;
    sent.last = body;
}

fn post(agent: &Agent, url: &str, letter: Letter) -> Result<(u16, String), Failure> {
    let mut request = Request::post(format!("{url}{}", letter.path));
    for (name, value) in letter.headers {
        request = request.header(name, value);
    }
    let request = request.body(letter.body).map_err(|error| Failure::Usage(format!("{url}: {error}")))?;
    let mut answer = agent.run(request).map_err(|error| unreachable(url, &error))?;
    // A function that fails answers 200 through Lambda's own API, with a header that says so.
    let failed = answer.headers().contains_key("x-amz-function-error");
    let status = if failed { 502 } else { answer.status().as_u16() };
    let body = answer.body_mut().read_to_string().map_err(|error| unreachable(url, &error))?;
    Ok((status, body))
}

fn tell(sent: &Outcome) -> String {
    let answers: Vec<String> = sent.answers.iter().map(|(status, count)| format!("{count} x {status}")).collect();
    let again = if sent.tried_again > 0 { format!(", {} tried again", sent.tried_again) } else { String::new() };
    let head = if sent.sent == 1 {
        format!("{} sent: answered {}{again}\n", sent.sender, sent.answers.keys().next().unwrap_or(&0))
    } else {
        let Outcome { sender, sent: count, seconds, .. } = sent;
        format!("{count} of {sender} sent in {seconds:.1} s: answered {}{again}\n", answers.join(", "))
    };
    let head = if sent.accepted == sent.sent { paint(GREEN, &head) } else { head };
    let last = sent.last.trim();
    if last.is_empty() || last == "null" { head } else { format!("{head}{}\n", paint(DIM, &text(last))) }
}
