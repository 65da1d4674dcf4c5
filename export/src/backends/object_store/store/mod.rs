//! What takes objects: a cloud's store, or a folder.

#[cfg(feature = "object-store")]
mod cloud;
mod folder;
#[cfg(feature = "object-store")]
mod http;

use bytes::Bytes;

use super::config::ObjectStoreConfig;
use super::location::Location;
use crate::outcome::Failure;

pub enum Store {
    #[cfg(feature = "object-store")]
    Cloud(cloud::CloudStore),
    Folder(folder::Folder),
}

impl Store {
    /// # Errors
    /// What no retry mends: keys that can't be read.
    pub fn open(config: &ObjectStoreConfig) -> anyhow::Result<Self> {
        match &config.location {
            Location::Folder(path) => Ok(Self::Folder(folder::Folder::new(path))),
            #[cfg(feature = "object-store")]
            Location::Bucket {
                cloud,
                bucket,
                prefix,
            } => Ok(Self::Cloud(cloud::CloudStore::open(
                config, *cloud, bucket, prefix,
            )?)),
            #[cfg(not(feature = "object-store"))]
            Location::Bucket { .. } => anyhow::bail!("this build has no clouds"),
        }
    }

    /// Puts an object. When this returns, it is there for good.
    ///
    /// # Errors
    /// It may not be there; to put it again does no harm.
    pub async fn put(&self, path: &str, bytes: &Bytes) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "object-store")]
            Self::Cloud(cloud) => cloud.put(path, bytes).await,
            Self::Folder(folder) => folder.put(path, bytes),
        }
    }
}
