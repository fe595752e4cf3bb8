//! The one page a stranger sees: where to show a token.

use axum::response::Response;
use maud::html;

use crate::page::{Page, Place};

/// The page that asks for a token, once more when the one before was refused.
#[must_use]
pub fn login_page(refused: bool) -> Response {
    let body = html! {
        h1 { "Who is asking?" }
        p.quiet { "This instance was started with a token. The same token opens the console; a token that may only read lets you look." }
        @if refused { p.refusal { "That is not a token of this instance." } }
        form.filter method="post" action="/login" {
            label { "Token" input type="password" name="token" autocomplete="current-password" required autofocus; }
            button { "Open" }
        }
    };
    Page::new("Who is asking?", Place::Elsewhere).render(&body)
}
