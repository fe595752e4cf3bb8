//! A Composition as the document that a message can be about: its header in TXA, its sections as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::back::tree::Tree;

/// Turns every Composition into a DocumentReference whose contents are its sections.
pub(super) fn compose(bundle: &mut Tree) {
    let Some(entries) = bundle.member_mut("entry").and_then(Tree::items_mut) else {
        return;
    };
    for entry in entries {
        let Some(resource) = entry.member_mut("resource") else {
            continue;
        };
        if resource.text_of("resourceType").as_deref() == Some("Composition") {
            *resource = document(resource);
        }
    }
}

fn document(composition: &Tree) -> Tree {
    let mut made = Tree::Object(Vec::new());
    let mut put = |name: &str, value: Option<Tree>| {
        if let Some(value) = value {
            made.put(name, value);
        }
    };
    let taken = |name: &str| composition.member(name).cloned();
    put("resourceType", Some(Tree::of_text("DocumentReference")));
    put("id", taken("id"));
    put("masterIdentifier", taken("identifier"));
    let wrong = composition.text_of("status").as_deref() == Some("entered-in-error");
    put(
        "status",
        Some(Tree::of_text(if wrong { "entered-in-error" } else { "current" })),
    );
    put("docStatus", taken("status"));
    put("type", taken("type"));
    put("category", taken("category"));
    put("subject", taken("subject"));
    put("date", taken("date"));
    put("author", taken("author"));
    put("custodian", taken("custodian"));
    put("description", taken("title"));
    let signers = composition.member("attester").map_or(&[][..], Tree::items);
    let signer = signers.iter().find_map(|one| one.member("party"));
    put("authenticator", signer.cloned());
    if let Some(encounter) = taken("encounter") {
        let context = vec![("encounter".to_owned(), Tree::List(vec![encounter]))];
        put("context", Some(Tree::Object(context)));
    }
    let mut contents = Vec::new();
    sections(composition, &mut contents);
    put("content", Some(Tree::List(contents)));
    made
}

/// One content for each section that says something, the inner ones behind their outer one.
fn sections(of: &Tree, contents: &mut Vec<Tree>) {
    for section in of.member("section").map_or(&[][..], Tree::items) {
        let div = section.member("text").and_then(|text| text.text_of("div"));
        let words = div.map(|div| words(&div)).unwrap_or_default();
        let title = section.text_of("title").unwrap_or_default();
        let whole = [title.as_str(), words.as_str()];
        let lines: Vec<&str> = whole.into_iter().filter(|one| !one.is_empty()).collect();
        if !lines.is_empty() {
            let attachment = Tree::Object(vec![
                ("contentType".to_owned(), Tree::of_text("text/plain")),
                ("data".to_owned(), Tree::of_text(&BASE64.encode(lines.join("\n")))),
            ]);
            contents.push(Tree::Object(vec![("attachment".to_owned(), attachment)]));
        }
        sections(section, contents);
    }
}

/// The text of XHTML, a line for each block.
fn words(div: &str) -> String {
    let mut text = String::with_capacity(div.len());
    let mut rest = div;
    while let Some((before, tagged)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = tagged.split_once('>') else {
            rest = "";
            break;
        };
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        match name.as_str() {
            "p" | "br" | "div" | "li" | "tr" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                text.push('\n');
            }
            "td" | "th" => text.push(' '),
            _ => {}
        }
        rest = after;
    }
    text.push_str(rest);
    for (entity, sign) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&#160;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, sign);
    }
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn xhtml_becomes_lines() {
        let div = r#"<div xmlns="http://www.w3.org/1999/xhtml"><p>Chest pain &amp; <b>sweating</b></p><ul><li>ECG</li><li>Troponin &lt; 5</li></ul></div>"#;
        assert_eq!(words(div), "Chest pain & sweating\nECG\nTroponin < 5");
    }
}
