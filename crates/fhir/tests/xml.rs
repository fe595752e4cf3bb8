//! FHIR JSON as FHIR XML.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

fn xml(json: &str) -> String {
    String::from_utf8(fhir::xml::from_json(json.as_bytes()).unwrap()).unwrap()
}

/// What stands inside the root element.
fn inside(json: &str) -> String {
    let xml = xml(json);
    let start = xml.find("hl7.org/fhir\">").unwrap() + "hl7.org/fhir\">".len();
    xml.get(start..xml.rfind("</").unwrap()).unwrap().to_owned()
}

#[test]
fn the_rules_of_json_and_xml_are_followed() {
    assert_eq!(
        xml(concat!(
            r#"{"resourceType":"Patient","id":"p1","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A &amp; <b>B</b><br/></div>"},"#,
            r#""contained":[{"resourceType":"Organization","id":"o"}],"#,
            r#""extension":[{"id":"e","url":"urn:e","valueDecimal":1.10}],"active":true,"#,
            r#""name":[{"id":"n","given":["Ann",null],"_given":[{"id":"g"},{"extension":[{"url":"urn:a","valueCode":"unknown"}]}]}],"#,
            r#""_birthDate":{"extension":[{"url":"urn:b","valueBoolean":false}]}}"#
        )),
        concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p1\"/>",
            "<text><status value=\"generated\"/><div xmlns=\"http://www.w3.org/1999/xhtml\">A &amp; <b>B</b><br/></div></text>",
            "<contained><Organization><id value=\"o\"/></Organization></contained>",
            "<extension id=\"e\" url=\"urn:e\"><valueDecimal value=\"1.10\"/></extension><active value=\"true\"/>",
            "<name id=\"n\"><given id=\"g\" value=\"Ann\"/>",
            "<given><extension url=\"urn:a\"><valueCode value=\"unknown\"/></extension></given></name>",
            "<birthDate><extension url=\"urn:b\"><valueBoolean value=\"false\"/></extension></birthDate></Patient>"
        )
    );
}

#[test]
fn bundles_hold_resources_in_their_elements() {
    assert_eq!(
        inside(
            r#"{"resourceType":"Bundle","type":"searchset","link":[{"relation":"self","url":"http://x/?a=1&b=2"}],"entry":[{"fullUrl":"u","resource":{"resourceType":"Basic","id":"1"}}]}"#
        ),
        concat!(
            "<type value=\"searchset\"/><link><relation value=\"self\"/><url value=\"http://x/?a=1&amp;b=2\"/></link>",
            "<entry><fullUrl value=\"u\"/><resource><Basic><id value=\"1\"/></Basic></resource></entry>"
        )
    );
}

#[test]
fn attributes_are_escaped() {
    assert_eq!(
        inside(r#"{"resourceType":"Basic","language":"a<b>\"c\"&\t\r\nd\u0001"}"#),
        "<language value=\"a&lt;b&gt;&quot;c&quot;&amp;&#9;&#13;&#10;d\u{fffd}\"/>"
    );
}

#[test]
fn a_narrative_that_is_no_xml_becomes_text() {
    for div in [
        "<div>a<b></div>",
        "<div>a</div><script/>",
        "<div>&nbsp;</div>",
        "<div a=b></div>",
        "<div a='1' a='2'></div>",
        "<div><!-- x --></div>",
        "<div>a</span></div>",
        "<div",
        "<div>",
        "<div>]]></div>",
        "<div a='<'></div>",
    ] {
        let json = serde_json::json!({"resourceType": "Basic", "text": {"div": div}}).to_string();
        let xml = inside(&json);
        assert!(
            xml.starts_with("<text><div xmlns=\"http://www.w3.org/1999/xhtml\">&lt;div"),
            "{div}: {xml}"
        );
    }
    for div in ["<div/>", "<div a='1'  b=\"x>y\" ><p>&#160;&lt;</p>\n</div>"] {
        let json = serde_json::json!({"resourceType": "Basic", "text": {"div": div}}).to_string();
        assert_eq!(inside(&json), format!("<text>{div}</text>"));
    }
}

#[test]
fn names_that_are_no_elements_are_left_out() {
    assert_eq!(
        inside(r#"{"resourceType":"Basic","a b":1,"<x>":2,"x":[[1]],"id":"1"}"#),
        "<id value=\"1\"/>"
    );
    assert!(fhir::xml::from_json(b"{}").is_err());
    assert!(fhir::xml::from_json(b"[]").is_err());
    assert!(fhir::xml::from_json(b"{\"resourceType\":\"a b\"}").is_err());
}
