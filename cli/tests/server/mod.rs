//! A server with canned answers, which remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// An answer for every request that begins so, the first that fits.
pub(crate) type World = Vec<(&'static str, u16, Value)>;

/// It runs until the test ends.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
    busy: Arc<AtomicU32>,
}

impl Server {
    /// Starts it on a free port.
    pub(crate) fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let busy = Arc::new(AtomicU32::new(0));
        let server = Self { address, asked: Arc::clone(&asked), busy: Arc::clone(&busy) };
        let world = Arc::new(world);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (world, asked, busy) = (Arc::clone(&world), Arc::clone(&asked), Arc::clone(&busy));
                std::thread::spawn(move || answer(&stream.unwrap(), &world, &asked, &busy));
            }
        });
        server
    }

    /// Says 503 to the next `count` requests.
    pub(crate) fn busy(&self, count: u32) {
        self.busy.store(count, Ordering::SeqCst);
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn answer(stream: &TcpStream, world: &World, asked: &Mutex<Vec<String>>, busy: &AtomicU32) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap() == 0 {
            return;
        }
    }
    let header = |name: &str| {
        let of = |line: &str| {
            Some(line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name))?.1.to_owned())
        };
        head.lines().find_map(of)
    };
    let length = header("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let request = head.split(" HTTP/").next().unwrap().to_owned();
    // Samples carry the time of day; answers to incidents and policies are worth remembering word for word.
    let remembered = !request.starts_with("GET")
        && !request.starts_with("POST /v1/signals")
        && !request.starts_with("PUT /v1/policy")
        && request.contains(" /v1/");
    let remembered = remembered.then(|| String::from_utf8(body).unwrap());
    let key = header("idempotency-key").map(|key| format!("(once: {key})"));
    asked
        .lock()
        .unwrap()
        .push([Some(request.clone()), key, remembered].into_iter().flatten().collect::<Vec<_>>().join(" "));
    let overloaded = busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    let found = world.iter().find(|(beginning, ..)| request.starts_with(beginning));
    let (status, text) = match found {
        _ if overloaded => (503, String::new()),
        Some((_, status, Value::Null)) => (*status, String::new()),
        Some((_, status, body)) => (*status, body.to_string()),
        None => (500, format!("{request} has no answer")),
    };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let mut stream = stream;
    let _ = stream.write_all(format!("{head}{text}").as_bytes());
}
