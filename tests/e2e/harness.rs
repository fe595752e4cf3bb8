//! Starts `eprgw`, speaks MLLP and HTTP to it with the standard library alone, and waits on what it says.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Ends a test that hangs; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, built as this test was built.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "cli",
            "--bin",
            "eprgw",
            "--message-format=json",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let lines = String::from_utf8(built.stdout).expect("cargo speaks UTF-8");
        let mut artifacts = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let executable = artifacts.find_map(|line| Some(line["executable"].as_str()?.to_owned()));
        executable.expect("cargo names the program it built").into()
    })
}

pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs the program to its end.
pub(crate) fn eprgw(arguments: &[&str]) -> Output {
    Command::new(program())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// A running `eprgw serve`; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    /// `gateway`, and each system by name.
    mllp: HashMap<String, SocketAddr>,
    http: SocketAddr,
}

impl Serving {
    /// Starts on free ports and waits for the ready line.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[], None)
    }

    /// The same with these variables set, and its log in a file when one is given.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)], log: Option<&Path>) -> Self {
        let log = log.map(|path| {
            std::fs::File::options()
                .create(true)
                .append(true)
                .open(path)
                .expect("a log")
        });
        let mut child = Command::new(program())
            .args(["serve", "--http", "0", "--mllp", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.map_or_else(Stdio::inherit, Stdio::from))
            .envs(variables.iter().copied())
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let mut mllp = HashMap::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("stdout is text");
            let words: Vec<&str> = line.split_whitespace().collect();
            let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
            if let Some(address) = value("mllp=") {
                let name = if words[1] == "ready" { "gateway" } else { words[1] };
                mllp.insert(name.to_owned(), address.parse().expect("an address"));
            }
            if words.get(1) == Some(&"ready") {
                let console = value("console=").expect("the ready line names the console");
                let (_, http) = console.split_once("://").expect("a URL");
                return Self {
                    child,
                    mllp,
                    http: http.parse().expect("an address"),
                };
            }
        }
        panic!("eprgw ended before it was ready: {:?}", child.wait());
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    pub(crate) fn mllp(&self, name: &str) -> SocketAddr {
        self.mllp[name]
    }

    /// One message on a connection of its own; the answer without its frame.
    pub(crate) fn send(&self, to: &str, payload: &[u8]) -> String {
        let mut wire = Wire::connect(self.mllp(to));
        wire.send(payload);
        wire.answer().expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Vec<u8>) {
        request(self.http, "GET", path, b"")
    }

    pub(crate) fn get_json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    /// A request with a bearer token.
    pub(crate) fn ask_as(&self, token: &str, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let path = format!("{path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nX-Rest:");
        request(self.http, method, &path, body)
    }

    /// What a form of the console's own page meets: status line and headers in small letters.
    pub(crate) fn press(&self, path: &str, form: &str) -> String {
        let path = format!(
            "{path} HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        exchange(self.http, "POST", &path, b"").0
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        request(self.http, "POST", path, body)
    }

    /// The resources of that type a search finds.
    pub(crate) fn search(&self, path: &str) -> Vec<Value> {
        let bundle = self.get_json(path);
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let matched = entries
            .into_iter()
            .filter(|entry| entry["search"]["mode"] != "outcome");
        matched.map(|mut entry| entry["resource"].take()).collect()
    }

    /// Asks until the answer is there: deliveries follow the ACK.
    pub(crate) fn wait_for<T>(&self, what: &str, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ask(self) {
                return found;
            }
            assert!(Instant::now() < end, "not in time: {what}");
            std::thread::yield_now();
        }
    }

    /// kill −9.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process is there");
        self.child.wait().expect("the process ends");
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .expect("kill runs")
                .success()
        );
        self.child.wait().expect("the process ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Already gone is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One MLLP connection.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self(stream)
    }

    pub(crate) fn send(&mut self, payload: &[u8]) {
        let frame = [b"\x0b", payload, b"\x1c\r"].concat();
        self.0.write_all(&frame).expect("the frame is written");
    }

    /// The next answer; nothing when the connection ended first.
    pub(crate) fn answer(&mut self) -> Option<String> {
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\x1c\r") {
            match self.0.read(&mut byte) {
                Ok(1) => answer.push(byte[0]),
                _ => return None,
            }
        }
        let payload = answer.strip_prefix(b"\x0b")?.strip_suffix(b"\x1c\r")?;
        Some(String::from_utf8_lossy(payload).into_owned())
    }
}

fn request(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let (head, body) = exchange(address, method, path, body);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body)
}

/// A request and its answer: status line and headers in small letters, and the body.
fn exchange(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/fhir+json\r\n\
         Content-Type: application/fhir+json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(&[head.as_bytes(), body].concat())
        .expect("the request is written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer is read");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an HTTP answer");
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let mut body = answer.split_off(end + 4);
    if head.contains("transfer-encoding: chunked") {
        body = unchunk(&body);
    }
    (head, body)
}

fn unchunk(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end])
            .ok()
            .and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else {
            break;
        };
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 4 + size..];
    }
    body
}

/// A stay of four messages for patient `n`, by way of the bench template, as its sender writes them.
pub(crate) fn admission(n: usize, control_id: &str) -> Vec<u8> {
    let nhs = nhs_number(n);
    let mrn = 40_500_000 + n;
    [
        format!("MSH|^~\\&|CARECAST|UCLH|ROUTE|ZZ|202603021015||ADT^A01|{control_id}|P|2.4|||AL|NE"),
        "EVN|A01|202603021015||ADM|U01^CLARKE^CLEM|202603021010".into(),
        format!("PID|1||{mrn}^^^MRENTR^MEDREC~{nhs}||STORM^STELLA{n}^^^MS||19700101|F|||1 CRASH LANE^^LONDON^^ZZ99 3WZ"),
        format!("PV1|1|I|T06^T06A^T06-32||||C9999999^CONSULT^CARL||||41008||||19|||||V{n:09}"),
    ]
    .join("\r")
    .into_bytes()
}

/// The n-th number of the test range from 999 100 0000 on that has a check digit, near enough: distinct for each n.
pub(crate) fn nhs_number(n: usize) -> String {
    let mut nine = 999_100_000 + 2 * n;
    loop {
        let digits: Vec<usize> = nine.to_string().bytes().map(|b| usize::from(b - b'0')).collect();
        let sum: usize = digits
            .iter()
            .enumerate()
            .map(|(at, digit)| digit * (10 - at))
            .sum();
        match 11 - sum % 11 {
            11 => return format!("{nine}0"),
            10 => nine += 1,
            check => return format!("{nine}{check}"),
        }
    }
}
