//! A small HTTP/1.1 client that keeps its connection, for talking to the local cloud as fast as it takes it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One connection to `host:port`.
pub struct Client {
    host: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client of an `http://host:port` URL.
    pub fn new(url: &str) -> Self {
        let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        Self { host, stream: None }
    }

    /// One request, and one more on a new connection when the old one was closed meanwhile.
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        for _ in 0..2 {
            if let Some(answer) = self.attempt(method, path, headers, body) {
                return answer;
            }
            self.stream = None;
        }
        panic!("{} does not answer {method} {path}", self.host);
    }

    fn attempt(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<(u16, String)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.host).ok()?;
            stream.set_nodelay(true).ok()?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut()?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            head.extend([*name, ": ", *value, "\r\n"]);
        }
        stream.get_mut().write_all(format!("{head}\r\n{body}").as_bytes()).ok()?;
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let status = line.split_whitespace().nth(1)?.parse().ok()?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "transfer-encoding" => chunked = value.trim() == "chunked",
                _ => {}
            }
        }
        let mut text = Vec::new();
        while chunked {
            let mut size = String::new();
            stream.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).ok()?;
            text.extend(&chunk[..size]);
            chunked = size > 0;
        }
        if text.is_empty() {
            text = vec![0; length];
            stream.read_exact(&mut text).ok()?;
        }
        Some((status, String::from_utf8(text).ok()?))
    }
}
