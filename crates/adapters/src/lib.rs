//! Mock EPRs: one contract, one folder per vendor.
