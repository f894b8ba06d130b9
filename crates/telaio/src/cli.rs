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
    /// List the accounts of a demonstration, with their passwords.
    Accounts(AccountsOptions),
    /// Print a bearer token for the API, for an account of a demonstration.
    Token(TokenOptions),
    /// Check, offline, papers and exports that Telaio gave out, or any other signed file.
    Verify(VerifyOptions),
    /// Bring in what an installation begins with, or an old register. The server must not run on the same SQLite.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Give out the register, or everything of a body, in open formats.
    #[command(subcommand)]
    Export(ExportCommand),
    /// Invite the first administrator and the first records manager of a body; prints the link to enter.
    Invite(InviteOptions),
    /// Take a consistent copy of database and documents while the server runs.
    Backup(BackupOptions),
    /// Bring a copy back into an empty place and check every fingerprint.
    Restore(RestoreOptions),
    /// Move everything to another database (SQLite to PostgreSQL or back) and compare both sides.
    MoveDatabase(MoveOptions),
    /// Try everything the installation leans on and say how to mend what does not work.
    Doctor(DoctorOptions),
    /// List every page and resource with who may knock, one a line.
    Routes(RoutesOptions),
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

/// What can be brought in.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Public bodies with areas and registers (CSV; docs/operations.md shows the columns).
    Bodies {
        /// The table.
        file: PathBuf,
        /// Where to.
        #[command(flatten)]
        place: Place,
    },
    /// The offices of a body (CSV: code, name, aoo, parent).
    Offices {
        /// The table.
        file: PathBuf,
        /// IPA code of the body.
        #[arg(long, value_name = "IPA")]
        body: String,
        /// Where to.
        #[command(flatten)]
        place: Place,
    },
    /// The classification scheme of a body (CSV).
    Scheme {
        /// The table; absent: the scheme of the comuni that comes with the program.
        file: Option<PathBuf>,
        /// IPA code of the body.
        #[arg(long, value_name = "IPA")]
        body: String,
        /// Where to.
        #[command(flatten)]
        place: Place,
    },
    /// An old register: numbers are kept, entries are marked as imported, every row gets its verdict.
    Register(ImportRegister),
    /// The seal of a body: a PKCS#12 container, or a key in a PKCS#11 token. It is tried before it is kept.
    Seal(ImportSeal),
}

/// Options of `import register`.
#[derive(Debug, Args)]
pub struct ImportRegister {
    /// The rows, CSV.
    pub file: PathBuf,
    /// Which column is what, TOML (docs/operations.md has one).
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Which register.
    #[command(flatten)]
    pub which: Which,
    /// Say what would happen and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Where to.
    #[command(flatten)]
    pub place: Place,
}

/// Options of `import seal`: a container, or module and token.
#[derive(Debug, Args)]
pub struct ImportSeal {
    /// The PKCS#12 container.
    #[arg(required_unless_present = "module", conflicts_with = "module")]
    pub container: Option<PathBuf>,
    /// IPA code of the body.
    #[arg(long, value_name = "IPA")]
    pub body: String,
    /// File with the password of the container or the PIN of the token.
    #[arg(long, value_name = "FILE")]
    pub secret_file: PathBuf,
    /// Driver of the token.
    #[arg(long, value_name = "FILE", requires = "token")]
    pub module: Option<PathBuf>,
    /// Label of the token.
    #[arg(long, value_name = "LABEL")]
    pub token: Option<String>,
    /// Label of the key in the token; absent: the first with a certificate.
    #[arg(long, value_name = "LABEL")]
    pub key: Option<String>,
    /// Where to.
    #[command(flatten)]
    pub place: Place,
}

/// One register of one area of one body.
#[derive(Debug, Args)]
pub struct Which {
    /// IPA code of the body.
    #[arg(long, value_name = "IPA")]
    pub body: String,
    /// Code of the area; absent: the body's first.
    #[arg(long, value_name = "CODE")]
    pub aoo: Option<String>,
    /// Code of the register; absent: the area's first.
    #[arg(long, value_name = "CODE")]
    pub register: Option<String>,
}

/// What can be given out.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// The entries of a body as CSV on the standard output.
    Register {
        /// IPA code of the body.
        #[arg(long, value_name = "IPA")]
        body: String,
        /// One year only.
        #[arg(long, value_name = "YYYY")]
        year: Option<i64>,
        /// Where from.
        #[command(flatten)]
        place: Place,
    },
    /// Every entry of a body with its files, readable without this program: for whoever leaves.
    Everything {
        /// A folder that is empty or not there yet.
        folder: PathBuf,
        /// IPA code of the body.
        #[arg(long, value_name = "IPA")]
        body: String,
        /// Where from.
        #[command(flatten)]
        place: Place,
    },
}

/// Options of `invite`.
#[derive(Debug, Args)]
pub struct InviteOptions {
    /// IPA code of the body.
    #[arg(long, value_name = "IPA")]
    pub body: String,
    /// Name to sign in with.
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// Name people read.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// `it_admin`, `records_manager` or `unit_head`.
    #[arg(long, value_name = "ROLE")]
    pub role: String,
    /// Where.
    #[command(flatten)]
    pub place: Place,
}

/// What to check, and whom to trust.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// The files: PDF, XML, p7m, p7s with its document, time stamps, signed e-mail.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Anchors of trust, PEM (the demo writes its own to `DIR/trust.pem`). Without it signers are not checked and
    /// the exit is 1.
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Lists of revoked certificates, DER or PEM.
    #[arg(long, value_name = "FILE")]
    pub revoked: Vec<PathBuf>,
    /// One JSON array instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Options of `accounts`.
#[derive(Debug, Args)]
pub struct AccountsOptions {
    /// Data folder of the demonstration (default: in the user's data directory).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// Options of `token`.
#[derive(Debug, Args)]
pub struct TokenOptions {
    /// Name of the account.
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// Data folder of the demonstration (default: in the user's data directory).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Which installation a command speaks of: one with a configuration, or a demonstration.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct Place {
    /// Configuration file of the installation.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder of a demonstration (default: in the user's data directory).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct BackupOptions {
    /// Folder of the backups; files that an earlier one copied are not copied again.
    pub folder: PathBuf,
    /// What to copy.
    #[command(flatten)]
    pub place: Place,
    /// Keep only this many sets, the newest; the others are deleted.
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreOptions {
    /// Folder of the backups (the newest set is taken), or one set.
    pub folder: PathBuf,
    /// Where to; it must be empty, but for the key file.
    #[command(flatten)]
    pub place: Place,
}

/// Options of `move-database`.
#[derive(Debug, Args)]
pub struct MoveOptions {
    /// What to move; the server must not run.
    #[command(flatten)]
    pub place: Place,
    /// Configuration file of the new place.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorOptions {
    /// What to try.
    #[command(flatten)]
    pub place: Place,
    /// For machines.
    #[arg(long)]
    pub json: bool,
}

/// Options of `routes`.
#[derive(Debug, Args)]
pub struct RoutesOptions {
    /// For machines.
    #[arg(long)]
    pub json: bool,
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
