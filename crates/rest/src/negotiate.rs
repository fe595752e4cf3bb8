//! Which format an answer takes: `_format`, then `Accept`, then the service's habit.

/// A format of FHIR on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `application/fhir+json`
    #[default]
    Json,
    /// `application/fhir+xml`
    Xml,
}

impl Format {
    /// The media type of an answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json; charset=utf-8",
            Self::Xml => "application/fhir+xml; charset=utf-8",
        }
    }
}

/// What a client says it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It asks for one of FHIR's formats.
    Format(Format),
    /// It says nothing, or `*/*`.
    Anything,
    /// It asks only for what FHIR has no name for.
    Unknown,
}

impl Wanted {
    /// Reads the `_format` parameter and the `Accept` header; the parameter wins.
    pub(crate) fn read(format: Option<&str>, accept: Option<&str>) -> Self {
        if let Some(format) = format {
            // A plus sign in a URL is a space to most decoders: application/fhir json.
            return media(&format.replace(' ', "+"));
        }
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
            return Self::Anything;
        };
        let mut best = (0, Self::Unknown);
        for range in accept.split(',') {
            let mut parts = range.split(';');
            let wanted = media(parts.next().unwrap_or_default());
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1000, thousandths);
            // An explicit format beats a wildcard of the same weight.
            let rank = weight * 2 + u32::from(matches!(wanted, Self::Format(_)));
            if wanted != Self::Unknown && weight > 0 && rank > best.0 {
                best = (rank, wanted);
            }
        }
        best.1
    }
}

fn media(text: &str) -> Wanted {
    let text = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match text.as_str() {
        "json" | "application/json" | "application/fhir+json" | "application/json+fhir" | "text/json" => {
            Wanted::Format(Format::Json)
        }
        "xml" | "application/xml" | "application/fhir+xml" | "application/xml+fhir" | "text/xml" => {
            Wanted::Format(Format::Xml)
        }
        "*/*" | "application/*" | "" => Wanted::Anything,
        _ => Wanted::Unknown,
    }
}

/// A weight such as `0.8` in thousandths; what is no weight counts fully.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(fraction)) => (whole * 1000 + fraction).min(1000),
        _ => 1000,
    }
}

/// Whether a body of this content type is FHIR JSON; a missing one is taken for it.
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    content_type.is_none_or(|text| matches!(media(text), Wanted::Format(Format::Json) | Wanted::Anything))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_wins_over_the_header() {
        assert_eq!(
            Wanted::read(Some("xml"), Some("application/json")),
            Wanted::Format(Format::Xml)
        );
        assert_eq!(
            Wanted::read(Some("application/fhir json"), None),
            Wanted::Format(Format::Json)
        );
        assert_eq!(Wanted::read(Some("turtle"), Some("*/*")), Wanted::Unknown);
    }

    #[test]
    fn the_header_is_weighed() {
        let cases = [
            ("application/fhir+json", Wanted::Format(Format::Json)),
            (
                "application/fhir+xml;q=0.9, application/json;q=0.8",
                Wanted::Format(Format::Xml),
            ),
            (
                "application/fhir+xml;q=0.5, */*;q=0.1, application/fhir+json",
                Wanted::Format(Format::Json),
            ),
            ("*/*, application/json", Wanted::Format(Format::Json)),
            ("text/html, */*;q=0.8", Wanted::Anything),
            ("text/html", Wanted::Unknown),
            ("application/json;q=0", Wanted::Unknown),
            ("", Wanted::Anything),
        ];
        for (accept, wanted) in cases {
            assert_eq!(Wanted::read(None, Some(accept)), wanted, "{accept}");
        }
        assert_eq!(Wanted::read(None, None), Wanted::Anything);
    }

    #[test]
    fn bodies_are_json_or_say_nothing() {
        assert!(is_json(Some("application/fhir+json; charset=utf-8")));
        assert!(is_json(None));
        assert!(!is_json(Some("application/fhir+xml")));
        assert!(!is_json(Some("text/plain")));
    }
}
