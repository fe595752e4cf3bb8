//! FHIR over HTTP: server router and client.
