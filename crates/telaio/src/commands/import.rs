//! `telaio import …`: bodies, offices, classification schemes, seals and old registers.

use std::path::Path;

use app::use_cases::import_bodies::{self, Brought};
use app::use_cases::register::import_old::{Import, ReportRow, Verdict, import_old};
use app::use_cases::scheme;
use serde::Serialize;

use super::operator::{self, refused};
use super::progress::watched;
use super::serve::runtime;
use super::{Done, Stop};
use crate::cli::{ImportCommand, ImportRegister, ImportSeal, Place};

/// Under this code the operator acts where no body is named: bodies themselves are brought in.
const NO_BODY: &str = "_";

/// Brings in what was asked.
pub fn run(command: &ImportCommand) -> Done {
    let runtime = runtime()?;
    runtime.block_on(async {
        match command {
            ImportCommand::Bodies { file, place } => bodies(file, place).await,
            ImportCommand::Offices { file, body, place } => {
                let ctx = operator::context(place, body)?;
                let brought = import_bodies::offices(&ctx, &operator::read(file)?).await;
                tell("offices", brought.map_err(|e| refused(&e))?)
            }
            ImportCommand::Scheme { file, body, place } => {
                let ctx = operator::context(place, body)?;
                operator::body(&ctx).await?;
                let table = match file {
                    Some(file) => operator::read(file)?,
                    None => scheme::MUNICIPAL.as_bytes().to_vec(),
                };
                let classes = scheme::import(&ctx, &table).await.map_err(|e| refused(&e))?;
                println!("{classes} classes in force");
                Ok(())
            }
            ImportCommand::Register(options) => register(options).await,
            ImportCommand::Seal(options) => seal(options).await,
        }
    })
}

async fn bodies(file: &Path, place: &Place) -> Done {
    let ctx = operator::context(place, NO_BODY)?;
    let brought = import_bodies::bodies(&ctx, &operator::read(file)?).await;
    tell("bodies", brought.map_err(|e| refused(&e))?)
}

fn tell(what: &str, brought: Brought) -> Done {
    println!("{} {what} added, {} were there already", brought.added, brought.known);
    Ok(())
}

async fn seal(options: &ImportSeal) -> Done {
    let ctx = operator::context(&options.place, &options.body)?;
    operator::body(&ctx).await?;
    let secret = operator::read(&options.secret_file)?;
    let secret = String::from_utf8_lossy(&secret).trim_end_matches(['\r', '\n']).to_owned();
    let material = match (&options.container, &options.module, &options.token) {
        (Some(container), ..) => app::seals::Material::pkcs12(&operator::read(container)?, &secret),
        (None, Some(module), Some(token)) => app::seals::Material::Token {
            module: module.clone(),
            token: token.clone(),
            pin: secret,
            key: options.key.clone(),
        },
        _ => return Err(Stop::Usage("name a container, or --module with --token".to_owned())),
    };
    let body = ctx.actor.body.clone();
    app::seals::install(&ctx, body, material).await.map_err(|e| refused(&e))?;
    println!("the seal of {} was tried and is in force", options.body);
    Ok(())
}

/// A row of the report, for machines.
#[derive(Serialize)]
struct Row {
    line: u64,
    number: Option<i64>,
    year: Option<i64>,
    verdict: &'static str,
    errors: Vec<String>,
}

async fn register(options: &ImportRegister) -> Done {
    let ctx = operator::context(&options.place, &options.which.body)?;
    let (aoo, register) = operator::register(&ctx, &options.which).await?;
    let mapping = String::from_utf8(operator::read(&options.mapping)?)
        .map_err(|_| Stop::Usage(format!("{}: not UTF-8", options.mapping.display())))?;
    let file = operator::read(&options.file)?;
    let import = Import { aoo, register, mapping, file, dry_run: options.dry_run };
    let report = watched("importing", import_old(&ctx, import)).await.map_err(|e| refused(&e))?;
    let rows: Vec<Row> = report.iter().map(row).collect();
    match options.json {
        true => println!("{}", serde_json::to_string_pretty(&rows).map_err(|e| Stop::Failed(e.to_string()))?),
        false => rows.iter().for_each(|row| println!("{}", line(row))),
    }
    let count = |verdict: &str| rows.iter().filter(|row| row.verdict == verdict).count();
    let (imported, there, faulty) = (count("imported"), count("already_there"), count("faulty"));
    let written = if options.dry_run { "would be imported" } else { "imported" };
    eprintln!("{imported} {written}, {there} were there already, {faulty} faulty");
    match faulty {
        0 => Ok(()),
        n => Err(Stop::Failed(format!("{n} of {} rows cannot be imported, see the report", rows.len()))),
    }
}

fn row(row: &ReportRow) -> Row {
    let (verdict, errors) = match &row.verdict {
        Verdict::Imported => ("imported", Vec::new()),
        Verdict::AlreadyThere => ("already_there", Vec::new()),
        Verdict::Faulty(faults) => ("faulty", faults.errors.iter().map(operator::fault).collect()),
    };
    Row { line: row.line, number: row.number.map(|n| n.0), year: row.number.map(|n| n.1), verdict, errors }
}

fn line(row: &Row) -> String {
    let number = match (row.number, row.year) {
        (Some(number), Some(year)) => format!("{}/{year}", domain::register::number_label(number)),
        _ => "-".to_owned(),
    };
    format!("{:>7}  {number:>12}  {:13} {}", row.line, row.verdict, row.errors.join("; "))
        .trim_end()
        .to_owned()
}
