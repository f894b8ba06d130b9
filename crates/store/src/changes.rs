//! Which parts of the database a group of writes touched, told after its flush: to workers that wait for something
//! to do, and to whoever keeps rows that seldom change in memory.
//!
//! The part is read off the statement itself, so no function of a noun can forget to tell. Only writes of this
//! process are told: where several share a PostgreSQL, listeners must also look by themselves from time to time.

use tokio::sync::watch;

/// A part of the database somebody listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What waits to leave.
    Outbox,
    /// Files whose text waits to be read, or whose signatures wait to be checked.
    Documents,
    /// Who may enter, and with which roles.
    Identities,
}

const TOPICS: usize = 3;

impl Topic {
    /// The part a statement changes, if anybody listens to it.
    fn of(sql: &str) -> Option<Self> {
        let mut words = sql.split([' ', '(']);
        let table = match words.next()? {
            "update" => words.next()?,
            "insert" | "delete" => words.nth(1)?,
            _ => return None,
        };
        match table {
            "outbox" => Some(Self::Outbox),
            "documents" => Some(Self::Documents),
            "accounts" | "posts" | "tokens" | "absences" | "clients" => Some(Self::Identities),
            _ => None,
        }
    }
}

/// The parts that an open group touched so far.
#[derive(Debug, Default)]
pub(crate) struct Touched([bool; TOPICS]);

impl Touched {
    /// Notes what a statement changes.
    pub(crate) fn note(&mut self, sql: &str) {
        if let Some(topic) = Topic::of(sql) {
            self.0[topic as usize] = true;
        }
    }
}

/// Where the parts are told: a count each, that grows with every group that touched it.
pub(crate) struct Changes([watch::Sender<u64>; TOPICS]);

impl Default for Changes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| watch::channel(0).0))
    }
}

impl Changes {
    /// Tells what a flushed group touched.
    pub(crate) fn tell(&self, touched: &Touched) {
        for (sender, touched) in self.0.iter().zip(touched.0) {
            if touched {
                sender.send_modify(|count| *count += 1);
            }
        }
    }

    /// Listens to a part.
    pub(crate) fn listen(&self, topic: Topic) -> watch::Receiver<u64> {
        self.0[topic as usize].subscribe()
    }

    /// How often a part was touched.
    pub(crate) fn count(&self, topic: Topic) -> u64 {
        *self.0[topic as usize].borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_is_read_off_the_statement() {
        assert_eq!(Topic::of("insert into outbox (id) values ($1)"), Some(Topic::Outbox));
        assert_eq!(Topic::of("update accounts set state = $2 where id = $1"), Some(Topic::Identities));
        assert_eq!(Topic::of("delete from posts where account = $1"), Some(Topic::Identities));
        assert_eq!(Topic::of("update documents set pages = $2"), Some(Topic::Documents));
        assert_eq!(Topic::of("insert into registrations (id) values ($1)"), None);
        assert_eq!(Topic::of("select 1 from outbox"), None);
    }
}
