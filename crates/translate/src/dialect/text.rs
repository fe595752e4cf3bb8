//! Text for systems of fixed width, one case and seven bits.

use hl7v2::Charset;
use hl7v2::edit::{Change, Edit, SegmentRef};

/// Folds accents to ASCII in every text; a character without a plain counterpart becomes `?`, with a note.
pub fn fold_ascii(edit: &mut Edit<'_>) {
    if let Some(msh) = edit.first("MSH")
        && edit.is_valued(msh.field(18))
        && !edit.says(msh.field(18), Charset::Ascii.name())
    {
        edit.set(msh.field(18), Charset::Ascii.name(), Change::Transformed);
    }
    if edit.message().bytes().is_ascii() && !may_hide_characters(edit.message().bytes()) {
        return;
    }
    for segment in edit.segments().collect::<Vec<_>>() {
        let concerns = |raw: &[u8]| !raw.is_ascii() || may_hide_characters(raw);
        edit.rewrite(segment, concerns, |_, text| fold(text));
    }
}

/// Hexadecimal escapes may stand for characters that no byte shows.
fn may_hide_characters(raw: &[u8]) -> bool {
    raw.windows(2).any(|pair| pair == b"\\X")
}

fn fold(text: &str) -> Option<(String, &'static str)> {
    if text.is_ascii() {
        return None;
    }
    let mut folded = String::with_capacity(text.len() + 4);
    let mut lost = false;
    for character in text.chars() {
        if character.is_ascii() {
            folded.push(character);
        } else if let Some(plain) = plain(character) {
            folded.push_str(plain);
        } else {
            folded.push('?');
            lost = true;
        }
    }
    let note = if lost {
        "a character that seven bits cannot say became a question mark"
    } else {
        "accents folded"
    };
    Some((folded, note))
}

/// The ASCII spelling of a letter of Latin-1 or Latin Extended-A, or of a typographic sign.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => "A",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'Æ' => "AE",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ð' | 'Ď' | 'Đ' => "D",
        'ð' | 'ď' | 'đ' => "d",
        'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĥ' | 'Ħ' => "H",
        'ĥ' | 'ħ' => "h",
        'Ì'..='Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => "I",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'Ĵ' => "J",
        'ĵ' => "j",
        'Ķ' => "K",
        'ķ' => "k",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' => "N",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'Œ' => "OE",
        'œ' => "oe",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'Ţ' | 'Ť' | 'Ŧ' | 'Ț' => "T",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'Þ' => "TH",
        'þ' => "th",
        'Ù'..='Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'Ŵ' => "W",
        'ŵ' => "w",
        'Ý' | 'Ŷ' | 'Ÿ' => "Y",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '´' => "'",
        '\u{201c}' | '\u{201d}' => "\"",
        '\u{2010}'..='\u{2015}' => "-",
        '\u{2026}' => "...",
        '\u{a0}' => " ",
        'µ' | 'μ' => "u",
        '°' => " deg",
        '£' => "GBP",
        '½' => "1/2",
        '±' => "+/-",
        '²' => "2",
        '³' => "3",
        '×' => "x",
        _ => return None,
    })
}

/// Upper-cases every text but the header's, free text and what `exempt` names.
pub fn upper_case(edit: &mut Edit<'_>, exempt: &[(&str, u16)]) {
    for segment in edit.segments().collect::<Vec<_>>() {
        let id = edit.id(segment);
        if id == "MSH" || id == "NTE" {
            continue;
        }
        let free_text = id == "OBX" && matches!(&*edit.text(segment.field(2)), "TX" | "FT" | "ED" | "RP");
        let concerns = |raw: &[u8]| raw.iter().any(u8::is_ascii_lowercase);
        edit.rewrite(segment, concerns, |spot, text| {
            let number = spot.field_number();
            if free_text && number == 5 || exempt.iter().any(|(name, field)| id == *name && *field == number)
            {
                return None;
            }
            let upper = text.to_ascii_uppercase();
            (upper != text).then_some((upper, "upper case"))
        });
    }
}

/// Cuts the components of a field to a width.
pub fn limit_width(edit: &mut Edit<'_>, segment: SegmentRef, field: u16, width: usize) {
    let is_target = |spot: hl7v2::edit::Spot| spot.field_number() == field;
    edit.rewrite(
        segment,
        |raw| raw.len() > width,
        |spot, text| {
            if !is_target(spot) {
                return None;
            }
            let end = text.char_indices().nth(width).map(|(end, _)| end)?;
            Some((
                text.get(..end)?.trim_end().to_owned(),
                "cut to the width of the dialect's field",
            ))
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_fold_and_the_rest_is_marked() {
        assert_eq!(fold("plain"), None);
        assert_eq!(
            fold("Łukasiewicz Żaneta Straße").map(|f| f.0).as_deref(),
            Some("Lukasiewicz Zaneta Strasse")
        );
        let (text, note) = fold("山 d’Arcy").unwrap();
        assert_eq!(text, "? d'Arcy");
        assert!(note.contains("question mark"));
    }
}
