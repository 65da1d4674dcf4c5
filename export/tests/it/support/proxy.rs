//! A proxy before ClickHouse or an object store that sees each write and may keep it, its answer, or both: what a network and a crash do at the worst moments.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Forward,
    /// The server never gets it; the connection ends.
    Lose,
    /// The server takes it; the answer is lost.
    LoseAnswer,
    /// The connection ends, and the server gets it at [`Proxy::release`]: late, as from a process that slept.
    Late,
    /// The server never gets it; this is the answer: status, headers with their line ends, and body.
    Answer(u16, &'static str, &'static str),
}

type Script = dyn Fn(&str) -> Verdict + Send + Sync;
type Seen = dyn Fn(&str, &Verdict) + Send + Sync;

/// A running proxy; its threads end with the process.
pub struct Proxy {
    pub address: SocketAddr,
    to: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    late: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Proxy {
    /// `script` is asked with the address line of each insert or PUT, decoded; everything else passes. `seen` is told when the verdict was carried out.
    pub fn start(
        to: &str,
        script: impl Fn(&str) -> Verdict + Send + Sync + 'static,
        seen: impl Fn(&str, &Verdict) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let to: SocketAddr = to.trim_start_matches("http://").parse().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, Arc<Seen>) = (Arc::new(script), Arc::new(seen));
        let shared = requests.clone();
        let late = Arc::new(Mutex::new(Vec::new()));
        let all_late = late.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, seen, requests) = (script.clone(), seen.clone(), shared.clone());
                let late = all_late.clone();
                std::thread::spawn(move || serve(stream, to, &*script, &*seen, (&requests, &late)));
            }
        });
        Self {
            address,
            to,
            requests,
            late,
        }
    }

    /// Sends on what is late; how many that was.
    pub fn release(&self) -> usize {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for message_bytes in &late {
            let mut stream = TcpStream::connect(self.to).unwrap();
            stream.write_all(message_bytes).unwrap();
            let (head, _) = message(&mut BufReader::new(stream)).unwrap();
            assert!(head.contains(" 200 "), "{head}");
        }
        late.len()
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address lines of all inserts or PUTs so far, decoded.
    pub fn inserts(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// One connection, until a verdict or a peer ends it.
fn serve(
    stream: TcpStream,
    to: SocketAddr,
    script: &Script,
    seen: &Seen,
    (requests, late): (&Mutex<Vec<String>>, &Mutex<Vec<Vec<u8>>>),
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    let mut backend = TcpStream::connect(to).ok()?;
    let mut answers = BufReader::new(backend.try_clone().ok()?);
    loop {
        let (head, body) = message(&mut reader)?;
        let line = decoded(head.lines().next()?);
        if !line.contains("INSERT INTO") && !line.starts_with("PUT ") {
            backend.write_all(&[head.as_bytes(), &body].concat()).ok()?;
            let (head, body) = message(&mut answers)?;
            stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
            continue;
        }
        requests.lock().unwrap().push(line.clone());
        let verdict = script(&line);
        match &verdict {
            Verdict::Lose => {}
            Verdict::Late => late.lock().unwrap().push([head.as_bytes(), &body].concat()),
            Verdict::Answer(status, headers, body) => {
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
                )
                .ok()?;
            }
            Verdict::Forward | Verdict::LoseAnswer => {
                backend.write_all(&[head.as_bytes(), &body].concat()).ok()?;
                let (head, body) = message(&mut answers)?;
                if verdict == Verdict::Forward {
                    stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
                }
            }
        }
        seen(&line, &verdict);
        if matches!(verdict, Verdict::Lose | Verdict::LoseAnswer | Verdict::Late) {
            return None;
        }
    }
}

/// A request or an answer: its head with the empty line, and its body.
fn message(from: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn decoded(line: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = line.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
