//! `telaio config check FILE` and `telaio config example`.

use super::Done;
use crate::cli::ConfigCommand;
use crate::config::{Config, EXAMPLE};

/// Looks at a configuration, or prints the example.
pub fn run(command: ConfigCommand) -> Done {
    match command {
        ConfigCommand::Check { file } => {
            let config = Config::read(&file, &std::env::vars().collect())?;
            config.postgres()?;
            println!("{}: can be used", file.display());
        }
        ConfigCommand::Example => print!("{EXAMPLE}"),
    }
    Ok(())
}
