//! Time as an argument: whoever starts an EPR says what time it is.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time of day, asked whenever something is stamped.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Local hospital time: every HL7 time these systems write or read without an offset.
pub(crate) struct Local {
    clock: Clock,
    zone: TimeZone,
}

impl Local {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            zone: london(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// `YYYYMMDDHHMMSS` on the hospital's clock.
    pub(crate) fn hl7_now(&self) -> String {
        self.now()
            .to_zoned_datetime(self.zone.clone())
            .strftime("%Y%m%d%H%M%S")
            .to_string()
    }
}

/// The zone of every hospital these systems stand in.
pub(crate) fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}
