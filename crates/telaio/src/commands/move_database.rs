//! `telaio move-database --config OLD --to NEW`: from one engine to the other, compared on both sides.

use app::Clock;

use super::progress::watched;
use super::serve::runtime;
use super::{Done, Stop};
use crate::assembly;
use crate::cli::MoveOptions;
use crate::config::Config;

/// Moves everything; the old place stays as it was.
pub fn run(options: &MoveOptions) -> Done {
    let from = assembly::store_config(&assembly::installation(&options.place)?, &Clock::System)?;
    let target = Config::read(&options.to, &std::collections::BTreeMap::new())?;
    let to = assembly::store_config(&target, &Clock::System)?;
    let moved = runtime()?
        .block_on(watched("moving", store::move_to::move_to(&from, &to)))
        .map_err(|error| Stop::Failed(format!("nothing was moved: {error}")))?;
    for (table, rows) in &moved.tables {
        println!("{rows:>10}  {table}");
    }
    println!("{} tables agree on both sides, {} files copied", moved.tables.len(), moved.files);
    Ok(())
}
