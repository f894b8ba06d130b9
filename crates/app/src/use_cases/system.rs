//! The state of the installation for who keeps it: parts, queues and versions, and no content of any body.

use crate::health::{self, Part};
use crate::{Context, Result, Verb};
use store::queues;
pub use store::queues::Queue;
use store::tasks;
pub use store::tasks::Task;

/// Most tasks shown.
const TASKS: i64 = 100;

/// Everything the page of the administrator shows.
#[derive(Debug, Clone)]
pub struct Overview {
    /// What was tried, and how it is.
    pub parts: Vec<Part>,
    /// What the administrator has to do: certificates to renew, mailboxes to empty.
    pub tasks: Vec<Task>,
    /// What waits.
    pub queues: Vec<Queue>,
    /// Version of the program.
    pub version: &'static str,
    /// Name of the database.
    pub engine: &'static str,
    /// Last step of the schema.
    pub schema: i64,
}

/// Looks at everything now.
///
/// # Errors
/// `Refusal` for whoever does not look after the installation; those of the store.
pub async fn overview(ctx: &Context) -> Result<Overview> {
    ctx.may(Verb::ManageSystem)?;
    let parts = health::look(&ctx.app).await;
    let (account, body) = (ctx.actor.account.clone(), ctx.actor.body.clone());
    let tasks =
        ctx.read(move |r| Ok(account.map(|who| tasks::open_of(r, &who, &body, TASKS)).transpose()?));
    let tasks = tasks.await?.unwrap_or_default();
    let (queues, schema) = ctx.read(|r| Ok((queues::all(r)?, queues::schema(r)?))).await?;
    let engine = ctx.app.store.engine();
    Ok(Overview { parts, tasks, queues, version: env!("CARGO_PKG_VERSION"), engine, schema })
}
