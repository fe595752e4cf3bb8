//! Frames on a TCP stream; knows bytes, not segments.
