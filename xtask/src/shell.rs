//! Starting programs and finding our way on the machine.
//!
//! The single place that runs other programs. It shows what it runs, so that a log can be followed,
//! and turns every failure into words that name the program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, Outcome};

/// The folder of the workspace, whatever folder the chore was called from.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Cargo's target folder: where generated files may go.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => root().join("target"),
    }
}

/// The facts shared between projects, if they lie beside this one (`TELAIO_SHARED` overrides).
pub fn shared() -> Option<PathBuf> {
    let folder = match std::env::var_os("TELAIO_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => root().parent()?.join("shared"),
    };
    folder.join("specs").is_dir().then_some(folder)
}

/// A cargo command in the workspace, with the very cargo that runs us.
pub fn cargo<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    command
}

/// Announces a step: one line, so that a long run can be followed.
pub fn step(text: &str) {
    println!("── {text}");
}

/// Runs a command to its end with our own output; fails when it fails.
pub fn run(command: &mut Command) -> Outcome {
    let shown = show(command);
    let status =
        command.status().map_err(|error| Failure::Broken(format!("cannot start {shown}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::Broken(format!("failed: {shown} ({status})"))) }
}

/// Runs a command and gives what it printed; fails when it fails.
pub fn output(command: &mut Command) -> Outcome<String> {
    let shown = show(command);
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Broken(format!("cannot start {shown}: {error}")))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&done.stderr);
    Err(Failure::Broken(format!("failed: {shown} ({})\n{complaint}", done.status)))
}

/// Where a program is, looking also where system programs live that are not on everyone's path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/lib/dovecot"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Whether we are root: only then may packages be installed and mail servers started.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

/// Reads a text file of the workspace, naming it when it cannot be read.
pub fn read(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Broken(format!("cannot read {}: {error}", path.display())))
}

/// Writes a text file, making its folder.
pub fn write(path: &Path, text: &str) -> Outcome {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text))
        .map_err(|error| Failure::Broken(format!("cannot write {}: {error}", path.display())))
}

/// All files under a folder whose name ends in `ending`, sorted; nothing when there is no folder.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
                if !matches!(name, "target" | "node_modules" | ".git") {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as people write it: relative to the workspace.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
