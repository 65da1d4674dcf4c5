//! The AWS identity of this process, found in the order of AWS's SDKs: environment, web identity (EKS service accounts), the shared credentials
//! file, a container's agent (ECS, EKS pod identity), and the instance's metadata.

use super::{Credentials, agents, profile, sts};
use crate::variables::Variables;

pub fn find(region: &str, variables: &Variables<'_>) -> Result<Credentials, String> {
    if let (Some(id), Some(secret)) = (
        variables("AWS_ACCESS_KEY_ID"),
        variables("AWS_SECRET_ACCESS_KEY"),
    ) {
        return Ok(Credentials {
            access_key_id: id,
            secret_access_key: secret,
            session_token: variables("AWS_SESSION_TOKEN"),
            expires: None,
        });
    }
    if let (Some(file), Some(role)) = (
        variables("AWS_WEB_IDENTITY_TOKEN_FILE"),
        variables("AWS_ROLE_ARN"),
    ) {
        return sts::web_identity(region, &file, &role, variables);
    }
    if let Some(found) = profile::find(variables)? {
        return Ok(found);
    }
    match agents::container(variables) {
        Some(found) => found,
        None => agents::instance(variables),
    }
}
