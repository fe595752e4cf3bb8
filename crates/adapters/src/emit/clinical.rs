//! Segments that carry orders, bookings, documents, allergies and problems, by a product's own habits.
//!
//! The order of segments is the standard's; what differs between products (digits of a time, who numbers an order,
//! how a code is printed) is the [`Style`].

use hl7v2::Builder;

use super::{Emission, Er7, Put, parts, time_to};
use crate::intake::clinical::end_of;
use crate::state::Text;
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Clinician, Coded};

/// What has happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    New,
    Changed,
    Cancelled,
}

impl Phase {
    /// The phase that a status ends in, or whether something is new.
    pub(crate) fn of(item: &Item) -> Self {
        match item.status.as_str() {
            "cancelled" | "error" => Self::Cancelled,
            _ if item.version <= 1 => Self::New,
            _ => Self::Changed,
        }
    }
}

/// The habits of a product.
pub(crate) struct Style {
    /// Digits of a time.
    pub digits: usize,
    /// EI-2 of a placer's and of a filler's number.
    pub placer: &'static str,
    pub filler: &'static str,
    /// A code as this product prints it.
    pub code: fn(&Coded) -> Er7,
    /// A clinician as this product prints one.
    pub clinician: fn(&Clinician) -> Er7,
    /// ORC-5 of an order that stands, one that is done, one that is cancelled.
    pub order_status: [&'static str; 3],
    /// SCH-25 of a booking: booked, arrived, cancelled, not seen.
    pub booking_status: [&'static str; 4],
}

impl Style {
    fn time(&self, time: Option<&Text>) -> String {
        time.map(|time| time_to(time, self.digits)).unwrap_or_default()
    }

    fn number(number: &str, of: &str) -> Er7 {
        if number.is_empty() {
            Er7::default()
        } else {
            parts(&[number, of])
        }
    }
}

/// The segments after PID and PV1; a booking's SCH comes before them, from [`schedule`].
pub(crate) fn body(item: &Item, emission: &Emission<'_>, style: &Style, out: &mut Builder) {
    match item.kind {
        ItemKind::Order => order(item, style, out),
        ItemKind::Booking => resources(item, style, out),
        ItemKind::Document => document(item, style, out),
        ItemKind::Allergy if emission.event == "A60" => iam(item, emission, style, out),
        ItemKind::Allergy => al1(item, style, out),
        ItemKind::Problem if emission.code == "PPR" => prb(item, emission, style, out),
        ItemKind::Problem => dg1(item, style, out),
        // No product here tells of a charge.
        ItemKind::Charge => {}
    }
}

fn order(item: &Item, style: &Style, out: &mut Builder) {
    let (control, status) = match Phase::of(item) {
        Phase::Cancelled => ("CA", style.order_status[2]),
        _ if item.status == "completed" => ("SC", style.order_status[1]),
        Phase::New => ("NW", style.order_status[0]),
        Phase::Changed => ("XO", style.order_status[0]),
    };
    let placer = Style::number(&item.placer, style.placer);
    let filler = Style::number(&item.filler, style.filler);
    let priority = if item.severity.is_empty() {
        "R"
    } else {
        &item.severity
    };
    {
        let mut orc = out.segment("ORC");
        orc.set(1, control)
            .put(2, placer.clone())
            .put(3, filler.clone())
            .set(5, status)
            .set(9, &style.time(item.recorded.as_ref()));
        if let Some(by) = &item.by {
            orc.put(12, (style.clinician)(by));
        }
        if Phase::of(item) == Phase::Cancelled && !item.note.is_empty() {
            orc.set(16, &item.note);
        }
    }
    {
        let mut obr = out.segment("OBR");
        obr.set(1, "1")
            .put(2, placer)
            .put(3, filler)
            .put(4, (style.code)(&item.code))
            .set(7, &style.time(item.start.as_ref()));
        if let Some(by) = &item.by {
            obr.put(16, (style.clinician)(by));
        }
        obr.set(24, if item.category == "imaging" { "RAD" } else { "LAB" })
            .put(27, parts(&["", "", "", "", "", priority]));
    }
    if Phase::of(item) != Phase::Cancelled {
        for (line, note) in item.note.lines().enumerate() {
            out.segment("NTE").set(1, &(line + 1).to_string()).set(3, note);
        }
    }
}

/// SCH: it stands before the patient.
pub(crate) fn schedule(item: &Item, style: &Style, out: &mut Builder) {
    let [booked, arrived, cancelled, unseen] = style.booking_status;
    let start = style.time(item.start.as_ref());
    let end = style.time(item.end.as_ref());
    let mut sch = out.segment("SCH");
    sch.put(1, Style::number(&item.placer, style.placer))
        .put(2, Style::number(&item.filler, style.filler))
        .put(7, parts(&["", &item.note]))
        .put(8, (style.code)(&item.code))
        .set(9, &minutes(item))
        .set(10, "MIN")
        .put(11, parts(&["", "", "", &start, &end]));
    if let Some(by) = &item.by {
        sch.put(16, (style.clinician)(by));
    }
    sch.set(
        25,
        match item.status.as_str() {
            "arrived" | "completed" => arrived,
            "cancelled" | "error" => cancelled,
            "noshow" => unseen,
            _ => booked,
        },
    );
}

/// How long it lasts, in whole minutes.
fn minutes(item: &Item) -> String {
    let read = |time: &Text| {
        let text = format!("{time:0<14}");
        jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text.get(..14)?).ok()
    };
    let between = item
        .start
        .as_ref()
        .and_then(read)
        .zip(item.end.as_ref().and_then(read));
    between
        .map(|(start, end)| start.duration_until(end).as_mins().to_string())
        .unwrap_or_default()
}

fn resources(item: &Item, style: &Style, out: &mut Builder) {
    let start = style.time(item.start.as_ref());
    out.segment("RGS").set(1, "1").set(2, "A");
    out.segment("AIS")
        .set(1, "1")
        .set(2, "A")
        .put(3, (style.code)(&item.code))
        .set(4, &start)
        .set(7, &minutes(item))
        .set(8, "MIN");
    if !item.place.is_empty() {
        out.segment("AIL")
            .set(1, "1")
            .set(2, "A")
            .set(3, &item.place)
            .set(6, &start);
    }
    if let Some(by) = &item.by {
        out.segment("AIP")
            .set(1, "1")
            .set(2, "A")
            .put(3, (style.clinician)(by))
            .set(6, &start);
    }
}

fn document(item: &Item, style: &Style, out: &mut Builder) {
    let content = item.content.as_deref();
    {
        let mut txa = out.segment("TXA");
        txa.set(1, "1")
            .put(2, (style.code)(&item.code))
            .set(
                3,
                if content.is_some_and(|held| held.media_type == "text/plain") {
                    "TX"
                } else {
                    "AP"
                },
            )
            .set(4, &style.time(item.start.as_ref()))
            .set(6, &style.time(item.recorded.as_ref()));
        if let Some(by) = &item.by {
            txa.put(5, (style.clinician)(by)).put(9, (style.clinician)(by));
        }
        txa.put(12, Style::number(&item.placer, style.placer))
            .set(
                17,
                match item.status.as_str() {
                    "error" | "cancelled" => "CA",
                    "preliminary" => "DI",
                    _ => "AU",
                },
            )
            .set(19, if item.status == "error" { "UN" } else { "AV" });
    }
    let Some(content) = content else { return };
    let text = (content.media_type == "text/plain")
        .then(|| decoded(&content.data))
        .flatten();
    let code = parts(&[&item.code.code, &item.code.text]);
    match text {
        Some(text) => {
            for (line, words) in text.lines().enumerate() {
                out.segment("OBX")
                    .set(1, &(line + 1).to_string())
                    .set(2, "TX")
                    .put(3, code.clone())
                    .set(5, words)
                    .set(11, "F");
            }
        }
        None => {
            let (kind, sub) = content
                .media_type
                .split_once('/')
                .unwrap_or(("application", "octet-stream"));
            out.segment("OBX")
                .set(1, "1")
                .set(2, "ED")
                .put(3, code)
                .put(5, parts(&["", kind, sub, "Base64", &content.data]))
                .set(11, "F");
        }
    }
}

fn decoded(data: &str) -> Option<String> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).ok()?;
    String::from_utf8(bytes).ok()
}

fn allergen_type(item: &Item) -> &'static str {
    match item.category.as_str() {
        "drug" => "DA",
        "food" => "FA",
        "environment" => "EA",
        _ => "MA",
    }
}

fn severity(item: &Item) -> &'static str {
    match item.severity.as_str() {
        "high" => "SV",
        "low" => "MI",
        _ => "",
    }
}

fn al1(item: &Item, style: &Style, out: &mut Builder) {
    let reaction = item.reactions.first().map(|reaction| {
        if reaction.text.is_empty() {
            reaction.code.as_str()
        } else {
            reaction.text.as_str()
        }
    });
    out.segment("AL1")
        .set(1, "1")
        .set(2, allergen_type(item))
        .put(3, (style.code)(&item.code))
        .set(4, severity(item))
        .set(5, reaction.unwrap_or_default())
        .set(6, &style.time(item.start.as_ref()));
}

fn iam(item: &Item, emission: &Emission<'_>, style: &Style, out: &mut Builder) {
    let action = match Phase::of(item) {
        Phase::New => "A",
        Phase::Changed => "U",
        Phase::Cancelled => "D",
    };
    let number = item.key.to_string();
    let mut iam = out.segment("IAM");
    iam.set(1, "1")
        .set(2, allergen_type(item))
        .put(3, (style.code)(&item.code))
        .set(4, severity(item));
    if let Some(reaction) = item.reactions.first() {
        iam.put(5, (style.code)(reaction));
    }
    iam.set(6, action)
        .set(
            7,
            if item.placer.is_empty() {
                &number
            } else {
                &item.placer
            },
        )
        .set(11, &style.time(item.start.as_ref()))
        .set(13, &time_to(emission.now, style.digits))
        .set(
            17,
            match item.status.as_str() {
                "inactive" | "resolved" => "I",
                "error" => "E",
                _ => "A",
            },
        );
}

fn prb(item: &Item, emission: &Emission<'_>, style: &Style, out: &mut Builder) {
    let (action, life) = match (Phase::of(item), item.status.as_str()) {
        (Phase::Cancelled, _) => ("DE", "Deleted"),
        (_, "resolved") => ("UP", "Resolved"),
        (_, "inactive") => ("UP", "Inactive"),
        (Phase::New, _) => ("AD", "Active"),
        (Phase::Changed, _) => ("UP", "Active"),
    };
    let number = item.key.to_string();
    out.segment("PRB")
        .set(1, action)
        .set(2, &time_to(emission.now, style.digits))
        .put(3, (style.code)(&item.code))
        .set(
            4,
            if item.placer.is_empty() {
                &number
            } else {
                &item.placer
            },
        )
        .set(7, &style.time(item.recorded.as_ref()))
        .set(9, &style.time(item.end.as_ref()))
        .set(14, life)
        .set(16, &style.time(item.start.as_ref()));
}

fn dg1(item: &Item, style: &Style, out: &mut Builder) {
    out.segment("DG1")
        .set(1, "1")
        .set(2, &item.code.system)
        .put(3, (style.code)(&item.code))
        .set(4, &item.code.text)
        .set(5, &style.time(item.start.as_ref()))
        .set(6, "W");
}

/// Half an hour unless somebody says otherwise.
pub(crate) fn usual_end(start: &str) -> Option<Text> {
    end_of(start, "30")
}
