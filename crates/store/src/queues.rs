//! How much waits to leave and to be handled, over all bodies: counts for who keeps the machine, no content.

use crate::{Query, Row, StoreError};

const OUTBOX: &str = "select 'outbox', state, count(*), min(created_at) from outbox \
    where state in ('waiting', 'leaving', 'stuck') group by state order by state";
const INBOX: &str = "select 'inbox', state, count(*), min(arrived_at) from inbound \
    where state in ('waiting', 'quarantined', 'unreadable') group by state order by state";
const SCHEMA: &str = "select max(number) from schema_migrations";

/// One state of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// `outbox` or `inbox`.
    pub name: String,
    /// State of the rows.
    pub state: String,
    /// How many.
    pub count: i64,
    /// When the oldest came, UTC microseconds.
    pub oldest: i64,
}

/// Every queue that is not empty.
///
/// # Errors
/// Those of the database.
pub fn all(query: &mut impl Query) -> Result<Vec<Queue>, StoreError> {
    let mut rows = query.rows(OUTBOX, &[])?;
    rows.extend(query.rows(INBOX, &[])?);
    rows.iter().map(queue).collect()
}

fn queue(row: &Row) -> Result<Queue, StoreError> {
    let text = |place| row.text(place).map(str::to_owned);
    Ok(Queue { name: text(0)?, state: text(1)?, count: row.int(2)?, oldest: row.int(3)? })
}

/// Number of the last step of the schema.
///
/// # Errors
/// Those of the database.
pub fn schema(query: &mut impl Query) -> Result<i64, StoreError> {
    query.row(SCHEMA, &[])?.map_or(Ok(0), |row| row.int(0))
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn an_empty_store_has_no_queues_and_knows_its_schema() {
        let store = crate::test_store();
        let found =
            store.read::<_, crate::StoreError, _>(|r| Ok((super::all(r)?, super::schema(r)?))).await.unwrap();
        assert!(found.0.is_empty() && found.1 >= 60, "{found:?}");
    }
}
