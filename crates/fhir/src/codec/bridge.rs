//! serde on top of the codec, for `serde_json` (the only format FHIR JSON has).
//!
//! A value is handed over as raw JSON in both directions, so decimals and unknown members pass unharmed.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use super::{Item, Reader, Writer};
use crate::limits::Limits;

pub(crate) fn serialize<T: Item, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut writer = Writer::default();
    if !value.write_item(&mut writer) {
        writer.raw("{}");
    }
    let text = String::from_utf8(writer.into_bytes()).map_err(ser::Error::custom)?;
    RawValue::from_string(text)
        .map_err(ser::Error::custom)?
        .serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Item + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let mut reader = Reader::new(raw.get().as_bytes(), Limits::DEFAULT).map_err(de::Error::custom)?;
    let value = T::read_item(&mut reader).map_err(de::Error::custom)?;
    Ok(value.unwrap_or_default())
}
