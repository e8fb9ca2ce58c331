//! Ingest: verifies what arrives, turns it into signals, queues them, and only then answers.

use watchkeeper::aws::Aws;
use watchkeeper::config::required;
use watchkeeper::lambda;
use watchkeeper::reception::Reception;
use watchkeeper::store::{Policies, Queue, Secrets};
use watchkeeper::topics::Topics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Fatal> {
    let aws = &Aws::from_env()?;
    let reception = &Reception {
        policies: Policies::new(aws, &required("POLICY_BUCKET")?),
        secrets: Secrets::new(aws),
        queue: Queue::new(aws, required("SIGNALS_QUEUE")?),
        topics: Topics::default(),
    };
    lambda::serve_event(async |event, now, _: &str| reception.answer(event, now).await).await
}
