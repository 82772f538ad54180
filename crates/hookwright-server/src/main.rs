//! The program `hookwright`; see the library's `cli`.

use std::process::ExitCode;

/// Under many small allocations from several threads it is faster than the system's, and it gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hookwright_server::cli::run()
}
