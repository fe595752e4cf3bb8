//! MSH by the names of its fields: what routing and acknowledging need.

use std::borrow::Cow;

use crate::{Field, Message};

/// The message header; every accessor gives the decoded first leaf, empty when there is none.
#[derive(Debug, Clone, Copy)]
pub struct Header<'m> {
    message: &'m Message<'m>,
}

impl<'m> Header<'m> {
    pub(crate) fn new(message: &'m Message<'m>) -> Self {
        Self { message }
    }

    /// Any field of MSH.
    pub fn field(&self, n: usize) -> Field<'m> {
        self.message.field("MSH", n)
    }

    /// MSH-3.1.
    pub fn sending_application(&self) -> Cow<'m, str> {
        self.field(3).text()
    }

    /// MSH-4.1.
    pub fn sending_facility(&self) -> Cow<'m, str> {
        self.field(4).text()
    }

    /// MSH-5.1.
    pub fn receiving_application(&self) -> Cow<'m, str> {
        self.field(5).text()
    }

    /// MSH-6.1.
    pub fn receiving_facility(&self) -> Cow<'m, str> {
        self.field(6).text()
    }

    /// MSH-7, as written.
    pub fn time(&self) -> Cow<'m, str> {
        self.field(7).text()
    }

    /// MSH-9.1: `ADT`.
    pub fn message_code(&self) -> Cow<'m, str> {
        self.field(9).component(1).text()
    }

    /// MSH-9.2: `A01`.
    pub fn trigger_event(&self) -> Cow<'m, str> {
        self.field(9).component(2).text()
    }

    /// MSH-9.3: `ADT_A01`.
    pub fn structure(&self) -> Cow<'m, str> {
        self.field(9).component(3).text()
    }

    /// MSH-10.
    pub fn control_id(&self) -> Cow<'m, str> {
        self.field(10).text()
    }

    /// MSH-11.1: `P`, `T` or `D`.
    pub fn processing_id(&self) -> Cow<'m, str> {
        self.field(11).text()
    }

    /// MSH-12.1: `2.4`.
    pub fn version(&self) -> Cow<'m, str> {
        self.field(12).text()
    }

    /// MSH-15: when the sender wants an accept acknowledgement (table 0155).
    pub fn accept_ack(&self) -> Cow<'m, str> {
        self.field(15).text()
    }

    /// MSH-16: when the sender wants an application acknowledgement (table 0155).
    pub fn application_ack(&self) -> Cow<'m, str> {
        self.field(16).text()
    }
}
