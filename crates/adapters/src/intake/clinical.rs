//! Orders, bookings, documents, charges, allergies and problems out of the messages that carry them.
//!
//! Positions are the standard's; a product's own spelling of statuses and categories is told apart here, once.

use hl7v2::{Message, Segment};

use super::read::{clinician, coded, first, given, part, text};
use super::{Refusal, about, demographics, visit};
use crate::state::change::VisitAct;
use crate::state::item::{Content, Item, ItemKind};
use crate::state::person::Coded;
use crate::state::{Change, Text};
use crate::vendor::Reading;

/// Reads one of the clinical messages; the caller has checked that the product takes it.
pub(super) fn read(message: &Message<'_>, reading: &Reading) -> Result<Change, Refusal> {
    let mut change = about(message, reading)?;
    change.demographics = demographics::read(message, reading);
    let visit = visit::read(message, reading);
    if !visit.number.is_empty() {
        change.visit = Some((VisitAct::Refer, visit));
    }
    let header = message.header();
    let event = header.trigger_event();
    change.items = match &*header.message_code() {
        "SIU" => vec![booking(message, &event)?],
        "ORM" | "OML" => orders(message)?,
        "MDM" => vec![document(message, &event)?],
        "PPR" => problems(message, event == "PC3")?,
        "DFT" => charges(message)?,
        _ => Vec::new(),
    };
    Ok(change)
}

/// What an ADT message carries beside person and visit.
pub(super) fn beside(message: &Message<'_>) -> Vec<Item> {
    let allergies = message
        .segments()
        .filter(|segment| matches!(segment.id().as_str(), "AL1" | "IAM"));
    let mut items: Vec<Item> = allergies.filter_map(allergy).collect();
    items.extend(message.segments_named("DG1").filter_map(diagnosis));
    items
}

fn own(segment: Segment<'_>, field: usize) -> Text {
    given(text(segment.field(field))).unwrap_or_default()
}

fn code(segment: Segment<'_>, field: usize) -> Option<Coded> {
    given(first(segment.field(field), coded))
}

fn allergy(segment: Segment<'_>) -> Option<Item> {
    let iam = segment.id() == "IAM";
    let kind = own(segment, 2);
    let deleted = iam && own(segment, 6).eq_ignore_ascii_case("D");
    let status = match (deleted, own(segment, 17).to_ascii_uppercase().as_str()) {
        (true, _) => "error",
        (false, "I" | "INACTIVE") if iam => "inactive",
        (false, "E" | "R") if iam => "error",
        _ => "active",
    };
    let reactions = given(first(segment.field(5), coded));
    Some(Item {
        kind: ItemKind::Allergy,
        placer: if iam { own(segment, 7) } else { Text::default() },
        code: code(segment, 3)?,
        status: Text::const_new(status),
        category: Text::const_new(match kind.to_ascii_uppercase().as_str() {
            "DA" | "DRUG" | "MA" => "drug",
            "FA" | "FOOD" => "food",
            "EA" | "LA" | "AA" | "PA" | "ENVIRONMENT" => "environment",
            _ => "",
        }),
        severity: Text::const_new(match own(segment, 4).to_ascii_uppercase().as_str() {
            "SV" | "HIGH" | "SEVERE" => "high",
            "MO" | "MI" | "LOW" | "MILD" | "MODERATE" => "low",
            _ => "",
        }),
        start: given(text(segment.field(if iam { 11 } else { 6 }))),
        recorded: iam.then(|| own(segment, 13)).filter(|time| !time.is_empty()),
        reactions: reactions.into_iter().collect(),
        ..Item::default()
    })
}

fn diagnosis(segment: Segment<'_>) -> Option<Item> {
    let code = code(segment, 3).or_else(|| {
        let words = own(segment, 4);
        (!words.is_empty()).then(|| Coded {
            text: words,
            ..Coded::default()
        })
    })?;
    Some(Item {
        kind: ItemKind::Problem,
        code,
        category: Text::const_new("diagnosis"),
        status: Text::const_new("active"),
        start: given(text(segment.field(5))),
        by: given(first(segment.field(16), clinician)),
        ..Item::default()
    })
}

fn problems(message: &Message<'_>, deleted: bool) -> Result<Vec<Item>, Refusal> {
    let items: Vec<Item> = message
        .segments_named("PRB")
        .filter_map(|prb| {
            let gone = deleted || own(prb, 1).eq_ignore_ascii_case("DE");
            let life = given(first(prb.field(14), coded)).unwrap_or_default();
            let words = format!("{} {}", life.code, life.text).to_ascii_lowercase();
            let status = match () {
                () if gone => "error",
                () if words.contains("resolved") => "resolved",
                () if words.contains("inactive") => "inactive",
                () => "active",
            };
            Some(Item {
                kind: ItemKind::Problem,
                code: code(prb, 3)?,
                placer: own(prb, 4),
                category: Text::const_new("problem"),
                status: Text::const_new(status),
                start: given(text(prb.field(16))).or_else(|| given(text(prb.field(7)))),
                recorded: given(text(prb.field(2))),
                end: given(text(prb.field(9))),
                ..Item::default()
            })
        })
        .collect();
    if items.is_empty() {
        return Err(Refusal::error(
            "100",
            "PRB",
            "PRB: segment missing from a problem",
        ));
    }
    Ok(items)
}

/// Each FT1 is a line of the bill; a credit is a line of its own.
fn charges(message: &Message<'_>) -> Result<Vec<Item>, Refusal> {
    let mut charges = Vec::new();
    for ft1 in message.segments_named("FT1") {
        let Some(code) = code(ft1, 7) else {
            let place = format!("FT1[{}]-7", ft1.occurrence());
            return Err(Refusal::error("101", &place, "FT1-7: no code of what is charged"));
        };
        let credit = own(ft1, 6).eq_ignore_ascii_case("CD");
        charges.push(Item {
            kind: ItemKind::Charge,
            placer: own(ft1, 2),
            code,
            status: Text::const_new("billable"),
            category: Text::const_new(if credit { "credit" } else { "charge" }),
            severity: own(ft1, 10),
            start: given(text(ft1.field(4))),
            recorded: given(text(ft1.field(5))),
            by: given(first(ft1.field(20), clinician)),
            ..Item::default()
        });
    }
    if charges.is_empty() {
        return Err(Refusal::error("100", "FT1", "FT1: segment missing from a charge"));
    }
    Ok(charges)
}

fn orders(message: &Message<'_>) -> Result<Vec<Item>, Refusal> {
    let mut orders: Vec<Item> = Vec::new();
    let mut common = Item::default();
    for segment in message.segments() {
        match segment.id().as_str() {
            "ORC" => common = order(segment),
            "OBR" => {
                let Some(service) = code(segment, 4) else {
                    let place = format!("OBR[{}]-4", segment.occurrence());
                    return Err(Refusal::error("101", &place, "OBR-4: no service asked for"));
                };
                let mut item = common.clone();
                item.kind = ItemKind::Order;
                item.code = service;
                for (held, field) in [(&mut item.placer, 2), (&mut item.filler, 3)] {
                    let number = own(segment, field);
                    if !number.is_empty() {
                        *held = number;
                    }
                }
                item.start = given(text(segment.field(7))).or(item.start);
                item.category = section(&own(segment, 24));
                let priority = segment.field(27).component(6).text();
                item.severity = match (&*own(segment, 5), &*priority) {
                    ("", "") => item.severity,
                    ("", priority) => priority.into(),
                    (priority, _) => priority.into(),
                };
                item.by = item.by.or_else(|| given(first(segment.field(16), clinician)));
                orders.push(item);
            }
            "NTE" => {
                if let Some(order) = orders.last_mut() {
                    let line = segment.field(3).text();
                    if !order.note.is_empty() {
                        order.note.push('\n');
                    }
                    order.note.push_str(line.trim());
                }
            }
            _ => {}
        }
    }
    if orders.is_empty() {
        return Err(Refusal::error("100", "OBR", "OBR: segment missing from an order"));
    }
    if orders
        .iter()
        .any(|order| order.placer.is_empty() && order.filler.is_empty())
    {
        return Err(Refusal::error("101", "ORC-2", "ORC-2: an order without a number"));
    }
    Ok(orders)
}

fn order(orc: Segment<'_>) -> Item {
    let control = own(orc, 1);
    let status = own(orc, 5).to_ascii_uppercase();
    let plain = match (control.as_str(), status.as_str()) {
        ("CA" | "OC" | "CR" | "UC", _) | (_, "CA" | "CANCELED" | "CANCELLED") => "cancelled",
        ("DC" | "OD" | "DR", _) | (_, "DC" | "DISCONTINUED") => "cancelled",
        ("HD" | "OH", _) | (_, "HD") => "on-hold",
        (_, "CM" | "COMPLETED") => "completed",
        _ => "active",
    };
    Item {
        kind: ItemKind::Order,
        placer: own(orc, 2),
        filler: own(orc, 3),
        status: Text::const_new(plain),
        recorded: given(text(orc.field(9))),
        by: given(first(orc.field(12), clinician)),
        ..Item::default()
    }
}

/// What sort of service an order is for, by the section that does it.
pub(crate) fn section(code: &str) -> Text {
    Text::const_new(match code.to_ascii_uppercase().as_str() {
        "RAD" | "RX" | "CT" | "NMR" | "RUS" | "XRC" | "MRI" | "IMG" | "IMAGING" | "RADIOLOGY" => "imaging",
        "LAB" | "CH" | "HM" | "MB" | "BLB" | "SP" | "GLB" | "LABORATORY" => "laboratory",
        _ => "",
    })
}

fn booking(message: &Message<'_>, event: &str) -> Result<Item, Refusal> {
    let Some(sch) = message.segment("SCH") else {
        return Err(Refusal::error(
            "100",
            "SCH",
            "SCH: segment missing from a booking",
        ));
    };
    let detail = |segment: &str, field: usize| message.field(segment, field);
    let placer = own(sch, 1);
    let filler = own(sch, 2);
    if placer.is_empty() && filler.is_empty() {
        return Err(Refusal::error(
            "101",
            "SCH-1",
            "SCH-1: a booking without a number",
        ));
    }
    let timing = sch.field(11).repetition(1);
    let time = |text: Text| Some(text).filter(|text| !text.is_empty());
    let start = time(part(timing, 4)).or_else(|| given(text(detail("AIS", 4))));
    let said = own(sch, 25).to_ascii_uppercase();
    let status = match event {
        "S15" | "S16" => "cancelled",
        "S17" => "error",
        "S26" => "noshow",
        _ if said.starts_with("CANCEL") => "cancelled",
        _ if said.starts_with("ARR") || said.starts_with("CHECK") => "arrived",
        _ if said.starts_with("NOSHOW") || said.starts_with("NO SHOW") => "noshow",
        _ if said.starts_with("COMPLETE") => "completed",
        _ => "booked",
    };
    let service = given(first(detail("AIS", 3), coded))
        .or_else(|| code(sch, 8))
        .or_else(|| code(sch, 7));
    Ok(Item {
        kind: ItemKind::Booking,
        placer,
        filler,
        code: service.unwrap_or_default(),
        status: Text::const_new(status),
        end: time(part(timing, 5)).or_else(|| end_of(start.as_deref()?, &own(sch, 9))),
        start,
        by: given(first(detail("AIP", 3), clinician)),
        place: given(text(detail("AIL", 3))).unwrap_or_default(),
        note: given(first(sch.field(7), coded)).unwrap_or_default().text,
        ..Item::default()
    })
}

/// Start and minutes make an end.
pub(crate) fn end_of(start: &str, minutes: &str) -> Option<Text> {
    let minutes: i64 = minutes.trim().parse().ok()?;
    let digits: String = start.chars().take_while(char::is_ascii_digit).collect();
    let text = format!("{digits:0<14}");
    let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text.get(..14)?).ok()?;
    let end = civil.checked_add(jiff::Span::new().minutes(minutes)).ok()?;
    Some(end.strftime("%Y%m%d%H%M%S").to_string().into())
}

fn document(message: &Message<'_>, event: &str) -> Result<Item, Refusal> {
    let Some(txa) = message.segment("TXA") else {
        return Err(Refusal::error(
            "100",
            "TXA",
            "TXA: segment missing from a document",
        ));
    };
    let number = own(txa, 12);
    if number.is_empty() {
        return Err(Refusal::error(
            "101",
            "TXA-12",
            "TXA-12: a document without a number",
        ));
    }
    let completion = own(txa, 17).to_ascii_uppercase();
    let status = match event {
        "T11" => "error",
        _ if completion == "CA" => "error",
        _ if matches!(completion.as_str(), "AU" | "LA" | "DO" | "FI") => "final",
        _ => "preliminary",
    };
    let kind = code(txa, 2).unwrap_or_default();
    let content = content(
        message,
        if kind.text.is_empty() {
            &kind.code
        } else {
            &kind.text
        },
    );
    Ok(Item {
        kind: ItemKind::Document,
        placer: number,
        code: kind,
        status: Text::const_new(status),
        start: given(text(txa.field(4))),
        recorded: given(text(txa.field(6))).or_else(|| given(text(txa.field(7)))),
        by: given(first(txa.field(9), clinician)).or_else(|| given(first(txa.field(5), clinician))),
        content,
        ..Item::default()
    })
}

/// OBX lines as one document: bytes in ED as they are, lines of text together.
fn content(message: &Message<'_>, title: &str) -> Option<Box<Content>> {
    use base64::Engine;
    let mut lines: Vec<String> = Vec::new();
    for obx in message.segments_named("OBX") {
        let value = obx.field(5);
        if own(obx, 2) == "ED" {
            let part = |n: usize| value.component(n).text().into_owned();
            if part(4).eq_ignore_ascii_case("Base64") {
                return Some(Box::new(Content {
                    media_type: media_type(&part(2), &part(3)),
                    title: title.into(),
                    data: part(5),
                }));
            }
            lines.push(part(5));
        } else if value.is_valued() {
            lines.extend(value.repetitions().map(|line| line.text().into_owned()));
        }
    }
    (!lines.is_empty()).then(|| {
        Box::new(Content {
            media_type: Text::const_new("text/plain"),
            title: title.into(),
            data: base64::engine::general_purpose::STANDARD.encode(lines.join("\n")),
        })
    })
}

/// ED-2 and ED-3 as one media type.
fn media_type(kind: &str, subtype: &str) -> Text {
    match (
        kind.to_ascii_lowercase().as_str(),
        subtype.to_ascii_lowercase().as_str(),
    ) {
        (_, "pdf") | ("pdf", _) => Text::const_new("application/pdf"),
        (_, "html") => Text::const_new("text/html"),
        (_, "rtf") => Text::const_new("application/rtf"),
        (_, sub) if sub.contains('/') => sub.into(),
        ("", _) | (_, "") => Text::const_new("application/octet-stream"),
        (kind, sub) => compact_str::format_compact!("{kind}/{sub}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_and_minutes_make_an_end() {
        assert_eq!(end_of("202606011050", "30").as_deref(), Some("20260601112000"));
        assert_eq!(end_of("20260601105000", "x"), None);
    }

    #[test]
    fn lines_of_text_and_bytes_both_become_a_document() {
        let read = |obx: &str| {
            let text = format!(
                "MSH|^~\\&|A|B|||20260601||MDM^T02|1|P|2.3\rTXA|1|DS^Discharge summary|||||||||| D1\r{obx}"
            );
            let message = Message::parse(text.as_bytes()).unwrap();
            document(&message, "T02").unwrap().content.unwrap()
        };
        assert_eq!(read("OBX|1|TX|||One\rOBX|2|TX|||Two\r").data, "T25lClR3bw==");
        let pdf = read("OBX|1|ED|||^AP^PDF^Base64^JVBERg==\r");
        assert_eq!(
            (pdf.media_type.as_str(), pdf.data.as_str()),
            ("application/pdf", "JVBERg==")
        );
    }
}
