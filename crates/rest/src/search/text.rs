//! Strings in searches: from the start, without regard to case and accents, unless a modifier says otherwise.

use super::unescape;

/// Whether an element's text is found. The modifier is `exact`, `contains` or none.
pub fn matches_text(wanted: &str, modifier: Option<&str>, text: &str) -> bool {
    let wanted = unescape(wanted);
    match modifier {
        Some("exact") => text == wanted,
        Some("contains") => fold(text).contains(&fold(&wanted)),
        _ => fold(text).starts_with(&fold(&wanted)),
    }
}

/// Lower case without accents; runs of white space and punctuation are one blank.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        // An apostrophe or an accent that follows its letter says nothing.
        if matches!(character, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}') {
            continue;
        }
        if character.is_alphanumeric() {
            match plain(character) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(character),
            }
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The letters of a Latin letter with an accent.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_match_from_the_start_without_case_and_accents() {
        assert!(matches_text("muller", None, "Müller") && matches_text("Zol", None, "ŻÓŁĆ"));
        assert!(matches_text("O'Neil", None, "oneil") && matches_text("smith-jo", None, "Smith Jones"));
        assert!(!matches_text("ones", None, "Jones") && matches_text("ones", Some("contains"), "Jones"));
        assert!(
            matches_text("Jones", Some("exact"), "Jones") && !matches_text("jones", Some("exact"), "Jones")
        );
        assert!(matches_text(r"a\,b", Some("exact"), "a,b"));
    }
}
