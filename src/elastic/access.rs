//! Who asks, and who is believed: the header of a request, and the certificates of a connection.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use elasticsearch::auth::{ClientCertificate, Credentials};
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::HeaderValue;
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use url::Url;

use crate::config::{ApiKey, SecretFile, Tls, read_secret};

/// The header `Authorization`: that of the user in the address, or of the key; and the address without the user.
///
/// # Errors
/// In words for a person, without the secret.
pub(super) fn authorization(endpoint: &Url, key: Option<&ApiKey>) -> Result<(Url, Option<HeaderValue>), String> {
    let user = percent_decoded(endpoint.username());
    let password = percent_decoded(endpoint.password().unwrap_or_default());
    let mut url = endpoint.clone();
    // A URL that cannot have a user has none to take away.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return Err(format!("{} is not a URL that can be connected to", url.origin().ascii_serialization()));
    }
    let header = match key {
        _ if !user.is_empty() => basic(&user, &password)?,
        Some(key) => of_key(key)?,
        None => return Ok((url, None)),
    };
    Ok((url, Some(header)))
}

/// The header `Authorization` by what the file holds now.
///
/// # Errors
/// In words for a person, without the secret.
pub(super) fn renewed(file: &SecretFile) -> Result<HeaderValue, String> {
    match file {
        SecretFile::Password { user, path } => basic(user, read_secret(path)?.expose()),
        SecretFile::ApiKey(path) => {
            let key = ApiKey::renewed(&read_secret(path)?).map_err(|why| format!("{}: {why}", path.display()))?;
            of_key(&key)
        }
    }
}

fn basic(user: &str, password: &str) -> Result<HeaderValue, String> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

fn of_key(key: &ApiKey) -> Result<HeaderValue, String> {
    sensitive(&format!("ApiKey {}", key.expose()))
}

fn sensitive(value: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(value).map_err(|_| "the API key has characters that no key has".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// What the files of certificates held when they were read.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Certificates {
    authorities: Option<Vec<u8>>,
    /// Certificate and key, one after the other.
    own: Option<Vec<u8>>,
}

impl Certificates {
    /// # Errors
    /// A file cannot be read, in words for a person.
    pub(super) fn read(tls: &Tls) -> Result<Self, String> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let authorities = tls.ca_file.as_deref().map(read).transpose()?;
        let own = match &tls.client {
            Some((certificate, key)) => Some([read(certificate)?, b"\n".to_vec(), read(key)?].concat()),
            None => None,
        };
        Ok(Self { authorities, own })
    }

    /// A transport to one address.
    ///
    /// # Errors
    /// A certificate or key cannot be used, in words for a person.
    pub(super) fn transport(&self, url: Url, tls: &Tls) -> Result<Transport, String> {
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).disable_proxy();
        if let Some(pem) = &self.authorities {
            let chain = Certificate::from_pem(pem).map_err(|error| format!("elasticsearch.tls.ca_file: {error}"))?;
            builder = builder.cert_validation(CertificateValidation::Full(chain));
        }
        if !tls.verify {
            builder = builder.cert_validation(CertificateValidation::None);
        }
        if let Some(pem) = &self.own {
            builder = builder.auth(Credentials::Certificate(ClientCertificate::Pem(pem.clone())));
        }
        builder.build().map_err(|error| {
            format!("elasticsearch.tls: a certificate or key cannot be used, or they do not belong together: {error}")
        })
    }
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match code.filter(|_| *first == b'%') {
            Some(code) => {
                out.push(code);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_from_the_url_and_never_shown() {
        assert_eq!(percent_decoded("p%40ss%3aw%zz%4"), "p@ss:w%zz%4");
        let url = Url::parse("http://elastic:p%40ss@localhost:9200").unwrap();
        let (url, header) = authorization(&url, None).unwrap();
        assert_eq!(url.as_str(), "http://localhost:9200/");
        let header = header.unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic ZWxhc3RpYzpwQHNz");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(authorization(&url, None).unwrap().1, None);
    }
}
