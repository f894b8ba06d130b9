//! The worklist: what a person has to do today, from every source, in one list with counted views.

pub use store::worklist::{Line, Source};

use crate::Verb;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::use_cases::dossier::{look, viewer};
use domain::ids::TaskId;
use jiff::civil::Date;
use store::worklist;
use store::{tasks, trace};

/// Most lines looked at; who has more has another problem, and the page says so.
const MAX: i64 = 1_000;
/// Days within which a date counts as near.
const NEAR_DAYS: i32 = 3;

/// A view of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tab {
    /// What I have to act on.
    Mine,
    /// Past its date.
    Overdue,
    /// Due within three days.
    Near,
    /// Not opened yet.
    Unread,
    /// Waiting for somebody else.
    Waiting,
    /// Of my office, not yet anybody's.
    Office,
}

impl Tab {
    /// Every view, in the order of the page.
    pub const ALL: [Tab; 6] =
        [Self::Mine, Self::Overdue, Self::Near, Self::Unread, Self::Waiting, Self::Office];

    /// Code in the address and key of the words (`chip-<code>`).
    pub fn code(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Overdue => "overdue",
            Self::Near => "near",
            Self::Unread => "unread",
            Self::Waiting => "waiting",
            Self::Office => "office",
        }
    }

    /// Reads a code; anything unknown is the first view.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.code() == text).unwrap_or(Self::Mine)
    }

    /// Whether a line belongs to the view on a day.
    pub fn holds(self, line: &Line, today: Date) -> bool {
        let days_left = line.due_on.map(|due| today.until(due).map_or(0, |span| span.get_days()));
        match self {
            Self::Mine => line.mine && line.to_act && !line.waiting,
            Self::Overdue => days_left.is_some_and(|days| days < 0),
            Self::Near => days_left.is_some_and(|days| (0..=NEAR_DAYS).contains(&days)),
            Self::Unread => !line.seen,
            Self::Waiting => line.waiting,
            Self::Office => !line.mine,
        }
    }
}

/// The list in one view, with the count of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worklist {
    /// The view in force.
    pub tab: Tab,
    /// Its lines: soonest date first, then oldest.
    pub lines: Vec<Line>,
    /// How many lines each view has.
    pub counts: Vec<(Tab, i64)>,
}

/// The worklist of the actor in one view.
///
/// # Errors
/// `Refusal` for who has no work of this kind.
pub async fn worklist(ctx: &Context, tab: Tab) -> Result<Worklist> {
    let all = all(ctx).await?;
    let today = ctx.moment.today;
    let count = |tab: Tab| (tab, all.iter().filter(|line| tab.holds(line, today)).count() as i64);
    let counts = Tab::ALL.into_iter().map(count).collect();
    Ok(Worklist { tab, lines: all.into_iter().filter(|line| tab.holds(line, today)).collect(), counts })
}

/// How many things the actor has not opened yet.
///
/// # Errors
/// `Refusal` for who has no work of this kind.
pub async fn unread(ctx: &Context) -> Result<i64> {
    ctx.may(Verb::TakeCharge)?;
    let viewer = viewer(&ctx.actor);
    ctx.read(move |reader| Ok(worklist::unread(reader, &viewer, MAX)?)).await
}

async fn all(ctx: &Context) -> Result<Vec<Line>> {
    ctx.may(Verb::TakeCharge)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let found = worklist::lines(tx, &viewer(&it.actor), MAX)?;
        Ok(trace::open(tx, &look(&it, "worklist", Vec::new()), found)?.into_inner())
    })
    .await
}

/// Remembers that the actor has opened a thing of the list.
///
/// # Errors
/// Those of the store.
pub async fn see(ctx: &Context, object: String) -> Result<()> {
    let Some(account) = ctx.actor.owner().cloned() else { return Ok(()) };
    ctx.write(move |tx| Ok(tasks::see(tx, &account, &object)?)).await
}

/// Marks a task of the actor, or of the actor's office, done.
///
/// # Errors
/// `NotFound` when it is another's or done already.
pub async fn finish_task(ctx: &Context, id: TaskId) -> Result<()> {
    ctx.may(Verb::TakeCharge)?;
    let it = ctx.clone();
    ctx.write(move |tx| {
        let task = tasks::find(tx, &id)?.filter(|task| task.body == it.actor.body).ok_or(Error::NotFound)?;
        let own = task.account.is_some() && task.account.as_ref() == it.actor.owner();
        let office = task.account.is_none() && task.unit == it.actor.unit;
        match (own || office) && tasks::done(tx, &it.actor.body, &id, &it.actor.tag())? {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    })
    .await
}
