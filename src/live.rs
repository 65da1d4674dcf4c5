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

use crate::reload::Reloader;
use crate::why;

/// Each reads a partition of the decision log: one at a time is enough for people.
const QUESTIONS_AT_ONCE: usize = 1;

/// What questions are answered from.
pub struct Live {
    /// Known once the bus is open.
    bus: OnceLock<(Arc<dyn Bus>, Topics)>,
    reloader: Option<Arc<Reloader>>,
    /// Why not, if names can't be redacted here.
    rules: Result<Arc<redact::Rules>, String>,
    questions: Semaphore,
}

impl Live {
    pub fn new(
        reloader: Option<Arc<Reloader>>,
        rules: Result<Arc<redact::Rules>, String>,
    ) -> Arc<Self> {
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

    pub fn pages(self: Arc<Self>) -> Router {
        Router::new()
            .route("/why/{id}", get(tell))
            .route("/config", post(reload))
            .with_state(self)
    }
}

async fn tell(State(live): State<Arc<Live>>, Path(id): Path<String>) -> Response {
    let Some(id) = why::parse_id(&id) else {
        return (
            StatusCode::BAD_REQUEST,
            "a trace id is 32 hexadecimal digits\n",
        )
            .into_response();
    };
    let rules = match &live.rules {
        Ok(rules) => rules.clone(),
        Err(reason) => {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response();
        }
    };
    let Some((bus, topics)) = live.bus.get().cloned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the bus is not open yet\n").into_response();
    };
    let Ok(_turn) = live.questions.acquire().await else {
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

async fn reload(State(live): State<Arc<Live>>) -> Response {
    let Some(reloader) = live.reloader.clone() else {
        let message =
            "this process runs without a configuration file: there is nothing to read again\n";
        return (StatusCode::BAD_REQUEST, message).into_response();
    };
    let told = tokio::task::spawn_blocking(move || reloader.reload_and_tell("POST /config")).await;
    match told {
        Ok(Ok(outcome)) => format!("{outcome}\n").into_response(),
        Ok(Err(report)) => (StatusCode::BAD_REQUEST, format!("{report}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
