//! A throw-away mail provider: Debian's Postfix and Dovecot with a private configuration.
//!
//! Submission with password and STARTTLS, IMAP over TLS, two mailboxes, everything on loopback, no
//! delivery anywhere else. Both programs need root to start; where we are not, the caller says so
//! and leaves the tests that need them out.
//!
//! What tests receive: `TELAIO_TEST_MAIL`, a folder with `stack.json`:
//! `{"submission": PORT, "imaps": PORT, "ca": "…/ca.pem", "accounts": [{"address", "password"}]}`.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::Folder;
use crate::{Failure, Outcome, shell};

const ADDRESSES: [&str; 2] = ["protocollo@pec.ente.test", "cittadino@pec.prova.test"];
/// 100 polls of 0.1 s: both servers are up within one second on an idle machine.
const POLLS: u32 = 100;

/// The running pair; dropping it stops both servers and removes their files.
pub struct MailStack {
    folder: Folder,
}

/// Who puts a message into its mailbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Postfix itself.
    Postfix,
    /// Dovecot, over LMTP, as providers do.
    Dovecot,
}

struct Ports {
    submission: u16,
    imaps: u16,
}

impl MailStack {
    /// Writes the configuration, starts both servers and waits until they answer.
    pub fn start() -> Outcome<MailStack> {
        MailStack::with(Last::Postfix)
    }

    /// As `start`, with Dovecot's LMTP at the end of the road: for benchmarks.
    pub fn start_with_lmtp() -> Outcome<MailStack> {
        MailStack::with(Last::Dovecot)
    }

    fn with(last: Last) -> Outcome<MailStack> {
        let stack = MailStack { folder: Folder::make("mail")? };
        let ports = Ports { submission: super::free_port()?, imaps: super::free_port()? };
        let root = stack.folder.path();
        for folder in ["postfix", "queue", "data", "boxes", "dovecot"] {
            std::fs::create_dir_all(root.join(folder))
                .map_err(|error| Failure::Broken(format!("cannot make the mail folders: {error}")))?;
        }
        certificate(root)?;
        let owner = super::account("nobody")
            .ok_or_else(|| Failure::Unready("no account `nobody` to own the test mailboxes".to_owned()))?;
        accounts(root, owner, &ports)?;
        shell::write(&root.join("dovecot/dovecot.conf"), &dovecot(root, owner, &ports, last))?;
        shell::write(&root.join("postfix/main.cf"), &postfix(root, owner, last))?;
        shell::write(&root.join("postfix/master.cf"), &postfix_services(&ports))?;
        shell::run(Command::new("chown").arg("postfix").arg(root.join("data")))?;
        shell::run(Command::new("chown").arg(format!("{}:{}", owner.0, owner.1)).arg(root.join("boxes")))?;
        stack.control(true)?;
        wait(&ports)?;
        Ok(stack)
    }

    /// The folder with `stack.json` that tests are given.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn control(&self, start: bool) -> Outcome {
        let root = self.folder.path();
        let mut postfix = Command::new(shell::find("postfix").unwrap_or_else(|| "postfix".into()));
        postfix.arg("-c").arg(root.join("postfix")).arg(if start { "start" } else { "stop" });
        shell::run(postfix.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()))?;
        let mut dovecot = Command::new(shell::find("dovecot").unwrap_or_else(|| "dovecot".into()));
        dovecot.arg("-c").arg(root.join("dovecot/dovecot.conf"));
        if !start {
            dovecot.arg("stop");
        }
        shell::run(dovecot.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()))
    }
}

impl Drop for MailStack {
    fn drop(&mut self) {
        let _ = self.control(false);
    }
}

/// A certificate for `localhost`, its own authority, valid for a day.
fn certificate(root: &Path) -> Outcome {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]);
    command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    // rustls does not take an authority's certificate as that of a server.
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-keyout").arg(root.join("key.pem")).arg("-out").arg(root.join("ca.pem"));
    shell::output(&mut command).map(|_| ())
}

/// Mailboxes with fresh passwords, in the shape each reader wants.
fn accounts(root: &Path, owner: (u32, u32), ports: &Ports) -> Outcome {
    let (mut users, mut boxes, mut list) = (String::new(), String::new(), Vec::new());
    for address in ADDRESSES {
        let password = super::secret()?;
        let home = root.join("boxes").join(address);
        users.push_str(&format!(
            "{address}:{{PLAIN}}{password}:{}:{}::{}\n",
            owner.0,
            owner.1,
            home.display()
        ));
        boxes.push_str(&format!("{address} {address}/\n"));
        list.push(json!({ "address": address, "password": password }));
    }
    shell::write(&root.join("users"), &users)?;
    shell::write(&root.join("postfix/boxes"), &boxes)?;
    let facts = json!({
        "submission": ports.submission,
        "imaps": ports.imaps,
        "ca": root.join("ca.pem"),
        "accounts": list,
    });
    shell::write(&root.join("stack.json"), &format!("{facts:#}\n"))
}

fn dovecot(root: &Path, owner: (u32, u32), ports: &Ports, last: Last) -> String {
    let (root, user, group, imaps) = (root.display(), owner.0, owner.1, ports.imaps);
    let (protocols, lmtp) = match last {
        Last::Postfix => ("imap", String::new()),
        Last::Dovecot => {
            let socket = format!("unix_listener {root}/queue/private/dovecot-lmtp {{\n  mode = 0666\n }}");
            ("imap lmtp", format!("service lmtp {{\n {socket}\n}}\n"))
        }
    };
    format!(
        "protocols = {protocols}\nlisten = 127.0.0.1\nbase_dir = {root}/dovecot/run\nstate_dir = {root}/dovecot/run\n\
         log_path = {root}/dovecot.log\nssl = required\nssl_cert = <{root}/ca.pem\nssl_key = <{root}/key.pem\n\
         mail_location = maildir:~/\nmail_uid = {user}\nmail_gid = {group}\nfirst_valid_uid = 1\n\
         auth_mechanisms = plain login\n\
         passdb {{\n driver = passwd-file\n args = {root}/users\n}}\n\
         userdb {{\n driver = passwd-file\n args = {root}/users\n}}\n\
         service imap-login {{\n inet_listener imap {{\n  port = 0\n }}\n inet_listener imaps {{\n  port = {imaps}\n }}\n}}\n\
         service auth {{\n unix_listener {root}/queue/private/auth {{\n  mode = 0666\n }}\n}}\n\
         namespace inbox {{\n inbox = yes\n}}\n{lmtp}"
    )
}

fn postfix(root: &Path, owner: (u32, u32), last: Last) -> String {
    let (root, user, group) = (root.display(), owner.0, owner.1);
    let transport = match last {
        Last::Postfix => "virtual",
        Last::Dovecot => "lmtp:unix:private/dovecot-lmtp",
    };
    format!(
        "compatibility_level = 3.6\nqueue_directory = {root}/queue\ndata_directory = {root}/data\n\
         maillog_file = {root}/postfix.log\nmaillog_file_prefixes = {root}\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = posta.prova.test\nmydestination =\n\
         mynetworks = 127.255.255.255/32\nvirtual_mailbox_domains = pec.ente.test, pec.prova.test\n\
         virtual_mailbox_base = {root}/boxes\nvirtual_mailbox_maps = texthash:{root}/postfix/boxes\n\
         virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\nvirtual_minimum_uid = 1\n\
         virtual_transport = {transport}\nvirtual_mailbox_limit = 0\nmailbox_size_limit = 0\nmessage_size_limit = 62914560\n\
         default_transport = error:only loopback\nrelay_transport = error:only loopback\n\
         smtpd_tls_cert_file = {root}/ca.pem\nsmtpd_tls_key_file = {root}/key.pem\n\
         smtpd_tls_security_level = encrypt\nsmtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n\
         smtpd_sasl_path = private/auth\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
         smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n\
         disable_dns_lookups = yes\nsmtputf8_enable = yes\n"
    )
}

/// Postfix's own processes: only what a submission server with local mailboxes needs.
fn postfix_services(ports: &Ports) -> String {
    let mut table = format!("127.0.0.1:{} inet n - n - - smtpd\n", ports.submission);
    let inner = [
        ("pickup", "n", "n", "60", "1", "pickup"),
        ("cleanup", "n", "n", "-", "0", "cleanup"),
        ("qmgr", "n", "n", "300", "1", "qmgr"),
        ("rewrite", "-", "n", "-", "-", "trivial-rewrite"),
        ("bounce", "-", "n", "-", "0", "bounce"),
        ("defer", "-", "n", "-", "0", "bounce"),
        ("trace", "-", "n", "-", "0", "bounce"),
        ("verify", "-", "n", "-", "1", "verify"),
        ("flush", "n", "n", "1000?", "0", "flush"),
        ("proxymap", "-", "n", "-", "-", "proxymap"),
        ("error", "-", "n", "-", "-", "error"),
        ("retry", "-", "n", "-", "-", "error"),
        ("virtual", "-", "n", "-", "-", "virtual"),
        ("lmtp", "-", "n", "-", "-", "lmtp"),
        ("scache", "-", "n", "-", "1", "scache"),
        ("anvil", "-", "n", "-", "1", "anvil"),
        ("tlsmgr", "-", "n", "1000?", "1", "tlsmgr"),
    ];
    for (name, private, chroot, wakeup, limit, program) in inner {
        let unprivileged = if program == "virtual" { "n" } else { "-" };
        table
            .push_str(&format!("{name} unix {private} {unprivileged} {chroot} {wakeup} {limit} {program}\n"));
    }
    table.push_str("postlog unix-dgram n - n - 1 postlogd\n");
    table
}

fn wait(ports: &Ports) -> Outcome {
    for _ in 0..POLLS {
        let up = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_ok();
        if up(ports.submission) && up(ports.imaps) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Failure::Broken("Postfix or Dovecot did not come up within 10 seconds".to_owned()))
}
