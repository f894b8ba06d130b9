//! `telaio routes`: what can be reached, and who may knock.
//!
//! The list is the one that the server is built from, so it cannot lag behind it: whoever reviews the permissions
//! reads it here, and the checks of the pages take from it which pages there are. Roles are those of the one table
//! of authority; offices, assignment and sharing narrow them further, thing by thing.

use serde::Serialize;
use web::routes::{Access, Entry, Kind};

use super::{Done, Stop};
use crate::cli::RoutesOptions;

/// One line of the list.
#[derive(Serialize)]
struct Line {
    method: &'static str,
    path: &'static str,
    /// `page` for people, `api` for programs.
    kind: &'static str,
    /// `public`, `signed` (anyone with an account) or `roles`.
    access: &'static str,
    /// The roles that may, when `access` is `roles`.
    roles: Vec<&'static str>,
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        let (access, roles) = match entry.access {
            Access::Public => ("public", Vec::new()),
            Access::Signed => ("signed", Vec::new()),
            Access::May(verb) => ("roles", verb.roles().iter().map(|role| role.name()).collect()),
        };
        let kind = match entry.kind {
            Kind::Page => "page",
            Kind::Api => "api",
        };
        Self { method: entry.method, path: entry.path, kind, access, roles }
    }
}

/// Prints the list, in the order of the paths.
pub fn run(options: &RoutesOptions) -> Done {
    let table = web::routes::table();
    let mut lines: Vec<Line> = table.iter().map(Line::from).collect();
    lines.sort_by_key(|line| (line.path, line.method));
    if options.json {
        let text = serde_json::to_string_pretty(&lines).map_err(|e| Stop::Failed(e.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    for line in &lines {
        let who = if line.roles.is_empty() { line.access.to_owned() } else { line.roles.join(" ") };
        println!("{:6} {:60} {:4} {who}", line.method, line.path, line.kind);
    }
    Ok(())
}
