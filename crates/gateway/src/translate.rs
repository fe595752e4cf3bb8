//! Translate: what one endpoint is to get, made of one message.
//!
//! The work is the `translate` crate's; here stand only the choice between its ways, and its refusals.
//! Runs in the delivery workers, so that translation for one endpoint never holds up another.

use bytes::Bytes;
use hl7v2::Message;
use translate::Ledger;
use translate::dialect::Dialect;

use crate::config::Translate;
use crate::gateway::Shared as Gateway;
use crate::origin;

/// What is to be sent.
pub(crate) enum Payload {
    /// HL7 v2.
    Er7(Bytes),
    /// A FHIR message Bundle.
    Bundle(Box<fhir::Bundle>),
}

/// Translates a message for an interface.
///
/// # Errors
/// Where reading stopped, for a message that was readable when it came.
pub(crate) fn translate(
    gateway: &Gateway,
    interface: usize,
    from: &Dialect,
    frame: &Bytes,
    ledger: Option<&mut Ledger>,
) -> Result<Payload, hl7v2::ParseError> {
    let own = gateway.own_translators.get(interface).and_then(Option::as_ref);
    let translator = own.unwrap_or(&gateway.translator);
    let interface = &gateway.settings.interfaces[interface];
    if interface.translate == Translate::None {
        return Ok(Payload::Er7(frame.clone()));
    }
    let message = Message::parse(frame)?;
    if interface.translate == Translate::Fhir {
        return Ok(Payload::Bundle(Box::new(
            translator.to_fhir(&message, from, ledger),
        )));
    }
    let to = gateway.settings.endpoints[interface.to].dialect;
    let mut out = Vec::with_capacity(frame.len() + frame.len() / 4);
    translator.convert(&message, from, to, &mut out, ledger);
    if let Some(origin) = &gateway.settings.origin {
        origin::tag(&mut out, origin);
    }
    Ok(Payload::Er7(out.into()))
}
