//! Interfaces, routing table, the pipeline, delivery, verdicts.
