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

/// Cuts a page of `count` out of all matches, from where `token` says. A token of another search is refused.
pub(crate) fn page_of<T>(
    all: Vec<T>,
    count: usize,
    token: Option<&str>,
    search: &[(String, String)],
) -> Option<Page<T>> {
    let proof = proof(search);
    let start = match token {
        Some(token) => read(token, proof)?,
        None => 0,
    };
    let total = all.len();
    let end = start.saturating_add(count);
    let next = (end < total).then(|| write(end, proof));
    let items = all.into_iter().skip(start).take(count).collect();
    Some(Page { items, next })
}

fn write(offset: usize, proof: u64) -> String {
    let mut bytes = (offset as u64).to_be_bytes().to_vec();
    bytes.extend(proof.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(token: &str, proof: u64) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (offset, proven) = bytes.split_at_checked(8)?;
    let proven = u64::from_be_bytes(proven.try_into().ok()?);
    let offset = u64::from_be_bytes(offset.try_into().ok()?);
    (proven == proof).then(|| usize::try_from(offset).unwrap_or(usize::MAX))
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

    #[test]
    fn pages_follow_each_other_and_a_foreign_token_is_refused() {
        let search = [("name".to_owned(), "a".to_owned())];
        let first = page_of((0..5).collect(), 2, None, &search).unwrap();
        assert_eq!(first.items, [0, 1]);
        let token = first.next.unwrap();
        let second = page_of((0..5).collect(), 2, Some(&token), &search).unwrap();
        assert_eq!(second.items, [2, 3]);
        let third = page_of((0..5).collect(), 2, second.next.as_deref(), &search).unwrap();
        assert_eq!((third.items, third.next), (vec![4], None));
        let other = [("name".to_owned(), "b".to_owned())];
        assert!(page_of((0..5).collect(), 2, Some(&token), &other).is_none());
        assert!(page_of((0..5).collect(), 2, Some("nonsense"), &search).is_none());
    }
}
