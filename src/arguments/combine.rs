//! `allOf`, `anyOf`, `oneOf` and `not`, and what to say when no alternative fits.

use serde_json::Value;

use super::check::Check;
use super::explain::type_words;
use super::finding::{Finding, Findings};
use super::path::Path;
use super::schema::{Schema, Type};
use super::value::{alternatives, kind, shortened, shown};
use super::violation::Violation;

/// References that are followed to learn the type of a schema; more do not occur unless in a circle.
const MOST_FOLLOWED: usize = 16;
/// Problems of the closest alternative that are told.
const MOST_TOLD: usize = 4;
/// They take up to this many characters.
const LONGEST_TOLD: usize = 500;

impl Check<'_> {
    pub(super) fn combined(&self, schema: &Schema, value: &Value, path: &Path<'_>, out: &mut Findings) {
        for part in &schema.all_of {
            self.apply(part, value, path, out);
        }
        if !schema.any_of.is_empty() && !schema.any_of.iter().any(|form| self.accepts(form, value, path)) {
            self.no_form_fits(&schema.any_of, value, path, out);
        }
        if !schema.one_of.is_empty() {
            match schema.one_of.iter().filter(|form| self.accepts(form, value, path)).take(2).count() {
                0 => self.no_form_fits(&schema.one_of, value, path, out),
                1 => {}
                _ => out.add(|| several_fit(schema.one_of.len(), path)),
            }
        }
        if let Some(excluded) = schema.not.as_deref().filter(|excluded| self.accepts(excluded, value, path)) {
            out.add(|| self.excluded(excluded, value, path));
        }
    }

    fn no_form_fits(&self, forms: &[Schema], value: &Value, path: &Path<'_>, out: &mut Findings) {
        if out.keeps_none() {
            return out.add(|| Finding::plain(path, String::new()));
        }
        let types: Vec<Option<Vec<Type>>> = forms.iter().map(|form| self.types(form, MOST_FOLLOWED)).collect();
        let of_its_type: Vec<&Schema> = forms
            .iter()
            .zip(&types)
            .filter(|(_, types)| types.as_ref().is_none_or(|types| types.iter().any(|t| t.admits(value))))
            .map(|(form, _)| form)
            .collect();
        match of_its_type[..] {
            [] => {
                let types: Vec<Type> = types.into_iter().flatten().flatten().collect();
                out.add(|| self.wrong_type(&types, None, value, path));
            }
            [only] => self.apply(only, value, path, out),
            _ => {
                let attempts = of_its_type.iter().map(|form| {
                    let mut attempt = Findings::all();
                    self.apply(form, value, path, &mut attempt);
                    attempt
                });
                let attempts: Vec<Findings> = attempts.collect();
                out.add(|| self.summary(forms.len(), attempts, value, path));
            }
        }
    }

    /// One finding for several alternatives that have the right type and still do not fit.
    fn summary(&self, forms: usize, attempts: Vec<Findings>, value: &Value, path: &Path<'_>) -> Finding {
        let pointer = path.readable();
        let simple: Option<Vec<&str>> = attempts
            .iter()
            .map(|attempt| match attempt.kept() {
                [only] if only.pointer == pointer => only.rule.strip_prefix("must be "),
                _ => None,
            })
            .collect();
        if let Some(mut rules) = simple {
            rules.dedup();
            return self.with_value(path, format!("must be {}", alternatives(&rules)), value);
        }
        let closest = attempts.into_iter().min_by_key(remoteness).map(Findings::into_kept).unwrap_or_default();
        // Of alternatives inside alternatives only what is lacking in the end is told.
        let told: Vec<String> = closest
            .into_iter()
            .take(MOST_TOLD)
            .map(|mut finding| finding.inner.take().unwrap_or_else(|| Violation::from(finding).to_string()))
            .collect();
        let inner = Some(shortened(&told.join(" / "), LONGEST_TOLD));
        Finding { inner, ..Finding::plain(path, format!("must take one of its {forms} accepted forms")) }
    }

    fn excluded(&self, excluded: &Schema, value: &Value, path: &Path<'_>) -> Finding {
        match (&excluded.choices, &excluded.types[..]) {
            (Some(_), _) if self.hides(path) => Finding::plain(path, "must not have this value".to_owned()),
            (Some(_), _) => Finding::plain(path, format!("must not be {}", shown(value))),
            (None, []) => Finding::plain(path, "must not have this form".to_owned()),
            (None, _) if is_only_type(excluded) => Finding::plain(path, format!("must not be {}", kind(value))),
            (None, types) => Finding::plain(path, format!("must not be {} of this form", type_words(types))),
        }
    }

    /// The types that a schema admits; `None` where it admits any.
    fn types(&self, schema: &Schema, follow: usize) -> Option<Vec<Type>> {
        if !schema.types.is_empty() {
            return Some(schema.types.clone());
        }
        if let Some(choices) = &schema.choices {
            return Some(choices.iter().map(Type::of).collect());
        }
        let follow = follow.checked_sub(1)?;
        let target = schema.reference.and_then(|index| self.root.nodes.get(index));
        target.into_iter().chain(&schema.all_of).find_map(|part| self.types(part, follow)).or_else(|| {
            let forms = if schema.one_of.is_empty() { &schema.any_of } else { &schema.one_of };
            let types: Option<Vec<Vec<Type>>> = forms.iter().map(|form| self.types(form, follow)).collect();
            types.map(|types| types.concat()).filter(|types| !types.is_empty())
        })
    }
}

fn is_only_type(schema: &Schema) -> bool {
    schema.properties.is_empty()
        && schema.also_required.is_empty()
        && schema.bounds.is_empty()
        && schema.pattern.is_none()
        && schema.format.is_none()
}

/// How far a form is from fitting: a listed value that is not met mostly tells forms apart.
fn remoteness(attempt: &Findings) -> usize {
    attempt.total() + 3 * attempt.kept().iter().filter(|finding| finding.choice).count()
}

fn several_fit(forms: usize, path: &Path<'_>) -> Finding {
    Finding::plain(path, format!("must fit exactly one of its {forms} accepted forms, and fits more than one"))
}
