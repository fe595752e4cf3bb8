//! ER7 text as a queryable message and back; ACKs; pure.
