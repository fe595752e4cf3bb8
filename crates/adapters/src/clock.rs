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

    /// Seconds since 1970, as tokens tell time.
    pub(crate) fn now_s(&self) -> i64 {
        self.now().as_second()
    }

    /// `YYYYMMDDHHMMSS` on the hospital's clock.
    pub(crate) fn hl7_now(&self) -> String {
        self.digits(self.now())
    }

    /// The same for a moment in milliseconds since 1970.
    pub(crate) fn hl7(&self, ms: i64) -> String {
        self.digits(Timestamp::from_millisecond(ms).unwrap_or_default())
    }

    fn digits(&self, point: Timestamp) -> String {
        point
            .to_zoned_datetime(self.zone.clone())
            .strftime("%Y%m%d%H%M%S")
            .to_string()
    }
}

/// Whether a local time of 14 digits falls into a window such as `02:00-02:20`; never into `off`.
pub(crate) fn in_window(window: &str, now: &str) -> bool {
    let Some((from, to)) = window.split_once('-') else {
        return false;
    };
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let time = now.get(8..12).unwrap_or_default().to_owned();
    (digits(from)..digits(to)).contains(&time)
}

/// The zone of every hospital these systems stand in.
pub(crate) fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}
