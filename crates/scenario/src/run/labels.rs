//! Labels and wristbands as data: what a printer would be sent for people in a bed, from what the target shows, against
//! what the source would have printed. Identifiers on labels are what failed first elsewhere.
//!
//! One page, A4, that prints: the four identifiers of a wristband (last name, first name, date of birth, NHS number in
//! three groups), the hospital number as text and as a bar code, ward and bed.

use std::fmt::Write as _;

use barcoders::sym::code128::Code128;
use hl7v2::nhs::NhsNumber;

use super::Runner;
use crate::RunError;
use crate::read::{self, Wanted};
use crate::reconcile::record::{Class, Record, Side};
use crate::report::{Table, escaped as e};
use crate::story::Step;

/// People printed unless the story says otherwise.
const LABELS: i64 = 12;
/// Letters of a name that fit on a band: ASSUMED.
const NAME_MAX: usize = 30;

/// What stands on one label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Label {
    number: String,
    nhs: String,
    name: String,
    born: String,
    place: String,
}

impl Label {
    /// From a person's record and the one of the bed they lie in.
    fn of(patient: &Record, stay: Option<&Record>) -> Self {
        let field = |name: &str| patient.fields.get(name).cloned().unwrap_or_default();
        let name = format!("{}, {}", field("family"), field("given"));
        let bed = stay.and_then(|stay| stay.fields.get("bed").cloned());
        Self {
            number: patient.key.clone(),
            nhs: grouped(&field("nhs-number")),
            name: name.chars().take(NAME_MAX).collect(),
            born: born(&field("birth-date")),
            place: bed.unwrap_or_default(),
        }
    }

    /// What is wrong with it as a label, whatever the source says.
    fn fault(&self) -> Option<&'static str> {
        if !self.nhs.is_empty() && NhsNumber::parse(&self.nhs).is_none() {
            return Some("the NHS number has no right check digit");
        }
        if self.born.is_empty() {
            return Some("no date of birth");
        }
        bars(&self.number)
            .is_none()
            .then_some("the number has no bar code")
    }
}

/// `999 123 4567`.
fn grouped(nhs: &str) -> String {
    match (nhs.get(..3), nhs.get(3..6), nhs.get(6..)) {
        (Some(first), Some(second), Some(third)) if nhs.len() == 10 => format!("{first} {second} {third}"),
        _ => nhs.to_owned(),
    }
}

/// `19-Aug-1947`, which nobody reads as a day of the ninth month.
fn born(date: &str) -> String {
    let date = date.parse::<jiff::civil::Date>();
    date.map_or_else(|_| String::new(), |date| date.strftime("%d-%b-%Y").to_string())
}

/// Code 128, set B: light and dark modules.
fn bars(number: &str) -> Option<Vec<u8>> {
    let code = Code128::new(format!("\u{181}{number}")).ok()?;
    Some(code.encode())
}

impl Runner<'_> {
    /// Prints labels for people in a bed, and compares each with what the source would have printed.
    pub(super) async fn labels(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let most = usize::try_from(step.number("people").unwrap_or(LABELS)).unwrap_or(0);
        let source = self.source()?;
        let (expected, _) = source.side(self.told);
        let wanted: Vec<Wanted> = source
            .wanted()
            .into_iter()
            .filter(|wanted| stay_of(&expected, &wanted.mrn).is_some())
            .take(most)
            .collect();
        let client = self.host.fhir(&system)?;
        let served = read::served(&client).await?;
        let read = read::everybody(&client, &served, &wanted).await?;
        let label = |side: &Side, mrn: &str| {
            let patient = side.records.get(&(Class::Patient, mrn.to_owned()));
            patient.map(|patient| Label::of(patient, stay_of(side, mrn)))
        };
        let pairs: Vec<(Label, Label)> = wanted
            .iter()
            .map(|wanted| {
                let before = label(&expected, &wanted.mrn).unwrap_or_default();
                (before, label(&read.side, &wanted.mrn).unwrap_or_default())
            })
            .collect();
        let wrong = pairs.iter().filter(|(before, after)| before != after).count();
        let faults: Vec<&str> = pairs.iter().filter_map(|(_, after)| after.fault()).collect();
        self.note(format!("{} labels and wristbands in labels.html", pairs.len()));
        self.expect(
            "labels printed from the target say what the source's said",
            wrong == 0 && !pairs.is_empty(),
            format!("{wrong} of {} differ; the table shows which", pairs.len()),
        );
        self.expect(
            "every label can be printed and scanned",
            faults.is_empty(),
            faults.join(", "),
        );
        self.report.tables.push(table(&pairs));
        let page = page(&pairs).into_bytes();
        self.report.files.insert("labels.html".to_owned(), page);
        Ok(())
    }
}

fn stay_of<'s>(side: &'s Side, mrn: &str) -> Option<&'s Record> {
    let stays = side
        .records
        .values()
        .filter(|record| record.class == Class::Inpatient);
    let mut theirs = stays.filter(|stay| stay.fields.get("patient").is_some_and(|whose| whose == mrn));
    theirs.next()
}

fn table(pairs: &[(Label, Label)]) -> Table {
    let rows = pairs.iter().map(|(before, after)| {
        let verdict = if before == after { "=same" } else { "!differs" };
        let of = |label: &Label| format!("{} {} {} {}", label.name, label.born, label.nhs, label.place);
        vec![after.number.clone(), of(before), of(after), verdict.to_owned()]
    });
    Table {
        title: "Labels and wristbands".to_owned(),
        note: "What a printer would be sent for people in a bed: from the source, and from what the target shows. The page \
               itself is labels.html."
            .to_owned(),
        head: ["number", "from the source", "from the target", ""].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

fn page(pairs: &[(Label, Label)]) -> String {
    let mut page = String::from(concat!(
        "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><title>Labels and wristbands</title><style>",
        "body{margin:10mm;font:11pt/1.25 system-ui,sans-serif;color:#000;background:#fff}",
        "h1{font-size:13pt;margin:0 0 2mm}p{margin:0 0 4mm;font-size:9pt}",
        ".band,.label{border:.3mm solid #000;border-radius:2mm;padding:2mm 3mm;break-inside:avoid;display:flex;gap:5mm}",
        ".band{width:180mm;margin:0 0 2mm}.label{width:66mm;font-size:9pt;margin:0 0 5mm}",
        "b{font-size:1.2em}svg{height:9mm;width:46mm;display:block}.right{margin-left:auto}",
        "@page{size:A4;margin:8mm}@media print{body{margin:0}}",
        "</style></head><body><h1>Labels and wristbands, a test page</h1>",
        "<p>Synthetic people. Print it on the printers of each ward, scan every bar code, and read every line aloud.</p>\n"
    ));
    for (_, label) in pairs {
        write_label(label, &mut page).expect("a String takes any text");
    }
    page.push_str("</body></html>\n");
    page
}

fn write_label(label: &Label, page: &mut String) -> std::fmt::Result {
    let bars = svg(&label.number);
    let (name, number) = (e(&label.name), e(&label.number));
    let nhs = if label.nhs.is_empty() {
        "not known".to_owned()
    } else {
        e(&label.nhs)
    };
    writeln!(
        page,
        "<div class=\"band\"><div><b>{name}</b><br>Born <b>{}</b><br>NHS number <b>{nhs}</b></div>\
         <div>Hospital number<br><b>{number}</b><br>{}</div><div class=\"right\">{bars}</div></div>",
        e(&label.born),
        e(&label.place)
    )?;
    writeln!(
        page,
        "<div class=\"label\"><div>{name}<br>{} · {nhs}<br>{number}{bars}</div></div>",
        e(&label.born)
    )
}

/// A bar code with the quiet zones a scanner needs.
fn svg(number: &str) -> String {
    let Some(modules) = bars(number) else {
        return String::new();
    };
    let mut paths = String::new();
    for (at, module) in modules.iter().enumerate() {
        if *module == 1 {
            write!(paths, "M{} 0h1v10h-1z", at + 10).expect("a String takes any text");
        }
    }
    format!(
        "<svg viewBox=\"0 0 {} 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"bar code of the number beside \
         it\"><path d=\"{paths}\"/></svg>",
        modules.len() + 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        let patient = Record::new(Class::Patient, "40000004")
            .with("family", "OKONKWO")
            .with("given", "MARGARET")
            .with("birth-date", "1947-08-19")
            .with("nhs-number", "9994100378");
        let stay = Record::new(Class::Inpatient, "V1").with("bed", "T07 T07B T07-12");
        Label::of(&patient, Some(&stay))
    }

    #[test]
    fn scenarios_25_a_label_says_who_somebody_is_so_that_nobody_can_misread_it() {
        let label = label();
        assert_eq!(label.nhs, "999 410 0378");
        assert_eq!(label.born, "19-Aug-1947");
        assert_eq!(label.fault(), None);
        let page = page(&[(label.clone(), label)]);
        assert!(page.contains("OKONKWO, MARGARET") && page.contains("T07 T07B T07-12"));
        assert_eq!(page.matches("<svg").count(), 2);
    }

    #[test]
    fn scenarios_25_a_label_that_would_mislead_is_found() {
        let wrong = |change: fn(&mut Label)| {
            let mut label = label();
            change(&mut label);
            label.fault()
        };
        assert!(wrong(|label| label.nhs = "999 410 0379".to_owned()).is_some());
        assert!(wrong(|label| label.born.clear()).is_some());
        assert!(wrong(|label| label.number = "4000000\u{2019}".to_owned()).is_some());
    }
}
