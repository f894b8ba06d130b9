//! One file for each command, and how a command ends.

mod accounts;
mod backup;
mod config;
mod demo;
mod doctor;
mod export;
mod import;
mod invite;
mod move_database;
mod operator;
mod progress;
mod restore;
mod routes;
mod serve;
mod token;
mod verify;

use crate::cli::Command;
use crate::config::ConfigError;

/// Why a command stops short.
#[derive(Debug)]
pub enum Stop {
    /// The thing asked for does not hold, or failed (exit 1).
    Failed(String),
    /// Wrong usage or configuration (exit 2).
    Usage(String),
}

impl Stop {
    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
        }
    }

    /// What the person is told.
    pub fn text(&self) -> &str {
        match self {
            Self::Failed(text) | Self::Usage(text) => text,
        }
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// What every command answers.
pub type Done = Result<(), Stop>;

/// Runs the command.
pub fn run(command: Command) -> Done {
    match command {
        Command::Accounts(options) => accounts::run(&options),
        Command::Token(options) => token::run(&options),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => restore::run(&options),
        Command::MoveDatabase(options) => move_database::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Routes(options) => routes::run(&options),
        Command::Config(command) => config::run(command),
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Import(command) => import::run(&command),
        Command::Export(command) => export::run(&command),
        Command::Invite(options) => invite::run(&options),
        Command::Verify(options) => verify::run(&options),
    }
}
