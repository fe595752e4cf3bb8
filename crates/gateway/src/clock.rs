//! Time and ids, handed in: nothing else in the gateway may ask the machine for either.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that reads what `now` says.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's clock.
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where the gateway's clock is the machine's"
        )]
        Self::new(Timestamp::now)
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// Now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Now as HL7 writes it, with offset: `20260302103412+0000`.
    pub(crate) fn hl7(&self, zone: &TimeZone) -> String {
        self.now()
            .to_zoned_datetime(zone.clone())
            .strftime("%Y%m%d%H%M%S%z")
            .to_string()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Makes ids.
#[derive(Clone)]
pub struct Ids(Arc<dyn Fn() -> Uuid + Send + Sync>);

impl Ids {
    /// Ids from `next`, which must never say the same twice.
    pub fn new(next: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    /// Random ids that sort by time.
    pub fn system() -> Self {
        Self::new(Uuid::now_v7)
    }

    /// A new id.
    pub fn next(&self) -> Uuid {
        (self.0)()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

/// A control id for a message of ours about that one: 20 characters, as MSH-10 allows from 2.1 on.
pub(crate) fn control_id(id: Uuid) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    // 95 bits: the version and variant bits and the top of the time add nothing to tell ids apart.
    let mut rest = id.as_u128();
    let mut text = [b'G'; 20];
    for place in text[1..].iter_mut().rev() {
        *place = DIGITS[usize::try_from(rest & 31).unwrap_or_default()];
        rest >>= 5;
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_ids_differ_and_fit() {
        let one = control_id(Uuid::from_u128(7));
        let two = control_id(Uuid::from_u128(8));
        assert_ne!(one, two);
        assert_eq!((one.len(), one.as_str()), (20, "G0000000000000000007"));
    }

    #[test]
    fn hl7_time_carries_its_offset() {
        let clock = Clock::new(|| "2026-07-01T11:30:00Z".parse().unwrap());
        assert_eq!(
            clock.hl7(&TimeZone::get("Europe/London").unwrap()),
            "20260701123000+0100"
        );
    }
}
