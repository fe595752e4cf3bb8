//! Code tables: HL7 v2 codes to FHIR codes and back.
//!
//! One CSV file per HL7 table (and purpose) lies in `crates/translate/vocabulary/`; the files are embedded,
//! parsed and checked once, when a [`Translator`](crate::Translator) is built. A code that is not in its
//! table is not an error here: the rows pass it through and say so.
//!
//! A file starts with `#` comments (`# system: URI` gives the code system of every line), then a header
//! `hl7_code,fhir_code,display` with two optional columns: `system` (overrides the file's) and `use`
//! (`read` for an alias that is never written back). Lines are sorted by `hl7_code`, and of several lines
//! with the same FHIR code exactly one may be written back: both are checked, so the way back is never a guess.

pub mod system;

/// One line of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The HL7 v2 code.
    pub hl7: &'static str,
    /// The FHIR code it means.
    pub fhir: &'static str,
    /// The FHIR code's display, perhaps empty.
    pub display: &'static str,
    /// The FHIR code system, perhaps empty.
    pub system: &'static str,
    /// True for an alias: read, never written back.
    pub alias: bool,
}

/// One parsed and checked table.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// The HL7 table number, or another short name: `0001`.
    pub table: &'static str,
    codes: Vec<Code>,
}

/// Why a table was refused: which file, which line, what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("vocabulary {file}, line {line}: {problem}")]
#[non_exhaustive]
pub struct VocabularyError {
    /// The file's name without folder and ending.
    pub file: String,
    /// The line, 1-based; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Vocabulary {
    /// Parses and checks one table; `file` is its name without ending, the table number its first four characters.
    ///
    /// # Errors
    ///
    /// [`VocabularyError`] when a column is missing, a line is out of order or doubled, or two lines would be
    /// written back for one FHIR code.
    pub fn parse(file: &'static str, text: &'static str) -> Result<Self, VocabularyError> {
        let fail = |line: usize, problem: &str| VocabularyError {
            file: file.to_owned(),
            line,
            problem: problem.to_owned(),
        };
        let mut system = "";
        let mut columns: Option<Columns> = None;
        let mut codes: Vec<Code> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some(uri) = comment.trim().strip_prefix("system:") {
                    system = uri.trim();
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            let cells = split(line).ok_or_else(|| fail(index + 1, "a quotation mark is not closed"))?;
            let Some(columns) = &columns else {
                columns = Some(Columns::find(&cells).ok_or_else(|| {
                    fail(
                        index + 1,
                        "the header needs the columns hl7_code,fhir_code,display",
                    )
                })?);
                continue;
            };
            let code = columns.code(&cells, system);
            if code.hl7.is_empty() || code.fhir.is_empty() {
                return Err(fail(index + 1, "hl7_code and fhir_code may not be empty"));
            }
            if codes.last().is_some_and(|last| last.hl7 >= code.hl7) {
                return Err(fail(
                    index + 1,
                    "lines must be sorted by hl7_code, each code once",
                ));
            }
            codes.push(code);
        }
        for (index, code) in codes.iter().enumerate() {
            let same = |other: &&Code| !other.alias && other.fhir == code.fhir && other.system == code.system;
            if !code.alias && codes.iter().take(index).any(|other| same(&other)) {
                return Err(fail(
                    0,
                    &format!("{} is written back by two lines: mark one `read`", code.fhir),
                ));
            }
        }
        let number = file.split('-').next().filter(|first| first.len() == 4);
        let table = number.unwrap_or(file);
        Ok(Self { table, codes })
    }

    /// The line of an HL7 code.
    #[must_use]
    pub fn to_fhir(&self, hl7: &str) -> Option<&Code> {
        let found = self.codes.binary_search_by(|code| code.hl7.cmp(hl7));
        found.ok().and_then(|index| self.codes.get(index))
    }

    /// The line to write back for a FHIR code; an empty `system` matches any.
    #[must_use]
    pub fn to_hl7(&self, system: &str, fhir: &str) -> Option<&Code> {
        self.codes
            .iter()
            .find(|code| !code.alias && code.fhir == fhir && (system.is_empty() || code.system == system))
    }

    /// Every line, sorted by HL7 code.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }
}

/// Where the columns stand in this file.
struct Columns {
    hl7: usize,
    fhir: usize,
    display: usize,
    system: Option<usize>,
    usage: Option<usize>,
}

impl Columns {
    fn find(cells: &[&'static str]) -> Option<Self> {
        let at = |name: &str| cells.iter().position(|cell| *cell == name);
        Some(Self {
            hl7: at("hl7_code")?,
            fhir: at("fhir_code")?,
            display: at("display")?,
            system: at("system"),
            usage: at("use"),
        })
    }

    fn code(&self, cells: &[&'static str], system: &'static str) -> Code {
        let at = |index: usize| cells.get(index).copied().unwrap_or("");
        let own = self.system.map_or("", at);
        Code {
            hl7: at(self.hl7),
            fhir: at(self.fhir),
            display: at(self.display),
            system: if own.is_empty() { system } else { own },
            alias: self.usage.is_some_and(|index| at(index) == "read"),
        }
    }
}

/// Splits one CSV line; a quoted cell may hold commas, not quotation marks.
fn split(line: &'static str) -> Option<Vec<&'static str>> {
    let mut cells = Vec::with_capacity(5);
    let mut rest = line;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (cell, after) = quoted.split_once('"')?;
            cells.push(cell);
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => return after.is_empty().then_some(cells),
            }
        } else if let Some((cell, more)) = rest.split_once(',') {
            cells.push(cell);
            rest = more;
        } else {
            cells.push(rest);
            return Some(cells);
        }
    }
}

macro_rules! vocabularies {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        /// Every table, by name.
        #[derive(Clone, Debug)]
        pub struct Vocabularies {
            $($(#[$doc])* pub $name: Vocabulary,)*
        }

        impl Vocabularies {
            /// Parses and checks every embedded table.
            ///
            /// # Errors
            ///
            /// The first [`VocabularyError`] found.
            pub fn embedded() -> Result<Self, VocabularyError> {
                Ok(Self {
                    $($name: Vocabulary::parse(
                        $file,
                        include_str!(concat!("../../vocabulary/", $file, ".csv")),
                    )?,)*
                })
            }

            /// Puts a site's own table in the place of the embedded one of that name.
            ///
            /// The text is kept for the life of the process.
            ///
            /// # Errors
            ///
            /// [`VocabularyError`] when there is no table of that name or the text is refused.
            pub fn replace(&mut self, file: &str, text: String) -> Result<(), VocabularyError> {
                match file {
                    $($file => {
                        self.$name = Vocabulary::parse($file, Box::leak(text.into_boxed_str()))?;
                        Ok(())
                    })*
                    _ => Err(VocabularyError {
                        file: file.to_owned(),
                        line: 0,
                        problem: "there is no such vocabulary".to_owned(),
                    }),
                }
            }

            /// Every table with its file name, for explaining.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &Vocabulary)> {
                vec![$(($file, &self.$name),)*]
            }
        }
    };
}

vocabularies! {
    /// Patient.gender.
    administrative_sex = "0001-administrative-sex";
    /// Patient.maritalStatus.
    marital_status = "0002-marital-status";
    /// Encounter.status by trigger event.
    event_status = "0003-encounter-status";
    /// Appointment.status by trigger event.
    event_appointment = "0003-appointment-status";
    /// Encounter.class.
    encounter_class = "0004-encounter-class";
    /// Encounter.status by patient class.
    class_status = "0004-encounter-status";
    /// The patient-religion extension.
    religion = "0006-religion";
    /// Encounter.type.
    admission_type = "0007-admission-type";
    /// MessageHeader.response.code.
    response_code = "0008-response-code";
    /// Encounter.hospitalization.specialArrangement.
    ambulatory_status = "0009-ambulatory-status";
    /// ServiceRequest.status by order status.
    order_status = "0038-order-status";
    /// Encounter.diagnosis.use.
    diagnosis_type = "0052-diagnosis-type";
    /// Provenance.reason.
    event_reason = "0062-event-reason";
    /// RelatedPerson.relationship.
    relationship = "0063-relationship";
    /// Encounter.serviceType.
    hospital_service = "0069-hospital-service";
    /// DiagnosticReport.category.
    service_section = "0074-diagnostic-service-section";
    /// Observation.interpretation.
    interpretation = "0078-interpretation";
    /// Observation, nature of abnormal test.
    abnormal_nature = "0080-nature-of-abnormal-test";
    /// Observation.status.
    observation_status = "0085-observation-status";
    /// Encounter.hospitalization.reAdmission.
    readmission = "0092-readmission";
    /// Meta.tag.
    processing_id = "0103-processing-id";
    /// Location.operationalStatus.
    bed_status = "0116-bed-status";
    /// ServiceRequest.status by order control.
    order_control = "0119-order-control";
    /// DiagnosticReport.status.
    result_status = "0123-result-status";
    /// AllergyIntolerance.category.
    allergy_category = "0127-allergy-category";
    /// AllergyIntolerance.type.
    allergy_type = "0127-allergy-type";
    /// AllergyIntolerance.criticality.
    criticality = "0128-allergy-criticality";
    /// AllergyIntolerance.reaction.severity.
    reaction_severity = "0128-reaction-severity";
    /// A contact's role.
    contact_role = "0131-contact-role";
    /// MedicationRequest.substitution.
    substitution = "0161-substitution";
    /// Dosage.route.
    route = "0162-route";
    /// Dosage.method.
    administration_method = "0165-administration-method";
    /// The UK Core ethnic category.
    ethnic_category = "0189-ethnic-category";
    /// Address.type.
    address_type = "0190-address-type";
    /// Address.use.
    address_use = "0190-address-use";
    /// HumanName.use.
    name_type = "0200-name-type";
    /// ContactPoint.use.
    telecom_use = "0201-telecom-use";
    /// ContactPoint.system.
    telecom_system = "0202-telecom-system";
    /// Identifier.type.
    identifier_type = "0203-identifier-type";
    /// Encounter.priority.
    visit_priority = "0217-visit-priority";
    /// DocumentReference.docStatus.
    document_completion = "0271-document-completion";
    /// DocumentReference.securityLabel.
    document_confidentiality = "0272-document-confidentiality";
    /// DocumentReference.status.
    document_availability = "0273-document-availability";
    /// Appointment.reasonCode.
    appointment_reason = "0276-appointment-reason";
    /// Appointment.appointmentType.
    appointment_type = "0277-appointment-type";
    /// Appointment.status.
    appointment_status = "0278-appointment-status";
    /// Appointment.participant.status.
    participation_status = "0278-participation-status";
    /// Patient.communication.language, and that of a related person.
    language = "0296-primary-language";
    /// Identifier.type of a universal id.
    universal_id_type = "0301-universal-id-type";
    /// The living-will Observation.
    living_will = "0315-living-will";
    /// The status of what was administered.
    completion_status = "0322-completion-status";
    /// Timing.code.
    repeat_pattern = "0335-repeat-pattern";
    /// OperationOutcome.issue.code.
    issue_type = "0357-issue-type";
    /// Practitioner.qualification.
    degree = "0360-degree";
    /// Specimen.container.additive.
    additive = "0371-additive";
    /// Coding.system.
    coding_system = "0396-coding-system";
    /// Encounter, mode of arrival.
    arrival_mode = "0430-mode-of-arrival";
    /// A participant's type.
    provider_role = "0443-provider-role";
    /// HumanName, assembly order.
    assembly_order = "0444-name-assembly-order";
    /// The UK Core NHS number verification status.
    nhs_number_status = "0445-nhs-number-status";
    /// ServiceRequest.locationCode.
    order_type = "0482-order-type";
    /// ServiceRequest.priority.
    priority = "0485-priority";
    /// Specimen.type.
    specimen_type = "0487-specimen-type";
    /// Specimen.collection.method.
    collection_method = "0488-collection-method";
    /// Specimen.condition.
    specimen_condition = "0493-specimen-condition";
    /// OperationOutcome.issue.severity.
    issue_severity = "0516-issue-severity";
    /// A body site.
    body_part = "0550-body-part";
    /// NHS admission method.
    nhs_admission_method = "nhs-admission-method";
    /// NHS discharge destination.
    nhs_discharge_destination = "nhs-discharge-destination";
    /// NHS discharge method.
    nhs_discharge_method = "nhs-discharge-method";
    /// NHS treatment function.
    nhs_treatment_function = "nhs-treatment-function";
    /// NHS source of admission.
    nhs_source_of_admission = "nhs-source-of-admission";
    /// NHS organisation codes.
    ods = "ods-organisation";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_table_is_sorted_and_writes_back_one_code() {
        let all = Vocabularies::embedded().unwrap();
        assert_eq!(all.administrative_sex.to_fhir("2").unwrap().fhir, "female");
        assert_eq!(all.administrative_sex.to_hl7("", "female").unwrap().hl7, "F");
        assert_eq!(all.interpretation.to_fhir("HH").unwrap().fhir, "HH");
        for (file, vocabulary) in all.all() {
            for code in vocabulary.codes().iter().filter(|code| !code.alias) {
                let back = vocabulary.to_hl7(code.system, code.fhir).map(|code| code.hl7);
                assert_eq!(back, Some(code.hl7), "{file}");
            }
        }
    }

    #[test]
    fn a_bad_table_is_refused_with_file_and_line() {
        let unsorted = Vocabulary::parse("9999-x", "hl7_code,fhir_code,display\nB,b,\nA,a,\n").unwrap_err();
        assert_eq!((unsorted.file.as_str(), unsorted.line), ("9999-x", 3));
        let twice = Vocabulary::parse("9999-x", "hl7_code,fhir_code,display\nA,x,\nB,x,\n").unwrap_err();
        assert!(twice.problem.contains("written back by two lines"));
        assert!(Vocabulary::parse("9999-x", "code,display\nA,x\n").is_err());
        assert!(Vocabulary::parse("9999-x", "hl7_code,fhir_code,display\n\"A,x,\n").is_err());
    }

    #[test]
    fn a_site_replaces_a_table_by_name() {
        let mut all = Vocabularies::embedded().unwrap();
        let text = "hl7_code,fhir_code,display\nW,female,Female\n".to_owned();
        all.replace("0001-administrative-sex", text).unwrap();
        assert_eq!(all.administrative_sex.to_fhir("W").unwrap().fhir, "female");
        assert!(all.replace("0001-sex", String::new()).is_err());
    }
}
