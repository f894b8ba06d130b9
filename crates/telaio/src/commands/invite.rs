//! `telaio invite`: the first two people of a body, who then invite and approve everybody else on the pages.

use app::accounts::first::invite_first;
use app::accounts::rights::{Held, NewUser};

use super::operator::{self, refused};
use super::serve::runtime;
use super::{Done, Stop};
use crate::cli::InviteOptions;

/// Makes the account and prints its link.
pub fn run(options: &InviteOptions) -> Done {
    let role = options.role.parse().map_err(|_| Stop::Usage(format!("{}: no such role", options.role)))?;
    let ctx = operator::context(&options.place, &options.body)?;
    let new = NewUser {
        username: options.user.clone(),
        name: options.name.clone(),
        email: None,
        held: vec![Held { role, unit: None }],
    };
    let link = runtime()?.block_on(async {
        operator::body(&ctx).await?;
        invite_first(&ctx, new).await.map_err(|e| refused(&e))
    })?;
    println!("{}/enter/{link}", ctx.app.settings.public_url);
    eprintln!("the link works once, for three days; give it to {} yourself", options.name);
    Ok(())
}
