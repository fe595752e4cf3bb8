//! What the pharmacy segments build: an order, a supply, a dose given — each with its medicine and its dosage.
//!
//! A medicine of nothing but a code stands in the resource as a concept. Where a segment says more of it (a form,
//! a strength, a batch, ingredients) it is a Medication of the Bundle, which the resource refers to.

mod cells;
pub(crate) mod orc;
pub(crate) mod timing;

use fhir::{
    Dosage, DosageDoseAndRate, Extension, Medication, MedicationAdministration, MedicationDispense,
    MedicationIngredient, MedicationRequest, Quantity, Range, Ratio, Reference, Text,
};

use crate::back::Back;
use crate::context::Context;
use crate::datatype::concept;
use crate::entries::reference;
use crate::keep;
use crate::row::Extensible;
use crate::segment::{al1, msh, rxa};

/// The order, as RXO, RXE, RXR and TQ1 tell it.
#[derive(Default)]
pub(crate) struct Prescription {
    pub(crate) request: MedicationRequest,
    pub(crate) medication: Medication,
    pub(crate) dosage: Dosage,
    /// The dose that was asked for: from the least to the most.
    pub(crate) dose: Range,
    /// How fast it is given.
    pub(crate) rate: Option<Quantity>,
    /// The dose of TQ1-2.
    pub(crate) timed: Option<Quantity>,
}

/// The supply, as RXD tells it.
#[derive(Default)]
pub(crate) struct Supply {
    pub(crate) dispense: MedicationDispense,
    pub(crate) medication: Medication,
    pub(crate) dosage: Dosage,
}

/// The dose given, as RXA tells it.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) administration: MedicationAdministration,
    pub(crate) medication: Medication,
}

macro_rules! extensible_by {
    ($($name:ident . $member:ident)*) => {$(
        impl Extensible for $name {
            fn extensions(&self) -> &[Extension] {
                &self.$member.extension
            }
            fn extensions_mut(&mut self) -> &mut Vec<Extension> {
                &mut self.$member.extension
            }
        }
    )*};
}

extensible_by!(Prescription.request Supply.dispense Given.administration);

pub(crate) use self::cells::*;

/// What names a medicine.
pub(crate) trait Medicine: Extensible {
    fn medication(&self) -> &Medication;
    fn medication_mut(&mut self) -> &mut Medication;
}

macro_rules! medicine {
    ($($name:ident)*) => {$(
        impl Medicine for $name {
            fn medication(&self) -> &Medication {
                &self.medication
            }
            fn medication_mut(&mut self) -> &mut Medication {
                &mut self.medication
            }
        }
    )*};
}

medicine!(Prescription Supply Given);

/// What a dose was: table of Dosage.doseAndRate.type.
const DOSE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/dose-rate-type";
/// Marks the dose that stood in TQ1-2.
const TIMED: &str = "TQ1-2";

impl Prescription {
    /// The request as it stands in the Bundle.
    pub(crate) fn finish(mut self, key: &[&str], cx: &mut Context<'_>) -> Box<MedicationRequest> {
        let said = self.dose != Range::default() || self.rate.is_some();
        if said {
            self.dosage.dose_and_rate.push(DosageDoseAndRate {
                type_: Some(concept::of_code(DOSE_TYPE, "ordered", "Ordered")),
                dose_range: (self.dose != Range::default()).then(|| Box::new(self.dose)),
                rate_quantity: self.rate,
                ..DosageDoseAndRate::default()
            });
        }
        if let Some(quantity) = self.timed {
            self.dosage.dose_and_rate.push(timed(quantity));
        }
        if self.dosage != Dosage::default() {
            self.request.dosage_instruction.insert(0, self.dosage);
        }
        let refers = settle(self.medication, key, cx);
        (
            self.request.medication_codeable_concept,
            self.request.medication_reference,
        ) = refers;
        if self.request.status.is_none() {
            self.request.status = Some(Text::const_new("unknown"));
        }
        if self.request.intent.is_none() {
            self.request.intent = Some(Text::const_new("order"));
        }
        Box::new(self.request)
    }

    /// A further time at which the same medicine is taken.
    pub(crate) fn add_timing(&mut self, other: Self) {
        let mut dosage = other.dosage;
        dosage.extension.extend(other.request.extension);
        if let Some(quantity) = other.timed {
            dosage.dose_and_rate.push(timed(quantity));
        }
        if self.request.priority.is_none() {
            self.request.priority = other.request.priority;
            self.request.priority_element = other.request.priority_element;
        }
        if dosage != Dosage::default() {
            self.request.dosage_instruction.push(dosage);
        }
    }

    /// The rows' view of one further dosage.
    pub(crate) fn of_dosage(dosage: &Dosage, back: &Back<'_>) -> Self {
        let request = MedicationRequest {
            extension: dosage.extension.clone(),
            dosage_instruction: vec![dosage.clone()],
            ..MedicationRequest::default()
        };
        Self::of(&request, back)
    }

    /// What the rows wrote, taken apart again.
    pub(crate) fn of(request: &MedicationRequest, back: &Back<'_>) -> Self {
        let mut own = Self {
            medication: medication_of(
                request.medication_codeable_concept.as_ref(),
                request.medication_reference.as_ref(),
                back,
            ),
            request: request.clone(),
            dosage: request.dosage_instruction.first().cloned().unwrap_or_default(),
            ..Self::default()
        };
        for dose in std::mem::take(&mut own.dosage.dose_and_rate) {
            if keep::is_marked(&dose.extension, TIMED) {
                own.timed = dose.dose_quantity;
                continue;
            }
            if let Some(range) = dose.dose_range {
                own.dose = *range;
            } else if let Some(quantity) = dose.dose_quantity {
                own.dose.low = Some(quantity);
            }
            own.rate = dose.rate_quantity.or(own.rate);
        }
        own
    }
}

/// A dose of TQ1-2.
fn timed(quantity: Quantity) -> DosageDoseAndRate {
    DosageDoseAndRate {
        extension: vec![keep::mark(TIMED)],
        dose_quantity: Some(quantity),
        ..DosageDoseAndRate::default()
    }
}

impl Supply {
    /// The dispense as it stands in the Bundle.
    pub(crate) fn finish(mut self, key: &[&str], cx: &mut Context<'_>) -> Box<MedicationDispense> {
        if self.dosage != Dosage::default() {
            self.dispense.dosage_instruction.insert(0, self.dosage);
        }
        let refers = settle(self.medication, key, cx);
        (
            self.dispense.medication_codeable_concept,
            self.dispense.medication_reference,
        ) = refers;
        if self.dispense.status.is_none() {
            let handed = self.dispense.when_handed_over.is_some();
            self.dispense.status = Some(Text::const_new(if handed { "completed" } else { "unknown" }));
        }
        Box::new(self.dispense)
    }

    /// What the rows wrote, taken apart again.
    pub(crate) fn of(dispense: &MedicationDispense, back: &Back<'_>) -> Self {
        Self {
            medication: medication_of(
                dispense.medication_codeable_concept.as_ref(),
                dispense.medication_reference.as_ref(),
                back,
            ),
            dosage: dispense.dosage_instruction.first().cloned().unwrap_or_default(),
            dispense: dispense.clone(),
        }
    }
}

impl Given {
    /// The administration as it stands in the Bundle.
    pub(crate) fn finish(mut self, key: &[&str], cx: &mut Context<'_>) -> Box<MedicationAdministration> {
        let refers = settle(self.medication, key, cx);
        let given = &mut self.administration;
        (given.medication_codeable_concept, given.medication_reference) = refers;
        if given.status.is_none() {
            given.status = Some(Text::const_new("completed"));
            given.extension.push(keep::mark(rxa::UNSAID));
        }
        if given.effective_date_time.is_none() && given.effective_period.is_none() {
            given.effective_date_time_element = msh::absent();
        }
        // R4 has no dosage without a dose or a rate.
        if let Some(dosage) = &mut given.dosage
            && dosage.dose.is_none()
            && dosage.rate_quantity.is_none()
            && *dosage != fhir::MedicationAdministrationDosage::default()
        {
            dosage.dose = Some(unknown());
        }
        Box::new(self.administration)
    }

    /// What the rows wrote, taken apart again.
    pub(crate) fn of(given: &MedicationAdministration, back: &Back<'_>) -> Self {
        Self {
            medication: medication_of(
                given.medication_codeable_concept.as_ref(),
                given.medication_reference.as_ref(),
                back,
            ),
            administration: given.clone(),
        }
    }
}

/// The medicine as a concept when a code says all of it, else as an entry of the Bundle.
fn settle(
    mut medication: Medication,
    key: &[&str],
    cx: &mut Context<'_>,
) -> (Option<fhir::CodeableConcept>, Option<Reference>) {
    let code = medication.code.take();
    if medication == Medication::default() {
        // FHIR wants a medicine; one that was not said is absent, not guessed.
        let code = code.unwrap_or_else(al1::absent);
        return (Some(code), None);
    }
    medication.code = code;
    // R4 has no ratio with one side only.
    for one in &mut medication.ingredient {
        if let Some(ratio) = &mut one.strength {
            ratio.numerator.get_or_insert_with(unknown);
            ratio.denominator.get_or_insert_with(unknown);
        }
    }
    let id = cx.entries.unique_id("Medication", key);
    cx.entries.push(id, medication);
    (None, Some(reference(id)))
}

/// A quantity that FHIR requires and nobody said.
fn unknown() -> Quantity {
    let absent = Extension {
        url: Some(Text::const_new(msh::DATA_ABSENT)),
        value_code: Some(Text::const_new("unknown")),
        ..Extension::default()
    };
    Quantity {
        extension: vec![absent],
        ..Quantity::default()
    }
}

fn medication_of(
    concept: Option<&fhir::CodeableConcept>,
    refers: Option<&Reference>,
    back: &Back<'_>,
) -> Medication {
    match back.resolve::<Medication>(refers) {
        Some(found) => found.clone(),
        None => Medication {
            code: concept
                .cloned()
                .or_else(|| refers?.display.clone().map(concept::of_text)),
            ..Medication::default()
        },
    }
}

/// The strength of the medicine itself: its first ingredient, which is the medicine.
pub(crate) fn strength(medication: &mut Medication) -> &mut Ratio {
    let own = |one: &MedicationIngredient| one.item_codeable_concept.as_ref().is_some_and(is_itself);
    if !medication.ingredient.first().is_some_and(own) {
        let item = fhir::CodeableConcept {
            extension: vec![keep::mark(ITSELF)],
            text: medication.code.as_ref().and_then(words),
            ..fhir::CodeableConcept::default()
        };
        medication.ingredient.insert(
            0,
            MedicationIngredient {
                item_codeable_concept: Some(item),
                ..MedicationIngredient::default()
            },
        );
    }
    medication.ingredient[0].strength.get_or_insert_default()
}

/// The strength of the medicine itself, when it is known.
pub(crate) fn strength_of(medication: &Medication) -> Option<&Ratio> {
    let first = medication.ingredient.first()?;
    let itself = first.item_codeable_concept.as_ref().is_some_and(is_itself);
    first.strength.as_deref().filter(|_| itself)
}

/// The ingredients that RXC tells.
pub(crate) fn components(medication: &Medication) -> impl Iterator<Item = &MedicationIngredient> {
    let itself = |one: &&MedicationIngredient| !one.item_codeable_concept.as_ref().is_some_and(is_itself);
    medication.ingredient.iter().filter(itself)
}

/// Marks the ingredient that is the medicine itself.
const ITSELF: &str = "medicine";

fn is_itself(item: &fhir::CodeableConcept) -> bool {
    keep::is_marked(&item.extension, ITSELF)
}

/// What people call a concept.
pub(crate) fn words(concept: &fhir::CodeableConcept) -> Option<Text> {
    let shown = || concept.coding.iter().find_map(|coding| coding.display.clone());
    let coded = || concept.coding.iter().find_map(|coding| coding.code.clone());
    concept.text.clone().or_else(shown).or_else(coded)
}

#[cfg(test)]
mod tests;
