//! Lays edited values over the original that travelled with a Bundle.
