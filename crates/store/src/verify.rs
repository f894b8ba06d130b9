//! Checks everything that can be checked of the data at rest: every journal
//! chain, every fingerprint. Used after a restore and by whoever doubts.

use domain::body::IpaCode;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::{Query, Store, StoreError, journal};

const BODIES: &str = "select distinct body from journal order by body";
const BLOBS: &str = "select body, sha256 from blobs where (body, sha256) > ($1, $2) \
    order by body, sha256 limit 500";

/// What was checked and what did not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Chains of bodies.
    pub chains: u64,
    /// Entries in them.
    pub entries: u64,
    /// Fingerprints of bytes.
    pub blobs: u64,
    /// Bytes read for that.
    pub bytes: u64,
    /// What does not hold, each told once, with ids and fingerprints only.
    pub faults: Vec<String>,
}

impl Store {
    /// Reads every chain and all bytes. Reading and writing go on meanwhile.
    ///
    /// # Errors
    /// Those of the database; what does not hold is in the answer.
    pub async fn check_everything(&self) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        self.check_chains(&mut checked).await?;
        self.check_blobs(&mut checked).await?;
        Ok(checked)
    }

    async fn check_chains(&self, checked: &mut Checked) -> Result<(), StoreError> {
        let bodies = self.read(|reader| reader.rows(BODIES, &[])).await?;
        for row in bodies {
            let body: IpaCode = row.parse(0)?;
            checked.chains += 1;
            match self.read(move |reader| journal::verify_chain(reader, &body)).await {
                Ok(verified) => checked.entries += u64::try_from(verified.entries).unwrap_or_default(),
                Err(StoreError::Damaged(what)) => checked.faults.push(what),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn check_blobs(&self, checked: &mut Checked) -> Result<(), StoreError> {
        let mut after = (String::new(), String::new());
        loop {
            let (body, sha256) = after.clone();
            let page = self.read(move |reader| reader.rows(BLOBS, &[body.into(), sha256.into()])).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = (last.text(0)?.to_owned(), last.text(1)?.to_owned());
            for row in &page {
                let (body, sha256): (IpaCode, _) = (row.parse(0)?, row.text(1)?);
                checked.blobs += 1;
                match self.check_blob(&body, sha256).await {
                    Ok(bytes) => checked.bytes += bytes,
                    Err(error) if error.is_passing() && matches!(error, StoreError::Unavailable(_)) => {
                        return Err(error);
                    }
                    Err(error) => checked.faults.push(format!("{body} {sha256}: {error}")),
                }
            }
        }
    }

    async fn check_blob(&self, body: &IpaCode, sha256: &str) -> Result<u64, StoreError> {
        let Some(mut opened) = self.open_blob(body, sha256).await? else {
            // Destroyed since the page was read.
            return Ok(0);
        };
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0;
        loop {
            let read = opened.bytes.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
            total += read as u64;
        }
        if hex::encode(digest.finalize()) != sha256 || total != opened.size {
            return Err(StoreError::Damaged("the bytes do not match their fingerprint".into()));
        }
        Ok(total)
    }
}
