//! Signatures against tools that the project did not write, against tampering and against garbage.

mod cades;
mod common;
mod pades;
mod smime;
mod xades;
