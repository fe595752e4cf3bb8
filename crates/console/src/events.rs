//! The stream of events: one word each time the journal has moved.
//!
//! It carries counts only. A page that hears one asks for itself again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;

use crate::window::Window;

/// How often the counts are looked at for a reader. No test waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(crate) async fn stream(
    State(window): State<Window>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let looks = stream::unfold((window, None), |(window, before)| async move {
        let mut stopping = window.stopping();
        let first = before.is_none();
        loop {
            if !first {
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = stopping.wait_for(|stop| *stop) => return None,
                }
            }
            let counts = window.bytes("/api/v1/status").await.unwrap_or_default();
            if before.as_ref() != Some(&counts) {
                let event = Event::default()
                    .event(if first { "now" } else { "moved" })
                    .data("");
                return Some((Ok(event), (window, Some(counts))));
            }
        }
    });
    Sse::new(looks).keep_alive(KeepAlive::default())
}
