//! What the name of a host says: `xray.eu-west-1.amazonaws.com` is the service `xray` in `eu-west-1`.

/// The service, as requests to it are signed, and the region; `None`: it isn't a host of AWS, or one that says neither.
pub fn service_and_region(host: &str) -> Option<(&str, &str)> {
    let suffixes = [".amazonaws.com", ".amazonaws.com.cn"];
    let own = suffixes
        .iter()
        .find_map(|suffix| host.strip_suffix(suffix))?;
    // The private links of a network.
    let own = own.strip_suffix(".vpce").unwrap_or(own);
    let mut labels = own.rsplit('.');
    let (last, before) = (labels.next()?, labels.next()?);
    // Domains of OpenSearch have it the other way round.
    if matches!(last, "es" | "aoss") {
        return Some((last, before));
    }
    let service = match before {
        "aps-workspaces" => "aps",
        service => service,
    };
    Some((service, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_names_service_and_region() {
        let check = |host: &str, expected| assert_eq!(service_and_region(host), expected, "{host}");
        check("xray.eu-west-1.amazonaws.com", Some(("xray", "eu-west-1")));
        check(
            "logs.cn-north-1.amazonaws.com.cn",
            Some(("logs", "cn-north-1")),
        );
        check(
            "aps-workspaces.us-east-1.amazonaws.com",
            Some(("aps", "us-east-1")),
        );
        check(
            "vpce-0a1-b2.xray.eu-west-1.vpce.amazonaws.com",
            Some(("xray", "eu-west-1")),
        );
        check(
            "search-x-y.eu-west-1.es.amazonaws.com",
            Some(("es", "eu-west-1")),
        );
        check("amazonaws.com", None);
        check("sts.amazonaws.com", None);
        check("xray.eu-west-1.amazonaws.com.example.org", None);
        check("localhost", None);
    }
}
