//! Hands out credentials that live for a short while: a token endpoint, and the metadata of a machine in EC2.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Of each: when it ends, and whether it was revoked.
type Issued = Vec<(SystemTime, bool)>;

#[derive(Clone)]
pub struct Issuer {
    pub address: String,
    life: Duration,
    fails: Arc<AtomicBool>,
    issued: Arc<Mutex<Issued>>,
}

/// What is known of a credential that a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Valid,
    Revoked,
    Expired,
    Never,
}

impl Issuer {
    pub fn start(at: &str, life: Duration) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap().to_string(),
            life,
            fails: Arc::default(),
            issued: Arc::default(),
        };
        let own = issuer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                own.answer(stream);
            }
        });
        issuer
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers 500, or no longer.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Everything that was handed out is no longer worth anything.
    pub fn revoke(&self) {
        for (_, revoked) in self.issued.lock().unwrap().iter_mut() {
            *revoked = true;
        }
    }

    /// How many were handed out.
    pub fn issued(&self) -> usize {
        self.issued.lock().unwrap().len()
    }

    /// The last one has ended.
    pub fn is_over(&self) -> bool {
        let issued = self.issued.lock().unwrap();
        issued
            .last()
            .is_some_and(|(ends, _)| *ends <= SystemTime::now())
    }

    /// Of a header: `Bearer token-7`, or `AWS4-HMAC-SHA256 Credential=AKID7/…`.
    pub fn knows(&self, authorization: &str) -> Known {
        let number = authorization.strip_prefix("Bearer token-").or_else(|| {
            let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=AKID")?;
            rest.split('/').next()
        });
        let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) else {
            return Known::Never;
        };
        // It was valid when the request began.
        let then = SystemTime::now() - Duration::from_millis(300);
        match self.issued.lock().unwrap().get(number) {
            None => Known::Never,
            Some((ends, _)) if *ends < then => Known::Expired,
            Some((_, true)) => Known::Revoked,
            Some(_) => Known::Valid,
        }
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        // What it is asked for stands in the first line; the rest is read so that no reset follows.
        while !is_whole(&request) {
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(bytes) => request.extend_from_slice(&chunk[..bytes]),
            }
        }
        let request = String::from_utf8_lossy(&request);
        let target = request.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match target {
            _ if self.fails.load(Ordering::SeqCst) => (500, "down".to_owned()),
            "/latest/api/token" => (200, "session".to_owned()),
            "/latest/meta-data/iam/security-credentials/" => (200, "role".to_owned()),
            "/latest/meta-data/iam/security-credentials/role" => (200, self.keys()),
            _ => (200, self.token()),
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    }

    fn issue(&self) -> (usize, SystemTime) {
        let ends = SystemTime::now() + self.life;
        let mut issued = self.issued.lock().unwrap();
        issued.push((ends, false));
        (issued.len() - 1, ends)
    }

    fn token(&self) -> String {
        let (number, _) = self.issue();
        let life = self.life.as_secs_f64();
        format!(r#"{{"access_token":"token-{number}","expires_in":{life},"token_type":"Bearer"}}"#)
    }

    fn keys(&self) -> String {
        let (number, ends) = self.issue();
        let ends = humantime::format_rfc3339_millis(ends);
        format!(
            r#"{{"Code":"Success","AccessKeyId":"AKID{number}","SecretAccessKey":"{SECRET}","Token":"session-{number}","Expiration":"{ends}"}}"#
        )
    }
}

pub const SECRET: &str = "SECRETSECRET";

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let value = line.to_ascii_lowercase();
        value
            .strip_prefix("content-length: ")?
            .parse::<usize>()
            .ok()
    });
    body.len() >= length.unwrap_or_default()
}
