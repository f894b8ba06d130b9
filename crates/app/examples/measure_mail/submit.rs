//! Hands envelopes to the submission server of the bench as a provider's relay would: over connections that stay
//! open, several at a time. Prints the moment it began, microseconds since 1970.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use channels::pec::Submission;
use channels::{Channel as _, Endpoint, Outgoing, Security, Trust};

use crate::{Failed, now};

/// Messages on their way at once.
const TOGETHER: usize = 4;

/// `submit FOLDER STACK SKIP COUNT`: so many `.eml` of the folder, in order of name, to the first account of the stack,
/// sent by the second.
pub async fn run(folder: &Path, stack: &Path, skip: usize, count: usize) -> Result<(), Failed> {
    let stack: serde_json::Value = serde_json::from_slice(&std::fs::read(stack)?)?;
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (to, from) = (&stack["accounts"][0], &stack["accounts"][1]);
    let endpoint = Endpoint {
        host: "localhost".into(),
        port: u16::try_from(stack["submission"].as_u64().ok_or("no port of submission")?)?,
        security: Security::StartTls,
        trust: Trust::Pem(std::fs::read(word(&stack["ca"]))?),
        user: Some(word(&from["address"])),
        password: word(&from["password"]),
    };
    let road = Arc::new(Submission::new(&endpoint)?);
    let mut messages = Vec::new();
    for file in letters(folder)?.into_iter().skip(skip).take(count) {
        let raw = std::fs::read(file)?;
        messages.push(Outgoing { from: word(&from["address"]), to: vec![word(&to["address"])], raw });
    }
    road.reach().await?;
    println!("{}", now().as_microsecond());
    let messages = Arc::new(messages);
    let mut running = tokio::task::JoinSet::new();
    for first in 0..TOGETHER {
        let (road, messages) = (road.clone(), messages.clone());
        running.spawn(async move {
            for message in messages.iter().skip(first).step_by(TOGETHER) {
                road.hand_over(message).await?;
            }
            Ok::<_, Failed>(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

fn letters(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .collect();
    found.sort();
    Ok(found)
}
