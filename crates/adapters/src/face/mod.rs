//! What the FHIR faces share: searches, pages, times, values, items as resources, bodies read into the record.
//!
//! A face shows the record in its vendor's shape; which parameters exist, what is required, what may be written and
//! how errors read is the vendor's own and stands in its folder.

mod body;
mod code;
mod criteria;
mod element;
mod faulty;
mod hit;
mod item;
mod page;
mod search;
mod time;
mod value;
mod write;

pub(crate) use self::body::{Reading, allergy, condition, document, observation, patient, request};
pub(crate) use self::code::uri;
pub(crate) use self::criteria::Unfit;
pub(crate) use self::faulty::faulty;
pub(crate) use self::hit::{Hit, Picked, hits_of, item_kind, pick};
pub(crate) use self::item::{Dress, resource};
pub(crate) use self::page::{Page, Turn, page_of};
pub(crate) use self::search::{Fit, Span, date_criterion, people_criterion, reference_id};
pub(crate) use self::time::{date, date_time, hl7_of, instant, instant_of_ms};
pub(crate) use self::value::{
    coding, concept, lines, observation_status, relative, set_value, text, v2_code,
};
pub(crate) use self::write::{Stop, mixes, subject};
