//! The clients of librdkafka that are alive, which are handed what they log in with, and handed it anew when it changes.
//!
//! rdkafka's own way is a call back out of `poll` (`generate_oauth_token`), for tokens alone. But its admin clients never poll for it, look-ups
//! poll only when somebody asks, and for passwords there is no way at all. librdkafka takes both at any time and from any thread, so they are
//! handed over here. Connections that exist stay as they are; a password or token is used by the next login, a broker's demand for another one
//! (KIP-368) included.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use credentials::Token;
use rdkafka::bindings as native;
use rdkafka::client::{Client, ClientContext};

/// What one logs in with.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    Password { user: String, password: String },
    Token(Token),
}

/// Clients of one bus.
#[derive(Default)]
pub struct Clients {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    credential: Option<Credential>,
    alive: Vec<Pointer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Pointer(*mut native::rd_kafka_t);

// SAFETY: librdkafka's clients may be used from any thread; that they are alive is held by `Registered`.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

/// A client as long as it is handed what it logs in with. It has to go before its client does.
pub struct Registered {
    clients: Arc<Clients>,
    pointer: Pointer,
}

impl Clients {
    /// From here on the client has what it needs to log in.
    ///
    /// `client` must outlive what is returned.
    pub fn register<C: ClientContext>(self: &Arc<Self>, client: &Client<C>) -> Registered {
        let pointer = Pointer(client.native_ptr());
        let mut state = self.state();
        if let Some(credential) = &state.credential {
            hand_over(pointer, credential);
        }
        state.alive.push(pointer);
        drop(state);
        Registered {
            clients: self.clone(),
            pointer,
        }
    }

    /// Hands what is new to all clients, and to those that come.
    pub fn renew(&self, credential: Credential) {
        let mut state = self.state();
        for client in &state.alive {
            hand_over(*client, &credential);
        }
        state.credential = Some(credential);
    }

    /// What a client is made with.
    pub fn credential(&self) -> Option<Credential> {
        self.state().credential.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut state = self.clients.state();
        if let Some(at) = state.alive.iter().position(|one| *one == self.pointer) {
            state.alive.swap_remove(at);
        }
    }
}

/// What librdkafka refuses shows when it logs in: that it has no token, or an old one.
fn hand_over(client: Pointer, credential: &Credential) {
    match credential {
        Credential::Password { user, password } => {
            let (Ok(user), Ok(password)) = (CString::new(&**user), CString::new(&**password))
            else {
                return tracing::error!(
                    "kafka: user or password hold a zero character; the old ones stay"
                );
            };
            // SAFETY: the client is registered, so it is alive; both strings are copied. The error is ours to destroy.
            unsafe {
                let error = native::rd_kafka_sasl_set_credentials(
                    client.0,
                    user.as_ptr(),
                    password.as_ptr(),
                );
                if !error.is_null() {
                    native::rd_kafka_error_destroy(error);
                }
            }
        }
        Credential::Token(token) => {
            let (Ok(value), Ok(principal)) =
                (CString::new(&*token.value), CString::new(&*token.principal))
            else {
                return;
            };
            let mut message = [0; 512];
            // SAFETY: as above; the message is written within its length.
            let code = unsafe {
                native::rd_kafka_oauthbearer_set_token(
                    client.0,
                    value.as_ptr(),
                    token.expires_ms(),
                    principal.as_ptr(),
                    ptr::null_mut(),
                    0,
                    message.as_mut_ptr(),
                    message.len(),
                )
            };
            if code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                tracing::debug!(?code, "kafka: a client didn't take the token");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};

    use super::*;

    fn password(password: &str) -> Credential {
        Credential::Password {
            user: "u".to_owned(),
            password: password.to_owned(),
        }
    }

    /// A client that has gone is never touched again, whatever is renewed.
    #[test]
    fn clients_come_and_go() {
        let clients = Arc::new(Clients::default());
        let create = || -> BaseConsumer {
            let mut config = ClientConfig::new();
            config
                .set("security.protocol", "sasl_plaintext")
                .set("sasl.mechanisms", "PLAIN")
                .set("sasl.username", "u")
                .set("sasl.password", "p");
            config.create().expect("a client")
        };
        let (first, second) = (create(), create());
        let one = clients.register(first.client());
        let two = clients.register(second.client());
        assert_eq!(clients.state().alive.len(), 2);
        clients.renew(password("new"));
        drop(one);
        drop(first);
        clients.renew(password("newer"));
        assert!(clients.credential() == Some(password("newer")));
        drop(two);
        assert!(clients.state().alive.is_empty());
    }
}
