//! What runs inside a simulated machine: a small shell over files in memory. No process of this machine has a part in it.

use std::collections::BTreeMap;

/// A file of a machine.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) content: Vec<u8>,
    pub(super) mode: String,
    pub(super) owner: String,
}

/// The inside of a machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Guest {
    pub(super) hostname: String,
    /// By absolute path.
    pub(super) files: BTreeMap<String, File>,
    /// Programs that the machine lacks.
    pub(super) lacks: Vec<&'static str>,
}

/// A stream that a command writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// What a command writes and when, counted from its start.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) at_ms: u64,
    pub(super) stream: Stream,
    pub(super) bytes: Vec<u8>,
}

/// All that a command will do, known as soon as it starts.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    pub(super) pieces: Vec<Piece>,
    pub(super) exit_code: i32,
    pub(super) millis: u64,
}

/// A command that never ends by itself.
pub(super) const ENDLESS: u64 = u64::MAX;

impl Run {
    fn write(&mut self, stream: Stream, text: impl Into<Vec<u8>>) {
        self.pieces.push(Piece { at_ms: self.millis, stream, bytes: text.into() });
    }

    fn out(&mut self, text: impl AsRef<str>) {
        self.write(Stream::Out, format!("{}\n", text.as_ref()));
    }

    fn fail(&mut self, code: i32, text: &str) {
        self.write(Stream::Err, format!("{text}\n"));
        self.exit_code = code;
    }

    /// What one stream holds after so many milliseconds, up to `limit` bytes and whole characters; and whether there
    /// is more.
    pub(super) fn written(&self, stream: Stream, until_ms: u64, limit: usize) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.stream == stream && piece.at_ms <= until_ms) {
            all.extend_from_slice(&piece.bytes);
            if all.len() > limit {
                all.truncate(whole(&all, limit));
                return (all, true);
            }
        }
        (all, false)
    }
}

/// The largest end up to `end` that tears no character apart.
pub(super) fn whole(bytes: &[u8], end: usize) -> usize {
    let mut end = end.min(bytes.len());
    while end > 0 && end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    end
}

impl Guest {
    pub(super) fn put(&mut self, path: &str, content: impl Into<Vec<u8>>, mode: &str, owner: &str) {
        let file = File { content: content.into(), mode: mode.to_owned(), owner: owner.to_owned() };
        self.files.insert(path.to_owned(), file);
    }

    /// Runs a command line as root in this directory.
    pub(super) fn run(&mut self, line: &str, directory: &str) -> Run {
        let mut run = Run { millis: 12, ..Run::default() };
        let mut directory = directory.to_owned();
        for (link, words) in commands(line) {
            let goes_on = match link {
                Link::Always => true,
                Link::IfDone => run.exit_code == 0,
                Link::IfFailed => run.exit_code != 0,
            };
            if goes_on && run.millis != ENDLESS {
                run.exit_code = 0;
                self.command(words, &mut directory, &mut run);
                if run.exit_code < 0 {
                    run.exit_code = -run.exit_code - 1;
                    break;
                }
            }
        }
        run
    }

    fn command(&mut self, mut words: Vec<String>, directory: &mut String, run: &mut Run) {
        let redirect =
            words.iter().position(|word| word == "\u{1}>" || word == "\u{1}>>").map(|at| words.split_off(at));
        let from = run.pieces.len();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((program, rest)) = words.split_first() else { return };
        self.program(program, rest, directory, run);
        if let Some([how, path, ..]) = redirect.as_deref() {
            let (kept, text): (Vec<Piece>, Vec<Piece>) =
                run.pieces.split_off(from).into_iter().partition(|piece| piece.stream == Stream::Err);
            run.pieces.extend(kept);
            let path = absolute(directory, path);
            let text = text.into_iter().flat_map(|piece| piece.bytes);
            let before = self.files.get(&path).filter(|_| how == "\u{1}>>").map(|file| file.content.clone());
            let content = before.unwrap_or_default().into_iter().chain(text).collect::<Vec<_>>();
            self.put(&path, content, "0644", "root");
        }
    }

    fn program(&mut self, program: &str, rest: &[&str], directory: &mut String, run: &mut Run) {
        match (program, rest) {
            ("echo", _) => run.out(rest.join(" ")),
            ("printf", [text, ..]) => run.write(Stream::Out, text.replace("\\n", "\n")),
            ("true", _) => {}
            ("false", _) => run.exit_code = 1,
            // Negative: the line ends here.
            ("exit", _) => run.exit_code = -1 - rest.first().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0),
            ("sleep", [seconds, ..]) => match seconds.parse::<f64>() {
                Ok(seconds) => run.millis = run.millis.saturating_add((seconds * 1000.0) as u64),
                Err(_) => run.fail(1, &format!("sleep: invalid time interval '{seconds}'")),
            },
            ("seq", [end, ..]) => {
                (1..=end.parse::<u32>().unwrap_or(0).min(1_000_000)).for_each(|n| run.out(n.to_string()))
            }
            ("yes", _) => {
                run.write(Stream::Out, "y\n".repeat(60_000));
                run.millis = ENDLESS;
            }
            ("pwd", _) => run.out(&*directory),
            ("cd", _) => *directory = absolute(directory, rest.first().unwrap_or(&"/root")),
            ("whoami", _) => run.out("root"),
            ("id", _) => run.out("uid=0(root) gid=0(root) groups=0(root)"),
            ("hostname", _) => run.out(&self.hostname),
            ("uname", _) => run.out(format!("Linux {} 6.1.0-sandbox x86_64 GNU/Linux", self.hostname)),
            ("uptime", _) => run.out(" 09:00:00 up 12 days,  3:04,  0 users,  load average: 0.08, 0.03, 0.01"),
            ("df", _) => {
                run.out("Filesystem      Size  Used Avail Use% Mounted on");
                run.out("/dev/vda1        40G   12G   26G  32% /");
            }
            ("free", _) => {
                run.out("               total        used        free      shared  buff/cache   available");
                run.out("Mem:            2000         640         410          12         950        1180");
            }
            ("env", _) => run.out("HOME=/root\nPATH=/usr/bin:/bin\nUSER=root"),
            ("date", _) => run.out("Sat Nov 21 09:00:00 UTC 2026"),
            ("mkdir", _) => {}
            ("apt-get", ["update", ..]) => {
                run.out("Hit:1 http://deb.example.com stable InRelease");
                run.millis += 2_000;
                run.out("Reading package lists...");
            }
            ("apt-get", ["install", names @ ..]) => {
                for name in names.iter().filter(|name| !name.starts_with('-')) {
                    self.lacks.retain(|lacking| lacking != name);
                    run.millis += 4_000;
                    run.out(format!("Setting up {name} (1.0) ..."));
                }
            }
            ("nginx", ["-t"]) => {
                run.write(Stream::Err, "nginx: configuration file /etc/nginx/nginx.conf test is successful\n");
            }
            ("systemctl", ["status", name, ..]) => run.out(format!("* {name}.service - loaded, active (running)")),
            ("systemctl", [_, _, ..]) => run.millis += 500,
            ("journalctl", _) => {
                let unit = rest.last().unwrap_or(&"system");
                for n in 1..=5 {
                    run.out(format!("Nov 21 08:5{n}:00 {} {unit}[100]: line {n}", self.hostname));
                }
            }
            ("docker", ["compose", "build", ..]) => {
                for step in 1..=40 {
                    run.millis += 2_250;
                    run.out(format!("#{step} [app {step}/40] RUN step {step}"));
                }
            }
            ("ls" | "cat" | "rm" | "test" | "sha256sum" | "stat" | "wc" | "head" | "tail", _) => {
                self.on_files(program, rest, directory, run);
            }
            _ if self.lacks.contains(&program) => run.fail(127, &format!("sh: 1: {program}: not found")),
            ("curl", _) => run.fail(6, "curl: (6) Could not resolve host"),
            _ => run.fail(127, &format!("sh: 1: {program}: not found")),
        }
    }

    fn on_files(&mut self, program: &str, rest: &[&str], directory: &str, run: &mut Run) {
        let (options, mut given): (Vec<&str>, Vec<&str>) = rest.iter().copied().partition(|word| word.starts_with('-'));
        // `-5`, `-n5` or `-n 5`
        let counted = options.contains(&"-n") && !given.is_empty();
        let apart = counted.then(|| given.remove(0));
        let counts = options.iter().map(|word| word.trim_start_matches("-n").trim_start_matches('-')).chain(apart);
        let lines: usize = counts.filter_map(|word| word.parse().ok()).next_back().unwrap_or(10);
        if program == "ls" {
            let folder = absolute(directory, given.first().unwrap_or(&"."));
            let folder = format!("{}/", folder.trim_end_matches('/'));
            let mut names: Vec<&str> =
                self.files.keys().filter_map(|path| path.strip_prefix(&folder)?.split('/').next()).collect();
            names.dedup();
            return names.iter().for_each(|name| run.out(name));
        }
        for name in given {
            let path = absolute(directory, name);
            let Some(file) = self.files.get(&path) else {
                if program == "test" {
                    run.exit_code = 1;
                } else if program != "rm" || !options.contains(&"-f") {
                    run.fail(1, &format!("{program}: {name}: No such file or directory"));
                }
                continue;
            };
            let text = String::from_utf8_lossy(&file.content);
            match program {
                "cat" => run.write(Stream::Out, file.content.clone()),
                "sha256sum" => run.out(format!("{}  {name}", super::hex(&super::sha256(&file.content)))),
                "stat" => run.out(format!("{name} {} {} {}", file.mode, file.owner, file.content.len())),
                "wc" => run.out(format!(
                    "{} {name}",
                    if options.contains(&"-c") { file.content.len() } else { text.lines().count() }
                )),
                "head" => text.lines().take(lines).for_each(|line| run.out(line)),
                "tail" => {
                    let skipped = text.lines().count().saturating_sub(lines);
                    text.lines().skip(skipped).for_each(|line| run.out(line));
                }
                "rm" => drop(self.files.remove(&path)),
                _ => {}
            }
        }
    }
}

fn absolute(directory: &str, path: &str) -> String {
    match path {
        "." => directory.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        _ => format!("{}/{path}", directory.trim_end_matches('/')),
    }
}

/// How a command depends on the one before it.
enum Link {
    Always,
    IfDone,
    IfFailed,
}

/// Takes a line apart: `;`, `&&`, `||`, quotes, `>` and `>>`. Redirections come marked, so that no word is taken for one.
fn commands(line: &str) -> Vec<(Link, Vec<String>)> {
    let mut found = vec![(Link::Always, Vec::new())];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let words = |found: &mut Vec<(Link, Vec<String>)>, word: &mut Option<String>| {
            if let (Some((_, words)), Some(word)) = (found.last_mut(), word.take()) {
                words.push(word);
            }
        };
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some('"'), '\\') => word.get_or_insert_default().extend(rest.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ';' | '\n' | '&' | '|') => {
                words(&mut found, &mut word);
                let doubled = rest.next_if_eq(&c).is_some();
                found.push((
                    match c {
                        '&' if doubled => Link::IfDone,
                        '|' if doubled => Link::IfFailed,
                        _ => Link::Always,
                    },
                    Vec::new(),
                ));
            }
            (None, '>') => {
                words(&mut found, &mut word);
                let mark = if rest.next_if_eq(&'>').is_some() { "\u{1}>>" } else { "\u{1}>" };
                word = Some(mark.to_owned());
                words(&mut found, &mut word);
            }
            (None, c) if c.is_whitespace() => words(&mut found, &mut word),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if let (Some((_, words)), Some(word)) = (found.last_mut(), word) {
        words.push(word);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_shell() {
        for (line, code, out, err) in [
            ("echo 'a  b' \"c\"", 0, "a  b c\n", ""),
            ("echo a > /t; echo b >> /t; cat /t", 0, "a\nb\n", ""),
            ("false || echo no", 0, "no\n", ""),
            ("false && echo no", 1, "", ""),
            ("cd /etc && pwd", 0, "/etc\n", ""),
            ("exit 3; echo no", 3, "", ""),
            ("nothing", 127, "", "sh: 1: nothing: not found\n"),
            ("cat /none", 1, "", "cat: /none: No such file or directory\n"),
            ("printf 'a\\nb\\n' > /l; tail -n 1 /l; wc -c /l", 0, "b\n4 /l\n", ""),
            ("whoami; hostname", 0, "root\nhere\n", ""),
        ] {
            let mut guest = Guest { hostname: "here".to_owned(), ..Guest::default() };
            let run = guest.run(line, "/root");
            let text = |stream| String::from_utf8(run.written(stream, ENDLESS, usize::MAX).0).unwrap();
            assert_eq!(
                (run.exit_code, text(Stream::Out).as_str(), text(Stream::Err).as_str()),
                (code, out, err),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_written_is_cut_between_characters() {
        let mut guest = Guest::default();
        let run = guest.run("echo ééé; sleep 10; echo late", "/");
        for (until, limit, expected, more) in
            [(0, 99, "", false), (100, 99, "ééé\n", false), (100, 3, "é", true), (20_000, 99, "ééé\nlate\n", false)]
        {
            let (bytes, cut) = run.written(Stream::Out, until, limit);
            assert_eq!((String::from_utf8(bytes).unwrap().as_str(), cut), (expected, more), "{until} {limit}");
        }
    }
}
