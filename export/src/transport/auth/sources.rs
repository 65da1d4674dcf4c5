//! Where the credentials of one backend come from: the same for all of its signals and standbys that say the same.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use credentials::{Auth, Kept, Token, aws, oidc};
use http::Uri;
use metrics::gauge;

use super::authorizer::Authorizer;
use crate::names;

/// A clone is the same.
#[derive(Clone, Default)]
pub struct Sources(Arc<Mutex<Vec<(Key, Arc<Authorizer>)>>>);

/// What makes two sources one: `auth`, and where that leaves it to the host, the region.
type Key = (Auth, Option<String>);

impl Sources {
    /// The one for `auth`, which is asked from now on until nobody uses it any more. `endpoint` is where requests go to.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn of(
        &self,
        auth: &Auth,
        endpoint: &Uri,
        backend: &str,
    ) -> anyhow::Result<Arc<Authorizer>> {
        let by_host = aws::service_and_region(endpoint.host().unwrap_or_default());
        let region = match auth {
            Auth::Aws { region, .. } => {
                let by_host = by_host.map(|(_, region)| region.to_owned());
                region.clone().or(by_host)
            }
            _ => None,
        };
        let key = (auth.clone(), region);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, same)) = all.iter().find(|(other, _)| *other == key) {
            return Ok(same.clone());
        }
        let opened = open(&key, backend).context("can't start what keeps its credentials")?;
        let opened = Arc::new(opened);
        all.push((key, opened.clone()));
        Ok(opened)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources(****)")
    }
}

fn open((auth, region): &Key, backend: &str) -> std::io::Result<Authorizer> {
    let of = format!("export/{backend}");
    let shown = gauge!(names::CREDENTIALS_EXPIRE, "backend" => backend.to_owned());
    let show = move |left_s: f64| shown.set(left_s);
    let bearer = |fetch: Box<dyn Fn() -> Result<Token, String> + Send>| {
        Ok(Authorizer::Bearer(Kept::start(
            of.clone(),
            fetch,
            show.clone(),
        )?))
    };
    match auth {
        Auth::Aws {
            region: written,
            service,
            role,
        } => {
            let source = aws::Source {
                region: region.clone().unwrap_or_default(),
                role: role.clone(),
            };
            Ok(Authorizer::Aws {
                kept: Kept::start(of, move || source.fetch(), show)?,
                region: written.clone(),
                service: service.clone(),
            })
        }
        Auth::Gcp(source) => {
            let source = source.clone();
            bearer(Box::new(move || source.fetch()))
        }
        Auth::Azure(source) => {
            let source = source.clone();
            bearer(Box::new(move || source.fetch()))
        }
        Auth::Oidc(client) => {
            let client = client.clone();
            bearer(Box::new(move || oidc::fetch(&client)))
        }
    }
}
