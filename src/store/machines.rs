//! State machines, started once per name.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use domain::incident::Incident;
use domain::log::Hash;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::error::Error;

/// One state machine.
#[derive(Debug, Clone)]
pub struct Machine {
    client: Client,
    arn: String,
}

impl Machine {
    /// The machine named `arn`.
    pub fn new(aws: &Aws, arn: String) -> Self {
        Self { client: aws.sfn(), arn }
    }

    /// Starts the execution `name`, once: one that runs, or ran, under this name is as good.
    ///
    /// AWS answers a repeat with the same execution while it runs and the input is the same, and with
    /// `ExecutionAlreadyExists` otherwise; both mean that it was started.
    pub async fn start(&self, name: &str, input: &Value) -> Result<(), Error> {
        let started = self.client.start_execution().state_machine_arn(&self.arn).name(name).input(input.to_string());
        match started.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(()),
                _ => Err(Error::aws("starting a state machine", error)),
            },
        }
    }
}

/// One more execution for an incident whose own is over or asleep: its name, the same for the same request, and its
/// input.
pub fn look_again(incident: &Incident, cause: &str) -> (String, Value) {
    let name = format!("{}-look-{}", incident.id, &Hash::of(cause.as_bytes()).as_str()[..16]);
    // Continued executions are numbered from here: far from those of the executions before.
    (name, json!({ "incident": incident.id, "generation": 1000 * incident.seq }))
}
