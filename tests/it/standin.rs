//! A stand-in for AWS in memory: just the calls and the conditions that the functions use, and a place to break each.
//!
//! It proves what our code does around its calls. What the services themselves do is proved on the local cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::evidence::note::PublicKey;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::server::{Answer, Request, serve};

/// How a call is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not.
    None,
    /// The caller is killed before the call has any effect.
    KilledBefore,
    /// The call has its effect, and the caller is killed before it hears of it.
    KilledAfter,
    /// The call has its effect, and its answer is lost.
    AnswerLost,
    /// The service is in trouble.
    Trouble,
    /// The service is in trouble at this call however often its client tries it.
    Failing,
    /// The service has enough of the caller at this call, however often its client tries it.
    Throttled,
    /// The service says no.
    Refused,
}

/// How often a client tries a call.
const TRIES: u32 = 3;

/// The ARN of the key that signs evidence.
pub const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/0";
/// The name in which evidence is signed.
pub const ORIGIN: &str = "watchkeeper/000000000000/us-east-1/test";
/// How S3 says that a bucket is locked.
pub const LOCK: &str = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
    <Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";

/// An item of a table: attributes by name.
pub type Item = Map<String, Value>;
/// Decides about the n-th call, from 0, which is named like `DynamoDB_20120810.Query`.
type Breaker = Box<dyn FnMut(usize, &str) -> Fault + Send>;

/// What the services hold.
#[derive(Clone, Default)]
pub struct World {
    /// Table name to items, by their keys.
    pub tables: BTreeMap<String, BTreeMap<(String, String), Item>>,
    /// Messages on queues, by the end of the queue's URL.
    pub queues: BTreeMap<String, Vec<String>>,
    /// The traces that messages were sent with.
    pub traces: Vec<String>,
    /// Dead letters, by the end of their queue's URL.
    pub letters: BTreeMap<String, Vec<Letter>>,
    /// What functions were called with, by the name of the function.
    pub called: Vec<(String, Value)>,
    /// Objects, by bucket and key.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// What S3 says of the bucket's lock; none without one.
    pub lock: Option<&'static str>,
    /// The key that KMS signs with.
    pub key: Option<Key>,
    /// Parameters.
    pub parameters: BTreeMap<String, String>,
    /// Executions that were started: name to input.
    pub executions: BTreeMap<String, String>,
    /// The names of those that are over, however they ended.
    pub over: BTreeSet<String>,
    /// Messages and mails that left through AWS.
    pub sent: Vec<Value>,
    /// Names of the calls so far.
    pub calls: Vec<String>,
    /// Whether each call does as little as it may: one item of a page, and one part of a batch.
    pub stingy: bool,
    /// What transactions said of themselves that were made: one that comes again was made already.
    pub tokens: BTreeSet<String>,
}

/// A message of a queue that is looked at and not only filled.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    pub id: String,
    pub body: String,
    pub attributes: BTreeMap<String, String>,
    pub sent_at: i64,
    pub hidden: bool,
}

/// The stand-in.
#[derive(Clone)]
pub struct Standin {
    pub world: Arc<Mutex<World>>,
    breaker: Arc<Mutex<Breaker>>,
    killer: Arc<Mutex<Box<dyn Fn() + Send>>>,
    lasting: Arc<Mutex<Vec<(Lasting, u32)>>>,
    pub address: SocketAddr,
}

impl Standin {
    pub fn start() -> Self {
        let world: Arc<Mutex<World>> = Arc::default();
        let breaker: Arc<Mutex<Breaker>> = Arc::new(Mutex::new(Box::new(|_, _| Fault::None)));
        let killer: Arc<Mutex<Box<dyn Fn() + Send>>> = Arc::new(Mutex::new(Box::new(|| ())));
        let (inner, breaks, kills) = (Arc::clone(&world), Arc::clone(&breaker), Arc::clone(&killer));
        let lasting: Arc<Mutex<Vec<(Lasting, u32)>>> = Arc::default();
        let lasts_on = Arc::clone(&lasting);
        let address = serve(move |request| {
            let name = name(&request);
            let again = lasts(&mut lasts_on.lock().unwrap(), &request);
            let fault = again.unwrap_or_else(|| {
                let mut world = inner.lock().unwrap();
                world.calls.push(name.clone());
                (breaks.lock().unwrap())(world.calls.len() - 1, &name)
            });
            if again.is_none() && matches!(fault, Fault::Failing | Fault::Throttled) {
                lasts_on.lock().unwrap().push((Lasting::of(&request, fault), TRIES - 1));
            }
            match fault {
                Fault::None => Some(inner.lock().unwrap().answer(&name, &request)),
                Fault::Trouble | Fault::Failing => Some(Answer::new(503, "{}")),
                Fault::Throttled => Some(throttled(&name)),
                Fault::Refused => Some(failure(400, "AccessDeniedException")),
                Fault::KilledBefore => {
                    kills.lock().unwrap()();
                    None
                }
                Fault::KilledAfter => {
                    inner.lock().unwrap().answer(&name, &request);
                    kills.lock().unwrap()();
                    None
                }
                Fault::AnswerLost => {
                    inner.lock().unwrap().answer(&name, &request);
                    None
                }
            }
        });
        Self { world, breaker, killer, lasting, address }
    }

    /// From now on `breaker` decides about every call, counted from 0 again.
    pub fn breaks(&self, breaker: impl FnMut(usize, &str) -> Fault + Send + 'static) {
        self.world.lock().unwrap().calls.clear();
        *self.breaker.lock().unwrap() = Box::new(breaker);
    }

    /// Nothing is broken any more, now or later.
    pub fn mend(&self) {
        self.breaks(|_, _| Fault::None);
        self.lasting.lock().unwrap().clear();
    }

    /// Who is killed by a fault that kills.
    pub fn kills(&self, killer: impl Fn() + Send + 'static) {
        *self.killer.lock().unwrap() = Box::new(killer);
    }

    /// The environment that leads a function here.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let text = |text: &str| text.to_owned();
        vec![
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("RECORDS_TABLE", text("records")),
            ("STATE_TABLE", text("state")),
            ("SIGNALS_QUEUE", format!("http://{}/000000000000/signals", self.address)),
            ("SIGNALS_DEAD_LETTERS", format!("http://{}/000000000000/dead-letters", self.address)),
            ("POLICY_BUCKET", text("policies")),
            ("EVIDENCE_BUCKET", text("evidence")),
            ("EVIDENCE_KEY", text(KEY)),
            ("EVIDENCE_ORIGIN", text(ORIGIN)),
            ("SECRETS_PATH", text("/watchkeeper")),
            ("INCIDENT_MACHINE", text("arn:aws:states:us-east-1:000000000000:stateMachine:incident")),
            ("PUBLIC_URL", text("https://watchkeeper.test")),
            ("GRACE_SECONDS", text("60")),
            ("EXPORT_MACHINE", text("arn:aws:states:us-east-1:000000000000:stateMachine:export")),
            ("INGEST_FUNCTION", text("ingest")),
            ("SWEEP_FUNCTION", text("sweep")),
            ("INGEST_DEAD_LETTERS", format!("http://{}/000000000000/ingest-dead", self.address)),
            ("INCIDENT_DEAD_LETTERS", format!("http://{}/000000000000/incident-dead", self.address)),
            ("SWEEP_DEAD_LETTERS", format!("http://{}/000000000000/sweep-dead", self.address)),
            ("ARCHIVE_DEAD_LETTERS", format!("http://{}/000000000000/archive-dead", self.address)),
            ("CHECKPOINT_DEAD_LETTERS", format!("http://{}/000000000000/checkpoint-dead", self.address)),
            ("EXPORT_DEAD_LETTERS", format!("http://{}/000000000000/export-dead", self.address)),
        ]
    }
}

/// A call that stays broken.
struct Lasting {
    path: String,
    body: Vec<u8>,
    fault: Fault,
}

impl Lasting {
    fn of(request: &Request, fault: Fault) -> Self {
        Self { path: request.path.clone(), body: request.body.clone(), fault }
    }
}

/// The fault of a call that its client tries again, as often as it does.
fn lasts(lasting: &mut Vec<(Lasting, u32)>, request: &Request) -> Option<Fault> {
    let same = |(call, _): &(Lasting, u32)| call.path == request.path && call.body == request.body;
    let place = lasting.iter().position(same)?;
    let fault = lasting[place].0.fault;
    lasting[place].1 -= 1;
    if lasting[place].1 == 0 {
        lasting.remove(place);
    }
    Some(fault)
}

/// How each service says that it has enough.
fn throttled(name: &str) -> Answer {
    match name.split_once('.').map_or(name, |(service, _)| service) {
        "DynamoDB_20120810" => failure(400, "ProvisionedThroughputExceededException"),
        "AmazonSQS" => failure(400, "RequestThrottled"),
        "AmazonSSM" | "TrentService" | "AWSStepFunctions" => failure(400, "ThrottlingException"),
        "Query" => Answer::new(400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
        "POST /v2/email/outbound-emails" => failure(429, "TooManyRequestsException"),
        _ => Answer::new(503, "<Error><Code>SlowDown</Code></Error>"),
    }
}

/// What a call is, whatever protocol it speaks.
fn name(request: &Request) -> String {
    let target = request.header("x-amz-target");
    if !target.is_empty() {
        target.to_owned()
    } else if request.header("content-type").contains("x-www-form-urlencoded") {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned();
        format!("Query.{action}")
    } else {
        format!("{} {}", request.method, request.path.split('?').next().unwrap_or_default())
    }
}

impl World {
    fn answer(&mut self, name: &str, request: &Request) -> Answer {
        let body = || serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let (service, operation) = name.split_once('.').unwrap_or(("", name));
        match (service, operation) {
            ("DynamoDB_20120810", operation) => self.dynamodb(operation, &body()),
            ("AmazonSQS", "SendMessage") => {
                let message = body();
                self.enqueue(&message["QueueUrl"], &message["MessageBody"]);
                let trace = &message["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"];
                self.traces.extend(trace.as_str().map(str::to_owned));
                json_answer(&json!({ "MessageId": "m", "MD5OfMessageBody": md5(&message["MessageBody"]) }))
            }
            ("AmazonSQS", "SendMessageBatch") => {
                let batch = body();
                let entries = batch["Entries"].as_array().cloned().unwrap_or_default();
                let most = if self.stingy { 1 } else { entries.len() };
                let failed = entries
                    .iter()
                    .skip(most)
                    .map(|entry| json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }));
                let failed: Vec<Value> = failed.collect();
                let taken: Vec<Value> = entries
                    .iter()
                    .take(most)
                    .map(|entry| {
                        self.enqueue(&batch["QueueUrl"], &entry["MessageBody"]);
                        json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": md5(&entry["MessageBody"]) })
                    })
                    .collect();
                json_answer(&json!({ "Successful": taken, "Failed": failed }))
            }
            ("AmazonSQS", operation) => self.letters(operation, &body()),
            ("AmazonSSM", "GetParameters") => {
                let names = body()["Names"].as_array().cloned().unwrap_or_default();
                let named = names.iter().filter_map(Value::as_str);
                let found: Vec<Value> = named
                    .filter_map(|name| {
                        Some(json!({ "Name": name, "Type": "SecureString", "Value": self.parameters.get(name)? }))
                    })
                    .collect();
                json_answer(&json!({ "Parameters": found, "InvalidParameters": [] }))
            }
            ("TrentService", operation) => self.kms(operation, &body()),
            ("AWSStepFunctions", "StartExecution") => {
                let (name, input) = (text(&body()["name"]), text(&body()["input"]));
                if self.executions.contains_key(&name) {
                    return failure(400, "ExecutionAlreadyExists");
                }
                self.executions.insert(name, input);
                json_answer(
                    &json!({ "executionArn": "arn:aws:states:us-east-1:000000000000:execution:incident:e", "startDate": 0 }),
                )
            }
            ("AWSStepFunctions", "DescribeExecution") => {
                let arn = text(&body()["executionArn"]);
                let name = arn.rsplit(':').next().unwrap_or_default();
                match self.executions.contains_key(name) {
                    true if self.over.contains(name) => json_answer(&json!({ "name": name, "status": "ABORTED" })),
                    true => json_answer(&json!({ "name": name, "status": "RUNNING" })),
                    false => failure(400, "ExecutionDoesNotExist"),
                }
            }
            ("AWSStepFunctions", "ListExecutions") => {
                let running = self.executions.keys().filter(|name| !self.over.contains(*name));
                let listed: Vec<Value> = running.map(|name| json!({ "name": name, "status": "RUNNING" })).collect();
                json_answer(&json!({ "executions": listed }))
            }
            ("", call) if call.starts_with("POST /2015-03-31/functions/") => {
                let name = call.split('/').nth(3).unwrap_or_default().to_owned();
                self.called.push((name, body()));
                json_answer(&json!({ "looked": 0, "neglected": 0, "in_vain": 0, "released": 0, "through": true }))
            }
            ("Query", "Publish") => {
                let form = String::from_utf8_lossy(&request.body).into_owned();
                self.sent.push(json!({ "sms": form }));
                Answer::new(
                    200,
                    "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>",
                )
                .with("content-type", "text/xml")
            }
            ("", "POST /v2/email/outbound-emails") => {
                self.sent.push(json!({ "email": body() }));
                json_answer(&json!({ "MessageId": "m" }))
            }
            _ => self.s3(request),
        }
    }

    fn kms(&mut self, operation: &str, request: &Value) -> Answer {
        let key = self.key.get_or_insert_with(Key::new);
        match operation {
            "GetPublicKey" => json_answer(&json!({ "KeyId": KEY, "PublicKey": STANDARD.encode(key.public().der()) })),
            "Sign" => {
                let asked = ["SigningAlgorithm", "MessageType"].map(|name| text(&request[name]));
                assert_eq!(asked, ["ECDSA_SHA_256", "RAW"]);
                let message = STANDARD.decode(text(&request["Message"])).unwrap();
                json_answer(&json!({ "KeyId": KEY, "Signature": STANDARD.encode(key.sign(&message)) }))
            }
            _ => failure(400, "UnsupportedOperationException"),
        }
    }

    fn s3(&mut self, request: &Request) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let path = path.trim_start_matches('/').to_owned();
        let parameter = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_encoding::percent_decode_str(pair).decode_utf8_lossy().into_owned())
        };
        if query.starts_with("object-lock") {
            return self.lock.map_or_else(|| Answer::new(404, ""), |lock| Answer::new(200, lock));
        }
        if query.starts_with("list-type=2") {
            let (prefix, after) = (parameter("prefix").unwrap(), parameter("start-after").unwrap());
            let names = self.objects.keys().filter_map(|name| name.strip_prefix(&path));
            let names = names.filter(|name| name.starts_with(&prefix) && **name > *after).take(1000);
            let names = names.fold(String::new(), |list, name| list + "<Contents><Key>" + name + "</Key></Contents>");
            return Answer::new(200, format!("<ListBucketResult>{names}</ListBucketResult>"));
        }
        match request.method.as_str() {
            "PUT" => {
                if path.starts_with("evidence/") {
                    // K16: a locked bucket takes nothing without a checksum, and nothing is ever written over.
                    let checksum = STANDARD.encode(Sha256::digest(&request.body));
                    if request.header("x-amz-checksum-sha256") != checksum || request.header("if-none-match") != "*" {
                        return Answer::new(400, "<Error><Code>InvalidRequest</Code></Error>");
                    }
                    if self.objects.contains_key(&path) {
                        return Answer::new(412, "<Error><Code>PreconditionFailed</Code></Error>");
                    }
                }
                self.objects.insert(path, request.body.clone());
                Answer::new(200, "").with("etag", "\"e\"")
            }
            "GET" => match self.objects.get(&path) {
                Some(object) => Answer::new(200, object.clone()).with("etag", "\"e\""),
                None => {
                    Answer::new(404, "<Error><Code>NoSuchKey</Code></Error>").with("content-type", "application/xml")
                }
            },
            _ => Answer::new(400, format!("the stand-in does not know {} {}", request.method, request.path)),
        }
    }

    fn letters(&mut self, operation: &str, request: &Value) -> Answer {
        let url = text(&request["QueueUrl"]);
        let queue = self.letters.entry(url.rsplit('/').next().unwrap_or_default().to_owned()).or_default();
        let receipt = text(&request["ReceiptHandle"]);
        match operation {
            "ReceiveMessage" => {
                // Who does not wait hears from some of the servers of SQS only.
                assert!(request["WaitTimeSeconds"].as_u64().is_some_and(|seconds| seconds > 0), "{request}");
                let most = usize::try_from(request["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
                let taken: Vec<Value> = queue
                    .iter_mut()
                    .filter(|letter| !letter.hidden)
                    .take(most)
                    .map(|letter| {
                        letter.hidden = true;
                        let said = letter
                            .attributes
                            .iter()
                            .map(|(name, value)| (name.clone(), json!({ "DataType": "String", "StringValue": value })));
                        json!({
                            "MessageId": letter.id, "ReceiptHandle": letter.id, "Body": letter.body,
                            "MD5OfBody": md5(&json!(letter.body)),
                            "Attributes": { "SentTimestamp": letter.sent_at.to_string() },
                            "MessageAttributes": said.collect::<Map<_, _>>(),
                        })
                    })
                    .collect();
                json_answer(&json!({ "Messages": taken }))
            }
            "ChangeMessageVisibility" => {
                queue.iter_mut().filter(|letter| letter.id == receipt).for_each(|letter| letter.hidden = false);
                json_answer(&json!({}))
            }
            "DeleteMessage" => {
                queue.retain(|letter| letter.id != receipt);
                json_answer(&json!({}))
            }
            "GetQueueAttributes" => {
                let hidden = queue.iter().filter(|letter| letter.hidden).count();
                let shown = queue.len() - hidden;
                json_answer(&json!({ "Attributes": {
                    "ApproximateNumberOfMessages": shown.to_string(),
                    "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
                } }))
            }
            _ => failure(400, "UnknownOperationException"),
        }
    }

    fn enqueue(&mut self, url: &Value, message: &Value) {
        let url = text(url);
        let queue = url.rsplit('/').next().unwrap_or_default().to_owned();
        self.queues.entry(queue).or_default().push(text(message));
    }

    fn dynamodb(&mut self, operation: &str, request: &Value) -> Answer {
        match operation {
            "GetItem" => {
                let key = key(request["Key"].as_object().unwrap());
                let item = self.table(&request["TableName"]).get(&key).cloned();
                json_answer(&item.map_or_else(|| json!({}), |item| json!({ "Item": item })))
            }
            "BatchGetItem" => self.batch_get(&request["RequestItems"]),
            "PutItem" => {
                let item = request["Item"].as_object().unwrap().clone();
                if request["ConditionExpression"].is_string() && !self.holds(request) {
                    let name = "ConditionalCheckFailedException";
                    let mut body = json!({ "__type": name, "message": name });
                    if request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
                        body["Item"] = json!(self.table(&request["TableName"])[&key(&item)]);
                    }
                    return Answer::new(400, body.to_string());
                }
                self.table(&request["TableName"]).insert(key(&item), item);
                json_answer(&json!({}))
            }
            "UpdateItem" => {
                assert_eq!(request["UpdateExpression"], "ADD taken :one", "the stand-in knows no other update");
                let key_item = request["Key"].as_object().unwrap().clone();
                let row = self.table(&request["TableName"]).entry(key(&key_item)).or_insert(key_item);
                let taken = row.get("taken").and_then(|taken| taken["N"].as_str()?.parse::<u64>().ok());
                let taken = json!({ "N": (taken.unwrap_or_default() + 1).to_string() });
                row.insert("taken".to_owned(), taken.clone());
                json_answer(&json!({ "Attributes": { "taken": taken } }))
            }
            "DeleteItem" => {
                let key = key(request["Key"].as_object().unwrap());
                let table = self.table(&request["TableName"]);
                let names = &request["ExpressionAttributeNames"];
                let (value, name) = match names["#attribute"].as_str() {
                    Some(name) => (":value", name),
                    None => (":version", "version"),
                };
                let wanted = &request["ExpressionAttributeValues"][value];
                if table.get(&key).is_none_or(|item| item[name] != *wanted) {
                    return failure(400, "ConditionalCheckFailedException");
                }
                table.remove(&key);
                json_answer(&json!({}))
            }
            "BatchWriteItem" => self.batch_write(&request["RequestItems"]),
            "Query" => self.query(request),
            "TransactWriteItems" => {
                let token = text(&request["ClientRequestToken"]);
                if self.tokens.contains(&token) {
                    return json_answer(&json!({}));
                }
                let items = request["TransactItems"].as_array().unwrap();
                let parts = |name: &str| -> Vec<Value> {
                    items.iter().map(|item| item[name].clone()).filter(Value::is_object).collect()
                };
                let (puts, deletes) = (parts("Put"), parts("Delete"));
                let mut holds: Vec<bool> = puts.iter().map(|put| self.holds(put)).collect();
                for delete in &deletes {
                    assert_eq!(delete["ConditionExpression"], "attribute_exists(pk)", "the stand-in knows no other");
                    let key = key(delete["Key"].as_object().unwrap());
                    holds.push(self.table(&delete["TableName"]).contains_key(&key));
                }
                if holds.contains(&false) {
                    let reasons: Vec<Value> = holds
                        .iter()
                        .map(|holds| json!({ "Code": if *holds { "None" } else { "ConditionalCheckFailed" } }))
                        .collect();
                    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                    let body = json!({ "__type": kind, "Message": "cancelled", "CancellationReasons": reasons });
                    return Answer::new(400, body.to_string());
                }
                for delete in deletes {
                    let key = key(delete["Key"].as_object().unwrap());
                    self.table(&delete["TableName"]).remove(&key);
                }
                for put in puts {
                    let item = put["Item"].as_object().unwrap().clone();
                    self.table(&put["TableName"]).insert(key(&item), item);
                }
                self.tokens.insert(token);
                json_answer(&json!({}))
            }
            _ => failure(400, "UnknownOperationException"),
        }
    }

    fn batch_get(&mut self, tables: &Value) -> Answer {
        let tables = tables.as_object().unwrap().clone();
        let (mut found, mut left) = (Map::new(), Map::new());
        for (table, mut wanted) in tables {
            let mut keys = wanted["Keys"].as_array().unwrap().clone();
            if self.stingy && keys.len() > 1 {
                wanted["Keys"] = json!(keys.split_off(1));
                left.insert(table.clone(), wanted);
            }
            let items = self.table(&json!(table));
            let items: Vec<Item> =
                keys.iter().filter_map(|wanted| items.get(&key(wanted.as_object().unwrap())).cloned()).collect();
            found.insert(table, json!(items));
        }
        json_answer(&json!({ "Responses": found, "UnprocessedKeys": left }))
    }

    fn batch_write(&mut self, tables: &Value) -> Answer {
        let mut left = Map::new();
        for (table, writes) in tables.as_object().unwrap() {
            let writes = writes.as_array().unwrap();
            let most = if self.stingy { 1 } else { writes.len() };
            if writes.len() > most {
                left.insert(table.clone(), json!(writes[most..]));
            }
            for write in &writes[..most] {
                let key = key(write["DeleteRequest"]["Key"].as_object().unwrap());
                self.table(&json!(table)).remove(&key);
            }
        }
        json_answer(&json!({ "UnprocessedItems": left }))
    }

    fn holds(&mut self, put: &Value) -> bool {
        let key = key(put["Item"].as_object().unwrap());
        let present = self.table(&put["TableName"]).get(&key).cloned();
        let number = |value: &Value| text(&value["N"]).parse::<u64>().unwrap();
        match put["ConditionExpression"].as_str() {
            Some("attribute_not_exists(seq)" | "attribute_not_exists(pk)") => present.is_none(),
            Some("attribute_not_exists(pk) OR version < :version") => present
                .is_none_or(|item| number(&item["version"]) < number(&put["ExpressionAttributeValues"][":version"])),
            Some("attribute_not_exists(pk) OR expires_at < :now OR request = :request") => present.is_none_or(|item| {
                let values = &put["ExpressionAttributeValues"];
                number(&item["expires_at"]) < number(&values[":now"]) || item["request"] == values[":request"]
            }),
            Some("attribute_not_exists(pk) OR seq = :seq") => {
                present.is_none_or(|item| item["seq"] == put["ExpressionAttributeValues"][":seq"])
            }
            Some("seq = :seq") => present.is_some_and(|item| item["seq"] == put["ExpressionAttributeValues"][":seq"]),
            None => true,
            other => panic!("the stand-in does not know the condition {other:?}"),
        }
    }

    fn query(&mut self, request: &Value) -> Answer {
        let values = &request["ExpressionAttributeValues"];
        let condition = request["KeyConditionExpression"].as_str().unwrap();
        let stingy = self.stingy;
        let partition = [":pk", ":s"].into_iter().find_map(|name| values[name]["S"].as_str());
        let items = self.table(&request["TableName"]);
        // A partition is found by its key, however large the table is.
        let items: Vec<_> = match partition {
            Some(pk) => {
                items.range((pk.to_owned(), String::new())..).take_while(|((known, _), _)| known == pk).collect()
            }
            None => items.iter().collect(),
        };
        let matches = |(pk, sk): &(String, String), item: &Item| match condition {
            "pk = :pk" => *pk == text(&values[":pk"]["S"]),
            "#stream = :s" => *pk == text(&values[":s"]["S"]),
            "#stream = :s AND seq >= :from" => {
                let from = format!("{:0>20}", text(&values[":from"]["N"]));
                *pk == text(&values[":s"]["S"]) && *sk >= from
            }
            "pk = :pk AND sk >= :since" => *pk == text(&values[":pk"]["S"]) && *sk >= text(&values[":since"]["S"]),
            "#status = :status" => item.get("status") == Some(&values[":status"]),
            "#status = :status AND opened_at BETWEEN :from AND :until" => {
                let at = text(&item.get("opened_at").cloned().unwrap_or_default()["S"]);
                let within = (text(&values[":from"]["S"])..=text(&values[":until"]["S"])).contains(&at);
                within && item.get("status") == Some(&values[":status"])
            }
            other => panic!("the stand-in does not know the condition {other}"),
        };
        let mut found: Vec<&Item> =
            items.into_iter().filter(|(key, item)| matches(key, item)).map(|(_, item)| item).collect();
        if request["IndexName"].is_string() {
            found.sort_by_key(|item| text(&item["opened_at"]["S"]));
        }
        if request["ScanIndexForward"] == json!(false) {
            found.reverse();
        }
        if let Some(start) = request["ExclusiveStartKey"].as_object() {
            let start = key(start);
            let place = found.iter().position(|item| key(item) == start);
            found.drain(..place.map_or(0, |place| place + 1));
        }
        let mut last = None;
        let limit = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        if let Some(limit) = limit.or(stingy.then_some(1)).map(|limit| if stingy { 1 } else { limit })
            && found.len() > limit
        {
            found.truncate(limit);
            let names = ["pk", "sk", "stream", "seq", "status", "opened_at"];
            let indexed = |name: &str| request["IndexName"].is_string() || !["status", "opened_at"].contains(&name);
            last = found.last().map(|item| {
                // The snapshots have a `seq` that is no key.
                let is_key = |name: &str| indexed(name) && (name != "seq" || item.contains_key("stream"));
                let parts = names.into_iter().filter(|name| is_key(name));
                parts.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect::<Item>()
            });
        }
        let mut answer = json!({ "Items": found, "Count": found.len() });
        if let Some(last) = last {
            answer["LastEvaluatedKey"] = json!(last);
        }
        json_answer(&answer)
    }

    pub fn table(&mut self, name: &Value) -> &mut BTreeMap<(String, String), Item> {
        self.tables.entry(text(name)).or_default()
    }

    /// Puts an item where its key says.
    pub fn insert(&mut self, table: &str, item: Item) {
        self.table(&json!(table)).insert(key(&item), item);
    }

    /// The stored bodies of a stream, in order.
    pub fn stream(&self, stream: &str) -> Vec<domain::log::Entry> {
        let records = self.tables.get("records").into_iter().flatten();
        let own = records.filter(|((known, _), _)| known == stream);
        own.map(|(_, item)| domain::log::Entry {
            body: text(&item["body"]["S"]),
            hash: text(&item["hash"]["S"]).into(),
        })
        .collect()
    }

    /// Every incident, as its snapshot says.
    pub fn incidents(&self) -> Vec<domain::incident::Incident> {
        let rows = self.tables.get("state").into_iter().flatten();
        let rows = rows.filter(|((pk, _), _)| pk.starts_with("incident#"));
        rows.map(|(_, item)| serde_json::from_str(&text(&item["body"]["S"])).unwrap()).collect()
    }
}

/// A key of KMS.
#[derive(Clone)]
pub struct Key(Arc<EcdsaKeyPair>);

impl Key {
    pub fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(Arc::new(EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap()))
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    pub fn public(&self) -> PublicKey {
        let header = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let header = (0..header.len()).step_by(2).map(|at| u8::from_str_radix(&header[at..at + 2], 16).unwrap());
        let der: Vec<u8> = header.chain(self.0.public_key().as_ref().iter().copied()).collect();
        PublicKey::from_der(&der).unwrap()
    }
}

/// The two parts of an item's key, numbers padded so that they sort.
fn key(item: &Item) -> (String, String) {
    let part = |name: &str| match item.get(name)?.as_object()?.iter().next()? {
        (kind, value) if kind == "N" => Some(format!("{:0>20}", text(value))),
        (_, value) => Some(text(value)),
    };
    let pick = |names: [&str; 2]| names.into_iter().find_map(part).unwrap_or_default();
    (pick(["stream", "pk"]), pick(if item.contains_key("stream") { ["seq", "sk"] } else { ["sk", "seq"] }))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn md5(value: &Value) -> String {
    use md5::{Digest, Md5};
    domain::hex(&Md5::digest(text(value).as_bytes()))
}

fn json_answer(body: &Value) -> Answer {
    Answer::new(200, body.to_string()).with("content-type", "application/x-amz-json-1.0")
}

fn failure(status: u16, name: &str) -> Answer {
    Answer::new(status, json!({ "__type": name, "message": name }).to_string())
}
