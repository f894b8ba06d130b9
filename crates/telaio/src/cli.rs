//! The command line as clap reads it: names and options of the public contract, nothing more.

use std::net::SocketAddr;
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
    /// Serve a demonstration: the province of Prato with invented people, on this machine only.
    Demo(DemoOptions),
    /// Serve in production.
    Serve(ConfigFile),
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

/// Options of the demonstration.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Folder of the demo's data (default: in the user's data directory).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Begin anew: empty the folder first.
    #[arg(long)]
    pub fresh: bool,
    /// Synthetic residents (recorded; the population comes with a later version).
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub residents: u32,
    /// Same seed, same people.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}
