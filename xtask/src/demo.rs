//! `cargo xtask demo`: from a clone to the page in one command.
//!
//! Sets the machine up, brings the front-end files, builds for release with cargo's own progress and
//! becomes `telaio demo`, so that signals and the exit code are the server's own.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::setup::Purpose;
use crate::{Failure, Outcome, assets, setup, shell};

/// Runs the demo; `options` are passed on to `telaio demo` untouched.
pub fn run(options: &[String]) -> Outcome {
    setup::ensure(Purpose::Build)?;
    assets::run()?;
    shell::step("building for release (the first time some 10 minutes on 2 cores, then seconds)");
    shell::run(&mut shell::cargo(["build", "--release", "--locked", "--package", "telaio"]))?;
    let program = shell::target().join("release").join("telaio");
    shell::step(&format!("{} demo {}", shell::relative(&program), options.join(" ")));
    let error = Command::new(&program).arg("demo").args(options).exec();
    Err(Failure::Broken(format!("cannot start {}: {error}", program.display())))
}
