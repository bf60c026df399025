//! Kafka's user and password, where they stand in files: looked at while the service runs, as secrets are changed without
//! asking it.
//!
//! What Elasticsearch is told is read again when it refuses (`elastic/nodes.rs`), so that a secret that comes early does no
//! harm. Kafka's clients don't ask anybody before they connect again, so they are told of a change at once.

use std::path::PathBuf;

use crate::config::{Properties, Secret, read_secret};
use crate::kafka::{Credentials, KafkaSettings};

const USER: &str = "sasl.username";
const PASSWORD: &str = "sasl.password";

/// The files, and who has to be told.
pub struct Secrets {
    files: Vec<(&'static str, PathBuf)>,
    clients: Vec<Credentials>,
    /// What cannot be read is told once.
    told: Option<String>,
}

impl Secrets {
    /// `clients` are those that were made with these properties.
    pub fn new(properties: &Properties, clients: Vec<Credentials>) -> Self {
        let file = |name: &'static str| properties.file(name).map(|path| (name, path.to_owned()));
        Self { files: [USER, PASSWORD].into_iter().filter_map(file).collect(), clients, told: None }
    }

    /// Looks at the files. If they hold something else by now, the settings have it, the clients are told, and it is true.
    pub fn look(&mut self, settings: &mut KafkaSettings) -> bool {
        let read = |(name, path): &(&'static str, PathBuf)| read_secret(path).map(|secret| (*name, secret));
        let fresh: Result<Vec<(&str, Secret)>, String> = self.files.iter().map(read).collect();
        let fresh = match fresh {
            Ok(fresh) => fresh,
            Err(why) => {
                if self.told.as_ref() != Some(&why) {
                    tracing::warn!(why, "a secret for kafka cannot be read again; keeping the one before");
                    self.told = Some(why);
                }
                return false;
            }
        };
        self.told = None;
        let mut changed = false;
        for (name, secret) in fresh {
            let before = settings.properties.insert(name.to_owned(), secret.expose().to_owned());
            changed |= before.as_deref() != Some(secret.expose());
        }
        if changed {
            self.tell(settings);
        }
        changed
    }

    fn tell(&self, settings: &KafkaSettings) {
        let of = |name| settings.properties.get(name).map(String::as_str);
        let (Some(user), Some(password)) = (of(USER), of(PASSWORD)) else { return };
        for client in &self.clients {
            if let Err(why) = client.set(user, password) {
                tracing::error!(why, "kafka's client does not take the new user and password: start it again");
                return;
            }
        }
        tracing::info!("kafka's user or password has changed in its file: connecting with it from now on");
    }
}
