//! `telaio token --user NAME`: a bearer token for the API of a demonstration.

use app::demo::accounts;

use super::demo::Record;
use super::{Done, Stop};
use crate::assembly;
use crate::cli::TokenOptions;

/// Prints the token; every start of the demo makes it valid for a month.
pub fn run(options: &TokenOptions) -> Done {
    let folder = assembly::demo_folder(options.data.as_deref())?;
    let seed = Record::read(&folder)?.seed;
    if !super::accounts::list(seed)?.iter().any(|one| one.username == options.user) {
        return Err(Stop::Failed(format!("nobody is called {}; see `telaio accounts`", options.user)));
    }
    println!("{}", accounts::token(seed, &options.user));
    Ok(())
}
