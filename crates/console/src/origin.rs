//! Whether a change is asked for by the console's own page.
//!
//! A browser says where a form comes from: `Sec-Fetch-Site` in all current ones, `Origin` in the others. A page of another
//! origin can send a form here but can set neither. A client that sends neither is no browser; it has the API.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::refusal::Refusal;

pub(crate) async fn check(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        return next.run(request).await;
    }
    Refusal::new(
        StatusCode::FORBIDDEN,
        "this change was not asked for by a page of this console",
        "use the console's own buttons, or the API",
    )
    .into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    match (origin, text(header::HOST)) {
        (Some((_, authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_this_origin_may_change_anything() {
        for (headers, own) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://a:1"),
                    ("host", "a:1"),
                ],
                false,
            ),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[("origin", "http://localhost:8575"), ("host", "localhost:8575")],
                true,
            ),
            (
                &[("origin", "http://evil.example"), ("host", "localhost:8575")],
                false,
            ),
            (&[("origin", "null"), ("host", "localhost:8575")], false),
            (&[("host", "localhost:8575")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_own(&map), own, "{headers:?}");
        }
    }
}
