//! The append-only message journal.
