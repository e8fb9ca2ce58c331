//! A Lambda Runtime API for one function: starts its real binary, hands it events, takes its answers.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Answer, Request, Served};

/// Longer than any function may take: a hang fails the test instead of stopping it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Numbers the functions that were started, for the names of their logs.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// A failure as a state machine would see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub name: String,
    pub message: String,
}

/// A running function.
pub struct Function {
    child: Arc<Mutex<Child>>,
    events: Sender<String>,
    answers: Receiver<Result<String, Failure>>,
    polled: Receiver<Instant>,
    started: Instant,
    logs: PathBuf,
    /// The Runtime API, for as long as the function is there.
    served: Served,
}

impl Function {
    /// Starts `binary` with `env` and nothing else in its environment.
    pub fn start(binary: &str, env: &[(&str, String)]) -> Self {
        Self::start_with(binary, &[], env)
    }

    /// The same for a program that is told what to do.
    pub fn start_with(binary: &str, arguments: &[&str], env: &[(&str, String)]) -> Self {
        let (events, next) = channel::<String>();
        let (told, answers) = channel();
        let (poll, polled) = channel();
        let next = Mutex::new(next);
        let served = Served::start(move |request: Request| {
            if request.path.ends_with("/invocation/next") {
                let _ = poll.send(Instant::now());
                let event = next.lock().unwrap().recv().ok()?;
                let deadline = jiff::Timestamp::now().as_millisecond() + 60_000;
                return Some(
                    Answer::new(200, event)
                        .with("content-type", "application/json")
                        .with("lambda-runtime-aws-request-id", "5b2c0b5a-2a52-4a7e-9d53-1f0b5a2c7e11")
                        .with("lambda-runtime-deadline-ms", &deadline.to_string())
                        .with(
                            "lambda-runtime-invoked-function-arn",
                            "arn:aws:lambda:us-east-1:000000000000:function:f",
                        ),
                );
            }
            let text = String::from_utf8(request.body).unwrap();
            let answer = if request.path.ends_with("/response") {
                Ok(text)
            } else {
                let error: Value = serde_json::from_str(&text).unwrap_or_default();
                let field = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                Err(Failure { name: field("errorType"), message: field("errorMessage") })
            };
            let _ = told.send(answer);
            Some(Answer::new(202, "{}"))
        });
        let name = format!("watchkeeper-{}-{}.log", std::process::id(), STARTED.fetch_add(1, Ordering::SeqCst));
        let logs = std::env::temp_dir().join(name);
        let log = File::create(&logs).unwrap();
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", served.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "f")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        for (name, value) in env {
            command.env(name, value);
        }
        let started = Instant::now();
        let child = Arc::new(Mutex::new(command.spawn().unwrap()));
        Self { child, events, answers, polled, started, logs, served }
    }

    /// Hands over one event and waits for the answer; `None` when the function died over it.
    pub fn invoke(&self, event: &Value) -> Option<Result<Value, Failure>> {
        self.invoke_text(event.to_string()).map(|answer| answer.map(|text| serde_json::from_str(&text).unwrap()))
    }

    /// The same with texts.
    pub fn invoke_text(&self, event: String) -> Option<Result<String, Failure>> {
        self.events.send(event).ok()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(answer) = self.answers.recv_timeout(Duration::from_millis(20)) {
                return Some(answer);
            }
            if !self.is_alive() {
                return None;
            }
        }
        panic!("no answer within {PATIENCE:?}");
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.child.lock().unwrap().try_wait(), Ok(None))
    }

    /// What ends the function from outside, at any moment, as a sandbox that is taken away does.
    pub fn killer(&self) -> impl Fn() + Send + Sync + use<> {
        let child = Arc::clone(&self.child);
        move || {
            let mut child = child.lock().unwrap();
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// From the start of the process to its first poll.
    pub fn init(&self) -> Duration {
        self.polled.recv_timeout(PATIENCE).unwrap() - self.started
    }

    /// Everything it has written so far: its log and its metrics.
    pub fn logs(&self) -> String {
        std::fs::read_to_string(&self.logs).unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.killer()();
        let _ = std::fs::remove_file(&self.logs);
    }
}
