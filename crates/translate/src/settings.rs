//! What a site may choose: one value per interface, with UK defaults.

use jiff::tz::TimeZone;

use crate::site::CarriedField;

/// The choices the guide leaves to people, and what a site adds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone of times that come without an offset; default Europe/London with its summer time.
    pub zone: TimeZone,
    /// Whether AL1-4 says how severe a reaction was (the default) or how critical the allergy is.
    pub allergy_severity: AllergySeverity,
    /// Whether codes of the NHS data dictionary are known in PV1-4, PV1-14 and PV1-36; default true.
    pub nhs_codes: bool,
    /// Whether the primary language of PID-15 is the one to address the patient in; default true.
    pub primary_language_preferred: bool,
    /// Whether the original message travels in the Bundle, so that the way back loses nothing; default true.
    pub carry_original: bool,
    /// The site's choices for its dialect, by name: see [`Dialect::settings`](crate::dialect::Dialect::settings).
    pub dialect: Vec<(String, String)>,
    /// Tables of the site's own: file name without ending, CSV text.
    pub vocabulary: Vec<(String, String)>,
    /// Rows to leave out, by name: `PID-19 > Patient.identifier`.
    pub drop_rows: Vec<String>,
    /// Rows whose field holds this ER7 text, whatever was sent.
    pub constants: Vec<(String, String)>,
    /// Whether SFT names the system that the message comes from (the default) or one that passed it on.
    pub software_is_source: bool,
    /// Whether a vaccination refers to the visit it was given in; default true.
    pub vaccination_visit: bool,
    /// Fields of Z segments that are carried as extensions.
    pub carried: Vec<CarriedField>,
}

/// What AL1-4 means at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllergySeverity {
    /// AllergyIntolerance.reaction.severity.
    Reaction,
    /// AllergyIntolerance.criticality.
    Criticality,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // The zone data is compiled in; were it not, UTC keeps the clock face.
            zone: TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC),
            allergy_severity: AllergySeverity::Reaction,
            nhs_codes: true,
            primary_language_preferred: true,
            carry_original: true,
            dialect: Vec::new(),
            vocabulary: Vec::new(),
            drop_rows: Vec::new(),
            constants: Vec::new(),
            software_is_source: true,
            vaccination_visit: true,
            carried: Vec::new(),
        }
    }
}
