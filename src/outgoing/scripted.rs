//! A server for tests: a real one on loopback, which answers each connection as it was told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use super::Outgoing;

/// What the server does with one connection.
pub(crate) enum Answer {
    /// Sends this head, a blank line and this body.
    Whole(&'static str, String),
    /// Sends a good head, and then a body until the client has enough.
    Endless,
    /// Sends a good head and the beginning of a body, and then nothing.
    Stuck,
    /// Says nothing at all.
    Silent,
}

/// A request, as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The request line.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The header of this lower-case name, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// A running server.
pub(crate) struct Server {
    /// Its host and port.
    pub(crate) address: String,
    seen: Receiver<Seen>,
}

impl Server {
    /// Starts a server that gives these answers, one a connection.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, seen) = channel();
        let answers: Vec<Answer> = answers.into_iter().collect();
        std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().expect("a client");
                let Some(request) = read(&stream) else { continue };
                sender.send(request).ok();
                // A client that hangs up while it is answered is what some tests are about.
                reply(stream, answer).ok();
            }
        });
        Self { address, seen }
    }

    /// A client that may reach this server, and waits for `millis` at most.
    pub(crate) fn client(&self, millis: u64) -> Outgoing {
        Outgoing { patience: std::time::Duration::from_millis(millis), ..Outgoing::new(&self.address) }
    }

    /// The requests that arrived so far and were not taken yet.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let line = lines.next()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let mut seen = Seen { line, headers, body: Vec::new() };
    seen.body = vec![0; seen.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

fn reply(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Whole(head, body) => {
            write!(stream, "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
        }
        Answer::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 8192])?;
            }
        }
        Answer::Stuck => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{{")?;
            stream.read_to_end(&mut Vec::new())?;
        }
        Answer::Silent => {
            stream.read_to_end(&mut Vec::new())?;
        }
    }
    Ok(())
}
