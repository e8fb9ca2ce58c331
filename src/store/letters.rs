//! Queues of dead letters: looked at without taking anything away, and emptied letter by letter.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use domain::letter::{Letter, Path};
use jiff::Timestamp;

use crate::aws::Aws;
use crate::error::Error;

/// How long nobody else sees a letter that is being looked at, in seconds: longer than whoever looks may take.
const HIDDEN: i32 = 60;
/// How many letters are received at once.
const RECEIVED: i32 = 10;
/// How long SQS waits for letters, in seconds: unless it waits, it asks some of its servers only, and misses what others have.
const WAIT: i32 = 1;

/// What SQS itself says of a letter.
const SAID: [MessageSystemAttributeName; 3] = [
    MessageSystemAttributeName::SentTimestamp,
    MessageSystemAttributeName::ApproximateReceiveCount,
    MessageSystemAttributeName::AwsTraceHeader,
];

/// The queue of one path.
#[derive(Debug, Clone)]
pub struct Letters {
    client: Client,
    url: String,
    path: Path,
}

/// A letter that nobody else sees for a while.
#[derive(Debug)]
pub struct Held {
    /// The letter.
    pub letter: Letter,
    receipt: String,
}

impl Letters {
    /// The queue of `path` at `url`.
    pub fn new(aws: &Aws, path: Path, url: String) -> Self {
        Self { client: aws.sqs(), url, path }
    }

    /// The path.
    pub const fn path(&self) -> Path {
        self.path
    }

    /// About how many letters there are, those that somebody looks at included.
    pub async fn count(&self) -> Result<u64, Error> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Shown, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let asked = self.client.get_queue_attributes().queue_url(&self.url);
        let asked = asked.attribute_names(Shown).attribute_names(Hidden).send().await;
        let found = asked.map_err(|error| Error::aws("counting dead letters", error))?;
        let number = |name| found.attributes().and_then(|known| known.get(&name)?.parse::<u64>().ok());
        Ok(number(Shown).unwrap_or_default() + number(Hidden).unwrap_or_default())
    }

    /// Some letters, which nobody else sees for a minute; none when there are none left to see, or others look at them.
    pub async fn take(&self) -> Result<Vec<Held>, Error> {
        let asked = self.client.receive_message().queue_url(&self.url).max_number_of_messages(RECEIVED);
        let asked = asked.visibility_timeout(HIDDEN).wait_time_seconds(WAIT).message_attribute_names("All");
        let asked = asked.set_message_system_attribute_names(Some(SAID.to_vec())).send().await;
        let found = asked.map_err(|error| Error::aws("looking at dead letters", error))?;
        let held = found.messages.unwrap_or_default().into_iter().filter_map(|message| {
            let known = message.attributes.unwrap_or_default();
            let sent_at = known.get(&MessageSystemAttributeName::SentTimestamp);
            let sent_at = sent_at.and_then(|sent| Timestamp::from_millisecond(sent.parse().ok()?).ok());
            let said = message.message_attributes.unwrap_or_default().into_iter();
            let said = said.filter_map(|(name, value)| Some((name, value.string_value?)));
            let known = known.into_iter().map(|(name, value)| (name.as_str().to_owned(), value));
            let attributes: BTreeMap<String, String> = said.chain(known).collect();
            let letter = Letter {
                path: self.path,
                id: message.message_id?,
                // One that does not say counts as the oldest, so that it is not passed over.
                sent_at: sent_at.unwrap_or(Timestamp::UNIX_EPOCH),
                body: message.body.unwrap_or_default(),
                attributes,
            };
            Some(Held { letter, receipt: message.receipt_handle? })
        });
        Ok(held.collect())
    }

    /// Lets others see it again.
    pub async fn put_back(&self, held: &Held) -> Result<(), Error> {
        let back = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(&held.receipt);
        let back = back.visibility_timeout(0).send().await;
        back.map(drop).map_err(|error| Error::aws("putting a dead letter back", error))
    }

    /// Removes it for good.
    pub async fn remove(&self, held: &Held) -> Result<(), Error> {
        let gone = self.client.delete_message().queue_url(&self.url).receipt_handle(&held.receipt).send().await;
        gone.map(drop).map_err(|error| Error::aws("removing a dead letter", error))
    }
}
