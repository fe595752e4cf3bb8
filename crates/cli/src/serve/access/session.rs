//! Sessions of browsers: a token shown once at `/login`, then a cookie that opens the console's pages and nothing else.
//!
//! The cookie holds a number drawn at random, never the token. No script can read it, no page of another origin makes a
//! browser send it, and the API and the FHIR faces do not know it: what asks there shows a token each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;

use super::{Access, Right, now_s};

const COOKIE: &str = "eprgw-session";
/// A session lasts a shift.
const LIFE_S: i64 = 8 * 60 * 60;
/// Sessions at the same time; the oldest gives way.
const SESSIONS_MAX: usize = 1_000;

/// Who has shown a token, by the number in their cookie.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Clone, Copy)]
struct Session {
    right: Right,
    until_s: i64,
}

impl Sessions {
    /// What the session in these headers may do.
    pub(super) fn right(&self, headers: &HeaderMap, now_s: i64) -> Option<Right> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(number(headers)?)?;
        (now_s < session.until_s).then_some(session.right)
    }

    fn open(&self, right: Right, now_s: i64) -> Option<String> {
        let mut random = [0_u8; 32];
        SystemRandom::new().fill(&mut random).ok()?;
        let number: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| now_s < session.until_s);
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.until_s);
            let oldest = oldest.map(|(number, _)| number.clone());
            oldest.map(|number| sessions.remove(&number));
        }
        let until_s = now_s + LIFE_S;
        sessions.insert(number.clone(), Session { right, until_s });
        Some(number)
    }
}

/// The number in the session's cookie.
fn number(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// The page that opens a session.
pub(in crate::serve) fn routes(access: Arc<Access>) -> Router {
    let pages = Router::new()
        .route(
            "/login",
            get(|| async { console::login_page(false) }).post(log_in),
        )
        .with_state(access);
    console::frame(pages)
}

/// What the form at `/login` sends.
#[derive(Deserialize)]
struct Shown {
    token: String,
}

async fn log_in(State(access): State<Arc<Access>>, Form(shown): Form<Shown>) -> Response {
    let opened = access
        .right_of(&shown.token)
        .and_then(|right| access.sessions.open(right, now_s()));
    let Some(number) = opened else {
        return (StatusCode::UNAUTHORIZED, console::login_page(true)).into_response();
    };
    let secure = if access.over_tls { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={number}; Path=/; HttpOnly; SameSite=Strict; Max-Age={LIFE_S}{secure}");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(number: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("theme=dark; {COOKIE}={number}");
        headers.insert(header::COOKIE, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_session_ends_with_its_shift() {
        let sessions = Sessions::default();
        let number = sessions.open(Right::Read, 0).unwrap();
        assert_eq!(sessions.right(&cookie(&number), LIFE_S - 1), Some(Right::Read));
        assert_eq!(sessions.right(&cookie(&number), LIFE_S), None);
        assert_eq!(sessions.right(&cookie("0"), 1), None);
        assert_eq!(sessions.right(&HeaderMap::new(), 1), None);
    }

    #[test]
    fn sessions_are_bounded_and_never_alike() {
        let sessions = Sessions::default();
        let first = sessions.open(Right::All, 0).unwrap();
        let others: Vec<String> = (1..=1_000)
            .map(|now_s| sessions.open(Right::All, now_s).unwrap())
            .collect();
        assert_eq!(
            sessions.right(&cookie(&first), 2_000),
            None,
            "the oldest gave way"
        );
        assert_eq!(sessions.right(&cookie(&others[0]), 2_000), Some(Right::All));
        assert!(others.iter().all(|number| number.len() == 64 && *number != first));
    }
}
