//! The program `hookwright`; see the library's `cli`.

use std::process::ExitCode;

/// Under many small allocations from several threads it is faster than the system's, and it gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for huge pages, of which an idle server touches a little here and there: with them it takes 40 MiB, without
    // 25, and no more processor time under load. Where this is refused it only takes more memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    hookwright_server::cli::run()
}
