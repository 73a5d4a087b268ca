//! What a program needs to start: nothing where it is static, else its loader and the libraries that the loader itself says it would
//! load. The binary's header tells which; the loader is asked, as no one else resolves libraries as it does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use goblin::elf::{Elf, header};

use crate::error::{Error, Result};

/// A program for Linux, with what it needs.
#[derive(Debug)]
pub struct Program {
    /// As the OCI specification names it, such as `amd64`.
    pub architecture: &'static str,
    /// The binary.
    pub binary: Vec<u8>,
    /// Loader and libraries by the path where they are looked for; none where the program is static.
    pub libraries: BTreeMap<String, Vec<u8>>,
}

/// Machines by the names that images use for them.
const ARCHITECTURES: [(u16, &str); 6] = [
    (header::EM_X86_64, "amd64"),
    (header::EM_AARCH64, "arm64"),
    (header::EM_RISCV, "riscv64"),
    (header::EM_S390, "s390x"),
    (header::EM_ARM, "arm"),
    (header::EM_386, "386"),
];

impl Program {
    /// Reads a program of this machine.
    pub fn read(path: &Path) -> Result<Self> {
        let binary = read(path)?;
        let elf = Elf::parse(&binary).map_err(|error| {
            Error::environment(format!("{} is no program for Linux: {error}", path.display()))
                .hint("an image runs on Linux: build it there, or in a virtual machine")
        })?;
        let machine = elf.header.e_machine;
        let architecture = ARCHITECTURES.iter().find(|(known, _)| *known == machine).map(|(_, name)| *name).ok_or_else(|| {
            Error::environment(format!("{} is for a machine (ELF number {machine}) that images have no name for", path.display()))
        })?;
        let mut libraries = BTreeMap::new();
        if let Some(loader) = elf.interpreter {
            libraries.insert(loader.to_owned(), read(Path::new(loader))?);
            for library in listed(&ask(loader, path)?)? {
                libraries.insert(library.display().to_string(), read(&library)?);
            }
        }
        Ok(Self { architecture, binary, libraries })
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io("read", path, &error))
}

/// The loader's own list. Without variables: in the image there are none that lead it elsewhere.
fn ask(loader: &str, program: &Path) -> Result<String> {
    let failed = |why: String| {
        Error::environment(format!("{loader} does not tell which libraries {} needs", program.display())).detail(why)
    };
    let output =
        Command::new(loader).arg("--list").arg(program).env_clear().output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The files in a loader's list: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for itself. What the kernel brings has no path.
fn listed(list: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in list.lines().map(str::trim) {
        let (name, file) = line.split_once(" => ").unwrap_or((line, line));
        if file.starts_with("not found") {
            return Err(Error::environment(format!("the library {name} is not on this machine")));
        }
        let file = file.rsplit_once(" (").map_or(file, |(file, _)| file);
        if file.starts_with('/') {
            found.push(PathBuf::from(file));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loaders_list_names_files_and_what_is_missing() {
        let glibc = "\tlinux-vdso.so.1 (0x00007fa98b0af000)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fa98973e000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007fa98b0b1000)\n";
        let paths = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(listed(glibc).unwrap(), paths);
        let musl = "\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)\n";
        assert_eq!(listed(musl).unwrap(), vec![PathBuf::from("/lib/ld-musl-x86_64.so.1"); 2]);
        assert_eq!(listed("\tlibx.so.1 => not found\n").unwrap_err().to_string(), "the library libx.so.1 is not on this machine");
        assert_eq!(listed("\tstatically linked\n").unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn this_program_is_read_with_all_it_needs() {
        let program = Program::read(&std::env::current_exe().unwrap()).unwrap();
        assert!(ARCHITECTURES.iter().any(|(_, name)| *name == program.architecture));
        let elf = Elf::parse(&program.binary).unwrap();
        for needed in &elf.libraries {
            assert!(program.libraries.keys().any(|path| path.ends_with(&format!("/{needed}"))), "{needed} is left out");
        }
        assert!(elf.interpreter.is_none_or(|loader| program.libraries.contains_key(loader)));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let error = Program::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).unwrap_err();
        assert!(error.to_string().contains("Cargo.toml is no program for Linux"), "{error}");
    }
}
