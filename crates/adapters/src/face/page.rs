//! Pages of a search: a token says where to go on, and for which search it was given.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::seed::hash;

/// One page of matches.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// The token of the next page, when there is one.
    pub next: Option<String>,
}

/// Which page is asked for, of which search.
pub(crate) struct Turn<'t> {
    /// Where to go on; the first page without one.
    pub token: Option<&'t str>,
    pub search: &'t [(String, String)],
    pub now_ms: i64,
    /// For how long a token is good; for ever when left out.
    pub life_ms: Option<i64>,
    /// Begin with what the page before ended with: something changed in between.
    pub again: bool,
}

/// Cuts a page of `count` out of all matches, from where the token says. A token of another search, or one that is
/// too old, is refused.
pub(crate) fn page_of<T>(all: Vec<T>, count: usize, turn: &Turn<'_>) -> Option<Page<T>> {
    let proof = proof(turn.search);
    let start = match turn.token {
        Some(token) => {
            let (offset, issued_ms) = read(token, proof)?;
            let age_ms = turn.now_ms.saturating_sub(issued_ms);
            if turn.life_ms.is_some_and(|life_ms| age_ms > life_ms) {
                return None;
            }
            offset
        }
        None => 0,
    };
    let total = all.len();
    let end = start.saturating_add(count);
    let next = (end < total).then(|| write(end, turn.now_ms, proof));
    let first = start.saturating_sub(usize::from(turn.again));
    let items = all.into_iter().skip(first).take(end - first).collect();
    Some(Page { items, next })
}

fn write(offset: usize, now_ms: i64, proof: u64) -> String {
    let mut bytes = (offset as u64).to_be_bytes().to_vec();
    bytes.extend(now_ms.to_be_bytes());
    bytes.extend(proof.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The offset, and when the token was given.
fn read(token: &str, proof: u64) -> Option<(usize, i64)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let bytes: [u8; 24] = bytes.try_into().ok()?;
    let number = |at: usize| {
        bytes[at..at + 8]
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    (number(16) == proof).then(|| {
        let offset = usize::try_from(number(0)).unwrap_or(usize::MAX);
        (offset, number(8).cast_signed())
    })
}

fn proof(search: &[(String, String)]) -> u64 {
    let parts: Vec<&[u8]> = search
        .iter()
        .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
        .collect();
    hash(0x7061_6765, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn<'t>(token: Option<&'t str>, search: &'t [(String, String)], now_ms: i64) -> Turn<'t> {
        Turn {
            token,
            search,
            now_ms,
            life_ms: Some(1_000),
            again: false,
        }
    }

    #[test]
    fn pages_follow_each_other_and_a_foreign_token_is_refused() {
        let search = [("name".to_owned(), "a".to_owned())];
        let all = || (0..5).collect::<Vec<_>>();
        let first = page_of(all(), 2, &turn(None, &search, 0)).unwrap();
        assert_eq!(first.items, [0, 1]);
        let token = first.next.unwrap();
        let second = page_of(all(), 2, &turn(Some(&token), &search, 0)).unwrap();
        assert_eq!(second.items, [2, 3]);
        let third = page_of(all(), 2, &turn(second.next.as_deref(), &search, 0)).unwrap();
        assert_eq!((third.items, third.next), (vec![4], None));
        let other = [("name".to_owned(), "b".to_owned())];
        assert!(page_of(all(), 2, &turn(Some(&token), &other, 0)).is_none());
        assert!(page_of(all(), 2, &turn(Some("nonsense"), &search, 0)).is_none());
    }

    #[test]
    fn a_token_has_its_time_and_a_page_may_begin_with_what_the_one_before_ended_with() {
        let search = [("name".to_owned(), "a".to_owned())];
        let all = || (0..5).collect::<Vec<_>>();
        let token = page_of(all(), 2, &turn(None, &search, 500))
            .unwrap()
            .next
            .unwrap();
        assert!(page_of(all(), 2, &turn(Some(&token), &search, 1_500)).is_some());
        assert!(page_of(all(), 2, &turn(Some(&token), &search, 1_501)).is_none());
        let again = Turn {
            again: true,
            ..turn(Some(&token), &search, 500)
        };
        assert_eq!(page_of(all(), 2, &again).unwrap().items, [1, 2, 3]);
    }
}
