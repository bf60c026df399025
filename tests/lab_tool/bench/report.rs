//! What is measured, and how it is shown.

use serde::Serialize;

use crate::lab::Result;
use crate::lab_tool::Format;
use crate::lab_tool::single::Load;

/// One turn of one contender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measured {
    /// From the start of the process to its first bulk, whole at the sink. Only the sink can tell.
    pub first_bulk_seconds: Option<f64>,
    /// Documents that came after the first bulk, in each second between it and the last. Only the sink can tell.
    pub steady_per_second: Option<f64>,
    /// Documents in each second between the start and the end.
    pub overall_per_second: f64,
    /// User and system time of the process, for a million documents.
    pub cpu_seconds_per_million: Option<f64>,
    /// Resident memory at its highest.
    pub peak_memory_mib: Option<f64>,
    /// How many documents arrived.
    pub documents: f64,
    /// The size of one, with its action line. Only the sink can tell.
    pub bytes_per_document: Option<f64>,
    /// Of how many bulks.
    pub requests: Option<f64>,
}

impl Measured {
    /// The figure to compare by.
    pub fn rate(&self) -> f64 {
        self.steady_per_second.unwrap_or(self.overall_per_second)
    }
}

/// All turns of one contender.
#[derive(Debug, Serialize)]
pub struct Contender {
    pub name: &'static str,
    pub runs: Vec<Measured>,
}

impl Contender {
    pub fn new(name: &'static str) -> Self {
        Self { name, runs: Vec::new() }
    }

    fn median(&self, of: impl Fn(&Measured) -> Option<f64>) -> Option<f64> {
        median(self.runs.iter().filter_map(of).collect())
    }
}

/// The result of a bench.
#[derive(Debug, Serialize)]
pub struct Summary {
    target: &'static str,
    records: u64,
    partitions: i32,
    cores: usize,
    /// Kelp's rate by the contender's, turn by turn; the median of these.
    ratios: Vec<(&'static str, f64)>,
    contenders: Vec<Contender>,
}

type Row = (&'static str, usize, fn(&Measured) -> Option<f64>);

const ROWS: [Row; 7] = [
    ("start to first bulk, s", 3, |run| run.first_bulk_seconds),
    ("documents/s, first to last bulk", 0, |run| run.steady_per_second),
    ("documents/s, start to end", 0, |run| Some(run.overall_per_second)),
    ("CPU s per million", 2, |run| run.cpu_seconds_per_million),
    ("peak memory, MiB", 0, |run| run.peak_memory_mib),
    ("bytes per document", 0, |run| run.bytes_per_document),
    ("bulk requests", 0, |run| run.requests),
];

impl Summary {
    pub fn new(target: &'static str, load: &Load, cores: usize, contenders: Vec<Contender>) -> Self {
        let kelp: Vec<f64> = contenders[0].runs.iter().map(Measured::rate).collect();
        let ratio = |other: &Contender| {
            let pairs = kelp.iter().zip(&other.runs).map(|(kelp, other)| kelp / other.rate());
            Some((other.name, median(pairs.collect())?))
        };
        let ratios = contenders[1..].iter().filter_map(ratio).collect();
        Self { target, records: load.records, partitions: load.partitions, cores, ratios, contenders }
    }

    /// Prints a table for each contender, the ratios, and everything once more as one line of JSON.
    ///
    /// # Errors
    /// None that is known of.
    pub fn print(&self, format: Format) -> Result<()> {
        if format == Format::Text {
            println!(
                "{} records, {} partitions, {} cores, to {}",
                self.records, self.partitions, self.cores, self.target
            );
            for contender in &self.contenders {
                let title = format!("{}, {} runs", contender.name, contender.runs.len());
                println!("{title:<34}{:>12}{:>12}{:>12}", "median", "least", "most");
                for (name, digits, of) in ROWS {
                    let Some(middle) = contender.median(of) else { continue };
                    let values = || contender.runs.iter().filter_map(of);
                    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
                    println!("{name:<34}{middle:>12.digits$}{least:>12.digits$}{most:>12.digits$}");
                }
            }
            for (name, ratio) in &self.ratios {
                println!("kelp by {name}: {ratio:.2} (median of the pairs)");
            }
        }
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}
