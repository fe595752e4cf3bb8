//! What the FHIR faces share: criteria from search parameters, times, small values, page tokens.
//!
//! A face shows the record in its vendor's shape; which parameters exist, what is required and how errors read is
//! the vendor's own and stands in its folder. Writing is refused by both until the record can be written by FHIR.

mod page;
mod search;
mod time;
mod value;

pub(crate) use self::page::{Page, page_of};
pub(crate) use self::search::{Fit, Span, date_criterion, people_criterion, reference_id};
pub(crate) use self::time::{date, date_time, instant, instant_of_ms};
pub(crate) use self::value::{
    coding, concept, lines, observation_status, relative, set_value, text, v2_code,
};
