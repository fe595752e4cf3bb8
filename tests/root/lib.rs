//! The root package owns only `tests/` and `benches/`; it has no code of its own.
