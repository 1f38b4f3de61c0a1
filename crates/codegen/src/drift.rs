//! Differences between an upstream document and ours.
