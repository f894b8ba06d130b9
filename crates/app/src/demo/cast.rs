//! Who plays the history: in each body the clerk, the records manager and the case officer of the demo's accounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accounts::identify;
use crate::{Actor, App, Context, Error, Result};
use domain::Role;
use domain::body::IpaCode;

/// The players of every body.
pub struct Cast {
    app: Arc<App>,
    actors: BTreeMap<(IpaCode, Role), Actor>,
}

impl Cast {
    /// Finds the accounts that hold the roles in these bodies.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(app: &Arc<App>, bodies: Vec<IpaCode>) -> Result<Cast> {
        let actors = app
            .store
            .read(move |reader| {
                let mut actors = BTreeMap::new();
                for body in bodies {
                    for account in store::accounts::of_body(reader, &body)? {
                        let posts = store::accounts::posts(reader, &account.id)?;
                        for post in &posts {
                            let actor = identify::actor(&account, &posts, &body, post.unit.as_ref());
                            actors.insert((body.clone(), post.role), actor);
                        }
                    }
                }
                Ok::<_, Error>(actors)
            })
            .await?;
        Ok(Cast { app: app.clone(), actors })
    }

    /// The context, at this moment of the demo's clock, of whoever holds a role in a body.
    ///
    /// # Errors
    /// `Bug` when nobody does: the demo gives every body its people.
    pub fn context(&self, body: &IpaCode, role: Role) -> Result<Context> {
        let actor = self.actors.get(&(body.clone(), role));
        let actor = actor.ok_or_else(|| Error::Bug(format!("nobody is {} in {body}", role.name())))?;
        Ok(self.app.context(actor.clone()))
    }
}
