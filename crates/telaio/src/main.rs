//! The program: joins the rooms and speaks on the command line.
fn main() {}
