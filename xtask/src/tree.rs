//! The repository's files with their texts, read once; every check is a function of this.

use std::path::Path;
use std::{fs, io};

/// Folders that hold no sources. Build output under any other name is known by the marker files below.
const SKIPPED: [&str; 6] = [".git", "target", "node_modules", ".venv", "__pycache__", ".pytest_cache"];

/// A folder with one of these in it is a build cache or a Python environment, whatever it is called.
const MARKERS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// One text file.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative to the root, with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl File {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The lines with their numbers, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All text files below a root, in the order of their paths.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads every UTF-8 file below `root`; other files are no texts and are left out.
    ///
    /// # Errors
    /// When a folder or a file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        Ok(Self::from_files(files))
    }

    /// A tree of these files, for example one made up by a test.
    pub fn from_files(mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// A made-up tree of paths and texts.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::from_files(
            files.iter().map(|(path, text)| File { path: (*path).into(), text: (*text).into() }).collect(),
        )
    }

    /// Every file.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The file at exactly this path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files below a folder, which is named with its final slash.
    pub(crate) fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.starts_with(folder))
    }

    /// The files whose name ends in `.extension`.
    pub(crate) fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| {
            file.name().rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && end == extension)
        })
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    if !prefix.is_empty() && entries.iter().any(|entry| MARKERS.iter().any(|m| entry.file_name() == *m)) {
        return Ok(());
    }
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            // A test of another crate may remove its own temporary file while this runs.
            let bytes = match fs::read(entry.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read?,
            };
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_environments_and_binary_files_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        write("crates/one/src/lib.rs", b"//! One.\n");
        write("crates/one/logo.png", &[0xff, 0xfe, 0x00]);
        write("target/release/build.rs", b"");
        write("elsewhere/CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");
        write("elsewhere/release/out.rs", b"");
        write("python/pyvenv.cfg", b"");
        write("python/lib/site.py", b"");
        write(".ci/run", b"#!/bin/bash\n");

        let tree = Tree::read(root.path()).unwrap();

        let paths: Vec<&str> = tree.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".ci/run", "crates/one/src/lib.rs"]);
    }
}
