//! Interfaces: that each begins at a sender, ends at a receiver that speaks its language, and leads nowhere back.

use translate::dialect::Dialect;

use super::Check;
use crate::config::file::{AckMode, InterfaceTable, OnHeld, SourceTable, Translate};
use crate::config::locate::nearest;
use crate::config::settings::{Endpoint, Face, From, Interface, Source};
use crate::route::EventPattern;

impl Check<'_> {
    pub(super) fn interface(
        &mut self,
        at: usize,
        sources: &[Option<Source>],
        endpoints: &[Option<Endpoint>],
    ) -> Option<Interface> {
        let table = &self.file.interface[at];
        let from = self.from(at, &table.from);
        let to = self.to(at, &table.to);
        if table.accept.is_empty() {
            self.problem(
                format!("interface[{at}].accept"),
                "takes nothing",
                Some("*".into()),
            );
        }
        let accept = self.events(&format!("interface[{at}].accept"), &table.accept);
        let shared = self.events(&format!("interface[{at}].shared"), &table.shared);
        if !shared.is_empty() && table.facility.is_empty() {
            let message = "says nothing: without `facility` every event is taken from all";
            self.problem(format!("interface[{at}].shared"), message, None);
        }
        self.site(at, table);
        let (from, to) = (from?, to?);
        let endpoint = endpoints[to].as_ref()?;
        // A façade is the gateway's own picture of a system: nothing leads back through it.
        let facade = matches!(endpoint.face, Face::Facade(_));
        if let (From::Sources(own), false) = (&from, facade) {
            let back = |source: &usize| {
                sources[*source]
                    .as_ref()
                    .is_some_and(|s| s.system == endpoint.system)
            };
            if own.iter().any(back) {
                let message = format!(
                    "is a loop: `{}` leads back to the system the messages come from",
                    table.to
                );
                self.problem(format!("interface[{at}].to"), message, None);
                return None;
            }
        }
        self.dialect_settings(at, table, &from, (sources, endpoints), endpoint.dialect);
        let translate = self.translate(at, table, endpoint)?;
        Some(Interface {
            name: table.name.clone(),
            from,
            to,
            accept,
            facility: table.facility.clone(),
            shared,
            translate,
            on_held: table.on_held,
            site: table.site.clone(),
            acknowledges: false,
        })
    }

    fn events(&mut self, key: &str, written: &[String]) -> Vec<EventPattern> {
        let mut events = Vec::new();
        for (event, text) in written.iter().enumerate() {
            match text.parse::<EventPattern>() {
                Ok(pattern) => events.push(pattern),
                Err(error) => {
                    let message = format!("`{text}` is no event: {error}");
                    self.problem(format!("{key}[{event}]"), message, error.nearest);
                }
            }
        }
        events
    }

    /// An interface of its own for the application acknowledgements of each source that wants them: they are queued,
    /// tried again and held like messages.
    pub(super) fn acknowledgements(
        &mut self,
        sources: &mut [Option<Source>],
        endpoints: &[Option<Endpoint>],
        interfaces: &mut Vec<Option<Interface>>,
    ) {
        let file = self.file;
        for (at, table) in file.source.iter().enumerate() {
            let Some(name) = &table.application_ack_to else {
                continue;
            };
            let key = format!("source[{at}].application-ack-to");
            let sending = || file.endpoint.iter().filter(|endpoint| endpoint.send.is_some());
            let Some(to) = file.endpoint.iter().position(|endpoint| endpoint.name == *name) else {
                let nearest = nearest(name, sending().map(|endpoint| endpoint.name.as_str()));
                self.problem(key, format!("`{name}` is no endpoint"), nearest);
                continue;
            };
            if file.endpoint[to].send.is_none() {
                let message =
                    format!("`{name}` does not send HL7 v2: acknowledgements go to an endpoint with send");
                self.problem(key, message, None);
                continue;
            }
            if table.ack_mode == AckMode::Original {
                let message = "is for enhanced mode, and ack-mode = \"original\" leaves that out";
                self.problem(key, message, None);
                continue;
            }
            let own = format!("{}-acknowledgements", table.name);
            if file.interface.iter().any(|interface| interface.name == own) {
                self.problem(
                    key,
                    format!("needs the interface name `{own}`, which is taken"),
                    None,
                );
                continue;
            }
            if let (Some(source), Some(_)) = (&mut sources[at], &endpoints[to]) {
                source.acknowledgements = Some(interfaces.len());
            }
            interfaces.push(Some(Interface {
                name: own,
                from: From::Sources(vec![at]),
                to,
                accept: Vec::new(),
                facility: Vec::new(),
                shared: Vec::new(),
                translate: Translate::None,
                on_held: OnHeld::Pass,
                site: None,
                acknowledges: true,
            }));
        }
    }

    /// Checks an override against the tables that translate; files that it names are read when the gateway starts.
    fn site(&mut self, at: usize, table: &InterfaceTable) {
        let Some(site) = &table.site else { return };
        let later = |_: &str| Ok("hl7_code,fhir_code,display\n".to_owned());
        let Err(problems) = site.apply(translate::Settings::default(), &later) else {
            return;
        };
        for problem in problems {
            let key = format!("interface[{at}].override.{}", problem.key);
            self.problem(key, problem.message, problem.nearest);
        }
    }

    /// Checks the choices for dialects against those of the senders and of the receiver.
    fn dialect_settings(
        &mut self,
        at: usize,
        table: &InterfaceTable,
        from: &From,
        (sources, endpoints): (&[Option<Source>], &[Option<Endpoint>]),
        to: &'static Dialect,
    ) {
        let Some(site) = &table.site else { return };
        let mut spoken = vec![to];
        match from {
            From::Sources(own) => {
                spoken.extend(own.iter().filter_map(|at| Some(sources[*at].as_ref()?.dialect)))
            }
            // Whoever comes in there: a source that is known, or one that speaks as the listener says.
            From::Endpoint(listener) => {
                spoken.extend(endpoints[*listener].as_ref().map(|endpoint| endpoint.dialect));
                spoken.extend(sources.iter().flatten().map(|source| source.dialect));
            }
        }
        for problem in site.dialect_problems(&spoken) {
            let key = format!("interface[{at}].override.{}", problem.key);
            self.problem(key, problem.message, problem.nearest);
        }
    }

    pub(super) fn from(&mut self, at: usize, name: &str) -> Option<From> {
        let file = self.file;
        if let Some(source) = file.source.iter().position(|source| source.name == name) {
            return Some(From::Sources(vec![source]));
        }
        let of_system = |(_, source): &(usize, &SourceTable)| source.system.as_deref() == Some(name);
        let sources: Vec<usize> = file
            .source
            .iter()
            .enumerate()
            .filter(of_system)
            .map(|(at, _)| at)
            .collect();
        if !sources.is_empty() {
            return Some(From::Sources(sources));
        }
        match file.endpoint.iter().position(|endpoint| endpoint.name == name) {
            Some(endpoint) if file.endpoint[endpoint].listen.is_some() => {
                return Some(From::Endpoint(endpoint));
            }
            Some(_) => {
                let message =
                    format!("`{name}` does not listen: an interface begins at a source or a listener");
                self.problem(format!("interface[{at}].from"), message, None);
                return None;
            }
            None => {}
        }
        let listeners = file
            .endpoint
            .iter()
            .filter(|endpoint| endpoint.listen.is_some())
            .map(|e| e.name.as_str());
        let names = file
            .source
            .iter()
            .flat_map(|source| [Some(source.name.as_str()), source.system.as_deref()]);
        let nearest = nearest(name, names.flatten().chain(listeners));
        self.problem(
            format!("interface[{at}].from"),
            format!("`{name}` is no source, system or listener"),
            nearest,
        );
        None
    }

    pub(super) fn to(&mut self, at: usize, name: &str) -> Option<usize> {
        let file = self.file;
        let key = format!("interface[{at}].to");
        match file.endpoint.iter().position(|endpoint| endpoint.name == name) {
            Some(endpoint) if file.endpoint[endpoint].listen.is_none() => return Some(endpoint),
            Some(_) => {
                let message =
                    format!("`{name}` listens: an interface ends at an endpoint with send, fhir or facade");
                self.problem(key, message, None);
                return None;
            }
            None => {}
        }
        let known = file
            .endpoint
            .iter()
            .filter(|endpoint| endpoint.listen.is_none())
            .map(|e| e.name.as_str());
        let nearest = nearest(name, known);
        self.problem(key, format!("`{name}` is no endpoint"), nearest);
        None
    }

    pub(super) fn translate(
        &mut self,
        at: usize,
        table: &InterfaceTable,
        endpoint: &Endpoint,
    ) -> Option<Translate> {
        let fitting = match endpoint.face {
            Face::Fhir(_) | Face::Facade(_) => Translate::Fhir,
            Face::Send(_) | Face::Listen(_) => Translate::Dialect,
        };
        let chosen = table.translate.unwrap_or(fitting);
        let fits = match chosen {
            Translate::Fhir => fitting == Translate::Fhir,
            Translate::Dialect | Translate::None => fitting == Translate::Dialect,
        };
        if !fits {
            let (spoken, nearest) = match fitting {
                Translate::Fhir => ("FHIR", "fhir"),
                _ => ("HL7 v2", "dialect"),
            };
            let message = format!("does not fit: `{}` speaks {spoken}", table.to);
            self.problem(
                format!("interface[{at}].translate"),
                message,
                Some(nearest.into()),
            );
            return None;
        }
        Some(chosen)
    }

    /// Two interfaces that differ in their name alone would deliver everything twice.
    pub(super) fn doubled_interfaces(&mut self) {
        let interfaces = &self.file.interface;
        let doubled: Vec<(usize, usize)> = interfaces
            .iter()
            .enumerate()
            .filter_map(|(at, one)| {
                let same = |other: &InterfaceTable| {
                    (
                        &other.from,
                        &other.to,
                        &other.accept,
                        &other.facility,
                        &other.shared,
                    ) == (&one.from, &one.to, &one.accept, &one.facility, &one.shared)
                };
                interfaces[..at].iter().position(same).map(|first| (at, first))
            })
            .collect();
        for (at, first) in doubled {
            self.problem(
                format!("interface[{at}]"),
                format!("does what interface[{first}] does already"),
                None,
            );
        }
    }
}
