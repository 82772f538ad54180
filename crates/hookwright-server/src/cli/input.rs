//! Reads what a command is given: a file, or standard input as `-`.

use std::io::Read;
use std::path::Path;

use super::failure::Failure;

/// More than any webhook has, and little enough for memory.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The bytes of a file, or of standard input if it is `-`, exactly as they are.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let (name, result) = if path == Path::new("-") {
        let stdin = std::io::stdin().lock();
        ("Standard input".to_owned(), stdin.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    } else {
        let file = std::fs::File::open(path);
        let result = file.and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        (format!("The file {}", path.display()), result)
    };
    result.map_err(|error| Failure::because(&format!("{name} cannot be read"), &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(format!("{name} has more than 64 MiB, which no webhook has.")));
    }
    Ok(bytes)
}
