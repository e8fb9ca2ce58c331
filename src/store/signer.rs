//! The signer: a key of KMS that nobody holds, and that signs checkpoints and exports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::evidence::note::{Note, PublicKey};
use http::Method;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::error::Error;
use crate::signed::Signed;

/// A key that signs: ECC of NIST's curve P-256.
#[derive(Debug, Clone)]
pub struct Signer {
    kms: Signed,
    key: String,
    /// The public halves that were asked for, by the ARN of their key.
    known: Arc<Mutex<HashMap<String, PublicKey>>>,
}

impl Signer {
    /// The key that has this ARN, or to which this alias points by then.
    pub fn new(aws: &Aws, key: String) -> Self {
        Self { kms: Signed::new(aws, "kms", "kms"), key, known: Arc::default() }
    }

    /// The note of `text`, which ends with a line feed and has at most 4096 bytes, signed in the name of `signer`; and
    /// the key.
    ///
    /// What KMS answers is verified before anybody sees it: a note that does not verify is no note.
    pub async fn sign(&self, signer: &str, text: &str) -> Result<(Note, PublicKey), Error> {
        let what = "signing";
        let request = json!({ "KeyId": self.key, "Message": STANDARD.encode(text), "MessageType": "RAW",
            "SigningAlgorithm": "ECDSA_SHA_256" });
        let answer = self.ask(what, "TrentService.Sign", &request).await?;
        // An alias may point to another key by now; the answer says which one signed.
        let key = self.public_key(answer["KeyId"].as_str().unwrap_or(&self.key)).await?;
        let signature = decoded(&answer["Signature"]).ok_or_else(|| unfit(what))?;
        let note = Note::new(text, signer, &key, &signature);
        let verified = note.verified(signer, std::slice::from_ref(&key)).is_ok();
        if verified { Ok((note, key)) } else { Err(unfit(what)) }
    }

    /// The public half of the key that signs now.
    pub async fn current(&self) -> Result<PublicKey, Error> {
        self.public_key(&self.key).await
    }

    async fn public_key(&self, arn: &str) -> Result<PublicKey, Error> {
        if let Some(known) = self.known.lock().expect("no holder panics").get(arn) {
            return Ok(known.clone());
        }
        let what = "asking for a public key";
        let answer = self.ask(what, "TrentService.GetPublicKey", &json!({ "KeyId": arn })).await?;
        let key = decoded(&answer["PublicKey"]).and_then(|der| PublicKey::from_der(&der)).ok_or_else(|| unfit(what))?;
        // An alias is asked for again, as it may move.
        if answer["KeyId"].as_str() == Some(arn) {
            self.known.lock().expect("no holder panics").insert(arn.to_owned(), key.clone());
        }
        Ok(key)
    }

    async fn ask(&self, what: &'static str, target: &'static str, request: &Value) -> Result<Value, Error> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let answered = self.kms.ask(&Method::POST, "/", &headers, &Bytes::from(request.to_string())).await;
        let answered = answered.map_err(|failure| Error::Unavailable { what, source: Box::new(failure) })?;
        if !answered.status.is_success() {
            return Err(Error::Unavailable { what, source: format!("KMS answered {}", answered.status).into() });
        }
        serde_json::from_slice(&answered.body).map_err(|_| unfit(what))
    }
}

fn decoded(text: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(text.as_str()?).ok()
}

/// The key may be of another kind than ours has to be; a deploy mends that.
fn unfit(what: &'static str) -> Error {
    Error::Unavailable { what, source: "KMS answered with no signature or key of P-256".into() }
}
