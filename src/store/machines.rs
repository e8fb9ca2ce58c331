//! State machines, started once per name.

use bytes::Bytes;
use domain::incident::Incident;
use domain::log::Hash;
use http::Method;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::error::Error;
use crate::signed::{Answered, Signed};

/// What Step Functions calls a name that was taken before.
const TAKEN: &str = "ExecutionAlreadyExists";

/// How many pages of a thousand executions are listed.
const LISTED: u32 = 5;

/// One state machine.
#[derive(Debug, Clone)]
pub struct Machine {
    states: Signed,
    arn: String,
}

impl Machine {
    /// The machine named `arn`.
    pub fn new(aws: &Aws, arn: String) -> Self {
        Self { states: Signed::new(aws, "states", "states"), arn }
    }

    /// Starts the execution `name`, once: one that runs, or ran, under this name is as good.
    ///
    /// AWS answers a repeat with the same execution while it runs and the input is the same, and with
    /// `ExecutionAlreadyExists` otherwise; both mean that it was started.
    pub async fn start(&self, name: &str, input: &Value) -> Result<(), Error> {
        self.try_start(name, input).await.map(|_| ())
    }

    /// The same where one that ran and is over is not as good: whether one runs under this name now.
    pub async fn runs(&self, name: &str, input: &Value) -> Result<bool, Error> {
        if self.try_start(name, input).await? {
            return Ok(true);
        }
        let execution = format!("{}:{name}", self.arn.replacen(":stateMachine:", ":execution:", 1));
        let what = "asking for an execution";
        let answered = self.ask(what, "DescribeExecution", &json!({ "executionArn": execution })).await?;
        if !answered.status.is_success() {
            let source =
                format!("Step Functions answered {} {}", answered.status, answered.code().unwrap_or_default()).into();
            return Err(Error::Unavailable { what, source });
        }
        let described: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
        Ok(described["status"] == "RUNNING")
    }

    /// The names of the executions that run now: some thousands of them, and then not all.
    pub async fn running(&self) -> Result<Vec<String>, Error> {
        let (mut names, mut next) = (Vec::new(), None::<String>);
        let what = "listing executions";
        for _ in 0..LISTED {
            let mut body = json!({ "stateMachineArn": self.arn, "statusFilter": "RUNNING", "maxResults": 1000 });
            if let Some(next) = &next {
                body["nextToken"] = json!(next);
            }
            let answered = self.ask(what, "ListExecutions", &body).await?;
            if !answered.status.is_success() {
                let source =
                    format!("Step Functions answered {} {}", answered.status, answered.code().unwrap_or_default())
                        .into();
                return Err(Error::Unavailable { what, source });
            }
            let page: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            let listed = page["executions"].as_array().into_iter().flatten();
            names.extend(listed.filter_map(|execution| execution["name"].as_str().map(str::to_owned)));
            next = page["nextToken"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        Ok(names)
    }

    /// Whether one was started, or runs as it would have been; otherwise its name was taken before.
    async fn try_start(&self, name: &str, input: &Value) -> Result<bool, Error> {
        let body = json!({ "stateMachineArn": self.arn, "name": name, "input": input.to_string() });
        let what = "starting a state machine";
        let answered = self.ask(what, "StartExecution", &body).await?;
        let error = answered.code().unwrap_or_default();
        if answered.status.is_success() || error == TAKEN {
            return Ok(answered.status.is_success());
        }
        let source = format!("Step Functions answered {} {error}", answered.status).into();
        Err(Error::Unavailable { what, source })
    }

    async fn ask(&self, what: &'static str, operation: &str, body: &Value) -> Result<Answered, Error> {
        let target = format!("AWSStepFunctions.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let answered = self.states.ask(&Method::POST, "/", &headers, &Bytes::from(body.to_string())).await;
        answered.map_err(|failure| Error::Unavailable { what, source: Box::new(failure) })
    }
}

/// One more execution for an incident whose own is over or asleep: its name, the same for the same request, and its
/// input.
pub fn look_again(incident: &Incident, cause: &str) -> (String, Value) {
    let name = format!("{}-look-{}", incident.id, &Hash::of(cause.as_bytes()).as_str()[..16]);
    // Continued executions are numbered from here: far from those of the executions before.
    (name, json!({ "incident": incident.id, "generation": 1000 * incident.seq }))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn f06_every_name_is_one_that_step_functions_takes() {
        let id = domain::incident::IncidentId {
            fingerprint: domain::fingerprint::Fingerprint::of("pagerduty", "ana@example.com / b c"),
            generation: u32::MAX,
        };
        let incident = Incident::expected(id.clone());
        let continued = format!("{id}-c{}", u64::MAX);
        for name in [id.to_string(), look_again(&incident, "api/ana@example.com").0, continued] {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            assert!(plain && name.len() <= 80, "{name}");
            assert!(!name.contains("ana"), "nobody is named");
        }
    }

    #[test]
    fn f01_f02_a_name_that_was_taken_before_is_known_however_it_is_answered() {
        let table = [
            (None, r#"{"__type":"ExecutionAlreadyExists","message":"m"}"#, TAKEN),
            (None, r#"{"__type":"com.amazonaws.swf.service.v2.model#ExecutionAlreadyExists"}"#, TAKEN),
            (Some("ExecutionAlreadyExists"), "{}", TAKEN),
            (None, r#"{"__type":"ThrottlingException"}"#, "ThrottlingException"),
            (None, "<html>", ""),
        ];
        for (header, body, expected) in table {
            let (error_header, body) = (header.map(str::to_owned), Bytes::from(body));
            let answered = Answered { status: StatusCode::BAD_REQUEST, error: error_header, etag: None, body };
            assert_eq!(answered.code().unwrap_or_default(), expected, "{answered:?}");
        }
    }
}
