//! Puts credentials on a request, and judges an answer that refuses them.

use std::time::SystemTime;

use credentials::{Held, Kept, Token, aws};
use http::{HeaderValue, Request, StatusCode, header};

use super::signing;
use crate::outcome::{Failure, FailureKind};
use crate::transport::body::Payload;
use crate::transport::client::{Answer, Transport};

/// What proves who we are.
pub enum Authorizer {
    /// Signatures of AWS. Absent parts are as the host of each request says.
    Aws {
        kept: Kept<aws::Credentials>,
        region: Option<String>,
        service: Option<String>,
    },
    /// An access token.
    Bearer(Kept<Token>),
}

/// Sends a request that is complete otherwise, with credentials where there are any, and reads the whole answer, whatever its status.
///
/// # Errors
/// No answer came; there are no credentials to send it with; or the answer refuses them, and there are others now.
pub async fn exchange(
    transport: &Transport,
    auth: Option<&Authorizer>,
    mut request: Request<Payload>,
) -> Result<Answer, Failure> {
    let Some(auth) = auth else {
        return transport.exchange(request).await;
    };
    let used = auth.authorize(&mut request).await?;
    let answer = transport.exchange(request).await?;
    auth.judge(&used, answer).await
}

/// The credentials that a request carries.
pub enum Used {
    Aws(Held<aws::Credentials>),
    Bearer(Held<Token>),
}

impl Authorizer {
    /// Puts the credentials that are valid now on a request that is complete otherwise.
    ///
    /// # Errors
    /// There are none, and why. It is tried again: nothing is lost while they can't be had.
    pub async fn authorize(&self, request: &mut Request<Payload>) -> Result<Used, Failure> {
        let none = |why: String| Failure::retry(format!("there are no valid credentials: {why}"));
        match self {
            Self::Aws {
                kept,
                region,
                service,
            } => {
                let held = kept.current().await.map_err(none)?;
                let now = SystemTime::now();
                let (region, service) = (region.as_deref(), service.as_deref());
                signing::sign(request, &held.value, region, service, now)
                    .map_err(Failure::retry)?;
                Ok(Used::Aws(held))
            }
            Self::Bearer(kept) => {
                let held = kept.current().await.map_err(none)?;
                let value = HeaderValue::try_from(format!("Bearer {}", held.value.value));
                let mut value =
                    value.map_err(|_| none("the token can't stand in a header".to_owned()))?;
                value.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, value);
                Ok(Used::Bearer(held))
            }
        }
    }

    /// An answer as it is, unless it refuses the credentials: then new ones are asked for, and if there are, the request is worth another try at once.
    ///
    /// # Errors
    /// The answer refuses the credentials.
    async fn judge(&self, used: &Used, answer: Answer) -> Result<Answer, Failure> {
        let status = answer.head.status;
        let by_aws = match used {
            Used::Aws(_) => {
                let headers = &answer.head.headers;
                aws::refusal(status, headers, &answer.body, SystemTime::now())
            }
            Used::Bearer(_) => None,
        };
        let refuses = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if !refuses && by_aws.is_none() {
            return Ok(answer);
        }
        if self.renewed(used).await {
            let reason = by_aws.unwrap_or_else(|| format!("HTTP status {status}"));
            return Err(renewed(&reason));
        }
        match by_aws {
            // Some services of AWS say 400 to it, as if the data were bad.
            Some(reason) => Err(Failure {
                kind: FailureKind::Denied { certain: true },
                reason,
            }),
            None => Ok(answer),
        }
    }

    /// The same of a call that failed: its own failure, unless there are new credentials now.
    pub async fn judge_failure(&self, used: &Used, failure: Failure) -> Failure {
        let denied = matches!(failure.kind, FailureKind::Denied { .. });
        match denied && self.renewed(used).await {
            true => renewed(&failure.reason),
            false => failure,
        }
    }

    /// They were refused; whether there are others now.
    async fn renewed(&self, used: &Used) -> bool {
        match (self, used) {
            (Self::Aws { kept, .. }, Used::Aws(held)) => kept.refused(held).await,
            (Self::Bearer(kept), Used::Bearer(held)) => kept.refused(held).await,
            _ => false,
        }
    }
}

fn renewed(reason: &str) -> Failure {
    Failure::retry(format!(
        "{reason}; the credentials were refused, and there are new ones now"
    ))
}
