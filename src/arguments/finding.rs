//! What a check finds wrong, before it is put into words for the caller.

use super::violation::Violation;

/// More findings are counted only: the message has to be read by somebody.
const MOST_KEPT: usize = 100;

/// One rule that one value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) pointer: String,
    /// `must be …`
    pub(super) rule: String,
    /// What was given, in so far as it may be shown.
    pub(super) got: Option<String>,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// The value is none of those listed, so its place was probably meant for another form.
    pub(super) choice: bool,
    /// For alternatives none of which fits: what is wrong with the closest one.
    pub(super) inner: Option<String>,
}

impl From<Finding> for Violation {
    fn from(finding: Finding) -> Self {
        let inner = finding.inner.map(|inner| format!("; what the closest one lacks: {inner}")).unwrap_or_default();
        let got = finding.got.map(|got| format!(", got {got}")).unwrap_or_default();
        let hint = finding.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        Self { pointer: finding.pointer, rule: format!("{}{got}{inner}{hint}", finding.rule) }
    }
}

/// Collects findings, or only whether there are any.
pub(super) struct Findings {
    keep: usize,
    kept: Vec<Finding>,
    total: usize,
}

impl Findings {
    /// Keeps findings.
    pub(super) fn all() -> Self {
        Self { keep: MOST_KEPT, kept: Vec::new(), total: 0 }
    }

    /// Ends the check at the first finding and keeps none.
    pub(super) fn any() -> Self {
        Self { keep: 0, kept: Vec::new(), total: 0 }
    }

    /// Adds a finding, which is made only if it is kept.
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        if self.kept.len() < self.keep {
            let finding = finding();
            // Two parts of an `allOf` may hold the same rule.
            if self.kept.contains(&finding) {
                return;
            }
            self.kept.push(finding);
        }
        self.total += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Whether nothing more needs to be known.
    pub(super) fn is_settled(&self) -> bool {
        self.keep == 0 && self.total > 0
    }

    pub(super) fn keeps_none(&self) -> bool {
        self.keep == 0
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn kept(&self) -> &[Finding] {
        &self.kept
    }

    pub(super) fn last_kept_mut(&mut self) -> Option<&mut Finding> {
        self.kept.last_mut()
    }

    pub(super) fn into_kept(self) -> Vec<Finding> {
        self.kept
    }
}
