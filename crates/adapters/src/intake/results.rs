//! ORU^R01 into reports: each OBR opens one, the OBX below it are its observations, NTE lines theirs.

use hl7v2::{Message, Repetition, Segment};

use super::read::{clinician, coded, first, given, text};
use super::{Refusal, about, demographics, visit};
use crate::state::change::VisitAct;
use crate::state::report::{Observation, Report, Said};
use crate::state::{Change, Text};
use crate::vendor::Reading;

pub(super) fn read(message: &Message<'_>, reading: &Reading) -> Result<Change, Refusal> {
    if message.segments_named("PID").count() > 1 {
        return Err(Refusal::error(
            "207",
            "PID[2]",
            "PID[2]: results of more than one patient in one message",
        ));
    }
    let mut change = about(message, reading)?;
    change.demographics = demographics::read(message, reading);
    let visit = visit::read(message, reading);
    if !visit.number.is_empty() {
        change.visit = Some((VisitAct::Refer, visit));
    }
    let mut numbers = (Text::default(), Text::default());
    for segment in message.segments() {
        match segment.id().as_str() {
            "ORC" => numbers = (number(segment, 2), number(segment, 3)),
            "OBR" => {
                change
                    .reports
                    .push(report(segment, std::mem::take(&mut numbers))?);
            }
            "OBX" => match change.reports.last_mut() {
                Some(report) => report.observations.push(observation(segment)?),
                None => return Err(Refusal::error("100", "OBR", "OBR: segment missing before an OBX")),
            },
            "NTE" => {
                if let Some(observation) = change
                    .reports
                    .last_mut()
                    .and_then(|report| report.observations.last_mut())
                {
                    let note = segment.field(3).text();
                    if !note.trim().is_empty() {
                        observation.notes.push(note.trim().into());
                    }
                }
            }
            _ => {}
        }
    }
    if change.reports.is_empty() {
        return Err(Refusal::error("100", "OBR", "OBR: segment missing from a result"));
    }
    Ok(change)
}

fn number(segment: Segment<'_>, field: usize) -> Text {
    given(text(segment.field(field))).unwrap_or_default()
}

fn report(obr: Segment<'_>, (order_placer, order_filler): (Text, Text)) -> Result<Report, Refusal> {
    let Some(service) = given(first(obr.field(4), coded)) else {
        return Err(Refusal::error(
            "101",
            &format!("OBR[{}]-4", obr.occurrence()),
            "OBR-4: no service asked for",
        ));
    };
    let or = |own: Text, order: Text| if own.is_empty() { order } else { own };
    Ok(Report {
        placer: or(number(obr, 2), order_placer),
        filler: or(number(obr, 3), order_filler),
        service,
        observed: given(text(obr.field(7))),
        issued: given(text(obr.field(22))),
        section: number(obr, 24),
        status: number(obr, 25),
        ordered_by: given(first(obr.field(16), clinician)),
        ..Report::default()
    })
}

fn observation(obx: Segment<'_>) -> Result<Observation, Refusal> {
    let Some(code) = given(first(obx.field(3), coded)) else {
        let place = format!("OBX[{}]-3", obx.occurrence());
        return Err(Refusal::error("101", &place, "OBX-3: no observation identifier"));
    };
    let value = obx.field(5);
    let deleted = value.presence() == hl7v2::Presence::Null;
    Ok(Observation {
        code,
        sub_id: number(obx, 4),
        said: Said {
            value_type: number(obx, 2),
            value: if deleted || !value.is_valued() {
                Vec::new()
            } else {
                value.repetitions().map(components).collect()
            },
            units: given(first(obx.field(6), coded)),
            range: number(obx, 7),
            flag: number(obx, 8),
            // A null value takes the observation back, whatever its status says.
            status: if deleted {
                Text::const_new("D")
            } else {
                number(obx, 11)
            },
            observed: given(text(obx.field(14))),
        },
        ..Observation::default()
    })
}

fn components(repetition: Repetition<'_>) -> Vec<Text> {
    let mut parts: Vec<Text> = repetition
        .components()
        .map(|component| Text::from(&*component.text()))
        .collect();
    while parts.len() > 1 && parts.last().is_some_and(Text::is_empty) {
        parts.pop();
    }
    parts
}
