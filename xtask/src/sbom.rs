//! `cargo xtask sbom`: the bill of materials, CycloneDX 1.5 in JSON.
//!
//! Made from cargo's own resolved graph and the front-end lock file; no address of any registry is
//! written, a component is named by its package URL.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{Failure, Outcome, shell, workspace};

/// Writes the bill to the file named, or to `target/sbom.cdx.json`.
pub fn run(arguments: &[String]) -> Outcome {
    let file = arguments.first().map_or_else(|| shell::target().join("sbom.cdx.json"), PathBuf::from);
    let bill = bill()?;
    let count = bill["components"].as_array().map_or(0, Vec::len);
    shell::write(&file, &format!("{bill:#}\n"))?;
    println!("{count} components in {}", shell::relative(&file));
    Ok(())
}

fn bill() -> Outcome<Value> {
    let packages = workspace::packages()?;
    let product = packages.iter().find(|package| package.name == "telaio");
    let version = product.map_or("", |package| package.version.as_str());
    let mut components: Vec<Value> = packages
        .iter()
        .filter(|package| !package.is_ours())
        .map(|package| component("cargo", &package.name, &package.version, &package.licence))
        .collect();
    components.extend(front_end()?);
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": "telaio", "version": version } },
        "components": components,
    }))
}

/// Packages of the front end that are shipped inside the binary (development tools stay out).
fn front_end() -> Outcome<Vec<Value>> {
    let lock = shell::root().join("crates/web/frontend/package-lock.json");
    if !lock.exists() {
        return Ok(Vec::new());
    }
    let text = shell::read(&lock)?;
    let lock: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::Broken(format!("the front-end lock file is not JSON: {error}")))?;
    let packages = lock["packages"].as_object().cloned().unwrap_or_default();
    let shipped = packages.iter().filter(|(path, package)| !path.is_empty() && package["dev"] != json!(true));
    Ok(shipped
        .map(|(path, package)| {
            let name = path.rsplit("node_modules/").next().unwrap_or(path);
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            component("npm", name, text("version"), text("license"))
        })
        .collect())
}

fn component(kind: &str, name: &str, version: &str, licence: &str) -> Value {
    let path = name.replace('@', "%40");
    let mut value = json!({
        "type": "library",
        "name": name,
        "version": version,
        "purl": format!("pkg:{kind}/{path}@{version}"),
    });
    if !licence.is_empty() {
        value["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
    }
    value
}
