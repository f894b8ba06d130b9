//! The command line as clap reads it: names and options of the public contract, nothing more.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Registers, documents and exchange for the public bodies of a province.
#[derive(Debug, Parser)]
#[command(name = "telaio", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at a configuration file, or print one with every setting.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether a configuration file can be used, and what is wrong in it.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print a configuration file with every setting, its default and what it does.
    Example,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}
