//! Tells Cargo to look again at the front-end files when `cargo xtask assets` has made them anew.
//!
//! It makes the (empty) folder if it is missing, because a watched path that does not exist would
//! rebuild this crate every time; it never calls Node or the network.

fn main() {
    let folder = std::path::Path::new("../../target/assets");
    // Failing to make it is harmless: the server then has only its own style sheet, and says so.
    let _ = std::fs::create_dir_all(folder);
    println!("cargo:rerun-if-changed=../../target/assets");
    println!("cargo:rerun-if-changed=assets");
    println!("cargo:rerun-if-changed=i18n");
}
