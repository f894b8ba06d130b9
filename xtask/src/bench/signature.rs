//! Rows of signatures: the checking of sealed PDFs against pyHanko and against the limit of the processor. The work
//! is done by `crates/documents/examples/measure_signatures`, built for release; here its samples are read.

use super::{Row, Samples, store};
use crate::Outcome;

/// The rows, in the order of `docs/benchmarks.md`.
pub const ROWS: &[Row] = &[
    Row {
        name: "r10",
        title: "check a sealed PDF, RSA-2048 / pyHanko",
        target: 100.0,
        stop: 30.0,
        run: || measure("r10"),
    },
    Row {
        name: "r11",
        title: "check a sealed PDF / RSA-2048 verifications of openssl speed",
        target: 0.15,
        stop: 0.05,
        run: || measure("r11"),
    },
    Row {
        name: "r12",
        title: "check a PDF of 100 pages with 10 signatures / pyHanko",
        target: 50.0,
        stop: 10.0,
        run: || measure("r12"),
    },
];

fn measure(row: &str) -> Outcome<Samples> {
    store::sample(store::example("measure_signatures").arg(row))
}
