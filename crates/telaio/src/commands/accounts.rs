//! `telaio accounts`: who can enter the demonstration.
//!
//! Names and passwords follow from the seed in the demo's record, so the list is told without opening the
//! database: the server may be running.

use app::demo::accounts::{self, DemoAccount};
use app::demo::province;

use super::demo::Record;
use super::{Done, Stop};
use crate::assembly;
use crate::cli::AccountsOptions;

/// Prints the list.
pub fn run(options: &AccountsOptions) -> Done {
    let folder = assembly::demo_folder(options.data.as_deref())?;
    let accounts = list(Record::read(&folder)?.seed)?;
    match options.json {
        true => {
            let text = serde_json::to_string_pretty(&accounts).map_err(|e| Stop::Failed(e.to_string()))?;
            println!("{text}");
        }
        false => print!("{}", table(&accounts)),
    }
    Ok(())
}

/// The accounts of a seed.
pub fn list(seed: u64) -> Result<Vec<DemoAccount>, Stop> {
    let province = province::read_names().map_err(|error| Stop::Failed(error.to_string()))?;
    Ok(accounts::list(seed, &province))
}

/// For a terminal: body, name, password, roles.
pub fn table(accounts: &[DemoAccount]) -> String {
    let mut text = String::new();
    for one in accounts {
        let body = one.body.as_deref().unwrap_or("-");
        text.push_str(&format!(
            "{:30} {:44} {:18} {}\n",
            body,
            one.username,
            one.password,
            one.roles.join(" ")
        ));
    }
    text
}
