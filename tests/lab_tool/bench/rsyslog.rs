//! The yardstick: rsyslog, the leanest of the programs that do something like it, on the same topic. It does less: it commits
//! by time, makes no ids, and what it cannot parse it sends on without fields.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::kelp::measure;
use super::report::Measured;
use super::{Stage, TOPIC};
use crate::lab::process::Process;
use crate::lab::{Result, unix};

/// Nothing has arrived for so long: it has read everything.
const QUIET: Duration = Duration::from_secs(3);

/// Nothing has arrived at all for so long: nothing will.
const FIRST: Duration = Duration::from_secs(60);

/// rsyslogd, where it is installed.
pub struct Runner {
    program: &'static str,
}

impl Runner {
    /// Looks for it.
    pub fn new() -> Result<Self> {
        let program = "/usr/sbin/rsyslogd";
        let missing = "rsyslog is missing: apt-get install rsyslog rsyslog-kafka rsyslog-elasticsearch";
        if Path::new(program).is_file() { Ok(Self { program }) } else { Err(missing.into()) }
    }

    /// Reads the topic until nothing more comes.
    pub fn run(&self, stage: &Stage<'_>) -> Result<Measured> {
        let folder = stage.folder.path().join(format!("rsyslog-{}", stage.turn));
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("rsyslog.conf");
        std::fs::write(folder.join("access.rulebase"), RULES)?;
        std::fs::write(&file, configuration(stage, &folder)?)?;
        let mut command = Command::new(self.program);
        command.arg("-n").arg("-f").arg(&file).arg("-i").arg(folder.join("pid"));
        unix::die_with_parent(&mut command);
        let mut process = Process::start("rsyslog", &mut command, &folder.join("log"))?;
        let (mut seen, mut last) = (0, Instant::now());
        let deadline = Instant::now() + Duration::from_secs(900);
        while seen == 0 || last.elapsed() < QUIET {
            stage.interrupt.check()?;
            process.expect_alive()?;
            if Instant::now() > deadline || (seen == 0 && process.started().elapsed() > FIRST) {
                return Err(format!("rsyslog does not come to an end; {}", process.tail()).into());
            }
            std::thread::sleep(Duration::from_millis(50));
            let now = stage.arrived()?;
            if now != seen {
                (seen, last) = (now, Instant::now());
            }
        }
        let seconds = (last - process.started()).as_secs_f64();
        let usage = process.usage();
        let measured = measure(stage, &process, usage, seconds);
        process.terminate(Duration::from_secs(10))?;
        measured
    }
}

/// The combined log format for liblognorm.
const RULES: &str = "version=2\n\
rule=:%clientip:word% %ident:word% %auth:word% [%day:char-to:/%/%month:char-to:/%/%year:char-to{\"extradata\":\":\"}%:%time:char-to:]%] \"%verb:word% %request:word% HTTP/%httpversion:char-to:\"%\" %response:word% %bytes:word% \"%referrer:char-to:\"%\" \"%agent:char-to:\"%\"\n";

fn configuration(stage: &Stage<'_>, folder: &Path) -> Result<String> {
    let url = stage.url();
    let (host, port) = url.trim_start_matches("http://").rsplit_once(':').ok_or("an address without a port")?;
    let folder = folder.display();
    Ok(format!(
        r#"global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imkafka")
module(load="mmnormalize")
module(load="omelasticsearch")
template(name="document" type="list") {{ property(name="$!all-json") }}
template(name="index" type="string" string="web-access-%$!year%.%$!month%.%$!day%")
ruleset(name="index" queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="4096" queue.workerThreads="2"
        queue.workerThreadMinimumMessages="4096") {{
  action(type="mmnormalize" ruleBase="{folder}/access.rulebase" useRawMsg="off")
  action(type="omelasticsearch" server="{host}" serverport="{port}" bulkmode="on" maxbytes="8m" template="document"
         searchIndex="index" dynSearchIndex="on" searchType="" errorFile="{folder}/errors")
}}
input(type="imkafka" topic="{TOPIC}" broker="{}" consumergroup="rsyslog-{}" ruleset="index" parseHostname="off"
      confParam=["auto.offset.reset=earliest", "check.crcs=true"])
"#,
        stage.kafka.bootstrap(),
        stage.turn,
    ))
}
