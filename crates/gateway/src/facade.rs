//! Façade.
mod fold;
