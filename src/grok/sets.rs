//! The shipped sets.
//!
//! The legacy set is that of the `grok` crate, with what Logstash has mended since, and with what Elasticsearch's copy has
//! otherwise. The ECS set is laid over it: a table says which of its captures is called what, and is of which type; what
//! matches differently there is written out.

use std::collections::HashMap;

use super::definitions;
use super::options::Dialect;

mod overlay;

/// What Logstash has mended since the crate's set was taken.
const MENDED: &str = include_str!("sets/mended.patterns");
/// What the legacy set alone has.
const LEGACY: &str = include_str!("sets/legacy.patterns");
/// What Elasticsearch's legacy set has otherwise.
const ELASTICSEARCH: &str = include_str!("sets/elasticsearch.patterns");
/// Which capture is called what in the Elastic Common Schema.
const ECS_NAMES: &str = include_str!("sets/ecs_v1.names");
/// What the Elastic Common Schema's set matches in its own way.
const ECS: &str = include_str!("sets/ecs_v1.patterns");

/// A shipped set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Set {
    /// Fields as they have always been called: `clientip`, `verb`.
    #[default]
    Legacy,
    /// Fields of the Elastic Common Schema: `source.address`, `http.request.method`.
    EcsV1,
    /// No definition at all.
    Empty,
}

/// The definitions of a set, by name.
pub(super) fn definitions(set: Set, dialect: Dialect) -> HashMap<&'static str, String> {
    let mut definitions = HashMap::new();
    if set == Set::Empty {
        return definitions;
    }
    definitions.extend(grok::patterns().iter().map(|(name, expression)| (*name, overlay::dotted(expression))));
    add(&mut definitions, MENDED);
    if set == Set::Legacy {
        // The crate has these from the newer set.
        definitions.retain(|name, _| !name.starts_with("IPTABLES") && *name != "SFW2_LOG_PREFIX");
        add(&mut definitions, LEGACY);
        if dialect == Dialect::Elasticsearch {
            add(&mut definitions, ELASTICSEARCH);
        }
    } else {
        overlay::rename(&mut definitions, ECS_NAMES);
        add(&mut definitions, ECS);
    }
    definitions
}

fn add(definitions: &mut HashMap<&'static str, String>, text: &'static str) {
    for definition in definitions::read(text) {
        let definition = definition.expect("a test reads every shipped definition");
        definitions.insert(definition.name, overlay::written_out(definition.expression));
    }
}
