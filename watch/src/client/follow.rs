//! Follows the objects of one kind in one cluster: a list in pages, then a watch from where the list ended, again and again. What comes is handed on as it
//! comes.
//!
//! A watch that ends, breaks or is refused goes on where it stood. Only when the API server no longer knows what was before (410) is all listed anew.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use k8s::{Kind, Text};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Client, ResourceExt};
use regex::Regex;
use tokio::sync::mpsc::Sender;

use super::connect::connect;
use super::object::{Sent, resource};
use super::prune::prune;
use crate::config::Cluster;
use crate::told::Seen;

/// Objects in one page of a list.
const PAGE: u32 = 500;
/// A watch is asked for anew after this, so that one whose server is gone without a word isn't believed for longer.
const WATCH_S: u32 = 45;
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// What is heard of one kind of one cluster.
#[derive(Debug)]
pub(super) enum Heard {
    BeginList,
    See(Seen),
    Lose(Text),
    EndList,
    /// The API server is there, and has no news.
    Alive,
    Failed(Failure),
}

/// Why a request failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// One of [`crate::names::REASONS`].
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// What one follower hands on, with its number.
pub(super) type Message = (usize, Heard);

/// One kind of one cluster.
pub(super) struct Follower {
    pub(super) number: usize,
    pub(super) cluster: Cluster,
    pub(super) kind: Kind,
    pub(super) annotations: Arc<[Regex]>,
    pub(super) to: Sender<Message>,
}

/// Nobody listens any more.
struct Gone;

enum End {
    Gone,
    Failed(Failure),
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<kube::Error> for End {
    fn from(error: kube::Error) -> Self {
        Self::Failed(failure(&error))
    }
}

impl Follower {
    /// Until nobody listens any more.
    pub(super) async fn follow(self) {
        if self.kind == Kind::Pod {
            self.follow_as::<false>().await;
        } else {
            self.follow_as::<true>().await;
        }
    }

    async fn follow_as<const META: bool>(&self) {
        let (mut client, mut version, mut pause) = (None, None, PAUSE_MIN);
        loop {
            let ended = self
                .attempt::<META>(&mut client, &mut version, &mut pause)
                .await;
            let failure = match ended {
                Ok(()) => continue,
                Err(End::Gone) => return,
                Err(End::Failed(failure)) => failure,
            };
            if failure.reason == "expired" {
                version = None;
            }
            if self.tell(Heard::Failed(failure)).await.is_err() {
                return;
            }
            // Half of it at random: many watchers mustn't come back at the same instant.
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Lists if need be, and watches once. Ends well when the watch's time is over.
    async fn attempt<const META: bool>(
        &self,
        client: &mut Option<Client>,
        version: &mut Option<String>,
        pause: &mut Duration,
    ) -> Result<(), End> {
        let client = match client {
            Some(client) => client,
            None => {
                let connected = connect(&self.cluster.auth).await;
                client.insert(connected.map_err(|error| {
                    End::Failed(Failure {
                        reason: "other",
                        message: format!("{error:#}"),
                    })
                })?)
            }
        };
        let api: Api<Sent<META>> = Api::all_with(client.clone(), &resource(self.kind));
        let from = match version {
            Some(version) => version.clone(),
            None => self.list(&api).await?,
        };
        *version = Some(from.clone());
        let params = WatchParams::default().timeout(WATCH_S);
        let events = pin!(api.watch(&params, &from).await?);
        self.tell(Heard::Alive).await?;
        *pause = PAUSE_MIN;
        self.watch(events, version).await
    }

    /// All objects; from which version on they are to be watched.
    async fn list<const META: bool>(&self, api: &Api<Sent<META>>) -> Result<String, End> {
        let mut params = ListParams::default().limit(PAGE);
        let mut begun = false;
        loop {
            let page = api.list(&params).await?;
            if !begun {
                self.tell(Heard::BeginList).await?;
                begun = true;
            }
            for sent in page.items {
                self.see(sent).await?;
            }
            let meta = page.metadata;
            match meta.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => {
                    self.tell(Heard::EndList).await?;
                    return Ok(meta.resource_version.unwrap_or_default());
                }
            }
        }
    }

    async fn watch<const META: bool>(
        &self,
        mut events: impl Stream<Item = kube::Result<WatchEvent<Sent<META>>>> + Unpin,
        version: &mut Option<String>,
    ) -> Result<(), End> {
        while let Some(event) = events.next().await {
            match event? {
                WatchEvent::Added(sent) | WatchEvent::Modified(sent) => {
                    let newest = sent.resource_version();
                    self.see(sent).await?;
                    *version = newest.or(version.take());
                }
                WatchEvent::Deleted(sent) => {
                    let newest = sent.resource_version();
                    let uid = sent.uid().unwrap_or_default();
                    self.tell(Heard::Lose(uid.into())).await?;
                    *version = newest.or(version.take());
                }
                WatchEvent::Bookmark(bookmark) => {
                    *version = Some(bookmark.metadata.resource_version);
                    self.tell(Heard::Alive).await?;
                }
                WatchEvent::Error(status) => return Err(kube::Error::Api(status).into()),
            }
        }
        Ok(())
    }

    async fn see<const META: bool>(&self, sent: Sent<META>) -> Result<(), Gone> {
        let seen = prune(self.kind, sent, &self.annotations);
        self.tell(Heard::See(seen)).await
    }

    /// Waits while what was heard before is still being written.
    async fn tell(&self, heard: Heard) -> Result<(), Gone> {
        let sent = self.to.send((self.number, heard)).await;
        sent.map_err(|_| Gone)
    }
}

fn failure(error: &kube::Error) -> Failure {
    let (reason, message) = match error {
        kube::Error::Api(status) => {
            let reason = match status.code {
                401 | 403 => "forbidden",
                410 => "expired",
                _ => "other",
            };
            (reason, format!("{} ({})", status.message, status.code))
        }
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => {
            ("unreachable", chain(error))
        }
        other => ("other", chain(other)),
    };
    Failure { reason, message }
}

/// With what lies beneath: kube's own text may say no more than which layer it was.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(error) = beneath {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        beneath = error.source();
    }
    text
}
