//! What a Jaeger span's tags say of its status. Each tag that says it all is taken out.

use super::super::attributes::{Attributes, Value};
use super::super::otlp::{Code, Kind, Status};

const ERROR: &str = "error";
const STATUS_CODE: &str = "otel.status_code";
const STATUS_DESCRIPTION: &str = "otel.status_description";
const HTTP_STATUS_CODE: &str = "http.status_code";
const HTTP_STATUS_MESSAGE: &str = "http.status_message";

/// `error: true` says it, then `otel.status_code`, then the status of HTTP.
pub fn status<'a>(attributes: &mut Attributes<'a>, kind: Kind) -> Status<'a> {
    let failed = attributes.get(ERROR) == Some(&Value::Bool(true));
    let error = failed.then(|| {
        attributes.take(ERROR);
        let described = attributes.take(STATUS_DESCRIPTION);
        let message = described.or_else(|| attributes.get(HTTP_STATUS_MESSAGE).cloned());
        Status {
            code: Code::Error,
            message: message.map(Value::into_text).unwrap_or_default(),
        }
    });
    // The tag goes, whoever said it.
    let code = attributes.take(STATUS_CODE);
    match (error, code) {
        (Some(error), _) => error,
        (None, Some(code)) => Status {
            code: code_of(&code.into_text()),
            message: (attributes.take(STATUS_DESCRIPTION))
                .map(Value::into_text)
                .unwrap_or_default(),
        },
        (None, None) => of_http(attributes, kind),
    }
}

fn code_of(text: &str) -> Code {
    match text {
        text if text.eq_ignore_ascii_case("ok") => Code::Ok,
        text if text.eq_ignore_ascii_case("error") => Code::Error,
        _ => Code::Unset,
    }
}

fn of_http<'a>(attributes: &Attributes<'a>, kind: Kind) -> Status<'a> {
    let http = match attributes.get(HTTP_STATUS_CODE) {
        Some(Value::Int(code)) => Some(*code),
        Some(Value::Text(code)) => code.parse().ok(),
        _ => None,
    };
    let failed = match http {
        None | Some(100..=398) => false,
        // A server answered as it should.
        Some(400..=499) => kind != Kind::Server,
        Some(_) => true,
    };
    if !failed {
        return Status::default();
    }
    let message = attributes.get(HTTP_STATUS_MESSAGE).cloned();
    Status {
        code: Code::Error,
        message: message.map(Value::into_text).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &[(&'static str, Value<'static>)], kind: Kind, code: Code, message: &str) {
        let mut attributes = Attributes::default();
        for (key, value) in tags {
            attributes.put(*key, value.clone());
        }
        let status = status(&mut attributes, kind);
        assert_eq!((status.code, &*status.message), (code, message), "{tags:?}");
        assert_eq!(attributes.get(STATUS_CODE), None);
    }

    #[test]
    fn what_says_it_first_wins() {
        let failed = (ERROR, Value::Bool(true));
        let said = (STATUS_CODE, Value::from("ok"));
        let why = (STATUS_DESCRIPTION, Value::from("why"));
        let http = (HTTP_STATUS_CODE, Value::Int(500));
        let text = (HTTP_STATUS_MESSAGE, Value::from("oops"));
        let unsaid = Kind::Unspecified;
        check(&[], unsaid, Code::Unset, "");
        check(
            &[failed.clone(), said.clone(), why.clone()],
            unsaid,
            Code::Error,
            "why",
        );
        check(&[failed, text.clone()], unsaid, Code::Error, "oops");
        check(&[(ERROR, "true".into())], unsaid, Code::Unset, "");
        check(&[said, http.clone(), why.clone()], unsaid, Code::Ok, "why");
        check(&[http, text, why], unsaid, Code::Error, "oops");
        let not_found = (HTTP_STATUS_CODE, Value::from("404"));
        check(
            std::slice::from_ref(&not_found),
            Kind::Server,
            Code::Unset,
            "",
        );
        check(&[not_found], Kind::Client, Code::Error, "");
        check(
            &[(HTTP_STATUS_CODE, "none".into())],
            unsaid,
            Code::Unset,
            "",
        );
    }
}
