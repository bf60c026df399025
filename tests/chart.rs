//! The chart: the real Helm lints and renders it for a matrix of values, kubeconform holds what comes out against the
//! schemas of Kubernetes, and the configuration in it is one that Kelp takes.

mod schemas;

use std::path::{Path, PathBuf};
use std::process::Command;

use kelp::config::{self, Sources};
use kelp::pipeline::Pipeline;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Value, json};

use crate::lab::home::project;
use crate::lab::tools;

const HOW: &str = "install Go and run scripts/test, which builds it";
/// A Helm that was built from its module does not know of a cluster's version otherwise.
const KUBERNETES: &str = "1.34.0";

fn helm(arguments: &[&str], values: &str) -> Option<(bool, String, String)> {
    let helm = tools::find("helm", HOW)?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, values).unwrap();
    let mut command = Command::new(helm);
    for name in ["CACHE", "CONFIG", "DATA"] {
        command.env(format!("HELM_{name}_HOME"), folder.path());
    }
    command.args(arguments).arg(project().join("helm/kelp")).args(["--kube-version", KUBERNETES, "-f"]).arg(&file);
    let output = tools::run(&mut command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((output.status.success(), text(&output.stdout), text(&output.stderr)))
}

/// A value of YAML as JSON.
pub fn json_of(yaml: &Yaml<'_>) -> Value {
    if let Some(mapping) = yaml.as_mapping() {
        return mapping.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json_of(value))).collect();
    }
    if let Some(sequence) = yaml.as_sequence() {
        return sequence.iter().map(json_of).collect();
    }
    let integer = yaml.as_integer().map(Value::from);
    let truth = || yaml.as_bool().map(Value::from);
    let float = || yaml.as_floating_point().map(Value::from);
    integer.or_else(truth).or_else(float).or_else(|| yaml.as_str().map(Value::from)).unwrap_or(Value::Null)
}

/// Every object of a text, by kind and name.
struct Rendered {
    text: String,
    objects: Vec<Value>,
}

impl Rendered {
    fn new(values: &str) -> Option<Self> {
        let (done, text, errors) = helm(&["template", "logs"], values)?;
        assert!(done, "{errors}");
        let documents = Yaml::load_from_str(&text).unwrap();
        let objects = documents.iter().map(json_of).filter(|object| !object.is_null()).collect();
        Some(Self { text, objects })
    }

    fn all(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| object["kind"] == kind).collect()
    }

    fn one(&self, kind: &str, name: &str) -> &Value {
        let mut found = self.all(kind).into_iter().filter(|object| object["metadata"]["name"] == name);
        found.next().unwrap_or_else(|| panic!("no {kind} {name} in\n{}", self.text))
    }

    fn pod(&self, kind: &str) -> &Value {
        &self.one(kind, "logs-kelp")["spec"]["template"]["spec"]
    }

    fn config_text(&self) -> &str {
        self.one("ConfigMap", "logs-kelp")["data"]["kelp.yaml"].as_str().unwrap()
    }

    /// What the pod would run with, by Kelp's own reading of it.
    fn config(&self, kind: &str) -> config::Config {
        let folder = tempfile::tempdir().unwrap();
        // What secrets are mounted as.
        let secrets = folder.path().join("secrets").display().to_string();
        let text = self.config_text().replace("/etc/kelp/secrets", &secrets);
        for file in text.split_whitespace().filter(|word| word.starts_with(&secrets)).map(Path::new) {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "any").unwrap();
        }
        std::fs::write(folder.path().join("kelp.yaml"), text).unwrap();
        std::fs::create_dir(folder.path().join("pipelines")).unwrap();
        let mut pipelines = 0;
        for map in self.all("ConfigMap").into_iter().filter(|map| map["metadata"]["name"] == "logs-kelp-pipelines") {
            for (name, text) in map["data"].as_object().unwrap() {
                let pipeline = Pipeline::compile(name, text.as_str().unwrap());
                let pipeline = pipeline.unwrap_or_else(|problems| panic!("{problems:?}"));
                assert!(pipeline.run_tests().iter().all(|test| test.passed()), "{name}");
                std::fs::write(folder.path().join("pipelines").join(name), text.as_str().unwrap()).unwrap();
                pipelines += 1;
            }
        }
        assert!(pipelines > 0 || !self.text.contains("name: logs-kelp-pipelines"));
        let container = &self.pod(kind)["containers"][0];
        let mut variables = Vec::new();
        for variable in container["env"].as_array().into_iter().flatten() {
            let value = variable["value"].as_str().unwrap_or_default().replace("$(POD_NAME)", "logs-kelp-0");
            variables.push((variable["name"].as_str().unwrap().to_owned(), value));
        }
        for secret in self.all("Secret") {
            let data = secret["stringData"].as_object().unwrap();
            variables.extend(data.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())));
        }
        // The folder is there only in the pod.
        assert_eq!(self.config_text().matches("pipelines: /etc/kelp/pipelines\n").count(), 1, "{}", self.config_text());
        variables.push(("KELP_PIPELINES".into(), folder.path().join("pipelines").display().to_string()));
        if pipelines == 0 {
            // Somebody else's ConfigMap.
            std::fs::write(folder.path().join("pipelines/ours.yaml"), "").unwrap();
        } else {
            let mut check = Command::new(env!("CARGO_BIN_EXE_kelp"));
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KELP_")) {
                check.env_remove(name);
            }
            check.args(["check", "-c"]).arg(folder.path().join("kelp.yaml")).envs(variables.iter().cloned());
            let checked = tools::run(&mut check);
            assert!(checked.status.success(), "{}", tools::said(&checked));
        }
        let sources = Sources { folder: folder.path().to_owned(), variables, ..Sources::default() };
        config::load(&sources).unwrap_or_else(|faults| panic!("{faults}\n{}", self.config_text()))
    }
}

const PIPELINES: &str = r#"
pipelines:
  web.yaml: |
    source: {topics: [web]}
    processors:
      - grok: {field: message, patterns: ["^%{IP:client} %{GREEDYDATA:rest}"]}
    destination: {index: "web-%{+yyyy.MM.dd}"}
    tests:
      - given: 203.0.113.9 hello
        expect: {client: 203.0.113.9}
"#;

/// Everything that can be switched on, as a StatefulSet that follows the lag.
const EVERYTHING: &str = r#"
image: {repository: registry.example/kelp, tag: 0.1.0-rc.1, pullSecrets: [pull]}
config:
  kafka:
    bootstrap_servers: ["kafka-0:9092", "kafka-1:9092"]
    group_id: logs
    drain_timeout: 5s
    properties: {fetch.max.bytes: 52428800, security.protocol: sasl_ssl, ssl.ca.location: /etc/kelp/secrets/kafka-ca/ca.crt}
  elasticsearch: {endpoints: ["https://es-0:9200", "https://es-1:9200"], bulk: {max_bytes: 8MiB}}
  admin: {listen: "0.0.0.0:9700"}
  threads: 4
staticMembership: false
secretEnvironment:
  KELP_KAFKA__PROPERTIES__SASL_USERNAME: logs
  KELP_KAFKA__PROPERTIES__SASL_PASSWORD: "1234567"
existingSecret: more
secretFiles: [kafka-ca]
env: [{name: KELP_LOG, value: "debug"}]
shutdownTimeoutSeconds: 120
resources: {requests: {cpu: 500m, memory: 2Gi}, limits: {cpu: 4, memory: 2Gi}}
serviceAccount: {annotations: {a: b}}
podAnnotations: {a: "1"}
podLabels: {team: logs}
nodeSelector: {disk: ssd}
tolerations: [{key: logs, operator: Exists, effect: NoSchedule}]
affinity: {podAntiAffinity: {}}
priorityClassName: high
topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}
podDisruptionBudget: {enabled: true, maxUnavailable: 25%}
autoscaling: {enabled: true, by: lag, topics: [web, app], lagPerReplica: 2500000, authenticationRef: kafka, maxReplicas: 16}
networkPolicy:
  enabled: true
  from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]
  egress: [{ports: [{port: 9092, protocol: TCP}, {port: 9200, protocol: TCP}]}]
serviceMonitor: {enabled: true, interval: 30s, labels: {release: prometheus}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
dashboard: {enabled: true}
"#;

const DEPLOYMENT: &str = r#"
kind: Deployment
replicas: 3
existingPipelines: ours
nameOverride: kelp
restartOnChange: false
serviceAccount: {create: false, name: logs}
podDisruptionBudget: {enabled: false}
autoscaling: {enabled: true, by: cpu, cpuPercent: 70}
networkPolicy: {enabled: true}
config: {memory_limit: 500MiB}
"#;

fn matrix() -> Vec<(&'static str, String)> {
    vec![
        ("defaults", PIPELINES.to_owned()),
        ("everything", format!("{PIPELINES}{EVERYTHING}")),
        ("deployment", DEPLOYMENT.to_owned()),
        ("no static members", format!("{PIPELINES}staticMembership: false\nreplicas: 1\n")),
    ]
}

#[test]
fn helm_finds_nothing_wrong() {
    for (name, values) in matrix() {
        let Some((done, said, errors)) = helm(&["lint", "--strict"], &values) else { return };
        assert!(done && said.contains("0 chart(s) failed"), "{name}: {said}{errors}");
    }
}

#[test]
fn what_is_rendered_is_what_kubernetes_takes() {
    let Some(kubeconform) = tools::find("kubeconform", HOW) else { return };
    let Some(schemas) = schemas::make() else { return };
    for (name, values) in matrix() {
        let Some(rendered) = Rendered::new(&values) else { return };
        let file = schemas.path().join(format!("{}.yaml", name.replace(' ', "-")));
        std::fs::write(&file, &rendered.text).unwrap();
        let mut command = Command::new(&kubeconform);
        command.args(["-strict", "-summary", "-output", "json", "-skip", "ScaledObject,ServiceMonitor,PrometheusRule"]);
        command.arg("-schema-location");
        command.arg(schemas.path().join("{{ .ResourceKind }}{{ .KindSuffix }}.json")).arg(&file);
        let output = tools::run(&mut command);
        assert!(output.status.success(), "{name}: {}", tools::said(&output));
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let valid = summary["summary"]["valid"].as_u64().unwrap() as usize;
        let skipped = summary["summary"]["skipped"].as_u64().unwrap() as usize;
        assert_eq!(valid + skipped, rendered.objects.len(), "{name}: {summary}");
        assert_eq!(skipped, if name == "everything" { 3 } else { 0 }, "{name}");
    }
    // The schemas can say no.
    let wrong = schemas.path().join("wrong.yaml");
    let text = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {serviceName: a, selector: {}, \
                template: {spec: {containers: [{name: a, imge: b}]}}}\n";
    std::fs::write(&wrong, text).unwrap();
    let location = schemas.path().join("{{ .ResourceKind }}{{ .KindSuffix }}.json");
    let output = tools::run(Command::new(&kubeconform).args(["-strict", "-schema-location"]).arg(location).arg(wrong));
    assert!(!output.status.success() && tools::said(&output).contains("imge"), "{}", tools::said(&output));
}

#[test]
fn the_configuration_is_one_that_kelp_takes() {
    let Some(rendered) = Rendered::new(&matrix()[0].1) else { return };
    let config = rendered.config("StatefulSet");
    assert_eq!((config.memory_limit, config.admin_listen), (512 << 20, "0.0.0.0:9600".parse().unwrap()));
    assert_eq!(config.kafka.properties.get("group.instance.id"), Some("logs-kelp-0"));

    let rendered = Rendered::new(&matrix()[1].1).unwrap();
    let config = rendered.config("StatefulSet");
    assert_eq!(config.memory_limit, 1638 << 20);
    assert_eq!(config.shutdown_timeout.as_secs(), 120);
    let property = |name| config.kafka.properties.get(name);
    assert_eq!((property("fetch.max.bytes"), property("sasl.password")), (Some("52428800"), Some("1234567")));
    assert!(!rendered.config_text().contains("1234567"));

    let config = Rendered::new(&matrix()[2].1).unwrap().config("Deployment");
    assert_eq!((config.memory_limit, config.kafka.properties.get("group.instance.id")), (500 << 20, None));
    let config = Rendered::new(&matrix()[3].1).unwrap().config("StatefulSet");
    assert_eq!(config.kafka.properties.get("group.instance.id"), None);
}

#[test]
fn pods_are_what_the_documentation_says() {
    let Some(rendered) = Rendered::new(&matrix()[1].1) else { return };
    let pod = rendered.pod("StatefulSet");
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "registry.example/kelp:0.1.0-rc.1");
    // An orderly end, and leaving the group after it, come before the kill.
    let config = rendered.config("StatefulSet");
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(grace >= config.shutdown_timeout.as_secs() + 6, "{grace}");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
    let image = std::fs::read_to_string(project().join("Dockerfile")).unwrap();
    let user = pod["securityContext"]["runAsUser"].as_u64().unwrap();
    assert!(image.contains(&format!("\nUSER {user}")), "the image has another user than {user}");
    // The port follows from where Kelp listens.
    assert_eq!(config.admin_listen.port(), 9700);
    assert_eq!(container["ports"], json!([{"name": "admin", "containerPort": 9700}]));
    assert_eq!(rendered.one("Service", "logs-kelp")["spec"]["ports"][0]["port"], 9700);
    assert_eq!(container["livenessProbe"]["httpGet"], json!({"path": "/livez", "port": "admin"}));
    assert_eq!(container["readinessProbe"]["httpGet"], json!({"path": "/readyz", "port": "admin"}));
    let set = &rendered.one("StatefulSet", "logs-kelp")["spec"];
    assert!(set.get("replicas").is_none(), "the autoscaler's number must not be overwritten");
    assert_eq!(set["podManagementPolicy"], "Parallel");
    for kind in ["StatefulSet", "Service", "PodDisruptionBudget"] {
        let spec = &rendered.one(kind, "logs-kelp")["spec"];
        let selector = spec["selector"].get("matchLabels").unwrap_or(&spec["selector"]);
        for (name, value) in selector.as_object().unwrap() {
            assert_eq!(&set["template"]["metadata"]["labels"][name], value, "{kind} selects other pods");
        }
    }
    let scaled = &rendered.one("ScaledObject", "logs-kelp")["spec"];
    assert_eq!(scaled["triggers"][1]["metadata"]["bootstrapServers"], "kafka-0:9092,kafka-1:9092");
    assert_eq!(scaled["triggers"][1]["metadata"]["lagThreshold"], "2500000");

    // Alerts and dashboard are those of the files.
    let alerts = std::fs::read_to_string(project().join("helm/kelp/monitoring/alerts.yaml")).unwrap();
    let alerts = json_of(&Yaml::load_from_str(&alerts).unwrap()[0]);
    assert_eq!(rendered.one("PrometheusRule", "logs-kelp")["spec"], alerts);
    let dashboard = rendered.one("ConfigMap", "logs-kelp-dashboard")["data"]["kelp.json"].as_str().unwrap();
    let file = std::fs::read_to_string(project().join("helm/kelp/monitoring/dashboard.json")).unwrap();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(parse(dashboard), parse(&file));
    // A change of the configuration starts the pods anew, where that is wanted.
    let other = Rendered::new(&matrix()[1].1.replace("threads: 4", "threads: 5")).unwrap();
    let annotations =
        |of: &Rendered| of.one("StatefulSet", "logs-kelp")["spec"]["template"]["metadata"]["annotations"].clone();
    assert_ne!(annotations(&rendered), annotations(&other));
    // One of a pipeline does not: it is taken over by what runs.
    let other = Rendered::new(&matrix()[1].1.replace("hello", "hi")).unwrap();
    assert_eq!(annotations(&rendered), annotations(&other));
}

#[test]
fn mistakes_in_values_are_told() {
    let mistakes = [
        ("", "pipelines: give at least one"),
        ("replica: 3", "replica"),
        ("replicas: -1", "replicas"),
        ("kind: DaemonSet", "kind"),
        ("pipelines: {web.txt: x}", "web.txt"),
        ("resources: {limits: {memory: 500M}}", "memory"),
        ("resources: {limits: {memory: 64Mi}}", "give at least 224Mi"),
        ("config: {memory_limit: 1GiB}", "config.memory_limit is more than resources.limits.memory"),
        ("config: {memory_limit: 2 gb}", "config.memory_limit is more than resources.limits.memory"),
        ("config: {memory_limit: 704643073}", "config.memory_limit is more than resources.limits.memory"),
        ("config: {memory_limit: 63MiB}", "give at least 64MiB"),
        ("config: {memory_limit: much}", "much is not a size"),
        ("config: {admin: {listen: \"127.0.0.1:9600\"}}", "cannot be reached by the probes"),
        ("config: {admin: {listen: \"kelp:9600\"}}", "is not an IP address and a port"),
        ("env: [{name: KELP_ADMIN__LISTEN, value: \"0.0.0.0:9700\"}]", "set config.admin.listen"),
        ("config: {shutdown_timeout: 60s}", "set shutdownTimeoutSeconds"),
        ("config: {elasticsearch: {endpoints: [\"https://me:mine@es:9200\"]}}", "a password would be readable"),
        ("config: {kafka: {properties: {sasl.password: mine}}}", "a password would be readable"),
        ("config: {kafka: {groupid: mine}}", "groupid"),
        ("config: {elasticsearch: {bulk: {max_byte: 1MiB}}}", "max_byte"),
        ("config: {thread: 4}", "thread"),
        ("secretEnvironment: {PASSWORD: mine}", "PASSWORD"),
        ("staticMembership: false\nautoscaling: {enabled: true}", "autoscaling.topics"),
        ("autoscaling: {enabled: true, topics: [web]}", "set staticMembership: false"),
        (
            "kind: Deployment\nautoscaling: {enabled: true, by: cpu}\nresources: {requests: null}",
            "set resources.requests.cpu",
        ),
        (
            "kind: Deployment\nautoscaling: {enabled: true, topics: [web]}\nconfig: {kafka: {bootstrap_servers: \"${KAFKA}\"}}",
            "write config.kafka.bootstrap_servers and group_id out",
        ),
    ];
    for (mistake, told) in mistakes {
        let pipelines = if mistake.is_empty() || mistake.starts_with("pipelines") { "" } else { PIPELINES };
        let Some((done, _, errors)) = helm(&["template", "logs"], &format!("{pipelines}{mistake}\n")) else { return };
        assert!(!done && errors.contains(told), "{mistake}: {errors}");
    }
}

/// A misspelt key of `config` is found by Helm, not by a pod that does not start.
#[test]
fn the_schema_of_the_values_knows_the_keys_of_kelp_and_no_others() {
    let schema = std::fs::read_to_string(project().join("helm/kelp/values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    fn keys(node: &Value, name: &str, found: &mut Vec<String>) {
        match node["properties"].as_object() {
            None => found.push(name.to_owned()),
            Some(properties) => {
                assert_eq!(node["additionalProperties"], false, "{name}");
                let dot = if name.is_empty() { "" } else { "." };
                properties.iter().for_each(|(key, node)| keys(node, &format!("{name}{dot}{key}"), found));
            }
        }
    }
    let mut found = Vec::new();
    keys(&schema["properties"]["config"], "", &mut found);
    found.sort();
    assert_eq!(found, config::keys());
}

/// The folder of the values that are shown to people.
fn shown(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project().join(Path::new("docs").join(page))).unwrap();
    let blocks = text.split("```yaml values\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_values_that_the_documentation_shows_can_be_rendered() {
    let shown = shown("kubernetes.md");
    assert!(shown.len() >= 3, "{}", shown.len());
    for values in shown {
        let values = if values.contains("pipelines:") { values } else { format!("{PIPELINES}{values}") };
        let Some(rendered) = Rendered::new(&values) else { return };
        let kind = if values.contains("kind: Deployment") { "Deployment" } else { "StatefulSet" };
        rendered.config(kind);
    }
}

/// Where `scripts/test` puts the OpenAPI description that is part of Kubernetes' Go module.
pub fn openapi() -> Option<PathBuf> {
    tools::find("kubernetes-openapi.json", HOW)
}
