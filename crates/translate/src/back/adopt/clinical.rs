//! Clinical resources of others: what a row expects somewhere else, or as several.
//!
//! Safety first: an allergy that is refuted and a diagnosis that was entered in error must not read as true ones.

use fhir::{
    AllergyIntolerance, Bundle, BundleEntry, CodeableConcept, Coding, Condition, DiagnosticReport, Dosage,
    Immunization, MedicationRequest, MessageHeader, Observation, Patient, Procedure, Reference,
    RelatedPerson, Resource, ResourceType, ServiceRequest, Text, Timing,
};

use super::{of_type, urls};
use crate::datatype::{concept, value};
use crate::keep;
use crate::segment::iam;
use crate::segment::medicine::timing;
use crate::vocabulary::system;

/// LOINC: what a conclusion is an answer to.
const CONCLUSION: (&str, &str, &str) = ("http://loinc.org", "55110-1", "Conclusions");

pub(super) fn settle(bundle: &mut Bundle) {
    contacts(bundle);
    panels(bundle);
    reports(bundle);
    if !is_adt(bundle) {
        loose(bundle);
    }
    each(bundle, allergy);
    each(bundle, condition);
    each(bundle, procedure);
    each(bundle, prescription);
    each(bundle, request);
    bundle.entry.retain(|entry| !never_happened(entry));
}

fn each<T: ResourceType>(bundle: &mut Bundle, settle: impl Fn(&mut T)) {
    bundle.entry.iter_mut().filter_map(of_type::<T>).for_each(settle);
}

fn all<'b, T: ResourceType>(bundle: &'b Bundle) -> impl Iterator<Item = (&'b BundleEntry, &'b T)> {
    let of = |entry: &'b BundleEntry| Some((entry, entry.resource.as_ref()?.as_type::<T>()?));
    bundle.entry.iter().filter_map(of)
}

/// What an entry's resource is called, and a reference to it.
fn reference(entry: &BundleEntry) -> Reference {
    Reference {
        reference: urls(entry).next().map(Text::from),
        ..Reference::default()
    }
}

fn entry(url: String, resource: impl Into<Resource>) -> BundleEntry {
    BundleEntry {
        full_url: Some(Text::from(url)),
        resource: Some(resource.into()),
        ..BundleEntry::default()
    }
}

fn is_adt(bundle: &Bundle) -> bool {
    let mut headers = all::<MessageHeader>(bundle);
    let code = |header: &MessageHeader| header.event_coding.as_ref()?.code.clone();
    headers.any(|(_, header)| code(header).is_some_and(|code| code.starts_with('A')))
}

/// A patient's contact is next of kin, where no RelatedPerson is it already.
fn contacts(bundle: &mut Bundle) {
    let kin: Vec<RelatedPerson> = all::<RelatedPerson>(bundle).map(|(_, one)| one.clone()).collect();
    let known = |name: &fhir::HumanName| {
        let mut names = kin.iter().flat_map(|one| &one.name);
        names.any(|one| one.family == name.family && one.given == name.given)
    };
    let mut found = Vec::new();
    for (at, patient) in all::<Patient>(bundle) {
        for (number, contact) in patient.contact.iter().enumerate() {
            if contact.name.as_ref().is_some_and(known) {
                continue;
            }
            let person = RelatedPerson {
                patient: Some(reference(at)),
                relationship: contact.relationship.clone(),
                name: contact.name.iter().cloned().collect(),
                telecom: contact.telecom.clone(),
                address: contact.address.iter().cloned().collect(),
                gender: contact.gender.clone(),
                period: contact.period.clone(),
                ..RelatedPerson::default()
            };
            let url = urls(at).next().unwrap_or_default();
            found.push(entry(format!("{url}#contact-{number}"), person));
        }
    }
    bundle.entry.extend(found);
}

/// Components that answer questions of their own are observations of their own.
fn panels(bundle: &mut Bundle) {
    let mut parts: Vec<(String, Vec<BundleEntry>)> = Vec::new();
    for at in &mut bundle.entry {
        let names: Vec<String> = urls(at).collect();
        let Some(url) = names.first().cloned() else {
            continue;
        };
        let Some(panel) = of_type::<Observation>(at) else {
            continue;
        };
        let own = |one: &fhir::ObservationComponent| one.code.is_some() && one.code != panel.code;
        if !panel.component.iter().any(own) {
            continue;
        }
        let components = std::mem::take(&mut panel.component);
        let mut made = Vec::new();
        for (number, component) in components.into_iter().enumerate() {
            let mut one = panel.clone();
            one.id = None;
            one.identifier.clear();
            one.note.clear();
            one.has_member.clear();
            value::clear(&mut one);
            one.code = component.code.clone();
            one.interpretation.clone_from(&component.interpretation);
            one.reference_range.clone_from(&component.reference_range);
            one.data_absent_reason.clone_from(&component.data_absent_reason);
            value::of(component, &mut one);
            made.push(entry(format!("{url}#component-{number}"), one));
        }
        let members = made.iter().map(reference);
        panel.has_member.extend(members);
        parts.extend(names.into_iter().map(|name| (name, made.clone())));
    }
    let mut seen = std::collections::HashSet::new();
    for (name, made) in &parts {
        for report in bundle.entry.iter_mut().filter_map(of_type::<DiagnosticReport>) {
            let named = |one: &Reference| one.reference.as_deref() == Some(name);
            if let Some(place) = report.result.iter().position(named) {
                let members = made.iter().map(reference);
                report.result.splice(place + 1..=place, members);
            }
        }
    }
    let new = parts.into_iter().flat_map(|(_, made)| made);
    let new: Vec<BundleEntry> = new.filter(|one| seen.insert(one.full_url.clone())).collect();
    bundle.entry.extend(new);
}

/// What a report concludes and what it shows are results, too.
fn reports(bundle: &mut Bundle) {
    let mut found = Vec::new();
    for at in &mut bundle.entry {
        let url = urls(at).next().unwrap_or_default();
        let Some(report) = of_type::<DiagnosticReport>(at) else {
            continue;
        };
        let result = |code: Option<CodeableConcept>| Observation {
            status: report.status.clone(),
            code,
            subject: report.subject.clone(),
            ..Observation::default()
        };
        let (system, code, display) = CONCLUSION;
        let asked = || Some(concept::of_code(system, code, display));
        let mut made = Vec::new();
        if let Some(conclusion) = &report.conclusion {
            made.push(Observation {
                value_string: Some(conclusion.clone()),
                ..result(asked())
            });
        }
        for code in &report.conclusion_code {
            made.push(Observation {
                value_codeable_concept: Some(code.clone()),
                ..result(asked())
            });
        }
        for form in &report.presented_form {
            made.push(Observation {
                extension: vec![value::attachment_extension(Box::new(form.clone()))],
                ..result(report.code.clone())
            });
        }
        for (number, one) in made.into_iter().enumerate() {
            let one = entry(format!("{url}#result-{number}"), one);
            report.result.push(reference(&one));
            found.push(one);
        }
    }
    bundle.entry.extend(found);
}

/// An observation that no report holds is a report of itself: an OBX needs an OBR that says what was observed.
fn loose(bundle: &mut Bundle) {
    let reports = all::<DiagnosticReport>(bundle).flat_map(|(_, report)| &report.result);
    let members = all::<Observation>(bundle).flat_map(|(_, panel)| &panel.has_member);
    let asked = all::<ServiceRequest>(bundle).flat_map(|(_, request)| &request.supporting_info);
    let told = all::<MedicationRequest>(bundle).flat_map(|(_, one)| &one.supporting_information);
    let reactions = all::<Immunization>(bundle).flat_map(|(_, one)| &one.reaction);
    let reactions = reactions.filter_map(|one| one.detail.as_ref());
    let claimed = reports.chain(members).chain(asked).chain(told).chain(reactions);
    let claimed: std::collections::HashSet<&str> =
        claimed.filter_map(|one| one.reference.as_deref()).collect();
    let mut found = Vec::new();
    let mut said = std::collections::HashSet::new();
    for (at, one) in all::<Observation>(bundle) {
        let about = !one.focus.is_empty() || !one.part_of.is_empty();
        if about || urls(at).any(|url| claimed.contains(url.as_str())) {
            continue;
        }
        let mut report = DiagnosticReport {
            based_on: one.based_on.clone(),
            status: one.status.clone(),
            code: one.code.clone(),
            subject: one.subject.clone(),
            encounter: one.encounter.clone(),
            effective_date_time: one.effective_date_time.clone(),
            effective_period: one.effective_period.clone(),
            issued: one.issued.clone(),
            specimen: one.specimen.iter().cloned().collect(),
            ..DiagnosticReport::default()
        };
        let own = one.has_member.is_empty() || value::of_observation(one).is_some();
        report.result.extend(own.then(|| reference(at)));
        report.result.extend(one.has_member.iter().cloned());
        let url = urls(at).next().unwrap_or_default();
        if !own && one.note.is_empty() {
            // The report says all that the panel did.
            said.insert(url.clone());
        } else if !own {
            report.result.insert(0, reference(at));
        }
        found.push(entry(format!("{url}#report"), report));
    }
    bundle
        .entry
        .retain(|entry| !urls(entry).next().is_some_and(|url| said.contains(&url)));
    bundle.entry.extend(found);
}

fn coded(table: &str, code: &str) -> Coding {
    Coding {
        system: Some(system::concat(system::TABLE, table)),
        code: Some(Text::from(code)),
        ..Coding::default()
    }
}

/// AL1 cannot say that an allergy is not one: what is no plain active allergy stands in IAM with its status.
fn allergy(one: &mut AllergyIntolerance) {
    let says = |status: &Option<CodeableConcept>, code: &str| {
        let mut codings = status.iter().flat_map(|status| &status.coding);
        codings.any(|coding| coding.code.as_deref() == Some(code))
    };
    let verification = [
        ("entered-in-error", "E"),
        ("refuted", "E"),
        ("unconfirmed", "U"),
        ("presumed", "U"),
    ];
    let clinical = [("inactive", "I"), ("resolved", "I")];
    let found = |status: &Option<CodeableConcept>, codes: &[(&str, &'static str)]| {
        let mut codes = codes.iter().filter(|(code, _)| says(status, code));
        codes.next().map(|(_, state)| *state)
    };
    let wrong = found(&one.verification_status, &verification);
    let over = found(&one.clinical_status, &clinical);
    let (status, state) = match (wrong, over) {
        (Some("E"), _) | (Some(_), None) => (&mut one.verification_status, wrong),
        (_, Some(_)) => (&mut one.clinical_status, over),
        (None, None) => return,
    };
    if let (Some(status), Some(state)) = (status, state) {
        status.coding.push(coded("0438", state));
    }
    if wrong == Some("E") {
        one.clinical_status = None;
    } else if over.is_some() {
        one.verification_status = None;
    }
    one.extension.push(keep::mark(iam::IAM_PLACE));
}

/// DG1-21 takes back what was never so.
fn condition(one: &mut Condition) {
    let status = one.verification_status.iter().flat_map(|status| &status.coding);
    let mut codes = status.filter_map(|coding| coding.code.as_deref());
    if codes.any(|code| matches!(code, "entered-in-error" | "refuted")) {
        one.extension.push(keep::carry_text(DIAGNOSIS_ACTION, DELETE));
    }
}

/// Table 0206: delete.
const DELETE: Text = Text::const_new("D");
const DIAGNOSIS_ACTION: &str = "DG1-21";
const PROCEDURE_ACTION: &str = "PR1-20";

fn procedure(one: &mut Procedure) {
    if one.status.as_deref() == Some("entered-in-error") {
        one.extension.push(keep::carry_text(PROCEDURE_ACTION, DELETE));
    }
}

/// A procedure that was not done has no segment that says so.
fn never_happened(entry: &BundleEntry) -> bool {
    let procedure = entry.resource.as_ref().and_then(Resource::as_type::<Procedure>);
    procedure.is_some_and(|one| matches!(one.status.as_deref(), Some("not-done" | "preparation")))
}

fn request(one: &mut ServiceRequest) {
    let told = one.patient_instruction.clone().map(|text| fhir::Annotation {
        text: Some(text),
        ..fhir::Annotation::default()
    });
    one.note.extend(told);
    if let Some(timing) = &mut one.occurrence_timing {
        name_pattern(timing);
    }
}

fn prescription(one: &mut MedicationRequest) {
    for dosage in &mut one.dosage_instruction {
        if let Some(timing) = &mut dosage.timing {
            name_pattern(timing);
        }
        as_needed(dosage);
        one.note
            .extend(dosage.patient_instruction.clone().map(|text| fhir::Annotation {
                text: Some(text),
                ..fhir::Annotation::default()
            }));
    }
}

/// Table 0335 from a frequency: twice a day is BID, every six hours Q6H.
fn name_pattern(timing: &mut Timing) {
    let Some(repeat) = timing.repeat.as_ref().filter(|_| timing.code.is_none()) else {
        return;
    };
    let unit = repeat.period_unit.as_deref();
    let (Some(unit), Some(period)) = (unit, repeat.period.as_ref()) else {
        return;
    };
    let code = match (repeat.frequency.unwrap_or(1), period.as_str(), unit) {
        (1, "1", "d") => "QD".to_owned(),
        (2, "1", "d") => "BID".to_owned(),
        (3, "1", "d") => "TID".to_owned(),
        (4, "1", "d") => "QID".to_owned(),
        (times, "1", "d") => format!("{times}ID"),
        (1, count, "h") => format!("Q{count}H"),
        (1, count, "min") => format!("Q{count}M"),
        (1, count, "d") => format!("Q{count}D"),
        (1, count, "wk") => format!("Q{count}W"),
        (1, count, "mo") => format!("Q{count}L"),
        _ => return,
    };
    timing.code = Some(concept::of_text(Text::from(code)));
}

/// TQ1-3 says that something is taken when it is needed; beside a pattern TQ1-10 does.
fn as_needed(dosage: &mut Dosage) {
    let reason = dosage.as_needed_codeable_concept.as_ref().and_then(|reason| {
        let display = || reason.coding.first().and_then(|coding| coding.display.clone());
        reason.text.clone().or_else(display)
    });
    if dosage.as_needed_boolean != Some(true) && reason.is_none() {
        return;
    }
    let timing = dosage.timing.get_or_insert_default();
    if timing.code.is_none() {
        timing.code = Some(concept::of_text(Text::const_new("PRN")));
        if reason.is_none() {
            return;
        }
    }
    let mut words = Text::const_new("PRN");
    if let Some(reason) = reason {
        words.push_str(" for ");
        words.push_str(&reason);
    }
    let mut told = concept::of_text(words);
    told.extension.push(keep::mark(timing::CONDITION));
    dosage.additional_instruction.push(told);
}

#[cfg(test)]
mod tests {
    use crate::testing::back_of;

    const PATIENT: &str = r#"{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"value":"7"}],"name":[{"family":"Example"}],
        "contact":[{"name":{"family":"Example","given":["Tom"]},"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"N"}]}]}]}}"#;

    fn with(resource: &str) -> Vec<String> {
        back_of(&format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{PATIENT},{{"fullUrl":"urn:uuid:2","resource":{resource}}}]}}"#
        ))
    }

    fn line<'l>(lines: &'l [String], id: &str) -> &'l str {
        let mut found = lines.iter().filter(|line| line.starts_with(id));
        found.next().map_or("", String::as_str)
    }

    #[test]
    fn a_refuted_allergy_does_not_read_as_one() {
        let allergy = |status: &str, verified: &str| {
            with(&format!(
                r#"{{"resourceType":"AllergyIntolerance","clinicalStatus":{{"coding":[{{"code":"{status}"}}]}},
                "verificationStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"{verified}"}}]}},
                "code":{{"text":"Penicillin"}},"patient":{{"reference":"urn:uuid:1"}}}}"#
            ))
        };
        let lines = allergy("active", "confirmed");
        assert_eq!(line(&lines, "AL1"), "AL1|1||^Penicillin");
        for (status, verified, state) in [
            ("active", "refuted", "E"),
            ("resolved", "confirmed", "I"),
            ("active", "unconfirmed", "U"),
        ] {
            let lines = allergy(status, verified);
            assert_eq!(line(&lines, "AL1"), "", "{status} {verified}");
            let iam = line(&lines, "IAM");
            let said = iam.split('|').nth(17).unwrap_or_default();
            assert!(said.contains(&format!("{state}^^HL70438")), "{iam}");
        }
    }

    #[test]
    fn a_diagnosis_entered_in_error_is_taken_back() {
        let lines = with(
            r#"{"resourceType":"Condition","verificationStatus":{"coding":[{"code":"entered-in-error"}]},"code":{"text":"Asthma"},"subject":{"reference":"urn:uuid:1"}}"#,
        );
        assert_eq!(line(&lines, "DG1").split('|').nth(21), Some("D"));
        let lines = with(
            r#"{"resourceType":"Procedure","status":"not-done","code":{"text":"Biopsy"},"subject":{"reference":"urn:uuid:1"}}"#,
        );
        assert_eq!(line(&lines, "PR1"), "");
    }

    #[test]
    fn components_keep_their_codes() {
        let lines = with(
            r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"urn:uuid:1"},
            "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120.0}},
              {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80}}]}"#,
        );
        assert_eq!(line(&lines, "OBR"), "OBR|1|||85354-9^^LN|||||||||||||||||||||F");
        let observed: Vec<&String> = lines.iter().filter(|line| line.starts_with("OBX")).collect();
        assert_eq!(
            observed,
            [
                "OBX|1|NM|8480-6^^LN||120.0||||||F",
                "OBX|2|NM|8462-4^^LN||80||||||F"
            ]
        );
    }

    #[test]
    fn what_a_report_concludes_and_shows_is_a_result() {
        let lines = with(
            r#"{"resourceType":"DiagnosticReport","status":"final","code":{"text":"Chest film"},"subject":{"reference":"urn:uuid:1"},
            "conclusion":"No fracture","presentedForm":[{"contentType":"application/pdf","data":"JVBE"}]}"#,
        );
        assert!(line(&lines, "OBX|1").starts_with("OBX|1|ST|55110-1^Conclusions^LN||No fracture"));
        assert!(line(&lines, "OBX|2").contains("^Base64^JVBE"), "{lines:?}");
    }

    #[test]
    fn a_contact_is_next_of_kin_once() {
        let lines = with(
            r#"{"resourceType":"RelatedPerson","patient":{"reference":"urn:uuid:1"},"name":[{"family":"Example","given":["Tom"]}]}"#,
        );
        assert_eq!(lines.iter().filter(|line| line.starts_with("NK1")).count(), 1);
        let lines = with(
            r#"{"resourceType":"Flag","status":"active","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"}}"#,
        );
        assert!(
            line(&lines, "NK1").starts_with("NK1|1|Example^Tom^^^^^L|||||N^"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_frequency_has_the_name_that_a_pharmacist_reads() {
        let dose = |timing: &str| {
            with(&format!(
                r#"{{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{{"text":"Paracetamol"}},"subject":{{"reference":"urn:uuid:1"}},
                "dosageInstruction":[{{"asNeededBoolean":true,"timing":{{"repeat":{timing}}}}}]}}"#
            ))
        };
        let lines = dose(r#"{"frequency":4,"period":1,"periodUnit":"d"}"#);
        let fields: Vec<&str> = line(&lines, "TQ1").split('|').collect();
        assert_eq!(
            (fields.get(3), fields.get(10)),
            (Some(&"QID"), Some(&"PRN")),
            "{lines:?}"
        );
        let lines = dose(r#"{"frequency":1,"period":6,"periodUnit":"h"}"#);
        assert_eq!(line(&lines, "TQ1").split('|').nth(3), Some("Q6H"));
    }
}
