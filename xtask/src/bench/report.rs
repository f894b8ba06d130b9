//! The table of ratios, the raw samples as JSON, and whether a stop line was crossed.

use serde_json::json;

use super::{Measured, ROUNDS, Samples};
use crate::{Failure, Outcome};

/// Median of the samples; nothing when there are none.
fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Ours against the peer's, so that more is always better.
pub fn ratio(samples: &Samples) -> f64 {
    let (ours, peer) = (median(&samples.telaio), median(&samples.peer));
    if samples.smaller_is_better { peer / ours } else { ours / peer }
}

/// Median with the smallest and the largest sample.
fn spread(samples: &[f64], unit: &str) -> String {
    let low = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let high = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.4}{unit} ({low:.4}–{high:.4})", median(samples))
}

/// The table, one line per row.
pub fn markdown(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| row | operation | Telaio | peer | ratio | target | stop | flush/s before, after | load | marks |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for one in measured {
        let (row, samples) = (one.row, &one.samples);
        text.push_str(&format!(
            "| {} | {} | {} | {} | **{:.3}** | {} | {} | {:.0}, {:.0} | {:.1}, {:.1} | {} |\n",
            row.name.to_uppercase(),
            row.title,
            spread(&samples.telaio, samples.unit),
            spread(&samples.peer, samples.unit),
            ratio(samples),
            row.target,
            row.stop,
            one.before.flushes,
            one.after.flushes,
            one.before.load,
            one.after.load,
            marks(one).join(", "),
        ));
    }
    for one in measured {
        for note in &one.samples.notes {
            text.push_str(&format!("\n- {}: {note}", one.row.name.to_uppercase()));
        }
    }
    text
}

fn marks(one: &Measured) -> Vec<&'static str> {
    let mut marks = Vec::new();
    if one.before.disturbed(one.after) {
        marks.push("disturbed");
    }
    if one.before.disk_lies() || one.after.disk_lies() {
        marks.push("flushes not real");
    }
    if one.samples.telaio.len().min(one.samples.peer.len()) < ROUNDS {
        marks.push("too few rounds");
    }
    marks
}

/// Raw samples with everything needed to work the table out again.
pub fn json(measured: &[Measured]) -> String {
    let rows: Vec<_> = measured
        .iter()
        .map(|one| {
            json!({
                "row": one.row.name, "title": one.row.title, "target": one.row.target, "stop": one.row.stop,
                "unit": one.samples.unit, "telaio": one.samples.telaio, "peer": one.samples.peer,
                "ratio": ratio(&one.samples), "notes": one.samples.notes, "marks": marks(one),
                "flushes": [one.before.flushes, one.after.flushes], "load": [one.before.load, one.after.load],
            })
        })
        .collect();
    format!("{:#}\n", json!(rows))
}

/// Fails when a ratio stands under its stop line.
pub fn verdict(measured: &[Measured]) -> Outcome {
    let under: Vec<String> = measured
        .iter()
        .filter(|one| ratio(&one.samples) < one.row.stop)
        .map(|one| {
            format!("{} is under its stop line: {:.3} < {}", one.row.name, ratio(&one.samples), one.row.stop)
        })
        .collect();
    if under.is_empty() { Ok(()) } else { Err(Failure::Broken(under.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::{Samples, median, ratio};

    #[test]
    fn the_ratio_is_of_medians_and_more_is_always_better() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        let mut samples = Samples {
            telaio: vec![10.0, 30.0, 20.0],
            peer: vec![5.0, 5.0, 5.0],
            unit: "/s",
            smaller_is_better: false,
            notes: Vec::new(),
        };
        assert!((ratio(&samples) - 4.0).abs() < f64::EPSILON);
        samples.smaller_is_better = true;
        assert!((ratio(&samples) - 0.25).abs() < f64::EPSILON);
    }
}
