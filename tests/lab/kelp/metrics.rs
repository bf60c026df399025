//! Prometheus' text format, as far as tests need it.

/// One answer of `/metrics`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    samples: Vec<(String, String, f64)>,
}

impl Metrics {
    /// Reads the text; lines that are no samples are skipped.
    pub fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            Some((name.to_owned(), labels.trim_end_matches('}').to_owned(), value.parse().ok()?))
        };
        Self { samples: text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect() }
    }

    /// The sum over all label values, or `None` if there is no such family.
    pub fn sum(&self, name: &str) -> Option<f64> {
        self.sum_where(name, &[])
    }

    /// The sum over the samples with these labels, or `None` if there is none.
    pub fn sum_where(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |text: &str| {
            labels.iter().all(|(label, value)| {
                let wanted = format!("{label}=\"{value}\"");
                text == wanted
                    || text.starts_with(&format!("{wanted},"))
                    || text.ends_with(&format!(",{wanted}"))
                    || text.contains(&format!(",{wanted},"))
            })
        };
        let found: Vec<_> = self.samples.iter().filter(|one| one.0 == name && fits(&one.1)).map(|one| one.2).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn samples_are_summed_by_label() {
        let text =
            "# HELP a b\na_total{topic=\"t x\",partition=\"1\"} 3\na_total{topic=\"u\",partition=\"11\"} 4.5\nb 1\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.sum("a_total"), Some(7.5));
        assert_eq!(metrics.sum_where("a_total", &[("partition", "1")]), Some(3.0));
        assert_eq!(metrics.sum_where("a_total", &[("partition", "11"), ("topic", "u")]), Some(4.5));
        assert_eq!(metrics.sum_where("a_total", &[("partition", "2")]), None);
        assert_eq!((metrics.sum("b"), metrics.sum("c")), (Some(1.0), None));
    }
}
