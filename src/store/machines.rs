//! State machines, started once per name.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use serde_json::Value;

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
