//! Resources for programs under `/api/v1/`: extract, one use case, answer.
