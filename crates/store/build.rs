//! Lists the migrations: every `src/migrations/NNNN_noun.sql` (and its
//! `.sqlite.sql` / `.postgres.sql` twins) becomes one row of a table that
//! `migrate.rs` includes. A new migration is a new file and nothing else, so
//! two people adding one each never touch the same line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[derive(Default)]
struct Texts {
    common: Option<PathBuf>,
    sqlite: Option<PathBuf>,
    postgres: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=src/migrations");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("src/migrations");
    let mut found: BTreeMap<String, Texts> = BTreeMap::new();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else {
            continue;
        };
        if let Some(stem) = name.strip_suffix(".sqlite.sql") {
            found.entry(stem.to_owned()).or_default().sqlite = Some(path);
        } else if let Some(stem) = name.strip_suffix(".postgres.sql") {
            found.entry(stem.to_owned()).or_default().postgres = Some(path);
        } else if let Some(stem) = name.strip_suffix(".sql") {
            found.entry(stem.to_owned()).or_default().common = Some(path);
        }
    }
    let mut list = String::from("&[\n");
    for (stem, texts) in found {
        let (number, name) =
            stem.split_once('_').ok_or_else(|| format!("{stem}: a migration is called NNNN_noun.sql"))?;
        let number: u32 = number.parse()?;
        list.push_str(&format!(
            "    Migration {{ number: {number}, name: {name:?}, common: {}, sqlite: {}, postgres: {} }},\n",
            include(texts.common),
            include(texts.sqlite),
            include(texts.postgres),
        ));
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}

fn include(path: Option<PathBuf>) -> String {
    path.map_or_else(
        || String::from("\"\""),
        |path| format!("include_str!({:?})", path.display().to_string()),
    )
}
