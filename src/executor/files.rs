//! Files of this machine that calls may send away: only those below directories that the operator named.

use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File};
use futures_util::stream::{Stream, try_unfold};
use ring::digest::{Context, SHA256};

use crate::error::StartupError;

/// How much of a file is in memory, and sent before progress is told again, in bytes.
const PIECE: usize = 1024 * 1024;

/// The directories whose files may be sent away. By default there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalFiles(Vec<PathBuf>);

/// What is in a file, without the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256 in lower-case hexadecimal digits; none of a file that is too long to be read.
    pub sha256: Option<String>,
}

/// Why a file cannot be sent, as the rest of a sentence that begins with its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

impl LocalFiles {
    /// Files in these directories and the directories in them.
    ///
    /// # Errors
    /// If one of them is no directory that can be read.
    pub fn below(directories: &[PathBuf]) -> Result<Self, StartupError> {
        let real = |directory: &PathBuf| {
            let real = directory.canonicalize();
            real.and_then(|real| Dir::open_ambient_dir(&real, ambient_authority()).map(|_| real)).map_err(|error| {
                let problem = format!("{} cannot be opened: {error}.", directory.display());
                StartupError::new("--upload-dir", problem, "Name a directory that exists and that you can read.")
            })
        };
        directories.iter().map(real).collect::<Result<_, _>>().map(Self)
    }

    /// What is in the file of this name. One of more than `most` bytes is not read.
    ///
    /// # Errors
    /// If it cannot be sent away, as the rest of a sentence that begins with its name.
    pub async fn fingerprint(&self, name: &str, most: u64) -> Result<Fingerprint, String> {
        let (files, name) = (self.clone(), PathBuf::from(name));
        let read = move || {
            let (mut file, size) = files.open(&name)?;
            if size > most {
                return Ok(Fingerprint { size, sha256: None });
            }
            let (mut context, mut left, mut piece) = (Context::new(&SHA256), size, vec![0; PIECE]);
            while left > 0 {
                let piece = &mut piece[..usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
                file.read_exact(piece).map_err(|error| unreadable(&error))?;
                context.update(piece);
                left -= piece.len() as u64;
            }
            Ok(Fingerprint { size, sha256: Some(hexadecimal(context)) })
        };
        aside(read).await.map_err(|Unreadable(problem)| problem)
    }

    /// The file of this name in pieces, as long as it is what it was. What is not ends with an error before its last
    /// piece.
    pub(super) fn pieces(
        &self,
        name: &str,
        expected: &Fingerprint,
    ) -> impl Stream<Item = Result<Bytes, Unreadable>> + Send + 'static {
        let (files, name, expected) = (self.clone(), PathBuf::from(name), expected.clone());
        try_unfold(None, move |reading: Option<Reading>| {
            let (files, name, expected) = (files.clone(), name.clone(), expected.clone());
            aside(move || match reading {
                Some(reading) => reading.next(),
                None => Reading::begin(files.open(&name)?.0, expected).next(),
            })
        })
    }

    /// Opens a regular file. Neither `..` nor a link leaves the directory that it is looked for in.
    fn open(&self, name: &Path) -> Result<(File, u64), Unreadable> {
        if self.0.is_empty() {
            let problem = "cannot be read: the operator of this server has named no directory with --upload-dir";
            return Err(Unreadable(problem.to_owned()));
        }
        let mut problem = self.elsewhere();
        for directory in &self.0 {
            let Some(inside) = (if name.is_absolute() { name.strip_prefix(directory).ok() } else { Some(name) }) else {
                continue;
            };
            match regular(directory, inside) {
                Ok(found) => return Ok(found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // What the library says of a way out.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() => {}
                Err(error) => problem = unreadable(&error),
            }
        }
        Err(problem)
    }

    fn elsewhere(&self) -> Unreadable {
        let named: Vec<String> = self.0.iter().map(|directory| directory.display().to_string()).collect();
        Unreadable(format!("is no file below {}, and nothing else may be sent", named.join(" or ")))
    }
}

fn regular(directory: &Path, inside: &Path) -> io::Result<(File, u64)> {
    let directory = Dir::open_ambient_dir(directory, ambient_authority())?;
    // Opening anything else may wait for ever, so it is looked at before and after.
    let irregular = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    if !directory.metadata(inside)?.is_file() {
        return Err(irregular());
    }
    let file = directory.open(inside)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(irregular()) }
}

fn unreadable(error: &io::Error) -> Unreadable {
    Unreadable(format!("cannot be read: {error}"))
}

/// A file that is being read.
struct Reading {
    file: File,
    left: u64,
    context: Context,
    expected: Fingerprint,
}

impl Reading {
    fn begin(file: File, expected: Fingerprint) -> Self {
        Self { file, left: expected.size, context: Context::new(&SHA256), expected }
    }

    fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, Unreadable> {
        if self.left == 0 {
            return Ok(None);
        }
        let changed = || Unreadable("has changed since the call was checked. Call again".to_owned());
        let mut piece = vec![0; usize::try_from(self.left).unwrap_or(PIECE).min(PIECE)];
        self.file.read_exact(&mut piece).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => unreadable(&error),
        })?;
        self.context.update(&piece);
        self.left -= piece.len() as u64;
        if self.left == 0 && Some(hexadecimal(self.context.clone())) != self.expected.sha256 {
            return Err(changed());
        }
        Ok(Some((piece.into(), Some(self))))
    }
}

fn hexadecimal(context: Context) -> String {
    context.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Has another thread do what may wait for a disk.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Unreadable> + Send + 'static,
) -> Result<T, Unreadable> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Unreadable("cannot be read: this server is ending".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;

    /// A directory with files in it and beside it.
    fn place() -> (tempfile::TempDir, LocalFiles) {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        std::fs::create_dir_all(open.join("inner")).unwrap();
        std::fs::write(open.join("inner/app.conf"), "abc").unwrap();
        std::fs::write(open.join("empty"), "").unwrap();
        std::fs::write(open.join("long"), vec![b'x'; 2 * PIECE + 1]).unwrap();
        std::fs::write(place.path().join("private"), "hush").unwrap();
        let files = LocalFiles::below(&[open]).unwrap();
        (place, files)
    }

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[tokio::test]
    async fn only_what_is_below_an_open_directory_is_read() {
        let (place, files) = place();
        let open = place.path().canonicalize().unwrap().join("open");
        let absolute = |name: &str| open.join(name).display().to_string();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("inner/app.conf", open.join("near")).unwrap();
            std::os::unix::fs::symlink("../private", open.join("far")).unwrap();
            std::os::unix::fs::symlink(place.path().join("private"), open.join("direct")).unwrap();
            std::os::unix::fs::symlink("..", open.join("up")).unwrap();
        }
        let abc = || Ok((3, Some(ABC)));
        for (name, expected) in [
            ("inner/app.conf".to_owned(), abc()),
            (absolute("inner/app.conf"), abc()),
            ("inner/../inner/app.conf".to_owned(), abc()),
            #[cfg(unix)]
            ("near".to_owned(), abc()),
            ("long".to_owned(), Ok((2 * PIECE as u64 + 1, None))),
            ("none".to_owned(), Err("is no file below")),
            ("inner".to_owned(), Err("no regular file")),
            ("../private".to_owned(), Err("is no file below")),
            (absolute("../private"), Err("is no file below")),
            (place.path().join("private").display().to_string(), Err("is no file below")),
            ("/etc/passwd".to_owned(), Err("is no file below")),
            #[cfg(unix)]
            ("far".to_owned(), Err("is no file below")),
            #[cfg(unix)]
            ("direct".to_owned(), Err("is no file below")),
            #[cfg(unix)]
            ("up/private".to_owned(), Err("is no file below")),
            #[cfg(unix)]
            ("up/open/inner/app.conf".to_owned(), Err("is no file below")),
        ] {
            match (files.fingerprint(&name, 100).await, expected) {
                (Ok(Fingerprint { size, sha256 }), Ok(expected)) => {
                    assert_eq!((size, sha256.as_deref()), expected, "{name}");
                }
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{name}: {problem}"),
                (got, expected) => panic!("{name}: {got:?}, not {expected:?}"),
            }
        }
        let none = LocalFiles::default().fingerprint("inner/app.conf", 100).await.unwrap_err();
        assert!(none.contains("--upload-dir"), "{none}");
        assert!(LocalFiles::below(&[place.path().join("none")]).unwrap_err().to_string().contains("--upload-dir"));
    }

    #[tokio::test]
    async fn pieces_are_the_file_as_it_was_or_end_before_the_last() {
        let (place, files) = place();
        for (name, pieces) in [("long", 3), ("inner/app.conf", 1), ("empty", 0)] {
            let known = files.fingerprint(name, u64::MAX).await.unwrap();
            let read: Vec<Bytes> = files.pieces(name, &known).try_collect().await.unwrap();
            assert_eq!((read.len(), read.iter().map(Bytes::len).sum::<usize>() as u64), (pieces, known.size), "{name}");
        }
        let known = files.fingerprint("long", u64::MAX).await.unwrap();
        for (content, whole) in [(vec![b'y'; 2 * PIECE + 1], 2), (vec![b'x'; PIECE], 1)] {
            std::fs::write(place.path().join("open/long"), content).unwrap();
            let pieces = files.pieces("long", &known);
            futures_util::pin_mut!(pieces);
            for _ in 0..whole {
                pieces.try_next().await.unwrap().unwrap();
            }
            let problem = pieces.try_next().await.unwrap_err().to_string();
            assert!(problem.contains("has changed"), "{problem}");
        }
    }
}
