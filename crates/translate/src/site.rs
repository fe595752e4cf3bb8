//! What a site changes without recompiling: a closed list, checked against the tables before anything is translated.
//!
//! `drop` leaves a row out, `constant` sets a row's field whatever was sent, `vocabulary` puts a table of the site's
//! own in the place of ours, `extension` carries the field of a Z segment on the Patient or the Encounter, and the
//! settings choose where the guide leaves a choice. No expressions: whoever needs an `if` writes a row.

use std::collections::BTreeMap;

use hl7v2::Location;

use crate::dialect::{Dialect, DialectSetting};
use crate::settings::{AllergySeverity, Settings};
use crate::vocabulary::Vocabularies;

/// What a site changes, as it writes it: `[interface.override]` of a configuration, or a file of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Override {
    /// Rows to leave out, by name: `PID-19 > Patient.identifier`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Rows whose field always holds this ER7 text: `"PV1-2 > Encounter.class" = "I"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constant: BTreeMap<String, String>,
    /// Tables of the site's own, by name: the CSV text itself, or the path of a file that holds it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vocabulary: BTreeMap<String, String>,
    /// Fields of Z segments to carry as extensions: `"ZPI-3" = "Patient https://example.org/fhir/ward-colour"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extension: BTreeMap<String, String>,
    /// `reaction` or `criticality`: what AL1-4 means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allergy_severity: Option<String>,
    /// `source` or `derivation`: what SFT names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_role: Option<String>,
    /// Whether a vaccination refers to its visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vaccination_visit: Option<bool>,
    /// Whether the original message travels in the Bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carry_original: Option<bool>,
    /// Whether codes of the NHS data dictionary are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_codes: Option<bool>,
    /// Whether the primary language is the one to address the patient in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_language_preferred: Option<bool>,
    /// The choices of the dialects spoken, by name: `merge-event = "A40"`. `eprgw explain dialects` lists them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dialect: BTreeMap<String, String>,
}

/// One thing wrong with an override, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}{}", .nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
#[non_exhaustive]
pub struct OverrideError {
    /// The key at fault: `drop[0]`, `constant."PV1-2"`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
    /// The nearest spelling that would be right.
    pub nearest: Option<String>,
}

/// The field of a Z segment that becomes an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedField {
    /// Where it stands: `ZPI-3`.
    pub place: Location,
    /// On the Encounter rather than the Patient.
    pub of_visit: bool,
    /// The extension's address.
    pub url: String,
}

impl Override {
    /// Checks everything against the tables, and adds it to the settings.
    ///
    /// `read` gives the text of a file that a vocabulary names.
    ///
    /// # Errors
    ///
    /// Every [`OverrideError`] there is: a row, a table or a resource that is not there, a value that is none of
    /// those allowed, a file that cannot be read.
    pub fn apply(
        &self,
        mut settings: Settings,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Settings, Vec<OverrideError>> {
        let mut problems = Vec::new();
        let names: Vec<String> = crate::rows().iter().map(crate::RowInfo::name).collect();
        for (at, name) in self.drop.iter().enumerate() {
            match row(name, &names, &format!("drop[{at}]")) {
                Ok(()) => settings.drop_rows.push(name.clone()),
                Err(problem) => problems.push(problem),
            }
        }
        for (name, text) in &self.constant {
            match row(name, &names, &format!("constant.\"{name}\"")) {
                Ok(()) => settings.constants.push((name.clone(), text.clone())),
                Err(problem) => problems.push(problem),
            }
        }
        self.tables(&mut settings, read, &mut problems);
        for (place, value) in &self.extension {
            match carried(place, value) {
                Ok(field) => settings.carried.push(field),
                Err(problem) => problems.push(problem),
            }
        }
        self.choices(&mut settings, &mut problems);
        for (name, value) in &self.dialect {
            settings.dialect.push((name.clone(), value.clone()));
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    fn tables(
        &self,
        settings: &mut Settings,
        read: &dyn Fn(&str) -> Result<String, String>,
        problems: &mut Vec<OverrideError>,
    ) {
        let Ok(embedded) = Vocabularies::embedded() else {
            return;
        };
        let known: Vec<&'static str> = embedded.all().iter().map(|(name, _)| *name).collect();
        for (name, value) in &self.vocabulary {
            let key = format!("vocabulary.{name}");
            if !known.contains(&name.as_str()) {
                let nearest = nearest(name, known.iter().copied());
                problems.push(problem(key, "there is no such vocabulary", nearest));
                continue;
            }
            let text = if value.contains('\n') {
                Ok(value.clone())
            } else {
                read(value)
            };
            match text {
                Ok(text) => match Vocabularies::embedded().map(|mut all| all.replace(name, text.clone())) {
                    Ok(Err(error)) | Err(error) => problems.push(problem(key, &error.to_string(), None)),
                    Ok(Ok(())) => settings.vocabulary.push((name.clone(), text)),
                },
                Err(error) => problems.push(problem(key, &error, None)),
            }
        }
    }

    /// Checks the choices for dialects against those that are spoken: one of them must know the setting, and every
    /// one that knows it must take the value.
    pub fn dialect_problems(&self, spoken: &[&Dialect]) -> Vec<OverrideError> {
        let mut problems = Vec::new();
        for (name, value) in &self.dialect {
            let key = format!("dialect.{name}");
            let all = || spoken.iter().flat_map(|dialect| dialect.settings);
            let mut known = all().filter(|setting| setting.name == name).peekable();
            if known.peek().is_none() {
                let nearest = nearest(name, all().map(|setting| setting.name));
                let message =
                    "no dialect spoken here has such a setting; `eprgw explain dialects` lists them";
                problems.push(problem(key, message, nearest));
                continue;
            }
            let refuses = |setting: &&DialectSetting| {
                !setting.values.is_empty() && !setting.values.contains(&value.as_str())
            };
            if let Some(setting) = known.find(refuses) {
                problems.push(choice(&key, value, setting.values));
            }
        }
        problems
    }

    fn choices(&self, settings: &mut Settings, problems: &mut Vec<OverrideError>) {
        match self.allergy_severity.as_deref() {
            None => {}
            Some("reaction") => settings.allergy_severity = AllergySeverity::Reaction,
            Some("criticality") => settings.allergy_severity = AllergySeverity::Criticality,
            Some(other) => problems.push(choice("allergy-severity", other, &["reaction", "criticality"])),
        }
        match self.software_role.as_deref() {
            None => {}
            Some("source") => settings.software_is_source = true,
            Some("derivation") => settings.software_is_source = false,
            Some(other) => problems.push(choice("software-role", other, &["source", "derivation"])),
        }
        let pairs = [
            (self.vaccination_visit, &mut settings.vaccination_visit),
            (self.carry_original, &mut settings.carry_original),
            (self.nhs_codes, &mut settings.nhs_codes),
            (
                self.primary_language_preferred,
                &mut settings.primary_language_preferred,
            ),
        ];
        for (chosen, setting) in pairs {
            if let Some(chosen) = chosen {
                *setting = chosen;
            }
        }
    }
}

fn row(name: &str, names: &[String], key: &str) -> Result<(), OverrideError> {
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    // A field alone names its first row.
    let of_field = names.iter().find(|known| known.split(" > ").next() == Some(name));
    let nearest = of_field
        .cloned()
        .or_else(|| nearest(name, names.iter().map(String::as_str)));
    let message = "no row is called that; `eprgw explain` lists the rows of a field";
    Err(problem(key.to_owned(), message, nearest))
}

fn carried(place: &str, value: &str) -> Result<CarriedField, OverrideError> {
    let fail =
        |message: &str, nearest: Option<String>| problem(format!("extension.{place}"), message, nearest);
    let at: Location = place
        .parse()
        .map_err(|_| fail("is no place in a message; write ZPI-3", None))?;
    if !at.segment.as_str().starts_with('Z') || at.field == 0 {
        let message = "only a field of a Z segment can be carried: every other field has a row";
        return Err(fail(message, None));
    }
    let (resource, url) = value
        .split_once(' ')
        .ok_or_else(|| fail("needs a resource and an address: `Patient https://…`", None))?;
    let of_visit = match resource {
        "Patient" => false,
        "Encounter" => true,
        other => {
            let nearest = nearest(other, ["Patient", "Encounter"].into_iter());
            return Err(fail("can be carried on Patient or Encounter", nearest));
        }
    };
    if !url.contains(':') {
        return Err(fail("needs an address with a scheme: https://…", None));
    }
    Ok(CarriedField {
        place: at,
        of_visit,
        url: url.trim().to_owned(),
    })
}

fn choice(key: &str, written: &str, allowed: &[&str]) -> OverrideError {
    let message = format!("`{written}` is none of {}", allowed.join(", "));
    problem(
        key.to_owned(),
        &message,
        nearest(written, allowed.iter().copied()),
    )
}

fn problem(key: String, message: &str, nearest: Option<String>) -> OverrideError {
    OverrideError {
        key,
        message: message.to_owned(),
        nearest,
    }
}

/// The candidate closest to what was written, if one is close enough to have been meant.
fn nearest<'c>(written: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    let lower = written.to_lowercase();
    candidates
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3).max(2))
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use fhir::{Immunization, Patient};
    use hl7v2::Message;

    use super::*;
    use crate::dialect::STANDARD;
    use crate::testing::{all, first, message};
    use crate::{Ledger, Outcome, Translator};

    fn none(_: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }

    fn translate(site: &Override, er7: &[u8]) -> (fhir::Bundle, Ledger) {
        let settings = site.apply(Settings::default(), &none).expect("a good override");
        let translator = Translator::new(settings).expect("its tables are checked");
        let mut ledger = Ledger::new();
        let message = Message::parse(er7).expect("a message");
        let bundle = translator.to_fhir(&message, &STANDARD, Some(&mut ledger));
        (bundle, ledger)
    }

    #[test]
    fn a_row_is_left_out_and_a_field_is_set() {
        let site = Override {
            drop: vec!["PID-7 > Patient.birthDate".into()],
            constant: [("PID-8 > Patient.gender".to_owned(), "F".to_owned())].into(),
            ..Override::default()
        };
        let er7 = message("A28", &["PID|1||7^^^RYJ^MR||Example^Ada||19700102|M"]);
        let (bundle, ledger) = translate(&site, &er7);
        let patient: &Patient = first(&bundle);
        assert!(patient.birth_date.is_none());
        assert_eq!(patient.gender.as_deref(), Some("female"));
        let outcome = |place: &str| {
            let line = ledger
                .lines
                .iter()
                .find(|line| line.location.to_string() == place);
            line.map(|line| line.outcome)
        };
        assert_eq!(
            outcome("PID-7.1.1").or(outcome("PID-7")),
            Some(Outcome::IgnoredByRule)
        );
        assert_eq!(
            outcome("PID-8.1.1").or(outcome("PID-8")),
            Some(Outcome::Defaulted)
        );
        let (bundle, _) = translate(&site, &message("A28", &["PID|1||7^^^RYJ^MR||Example^Ada"]));
        assert_eq!(
            first::<Patient>(&bundle).gender.as_deref(),
            Some("female"),
            "whatever was sent"
        );
    }

    #[test]
    fn a_z_field_is_carried_and_a_table_replaced() {
        let site = Override {
            extension: [(
                "ZPI-3".to_owned(),
                "Patient https://example.org/fhir/colour".to_owned(),
            )]
            .into(),
            vocabulary: [(
                "0001-administrative-sex".to_owned(),
                "hl7_code,fhir_code,display\nW,female,Female\n".to_owned(),
            )]
            .into(),
            ..Override::default()
        };
        let (bundle, _) = translate(
            &site,
            &message("A28", &["PID|1||7^^^RYJ^MR||Example^Ada|||W", "ZPI|1||Blue"]),
        );
        let patient: &Patient = first(&bundle);
        assert_eq!(patient.gender.as_deref(), Some("female"));
        let carried = patient
            .extension
            .iter()
            .find(|e| e.url.as_deref() == Some("https://example.org/fhir/colour"));
        assert_eq!(carried.and_then(|e| e.value_string.as_deref()), Some("Blue"));
    }

    #[test]
    fn a_choice_is_made() {
        let site = Override {
            vaccination_visit: Some(false),
            carry_original: Some(false),
            ..Override::default()
        };
        let er7 = message(
            "V04",
            &[
                "PID|1||7^^^RYJ^MR",
                "PV1|1|O",
                "ORC|RE|1",
                "RXA|0|1|2026||1^V^CVX|1",
            ],
        );
        let (bundle, _) = translate(&site, &er7);
        assert!(first::<Immunization>(&bundle).encounter.is_none());
        assert!(all::<fhir::DocumentReference>(&bundle).is_empty());
    }

    #[test]
    fn a_choice_in_a_dialect_must_be_one_of_all_that_know_it() {
        fn speaking(settings: &'static [DialectSetting]) -> Dialect {
            Dialect {
                name: "some",
                title: "",
                source_note: "",
                recognise: |_| 0,
                settings,
                rules: &[],
            }
        }
        let merge = |values: &'static [&'static str]| DialectSetting {
            name: "merge-event",
            values,
            default: "A34",
            why: "",
        };
        let wide = speaking(Box::leak(Box::new([merge(&["A34", "A40"])])));
        let narrow = speaking(Box::leak(Box::new([merge(&["A34"])])));
        let site = |name: &str, value: &str| Override {
            dialect: [(name.to_owned(), value.to_owned())].into(),
            ..Override::default()
        };
        assert!(
            site("merge-event", "A40")
                .dialect_problems(&[&STANDARD, &wide])
                .is_empty()
        );
        for (name, value, spoken, nearest) in [
            ("merge-event", "A4O", &[&wide][..], Some("A40")),
            ("merge-event", "A40", &[&wide, &narrow], Some("A34")),
            ("merg-event", "A40", &[&wide], Some("merge-event")),
            ("merge-event", "A40", &[&STANDARD], None),
        ] {
            let found = site(name, value).dialect_problems(spoken);
            assert_eq!(found.len(), 1, "{name} {value}");
            assert_eq!(found[0].key, format!("dialect.{name}"));
            assert_eq!(found[0].nearest.as_deref(), nearest, "{name} {value}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_nearest_spelling() {
        let site = Override {
            drop: vec!["PID-8 > Patient.gendr".into(), "PID-7".into()],
            vocabulary: [("0001-administrative-sx".to_owned(), "sex.csv".to_owned())].into(),
            extension: [
                ("ZPI-3".to_owned(), "Pateint https://example.org".to_owned()),
                ("PID-3".to_owned(), "Patient https://example.org".to_owned()),
            ]
            .into(),
            allergy_severity: Some("reactions".into()),
            ..Override::default()
        };
        let problems = site.apply(Settings::default(), &none).unwrap_err();
        let nearest: Vec<Option<&str>> = problems.iter().map(|one| one.nearest.as_deref()).collect();
        assert_eq!(
            nearest,
            [
                Some("PID-8 > Patient.gender"),
                Some("PID-7 > Patient.birthDate"),
                Some("0001-administrative-sex"),
                None,
                Some("Patient"),
                Some("reaction"),
            ]
        );
        let said = problems[0].to_string();
        assert!(
            said.contains("drop[0]") && said.contains("did you mean"),
            "{said}"
        );
    }
}
