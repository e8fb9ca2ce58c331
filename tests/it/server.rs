//! A small HTTP/1.1 server on loopback, enough for a Lambda and an SDK to talk to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What arrived.
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
}

/// What is answered; `None` hangs up without a word.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Serves until the process ends; each connection has a thread of its own.
pub fn serve(answer: impl Fn(Request) -> Option<Answer> + Send + Sync + 'static) -> SocketAddr {
    Served::start(answer).keep()
}

/// A server that ends when this is dropped, for whoever starts thousands of them.
pub struct Served {
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Served {
    pub fn start(answer: impl Fn(Request) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, over) = (Arc::new(answer), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&over);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || talk(&stream, answer.as_ref()));
            }
        });
        Self { address, over }
    }

    /// Lets it go on until the process ends.
    fn keep(self) -> SocketAddr {
        let address = self.address;
        std::mem::forget(self);
        address
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // It waits for a connection, and looks up at the next one.
        let _ = TcpStream::connect(self.address);
    }
}

fn talk(stream: &TcpStream, answer: &(impl Fn(Request) -> Option<Answer> + ?Sized)) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut input = BufReader::new(stream);
    let mut output = stream;
    loop {
        let request = read(&mut input)?;
        let Answer { status, headers, body } = answer(request)?;
        let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        let mut message = (head + "\r\n").into_bytes();
        message.extend(body);
        output.write_all(&message).ok()?;
    }
}

fn read(input: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    if request.header("transfer-encoding") == "chunked" {
        loop {
            let mut size = String::new();
            input.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim().split(';').next()?, 16).ok()?;
            let mut chunk = vec![0; size + 2];
            input.read_exact(&mut chunk).ok()?;
            request.body.extend(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body = vec![0; length];
        input.read_exact(&mut request.body).ok()?;
    }
    Some(request)
}
