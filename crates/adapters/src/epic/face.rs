pub(super) fn router(_: std::sync::Arc<crate::epr::Shared>) -> axum::Router { axum::Router::new() }
