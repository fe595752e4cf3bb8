//! SFT to Device and MessageHeader.source, and back. Guide: "Segment SFT to Device", "… to MessageHeader".

use fhir::{Annotation, Device, DeviceDeviceName, DeviceVersion, Extension, MessageHeader, Text};

use crate::datatype::time;
use crate::keep;
use crate::row::{SegmentMap, write_nothing};

/// Marks a device that stood in SFT.
pub(crate) const SOFTWARE: &str = "SFT";
/// R5's date of installation, adopted early by the guide.
const INSTALLED: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Device.version.installDate";

/// SFT to MessageHeader: the first one's name and version; the Device writes them back.
pub(crate) static HEADER: SegmentMap<MessageHeader> = {
    type Row = crate::row::Row<MessageHeader>;
    SegmentMap {
        segment: "SFT",
        resource: "MessageHeader",
        rows: &[
            Row::new(
                2,
                "source.version",
                |field, header, cx| {
                    let source = header.source.get_or_insert_default();
                    if source.version.is_none() {
                        source.version = cx.take(field, "");
                    }
                },
                write_nothing,
            ),
            Row::new(
                3,
                "source.software",
                |field, header, cx| {
                    let source = header.source.get_or_insert_default();
                    if source.software.is_none() {
                        source.software = cx.take(field, "");
                        header.extension.push(keep::mark("SFT-3"));
                    }
                },
                write_nothing,
            ),
        ],
    }
};

/// SFT to Device.
pub(crate) static SFT: SegmentMap<Device> = {
    type Row = crate::row::Row<Device>;
    SegmentMap {
        segment: "SFT",
        resource: "Device",
        rows: &[
            text!(1, "manufacturer", manufacturer),
            Row::new(
                2,
                "version.value",
                |field, device, cx| {
                    if let Some(value) = cx.take(field, "") {
                        device.version.push(DeviceVersion {
                            value: Some(value),
                            ..DeviceVersion::default()
                        });
                    }
                },
                |device, field, _| {
                    let version = device.version.first().and_then(|one| one.value.as_ref());
                    field.repetition().optional(1, version);
                },
            ),
            Row::new(
                3,
                "deviceName.name",
                |field, device, cx| {
                    if let Some(name) = cx.take(field, "") {
                        device.device_name.push(DeviceDeviceName {
                            name: Some(name),
                            type_: Some(Text::const_new("manufacturer-name")),
                            ..DeviceDeviceName::default()
                        });
                    }
                },
                |device, field, _| {
                    let name = device.device_name.first().and_then(|one| one.name.as_ref());
                    field.repetition().optional(1, name);
                },
            ),
            text!(4, "modelNumber", model_number),
            Row::new(
                5,
                "note.text",
                |field, device, cx| {
                    if let Some(text) = cx.take(field, "") {
                        device.note.push(Annotation {
                            text: Some(text),
                            ..Annotation::default()
                        });
                    }
                },
                |device, field, _| {
                    let text = device.note.first().and_then(|note| note.text.as_ref());
                    field.repetition().optional(1, text);
                },
            ),
            Row::new(
                6,
                "version.extension(installDate)",
                |field, device, cx| {
                    let Some(version) = device.version.first_mut() else {
                        keep::read_field(field, device, cx);
                        return;
                    };
                    if let Some(when) = time::date_time(field, cx, "") {
                        version.extension.push(Extension {
                            url: Some(Text::const_new(INSTALLED)),
                            value_date_time: Some(when),
                            ..Extension::default()
                        });
                    }
                },
                |device, field, back| {
                    keep::write_field(device, field, back);
                    let found = device
                        .version
                        .first()
                        .into_iter()
                        .flat_map(|version| &version.extension);
                    let mut found = found.filter(|e| e.url.as_deref() == Some(INSTALLED));
                    let when = found.find_map(|e| e.value_date_time.as_deref());
                    if field.is_empty() {
                        time::put(when, field, back);
                    }
                },
            ),
        ],
    }
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, comes_back, first};

    #[test]
    fn the_software_is_a_device_of_the_source() {
        let sft = "SFT|Maker Ltd|5.1|PAS|B77|Second site|20250102";
        let bundle = comes_back("A01", &[sft, "SFT|Other^L^^^^^XX|1|Engine", PID], &["SFT"]);
        let source = first::<MessageHeader>(&bundle).source.as_ref().unwrap();
        assert_eq!(source.software.as_deref(), Some("PAS"));
        assert_eq!(source.version.as_deref(), Some("5.1"));
        assert_eq!(first::<fhir::Provenance>(&bundle).entity.len(), 2, "one each");
        let written = crate::testing::back(&bundle);
        assert_eq!(written[0].matches("PAS").count(), 1, "MSH-24 stays as it was");
    }
}
