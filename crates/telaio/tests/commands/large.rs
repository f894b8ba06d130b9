//! A large upload must not take its size in memory: read from what the kernel says of the real program.

use crate::installation::Installation;

/// Megabytes sent where `TELAIO_TEST_UPLOAD` does not say: the promise is about 500, 100 show the same in a fifth of
/// the time.
const UPLOAD: u64 = 100;
/// What the peak may grow by, bytes: far below the upload, above what buffers take.
const GROWTH: u64 = 32 * 1024 * 1024;

/// Peak of the resident memory of a process since it began, bytes.
fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_large_upload_and_its_download_take_no_memory_of_their_size() {
    let megabytes = std::env::var("TELAIO_TEST_UPLOAD").map_or(UPLOAD, |text| text.parse().unwrap());
    let size = megabytes * 1024 * 1024;
    let data = tempfile::tempdir().unwrap();
    let installation = Installation::new(data.path(), None);
    let server = installation.start();
    server.number("Per scaldare");
    let before = peak(server.id());
    let made = server.register("incoming", "Un file molto grande", size);
    assert_eq!(made.status, 201, "{}", made.text());
    let document = made.json()["document"].clone();
    assert_eq!(document["size"].as_u64(), Some(size));
    let up = peak(server.id()) - before;
    let path = format!("/api/v1/documents/{}/content", document["id"].as_str().unwrap());
    assert_eq!(server.get(&path).body.len() as u64, size);
    let both = peak(server.id()) - before;
    println!("the peak grew by {} MiB for the upload, {} MiB for both", up >> 20, both >> 20);
    assert!(both < GROWTH, "{} MiB more for {megabytes} MB", both >> 20);
}
