//! What a running process answers on `admin.listen`: `GET /why/TRACE_ID`, and `POST /config` to read the file again.
//!
//! Who may ask is the listener's business. Neither takes anything from whoever asks but a trace id, and names are redacted as they would be for export.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bus::Bus;
use schemas::Topics;
use tokio::sync::Semaphore;

use super::reload::Reloader;
use crate::config::Config;
use crate::why::{self, NameRules};

/// Each reads a partition of the decision log: one at a time is enough for people.
const QUESTIONS_AT_ONCE: usize = 1;

/// What questions are answered from.
pub struct Pages {
    /// Known once the bus is open.
    bus: OnceLock<(Arc<dyn Bus>, Topics)>,
    reloader: Option<Arc<Reloader>>,
    /// Why not, if names can't be redacted here.
    rules: Result<NameRules, String>,
    questions: Semaphore,
}

impl Pages {
    pub fn new(reloader: Option<Arc<Reloader>>, rules: Result<NameRules, String>) -> Arc<Self> {
        Arc::new(Self {
            bus: OnceLock::new(),
            reloader,
            rules,
            questions: Semaphore::new(QUESTIONS_AT_ONCE),
        })
    }

    pub fn bus_is_open(&self, bus: Arc<dyn Bus>, topics: Topics) {
        let _ = self.bus.set((bus, topics));
    }

    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/why/{id}", get(explain))
            .route("/config", post(reload))
            .with_state(self)
    }
}

async fn explain(State(pages): State<Arc<Pages>>, Path(id): Path<String>) -> Response {
    let Some(id) = why::parse_id(&id) else {
        return (
            StatusCode::BAD_REQUEST,
            "a trace id is 32 hexadecimal digits\n",
        )
            .into_response();
    };
    let rules = match &pages.rules {
        Ok(rules) => rules.clone(),
        Err(reason) => {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response();
        }
    };
    let Some((bus, topics)) = pages.bus.get().cloned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the bus is not open yet\n").into_response();
    };
    let Ok(_turn) = pages.questions.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let found = tokio::task::spawn_blocking(move || why::find(&*bus, &topics, id)).await;
    match found {
        Ok(Ok(Some(history))) => {
            let history = why::redact(history, &rules);
            let json = [(header::CONTENT_TYPE, "application/json")];
            (json, history.to_json()).into_response()
        }
        Ok(Ok(None)) => (StatusCode::NOT_FOUND, "nothing is known of this trace\n").into_response(),
        Ok(Err(error)) => (StatusCode::BAD_GATEWAY, format!("{error:#}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn reload(State(pages): State<Arc<Pages>>) -> Response {
    let Some(reloader) = pages.reloader.clone() else {
        let message =
            "this process runs without a configuration file: there is nothing to read again\n";
        return (StatusCode::BAD_REQUEST, message).into_response();
    };
    let outcome =
        tokio::task::spawn_blocking(move || reloader.reload_and_log("POST /config")).await;
    match outcome {
        Ok(Ok(outcome)) => format!("{outcome}\n").into_response(),
        Ok(Err(report)) => (StatusCode::BAD_REQUEST, format!("{report}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The rules by which names are shown; why there are none if rules refer to variables that this process lacks.
pub fn redaction(config: &Config) -> Result<NameRules, String> {
    // Without its key, values are hashed all the same.
    let left_out = |path: &&String| path.starts_with("enrich") && *path != "enrich.redact.hash.key";
    match config.left_out.iter().find(left_out) {
        None => Ok(NameRules::of(&config.enrich)),
        Some(path) => Err(format!(
            "{path} refers to an environment variable that is not set for this process, so names could not be redacted as for export; set it, or ask a process that runs enrich"
        )),
    }
}
