//! Reading the domain as one trust's client does: with that trust's own token, and every answer kept as text.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LOCATION, CONTENT_TYPE};
use http::{HeaderName, Method};
use rest::{Client, ClientError};
use serde_json::Value as Json;

use crate::RunError;
use crate::host::{Host, unreachable_at};
use crate::read::{list, text};

/// Longest wait for an export.
const EXPORT_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// Pages followed of one search.
const PAGES_MAX: usize = 50;

/// Somebody who reads.
pub(super) struct Reader {
    client: Client,
}

/// An answer, whatever it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) json: Json,
}

impl Seen {
    /// The resources of a Bundle of that type.
    pub(super) fn resources(&self, resource_type: &str) -> impl Iterator<Item = &Json> {
        list(&self.json["entry"])
            .iter()
            .map(|entry| &entry["resource"])
            .filter(move |resource| text(&resource["resourceType"]) == resource_type)
    }

    /// Their ids, in the order they came.
    pub(super) fn ids(&self) -> Vec<String> {
        list(&self.json["entry"])
            .iter()
            .map(|entry| text(&entry["resource"]["id"]).to_owned())
            .collect()
    }

    /// Where the next page is.
    fn next(&self) -> Option<&str> {
        let mut links = list(&self.json["link"]).iter();
        links
            .find(|link| text(&link["relation"]) == "next")
            .map(|link| text(&link["url"]))
    }
}

impl Reader {
    /// Gets a token as that client and reads with it from then on.
    pub(super) async fn enter(
        host: &Host,
        system: &str,
        client: &str,
        secret: &str,
        types: &[String],
    ) -> Result<Self, RunError> {
        let face = host.fhir(system)?;
        let open = Self { client: face };
        let smart = open.get(".well-known/smart-configuration").await?;
        let endpoint = text(&smart.json["token_endpoint"]).to_owned();
        let http = host.addresses()?.http.clone();
        let path = endpoint.strip_prefix(&http).unwrap_or(&endpoint).to_owned();
        let scopes: Vec<String> = types.iter().map(|name| format!("system/{name}.rs")).collect();
        let form = format!(
            "grant_type=client_credentials&scope={}",
            scopes.join("+").replace('/', "%2F")
        );
        let token = Client::new(&http, rest::ClientLimits::default())
            .map_err(|error| unreachable_at(&http, &error))?
            .send(
                Method::POST,
                &path,
                &[
                    (
                        AUTHORIZATION,
                        &format!("Basic {}", STANDARD.encode(format!("{client}:{secret}"))),
                    ),
                    (CONTENT_TYPE, "application/x-www-form-urlencoded"),
                ],
                Bytes::from(form),
            )
            .await
            .map_err(|error| match error.status() {
                Some(status) => RunError::Refused(format!("{system} gives {client} no token: {status}")),
                None => unreachable_at(&http, &error),
            })?;
        let token: Json = serde_json::from_slice(&token.body).unwrap_or_default();
        let bearer = format!("Bearer {}", text(&token["access_token"]));
        let client = open
            .client
            .with_header(AUTHORIZATION, &bearer)
            .map_err(|error| unreachable_at(&http, &error))?;
        Ok(Self { client })
    }

    /// Whatever stands at a path; a refusal is an answer.
    pub(super) async fn get(&self, path: &str) -> Result<Seen, RunError> {
        match self.client.send(Method::GET, path, &[], Bytes::new()).await {
            Ok(answer) => Ok(Seen {
                status: answer.status.as_u16(),
                text: String::from_utf8_lossy(&answer.body).into_owned(),
                json: serde_json::from_slice(&answer.body).unwrap_or_default(),
            }),
            Err(ClientError::Refused { status, outcome, .. }) => {
                let body = outcome.and_then(|outcome| serde_json::to_string(&outcome).ok());
                Ok(Seen {
                    status: status.as_u16(),
                    text: body.unwrap_or_default(),
                    json: Json::Null,
                })
            }
            Err(error) => Err(unreachable_at(self.client.base(), &error)),
        }
    }

    /// Everything a group's export gives, file after file; the job is deleted afterwards.
    pub(super) async fn export(&self, group: &str, query: &str) -> Result<String, RunError> {
        let unreachable = |error: ClientError| match error.status() {
            Some(status) => RunError::Refused(format!("an export of {group} is refused with {status}")),
            None => unreachable_at(self.client.base(), &error),
        };
        let path = format!("Group/{group}/$export{query}");
        let asked = [(HeaderName::from_static("prefer"), "respond-async")];
        let begun = self.client.send(Method::GET, &path, &asked, Bytes::new()).await;
        let begun = begun.map_err(unreachable)?;
        let job = begun
            .headers
            .get(CONTENT_LOCATION)
            .and_then(|place| place.to_str().ok());
        let job = self.relative(job.unwrap_or_default());
        let end = Instant::now() + EXPORT_WITHIN;
        let manifest = loop {
            let seen = self.get(&job).await?;
            if seen.status != 202 {
                break seen;
            }
            if Instant::now() > end {
                return Err(RunError::Host(format!("an export of {group} does not end")));
            }
            tokio::time::sleep(POLL).await;
        };
        let mut whole = String::new();
        for file in list(&manifest.json["output"]) {
            whole.push_str(&self.get(&self.relative(text(&file["url"]))).await?.text);
        }
        let deleted = self.client.send(Method::DELETE, &job, &[], Bytes::new()).await;
        deleted.map_err(unreachable)?;
        Ok(whole)
    }

    /// A URL of the server as a path under the base.
    fn relative(&self, url: &str) -> String {
        url.strip_prefix(self.client.base()).unwrap_or(url).to_owned()
    }

    /// Every page of a search.
    pub(super) async fn pages(&self, path: &str) -> Result<Vec<Seen>, RunError> {
        let mut pages = vec![self.get(path).await?];
        while let Some(next) = pages.last().and_then(Seen::next).map(str::to_owned)
            && pages.len() < PAGES_MAX
        {
            pages.push(self.get(&self.relative(&next)).await?);
        }
        Ok(pages)
    }
}
