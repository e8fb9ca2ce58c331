//! Files as they are read: hashed as they lie there, uncompressed, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::evidence::bundle::{How, Part, Place, Wrong};
use domain::log::Hash;
use sha2::{Digest, Sha256};

use super::{Progress, Unreadable};

/// The longest line: more than an item of the table can hold.
const LONGEST: u64 = 1 << 20;
/// How much is uncompressed at a time.
const CHUNK: usize = 1 << 17;

/// How many bytes were read so far, by all threads.
pub(super) struct Counter<'p> {
    tell: Progress<'p>,
    read: AtomicU64,
    of: u64,
}

impl<'p> Counter<'p> {
    /// None yet, of so many.
    pub(super) const fn new(tell: Progress<'p>, of: u64) -> Self {
        Self { tell, read: AtomicU64::new(0), of }
    }

    fn add(&self, bytes: usize) {
        let before = self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        (self.tell)(before + bytes as u64, self.of);
    }
}

/// A file that is hashed while it is read.
struct Input<'p> {
    file: File,
    hash: Sha256,
    bytes: u64,
    counter: &'p Counter<'p>,
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.hash.update(&into[..read]);
        self.bytes += read as u64;
        self.counter.add(read);
        Ok(read)
    }
}

impl Input<'_> {
    /// Reads what nobody read, and says hash and length of the whole file.
    fn finish(mut self) -> io::Result<(Hash, u64)> {
        let mut rest = vec![0; CHUNK];
        while self.read(&mut rest)? > 0 {}
        Ok((Hash::from_bytes(&self.hash.finalize().into()), self.bytes))
    }
}

/// Opens a file; `None` if there is none.
fn open<'p>(path: &Path, counter: &'p Counter<'p>) -> Result<Option<Input<'p>>, Unreadable> {
    match File::open(path) {
        Ok(file) => Ok(Some(Input { file, hash: Sha256::new(), bytes: 0, counter })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Reads a small file; `None` if there is none.
pub(super) fn whole(path: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The bytes that the compressed file `name` in `dir` holds.
pub(super) fn uncompressed(dir: &Path, name: &str) -> Result<Result<Vec<u8>, Wrong>, Unreadable> {
    let path = dir.join(name);
    let Some(bytes) = whole(&path)? else { return Ok(Err(Place::file(name).wrong(How::FileMissing))) };
    let wrong = |error: io::Error| Place::file(name).wrong(How::Uncompressible { why: error.to_string() });
    Ok(super::unpacked(&bytes).map_err(wrong))
}

/// Whether a file is the one that the manifest lists.
pub(super) fn is(part: &Part, (hash, bytes): &(Hash, u64)) -> Result<(), Wrong> {
    if (hash, bytes) == (&part.sha256, &part.bytes) {
        return Ok(());
    }
    Err(Place::file(&part.path).wrong(How::FileDiffers))
}

/// Gives each line of the file `name` in `dir`, numbered from 1, to `take` until that finds something wrong; and says the
/// hash and the length of the file.
///
/// An error is the system's. A file whose bytes are at fault, or that is missing, is wrong, and says so.
pub(super) fn each(
    dir: &Path,
    name: &str,
    counter: &Counter<'_>,
    take: impl FnMut(u64, &[u8]) -> Result<(), Wrong>,
) -> Result<Result<(Hash, u64), Wrong>, Unreadable> {
    let path = dir.join(name);
    let Some(mut input) = open(&path, counter)? else { return Ok(Err(Place::file(name).wrong(How::FileMissing))) };
    let read = match path.extension() {
        Some(extension) if extension == "zst" => match zstd::Decoder::new(&mut input) {
            Ok(decoder) => lines(name, BufReader::with_capacity(CHUNK, decoder), take),
            Err(error) => Err(error),
        },
        _ => lines(name, BufReader::with_capacity(CHUNK, &mut input), take),
    };
    let read = read.map_err(|error| unreadable(&path, &error))?;
    let whole = input.finish().map_err(|error| unreadable(&path, &error))?;
    Ok(read.map(|()| whole))
}

/// The hash and the length of the file `name` in `dir`.
pub(super) fn hash(dir: &Path, name: &str, counter: &Counter<'_>) -> Result<Result<(Hash, u64), Wrong>, Unreadable> {
    let path = dir.join(name);
    let Some(input) = open(&path, counter)? else { return Ok(Err(Place::file(name).wrong(How::FileMissing))) };
    Ok(Ok(input.finish().map_err(|error| unreadable(&path, &error))?))
}

fn lines(
    name: &str,
    mut input: impl BufRead,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), Wrong>,
) -> io::Result<Result<(), Wrong>> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let wrong = |how| Ok(Err(Place::line(name, number).wrong(how)));
        match input.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            // What the system says has a number; what zstd says has none.
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(error) => return wrong(How::Uncompressible { why: error.to_string() }),
        }
        let Some(line) = line.strip_suffix(b"\n") else {
            let why = if line.len() as u64 == LONGEST { "the line is too long" } else { "the line is cut off" };
            return wrong(How::Malformed { why: why.to_owned() });
        };
        if let Err(wrong) = take(number, line) {
            return Ok(Err(wrong));
        }
    }
    Ok(Ok(()))
}

/// All files below a folder, as paths from it with `/` between, sorted.
pub(super) fn paths(dir: &Path) -> Result<Vec<String>, Unreadable> {
    let (mut found, mut folders) = (Vec::new(), vec![(dir.to_owned(), String::new())]);
    while let Some((folder, prefix)) = folders.pop() {
        let failed = |error: &io::Error| unreadable(&folder, error);
        for entry in std::fs::read_dir(&folder).map_err(|error| failed(&error))? {
            let entry = entry.map_err(|error| failed(&error))?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(|error| failed(&error))?.is_dir() {
                folders.push((entry.path(), path + "/"));
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, error: &io::Error) -> Unreadable {
    Unreadable { path: path.to_owned(), why: error.to_string(), absent: error.kind() == ErrorKind::NotFound }
}
