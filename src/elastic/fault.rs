//! Why a request came to nothing, in words that say what to do.

use std::error::Error;

/// A request that came to nothing.
#[derive(Debug)]
pub(super) struct Failure {
    /// True if no byte of the request can have arrived.
    pub(super) not_sent: bool,
    /// True if the time for it was over.
    pub(super) late: bool,
    /// For a person.
    pub(super) why: String,
}

impl Failure {
    /// The request failed before there was an answer.
    pub(super) fn of_request(error: &elasticsearch::Error) -> Self {
        Self { not_sent: never_connected(error), late: error.is_timeout(), why: advised(explain(error)) }
    }

    /// The answer broke off: the request went out, and nothing says what was done.
    pub(super) fn of_answer(error: &elasticsearch::Error) -> Self {
        Self { not_sent: false, late: error.is_timeout(), why: explain(error) }
    }
}

fn never_connected(error: &elasticsearch::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) {
            return true;
        }
        source = inner.source();
    }
    false
}

/// The error with its causes, none twice.
fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}

/// What a TLS library says, and what to do about it.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["UnknownIssuer", "unknown issuer"],
        "its certificate is signed by nobody that is known here: set elasticsearch.tls.ca_file to the certificate of the authority that signed it",
    ),
    (
        &["CaUsedAsEndEntity"],
        "its certificate is that of an authority, which is not accepted for a server: let it have one of its own, signed by that",
    ),
    (&["certificate expired", "Expired"], "its certificate has expired: renew it there, or correct the clock here"),
    (&["not valid yet", "NotValidYet"], "its certificate is not valid yet: compare the clocks"),
    (
        &["not valid for name", "NotValidForName"],
        "its certificate is for another name: write the endpoint with a name that the certificate has",
    ),
    (
        &["CertificateRequired", "certificate required", "HandshakeFailure"],
        "it wants a certificate of ours: set elasticsearch.tls.certificate_file and key_file",
    ),
    (
        &[
            "UnknownCA",
            "BadCertificate",
            "CertificateUnknown",
            "CertificateExpired",
            "received fatal alert: DecryptError",
        ],
        "it does not accept our certificate: renew elasticsearch.tls.certificate_file, or have it signed by an authority that it knows",
    ),
    (&["InvalidContentType"], "it does not speak TLS: write the endpoint with http, or another port"),
];

fn advised(text: String) -> String {
    let fits = |(signs, _): &&(&[&str], &str)| signs.iter().any(|sign| text.contains(sign));
    // What it says about our certificate comes as an alert; the same words without one are about its own.
    let alert = text.contains("received fatal alert");
    let found = ADVICE.iter().filter(|(_, advice)| alert == advice.starts_with("it ") || advice.contains("speak TLS"));
    match found.into_iter().find(fits) {
        Some((_, advice)) => format!("{advice} ({text})"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::advised;

    #[test]
    fn what_tls_says_becomes_what_to_do() {
        for (said, advice) in [
            ("invalid peer certificate: UnknownIssuer", "ca_file"),
            ("invalid peer certificate: certificate expired: verification time 1", "renew it there"),
            ("invalid peer certificate: certificate not valid for name \"a\"", "another name"),
            ("received fatal alert: CertificateRequired", "certificate_file and key_file"),
            ("received fatal alert: CertificateExpired", "renew elasticsearch.tls.certificate_file"),
            ("received fatal alert: UnknownCA", "signed by an authority that it knows"),
            ("received corrupt message of type InvalidContentType", "does not speak TLS"),
        ] {
            let told = advised(said.to_owned());
            assert!(told.contains(advice) && told.contains(said), "{told}");
        }
        assert_eq!(advised("connection refused".to_owned()), "connection refused");
    }
}
