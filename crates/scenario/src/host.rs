//! The systems under test: a process of our own, started with a configuration over one data folder, or one that runs.
//!
//! A process of our own can be stopped, killed and started again with other routes over the same data: that is what a
//! cut-over does. One that runs already can be driven and read, and is otherwise left alone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::Method;
use rest::{Client, ClientLimits};
use serde_json::Value;

use crate::RunError;

/// Where everything listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// `http://127.0.0.1:8575`.
    pub http: String,
    /// `gateway` and each system, as `host:port`.
    pub mllp: BTreeMap<String, String>,
    /// Each system that has one: the path of its FHIR face.
    pub fhir: BTreeMap<String, String>,
}

/// Systems that can be driven.
pub struct Host {
    program: Option<PathBuf>,
    folder: PathBuf,
    child: Option<Child>,
    addresses: Option<Addresses>,
    starts: u32,
    /// What the process finds in its environment: secrets come that way only.
    variables: Vec<(String, String)>,
}

impl Host {
    /// Systems in a process of our own, from that program, with all data in that folder.
    #[must_use]
    pub fn own(program: PathBuf, folder: PathBuf) -> Self {
        Self {
            program: Some(program),
            folder,
            child: None,
            addresses: None,
            starts: 0,
            variables: Vec::new(),
        }
    }

    /// Systems that run already, by the address of their HTTP port.
    ///
    /// # Errors
    /// When nothing answers there.
    pub async fn running(http: &str, gateway: &str) -> Result<Self, RunError> {
        let mut addresses = Addresses {
            http: http.trim_end_matches('/').to_owned(),
            ..Addresses::default()
        };
        addresses.mllp.insert("gateway".to_owned(), gateway.to_owned());
        let systems = get(&addresses.http, "/api/v1/systems").await?;
        for system in systems.as_array().into_iter().flatten() {
            let text = |name: &str| system[name].as_str().map(str::to_owned);
            let Some(name) = text("name") else { continue };
            if let Some(mllp) = text("mllp") {
                addresses.mllp.insert(name.clone(), mllp);
            }
            if let Some(fhir) = text("fhir") {
                addresses.fhir.insert(name, fhir);
            }
        }
        Ok(Self {
            program: None,
            folder: PathBuf::new(),
            child: None,
            addresses: Some(addresses),
            starts: 0,
            variables: Vec::new(),
        })
    }

    /// Whether the systems can be started again with other routes.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.program.is_some()
    }

    /// How often the systems were started.
    #[must_use]
    pub fn starts(&self) -> u32 {
        self.starts
    }

    /// Where everything listens.
    ///
    /// # Errors
    /// When nothing was started yet.
    pub fn addresses(&self) -> Result<&Addresses, RunError> {
        self.addresses
            .as_ref()
            .ok_or_else(|| RunError::Story("nothing runs yet: a story begins with `open`".to_owned()))
    }

    /// Starts the systems with that configuration, or stops them and starts them again.
    ///
    /// # Errors
    /// When the program refuses the configuration or does not become ready.
    pub async fn open(&mut self, configuration: &str) -> Result<(), RunError> {
        let Some(program) = self.program.clone() else {
            // Whoever runs it has configured it.
            return Ok(());
        };
        self.stop();
        self.starts += 1;
        let file = self.folder.join(format!("configuration-{}.toml", self.starts));
        let failed = |error: std::io::Error| RunError::Host(error.to_string());
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        std::fs::write(&file, configuration).map_err(failed)?;
        let log = std::fs::File::create(self.folder.join(format!("systems-{}.log", self.starts)))
            .map_err(failed)?;
        let mut child = Command::new(program)
            .args(["serve", "--http", "0", "--mllp", "0", "--empty", "--data"])
            .arg(self.folder.join("data"))
            .arg("--config")
            .arg(&file)
            .env_remove("EPRGW_CONFIG")
            .env_remove("EPRGW_DATA")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let stdout = child.stdout.take();
        let read = tokio::task::spawn_blocking(move || stdout.map(|stdout| ready(BufReader::new(stdout))));
        self.child = Some(child);
        match read.await.ok().flatten().flatten() {
            Some(addresses) => {
                self.addresses = Some(addresses);
                Ok(())
            }
            None => Err(RunError::Host(format!(
                "the systems did not start; {} says why",
                self.log().display()
            ))),
        }
    }

    /// What the process finds in its environment when it is started next.
    pub(crate) fn set_variables(&mut self, variables: Vec<(String, String)>) {
        self.variables = variables;
    }

    /// Everything that processes of our own wrote to their logs; nothing for one that runs elsewhere.
    #[must_use]
    pub(crate) fn log_text(&self) -> String {
        let logs = (1..=self.starts).map(|start| self.folder.join(format!("systems-{start}.log")));
        logs.filter_map(|log| std::fs::read(log).ok())
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .collect()
    }

    fn log(&self) -> PathBuf {
        Path::new(&self.folder).join(format!("systems-{}.log", self.starts))
    }

    /// Ends the systems well: nothing new is taken, what is in flight is finished.
    pub fn stop(&mut self) {
        self.addresses = self.addresses.take().filter(|_| self.program.is_none());
        let Some(mut child) = self.child.take() else {
            return;
        };
        let asked = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        if !matches!(asked, Some(Ok(()))) {
            // It is gone already, or will not hear: then it is ended.
            drop(child.kill());
        }
        drop(child.wait());
    }

    /// Ends the systems as a power cut would.
    pub fn kill(&mut self) {
        self.addresses = self.addresses.take().filter(|_| self.program.is_none());
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// A client of a system's FHIR face.
    ///
    /// # Errors
    /// When nothing runs, or the system has none.
    pub fn fhir(&self, system: &str) -> Result<Client, RunError> {
        let addresses = self.addresses()?;
        let path = addresses.fhir.get(system).ok_or_else(|| {
            let known: Vec<&str> = addresses.fhir.keys().map(String::as_str).collect();
            RunError::Story(format!(
                "{system} has no FHIR face to read back; there are {}",
                known.join(", ")
            ))
        })?;
        client(&format!("{}{path}", addresses.http))
    }

    /// The address of a system's HL7 port, or the gateway's.
    ///
    /// # Errors
    /// When nothing runs, or there is no such system.
    pub fn mllp(&self, system: &str) -> Result<&str, RunError> {
        let addresses = self.addresses()?;
        let address = addresses.mllp.get(system).ok_or_else(|| {
            let known: Vec<&str> = addresses.mllp.keys().map(String::as_str).collect();
            RunError::Story(format!(
                "no system is called `{system}`; there are {}",
                known.join(", ")
            ))
        })?;
        Ok(address)
    }

    /// Gets JSON from the gateway's API.
    ///
    /// # Errors
    /// When it cannot be reached or answers something else.
    pub async fn get(&self, path: &str) -> Result<Value, RunError> {
        get(&self.addresses()?.http, path).await
    }

    /// Puts JSON at the gateway's API.
    ///
    /// # Errors
    /// When it cannot be reached or refuses.
    pub async fn put(&self, path: &str, value: &Value) -> Result<(), RunError> {
        let http = &self.addresses()?.http;
        let body = Bytes::from(value.to_string());
        match client(http)?
            .send(Method::PUT, path.trim_start_matches('/'), &[], body)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.status() {
                Some(status) => RunError::Refused(format!("{path} was refused with {status}")),
                None => unreachable_at(http, &error),
            }),
        }
    }

    /// Gets a page of the HTTP port as text.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub(crate) async fn text(&self, path: &str) -> Result<String, RunError> {
        let http = &self.addresses()?.http;
        let answer = client(http)?.send(Method::GET, path, &[], Bytes::new()).await;
        let answer = answer.map_err(|error| unreachable_at(http, &error))?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Does what a person at a system's keyboard would.
    ///
    /// # Errors
    /// When the system refuses, with its words.
    pub async fn act(&self, system: &str, action: &str, particulars: &Value) -> Result<Value, RunError> {
        let http = &self.addresses()?.http;
        let path = format!("api/v1/systems/{system}/actions/{action}");
        let body = Bytes::from(particulars.to_string());
        match client(http)?.send(Method::POST, &path, &[], body).await {
            Ok(answer) => parse(&answer.body),
            Err(error) => Err(match error.status() {
                Some(status) => RunError::Refused(format!("{system} refused `{action}` with {status}")),
                None => unreachable_at(http, &error),
            }),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

fn client(base: &str) -> Result<Client, RunError> {
    Client::new(base, ClientLimits::default()).map_err(|error| unreachable_at(base, &error))
}

async fn get(http: &str, path: &str) -> Result<Value, RunError> {
    let answer = client(http)?
        .send(Method::GET, path, &[], Bytes::new())
        .await
        .map_err(|error| unreachable_at(http, &error))?;
    parse(&answer.body)
}

fn parse(body: &[u8]) -> Result<Value, RunError> {
    serde_json::from_slice(body).map_err(|error| RunError::Host(format!("no JSON: line {}", error.line())))
}

pub(crate) fn unreachable_at(what: &str, error: &rest::ClientError) -> RunError {
    RunError::Unreachable {
        what: what.to_owned(),
        why: error.to_string(),
    }
}

/// Reads start-up lines up to the ready line; the rest of stdout is drained on a thread of its own.
fn ready(mut lines: impl BufRead + Send + 'static) -> Option<Addresses> {
    let mut addresses = Addresses::default();
    let mut paths: Vec<(String, String)> = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
        let name = words.get(1).copied().unwrap_or_default();
        if let Some(mllp) = value("mllp=") {
            let name = if name == "ready" { "gateway" } else { name };
            addresses.mllp.insert(name.to_owned(), mllp.to_owned());
        }
        if let Some(fhir) = value("fhir=") {
            paths.push((name.to_owned(), fhir.to_owned()));
        }
        if name == "ready" {
            addresses.http = value("console=")?.to_owned();
            for (name, url) in paths {
                let path = url.strip_prefix(&addresses.http).unwrap_or(&url).to_owned();
                addresses.fhir.insert(name, path);
            }
            std::thread::spawn(move || {
                let mut rest = Vec::new();
                drop(lines.read_to_end(&mut rest));
            });
            return Some(addresses);
        }
    }
}
