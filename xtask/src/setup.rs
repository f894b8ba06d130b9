//! What the machine must have, and how it gets it.
//!
//! A tool is looked for by what it brings (a program, a library), not by the name of a package, so
//! that any distribution will do. What is missing is installed by Debian's own client when we are
//! root; otherwise the exact command is named and the chore ends with 2. Nothing is ever skipped in
//! silence. No server is started by an installation.

use std::path::Path;
use std::process::Command;

use crate::{Failure, Outcome, shell};

/// What the machine is going to be used for; each purpose includes the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Compile and run the server and the demo.
    Build,
    /// Run every test.
    Test,
    /// Measure against other programs.
    Bench,
}

/// One thing we need: how to see whether it is there, and Debian's package that brings it.
struct Tool {
    purpose: Purpose,
    package: &'static str,
    why: &'static str,
    present: fn() -> bool,
}

const TOOLS: &[Tool] = &[
    Tool { purpose: Purpose::Build, package: "gcc", why: "C compiler", present: || has("cc") || has("gcc") },
    Tool {
        purpose: Purpose::Build,
        package: "libc6-dev",
        why: "C headers",
        present: || Path::new("/usr/include/stdio.h").exists(),
    },
    Tool {
        purpose: Purpose::Build,
        package: "pkg-config",
        why: "finds OpenSSL",
        present: || has("pkg-config"),
    },
    Tool { purpose: Purpose::Build, package: "libssl-dev", why: "OpenSSL headers", present: has_openssl },
    Tool { purpose: Purpose::Build, package: "nodejs", why: "Node.js", present: || has("node") },
    Tool { purpose: Purpose::Build, package: "npm", why: "Node package manager", present: || has("npm") },
    Tool {
        purpose: Purpose::Test,
        package: "openssl",
        why: "second opinion on signatures",
        present: || has("openssl"),
    },
    Tool {
        purpose: Purpose::Test,
        package: "postgresql",
        why: "second database",
        present: || crate::services::postgres::programs().is_some(),
    },
    Tool { purpose: Purpose::Test, package: "postfix", why: "real SMTP server", present: || has("postfix") },
    Tool { purpose: Purpose::Test, package: "dovecot-imapd", why: "real IMAP server", present: has_dovecot },
    Tool { purpose: Purpose::Test, package: "faketime", why: "moves a clock", present: || has("faketime") },
    Tool { purpose: Purpose::Test, package: "chromium", why: "real browser", present: || has("chromium") },
    Tool {
        purpose: Purpose::Test,
        package: "softhsm2",
        why: "PKCS#11 token",
        present: || has("softhsm2-util"),
    },
    Tool {
        purpose: Purpose::Test,
        package: "xmlsec1",
        why: "second opinion on XAdES",
        present: || has("xmlsec1"),
    },
    Tool {
        purpose: Purpose::Test,
        package: "libxml2-utils",
        why: "second opinion on XML",
        present: || has("xmllint"),
    },
    Tool { purpose: Purpose::Test, package: "qpdf", why: "second opinion on PDF", present: || has("qpdf") },
    Tool {
        purpose: Purpose::Test,
        package: "poppler-utils",
        why: "PDF to text and image",
        present: || has("pdftotext"),
    },
    Tool { purpose: Purpose::Test, package: "zbar-tools", why: "reads QR codes", present: || has("zbarimg") },
    Tool { purpose: Purpose::Bench, package: "python3-venv", why: "peers from PyPI", present: has_venv },
    Tool { purpose: Purpose::Bench, package: "dovecot-lmtpd", why: "a peer", present: has_lmtp },
    Tool { purpose: Purpose::Bench, package: "redis-server", why: "a peer", present: || has("redis-server") },
];

/// `cargo xtask setup [build|test|bench]`; everything when nothing is named.
pub fn run(arguments: &[String]) -> Outcome {
    let purpose = match arguments.first().map(String::as_str) {
        Some("build") => Purpose::Build,
        Some("test") => Purpose::Test,
        None | Some("bench") => Purpose::Bench,
        Some(other) => return Err(Failure::Unready(format!("setup build|test|bench, not {other}"))),
    };
    ensure(purpose)?;
    println!("everything needed is here");
    Ok(())
}

/// Makes sure that everything for `purpose` is there, installing what is missing if we may.
pub fn ensure(purpose: Purpose) -> Outcome {
    let missing = missing(purpose);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if !shell::is_root() || shell::find("apt-get").is_none() {
        return Err(Failure::Unready(remedy(&missing)));
    }
    shell::step(&format!("installing {}", names.join(" ")));
    install(&names)?;
    let still: Vec<&Tool> =
        TOOLS.iter().filter(|tool| tool.purpose <= purpose && !(tool.present)()).collect();
    if still.is_empty() { Ok(()) } else { Err(Failure::Unready(remedy(&still))) }
}

fn missing(purpose: Purpose) -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| tool.purpose <= purpose && !(tool.present)()).collect()
}

fn remedy(missing: &[&Tool]) -> String {
    let mut text = String::from("This machine lacks:\n");
    for tool in missing {
        text.push_str(&format!("  {:16} {}\n", tool.package, tool.why));
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    text.push_str("Install it as root and try again; on Debian or Ubuntu:\n");
    text.push_str(&format!(
        "  apt-get update && apt-get install --no-install-recommends -y {}",
        names.join(" ")
    ));
    text
}

/// Installs packages quietly. A package's server is kept from starting: tests start their own, on
/// their own ports and folders, and a newcomer's machine must not gain a mail server by surprise.
fn install(names: &[&str]) -> Outcome {
    let policy = Path::new("/usr/sbin/policy-rc.d");
    let ours = !policy.exists();
    if ours {
        shell::write(policy, "#!/bin/sh\nexit 101\n")?;
        shell::run(Command::new("chmod").arg("+x").arg(policy))?;
    }
    let done = apt(&["update", "-qq"]).and_then(|()| {
        let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
        arguments.extend_from_slice(names);
        apt(&arguments)
    });
    if ours {
        // Best effort: a left-over policy file is harmless to us and the next run tries again.
        let _ = std::fs::remove_file(policy);
    }
    done
}

fn apt(arguments: &[&str]) -> Outcome {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(std::process::Stdio::null());
    shell::output(&mut command).map(|_| ())
}

fn has(program: &str) -> bool {
    shell::find(program).is_some()
}

fn has_openssl() -> bool {
    Command::new("pkg-config").args(["--exists", "openssl"]).status().is_ok_and(|status| status.success())
}

fn has_dovecot() -> bool {
    has("dovecot") && Path::new("/usr/lib/dovecot/imap").exists()
}

fn has_lmtp() -> bool {
    Path::new("/usr/lib/dovecot/lmtp").exists()
}

fn has_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
