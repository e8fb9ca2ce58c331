//! A phone that takes signed pages, as a test sees it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use watchkeeper::secret::Secret;
use watchkeeper::sender::verify::{STANDARD, verify};

use crate::cases::WEBHOOK_SECRET;
use crate::server::{Answer, Request, serve};

/// One page that arrived and verified.
#[derive(Debug, Clone)]
pub struct Page {
    pub kind: String,
    pub person: String,
    pub id: String,
    pub link: String,
    pub text: String,
}

/// The phone.
#[derive(Clone)]
pub struct Phone {
    pages: Arc<Mutex<Vec<Page>>>,
    notices: Arc<Mutex<Vec<Page>>>,
    status: Arc<Mutex<u16>>,
    pub address: SocketAddr,
}

impl Phone {
    pub fn start() -> Self {
        let pages: Arc<Mutex<Vec<Page>>> = Arc::default();
        let notices: Arc<Mutex<Vec<Page>>> = Arc::default();
        let status = Arc::new(Mutex::new(200));
        let (inner, told, answer) = (Arc::clone(&pages), Arc::clone(&notices), Arc::clone(&status));
        let address = serve(move |request| {
            let page = read(&request).expect("every page is signed, and verifies");
            let status = *answer.lock().unwrap();
            if status == 200 && page.kind == "incident.page" {
                inner.lock().unwrap().push(page);
            } else if status == 200 && page.kind == "notice" {
                told.lock().unwrap().push(page);
            }
            Some(Answer::new(status, "{}"))
        });
        Self { pages, notices, status, address }
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// Forgets what arrived with a link that begins so, and has instead received `pages`.
    pub fn remember(&self, link: &str, pages: &[Page]) {
        let mut known = self.pages.lock().unwrap();
        known.retain(|page| !page.link.starts_with(link));
        known.extend_from_slice(pages);
    }

    pub fn pages(&self) -> Vec<Page> {
        self.pages.lock().unwrap().clone()
    }

    /// What it was told that is about no incident.
    pub fn notices(&self) -> Vec<Page> {
        self.notices.lock().unwrap().clone()
    }
}

fn read(request: &Request) -> Option<Page> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    let secrets = [Secret::new(WEBHOOK_SECRET)];
    let signed = verify(&STANDARD, &headers, &request.body, &secrets, Timestamp::now()).ok()?;
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let person = request.path.trim_start_matches('/').to_owned();
    Some(Page { kind: text("type"), person, id: signed.id.to_owned(), link: text("link"), text: text("text") })
}
