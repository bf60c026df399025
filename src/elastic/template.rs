//! The index templates that Kelp installs: mappings for the fields that every document has, strings as keywords of a bounded
//! length (so that no term is too long for Lucene), one shard, a slow refresh.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Templates by name.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    /// Body, and whether one that is there already is replaced.
    by_name: BTreeMap<String, (Value, bool)>,
}

impl Templates {
    /// Our own templates: one for each literal beginning of an index name, such as `web-access-*`, or for a whole name.
    /// `origins` gives each pattern with the name of the field that tells a document's origin.
    pub fn auto<'a>(origins: impl Iterator<Item = (String, &'a str)>) -> Self {
        let mut by_name: BTreeMap<String, (Value, bool)> = BTreeMap::new();
        for (pattern, origin) in origins {
            let name = name(&pattern);
            let mapping = origin_mapping();
            match by_name.get_mut(&name) {
                Some((body, _)) => body["template"]["mappings"]["properties"][origin] = mapping,
                None => {
                    by_name.insert(name, (template(&pattern, origin, mapping), false));
                }
            }
        }
        Self { by_name }
    }

    /// The user's own template.
    pub fn from_file(name: String, body: Value) -> Self {
        Self { by_name: BTreeMap::from([(name, (body, true))]) }
    }

    /// Name, body, and whether one that is there is replaced.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value, bool)> {
        self.by_name.iter().map(|(name, (body, overwrite))| (name.as_str(), body, *overwrite))
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// The name of a pattern's template: of `web-*` `kelp-web`, of `web*` `kelp-web_`, and of `web` alone `kelp_web`.
fn name(pattern: &str) -> String {
    match pattern.strip_suffix('*') {
        None => format!("kelp_{pattern}"),
        Some(beginning) => match beginning.strip_suffix('-') {
            Some(beginning) => format!("kelp-{beginning}"),
            None => format!("kelp-{beginning}_"),
        },
    }
}

/// Above the templates that Elastic ships (100 to 102), whose data streams would take `logs-*-*`; and a longer beginning before
/// a shorter one, as two of the same priority must not overlap; and a whole name, which has 255 bytes at most, before all.
fn priority(pattern: &str) -> usize {
    150 + if pattern.ends_with('*') { pattern.len() } else { 512 }
}

fn origin_mapping() -> Value {
    json!({"properties": {
        "topic": {"type": "keyword"},
        "partition": {"type": "integer"},
        "offset": {"type": "long"},
        "timestamp": {"type": "date"},
        "key": {"type": "keyword", "ignore_above": 1024},
    }})
}

fn template(pattern: &str, origin: &str, origin_mapping: Value) -> Value {
    json!({
        "index_patterns": [pattern],
        "priority": priority(pattern),
        "_meta": {"description": "installed by kelp; it is not overwritten, change it as you like"},
        "template": {
            "settings": {"index": {"number_of_shards": 1, "refresh_interval": "30s"}},
            "mappings": {
                // A text that looks like a date is a text: else the first of a field would decide what all others have to be.
                "date_detection": false,
                "dynamic_templates": [{"strings": {
                    "match_mapping_type": "string",
                    "mapping": {"type": "keyword", "ignore_above": 1024},
                }}],
                "properties": {
                    "@timestamp": {"type": "date"},
                    "message": {"type": "text"},
                    "tags": {"type": "keyword", "ignore_above": 1024},
                    // The event's own time where it was not believed; it need not be a date.
                    "original_timestamp": {"type": "keyword", "ignore_above": 1024},
                    "error": {"properties": {"message": {"type": "text"}}},
                    origin: origin_mapping,
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_that_share_a_pattern_share_a_template() {
        let origins = [("web-*", "kafka"), ("web-*", "origin"), ("web-access-*", "kafka")];
        let templates = Templates::auto(origins.into_iter().map(|(pattern, field)| (pattern.to_owned(), field)));
        let names: Vec<_> = templates.iter().map(|(name, _, _)| name).collect();
        assert_eq!(names, ["kelp-web", "kelp-web-access"]);
        let (_, shared, overwrite) = templates.iter().next().unwrap();
        assert!(!overwrite);
        let properties = &shared["template"]["mappings"]["properties"];
        assert_eq!(properties["kafka"], properties["origin"]);
        let priorities: Vec<_> = templates.iter().map(|(_, body, _)| body["priority"].as_u64().unwrap()).collect();
        assert!(priorities[0] < priorities[1]);
    }

    #[test]
    fn a_whole_name_has_a_template_of_its_own_before_all_others() {
        let patterns = ["web-*", "web*", "web"].map(|pattern| (pattern.to_owned(), "kafka"));
        let templates = Templates::auto(patterns.into_iter());
        let shown: Vec<_> = templates.iter().map(|(name, body, _)| (name, &body["index_patterns"][0])).collect();
        assert_eq!(shown, [("kelp-web", &json!("web-*")), ("kelp-web_", &json!("web*")), ("kelp_web", &json!("web"))]);
        let longest = format!("{}*", "a".repeat(250));
        assert!(priority("web") > priority(&longest));
    }
}
