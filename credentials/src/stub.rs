//! A server of a test's own: answers requests in order, and tells what they were.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What a request must hold, and the answer to it.
pub struct Exchange {
    pub words: Vec<&'static str>,
    pub status: u16,
    pub headers: &'static str,
    pub body: String,
}

pub fn answer(words: Vec<&'static str>, body: impl Into<String>) -> Exchange {
    Exchange {
        words,
        status: 200,
        headers: "",
        body: body.into(),
    }
}

/// Its address, and the requests as they come.
pub fn server(exchanges: Vec<Exchange>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tell, told) = channel();
    thread::spawn(move || {
        for exchange in exchanges {
            let (mut stream, _) = listener.accept().expect("a connection");
            let request = read(&mut stream);
            // Who asks shows in the test why nothing came.
            for word in &exchange.words {
                assert!(request.contains(word), "{word:?} is not in {request}");
            }
            let (status, length) = (exchange.status, exchange.body.len());
            let head = format!(
                "HTTP/1.1 {status} X\r\n{}content-length: {length}\r\nconnection: close\r\n\r\n",
                exchange.headers
            );
            let _ = stream.write_all(format!("{head}{}", exchange.body).as_bytes());
            let _ = tell.send(request);
        }
    });
    (format!("http://{address}"), told)
}

fn read(stream: &mut TcpStream) -> String {
    let (mut request, mut chunk) = (String::new(), [0; 8192]);
    loop {
        let bytes = stream.read(&mut chunk).expect("a request");
        request += &String::from_utf8_lossy(&chunk[..bytes]);
        let Some((head, body)) = request.split_once("\r\n\r\n") else {
            assert!(bytes > 0, "a broken request: {request}");
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            (name.eq_ignore_ascii_case("content-length")).then(|| value.parse::<usize>().ok())?
        });
        if bytes == 0 || body.len() >= length.unwrap_or_default() {
            return request;
        }
    }
}

/// Variables of a test.
pub fn variables<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| {
        let found = pairs.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}
