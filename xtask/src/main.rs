//! The command: `cargo xtask check` prints what is wrong with the repository and fails if anything is.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{env, io};

use xtask::{CHECKS, Tree, run_all};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments != ["check"] {
        eprintln!("Usage: cargo xtask check");
        return ExitCode::from(2);
    }
    match check() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("The repository could not be read: {error}.");
            ExitCode::from(2)
        }
    }
}

fn check() -> io::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tree = Tree::read(&root)?;
    let findings = run_all(&tree);
    let mut out = io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    let (checks, files) = (CHECKS.len(), tree.files().len());
    writeln!(out, "{checks} checks over {files} files: {} findings.", findings.len())?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
