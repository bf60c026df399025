//! JSON schemas of Kubernetes' objects as kubeconform wants them, made from the OpenAPI description that is part of Kubernetes'
//! Go module: a file for each kind, in which no property may be unknown.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Writes the schemas into a folder. `None` if there is no description.
pub fn make() -> Option<tempfile::TempDir> {
    let text = std::fs::read_to_string(super::openapi()?).unwrap();
    let description: Value = serde_json::from_str(&text).unwrap();
    let definitions = description["definitions"].as_object().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wanted = [
        ("apps", "v1", "StatefulSet"),
        ("apps", "v1", "Deployment"),
        ("", "v1", "ConfigMap"),
        ("", "v1", "Secret"),
        ("", "v1", "Service"),
        ("", "v1", "ServiceAccount"),
        ("policy", "v1", "PodDisruptionBudget"),
        ("autoscaling", "v2", "HorizontalPodAutoscaler"),
        ("networking.k8s.io", "v1", "NetworkPolicy"),
    ];
    for (group, version, kind) in wanted {
        let is = |definition: &&Value| {
            let kinds = definition["x-kubernetes-group-version-kind"].as_array();
            kinds.is_some_and(|kinds| kinds.contains(&json!({"group": group, "version": version, "kind": kind})))
        };
        let (name, _) = definitions.iter().find(|(_, definition)| is(definition)).expect(kind);
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$ref": format!("#/definitions/{name}"),
            "definitions": reachable(definitions, name),
        });
        let group = group.split('.').next().unwrap();
        let dash = if group.is_empty() { "" } else { "-" };
        let file = format!("{}{dash}{group}-{version}.json", kind.to_lowercase());
        std::fs::write(folder.path().join(file), schema.to_string()).unwrap();
    }
    Some(folder)
}

/// A definition and all that it refers to.
fn reachable(definitions: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let (mut open, mut seen) = (vec![name.to_owned()], BTreeSet::new());
    let mut found = Map::new();
    while let Some(name) = open.pop() {
        if seen.insert(name.clone()) {
            let schema = strict(&name, &definitions[&name], &mut open);
            found.insert(name, schema);
        }
    }
    found
}

/// A schema that knows what it does not know; what it refers to goes to `open`.
fn strict(name: &str, schema: &Value, open: &mut Vec<String>) -> Value {
    match name {
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => return json!({"type": ["string", "integer"]}),
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => return json!({"type": ["string", "number"]}),
        _ => {}
    }
    match schema {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (key, value) in fields.iter().filter(|(key, _)| *key != "description") {
                if let ("$ref", Some(target)) = (key.as_str(), value.as_str()) {
                    open.push(target.trim_start_matches("#/definitions/").to_owned());
                }
                // Below `properties` the keys are names, one of which may be `description`.
                let value = match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        properties.iter().map(|(key, value)| (key.clone(), strict("", value, open))).collect()
                    }
                    (_, value) => strict("", value, open),
                };
                out.insert(key.clone(), value);
            }
            if out.contains_key("properties") {
                out.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(|item| strict("", item, open)).collect(),
        other => other.clone(),
    }
}
