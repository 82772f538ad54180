//! Files that the program may not write, as a user who may not: root may write everything.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use hookwright_testkit::Launch;

use super::{hookwright, succeeds};

/// The user without rights that every Linux has.
const NOBODY: &str = "65534";

#[tokio::test]
async fn a_read_only_database_is_said_to_be() {
    let launch = hookwright("migrate");
    succeeds(&launch).await;
    let directory = launch.directory();
    // The program itself may lie where only its owner can go.
    let program = directory.join("hookwright");
    fs::copy(env!("CARGO_BIN_EXE_hookwright"), &program).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let mode = if path == program { 0o555 } else { 0o444 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(directory, Permissions::from_mode(0o555)).unwrap();

    let arguments = [program.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"];
    let output = as_nobody(launch.clone(), &arguments).run().await;
    // Else the directory could not be removed.
    fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.contains("the database is read-only"), "{output:?}");
    assert!(!output.stderr.contains("panicked") && !output.stderr.contains("ERROR"), "{output:?}");
}

/// Root turns into somebody else; everybody else is somebody else already.
fn as_nobody(launch: Launch, arguments: &[&str]) -> Launch {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let turned = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
    match is_root {
        true => launch.instead("setpriv").args(turned).args(arguments),
        false => launch.instead(arguments[0]).args(&arguments[1..]),
    }
}
