//! Which route a request belongs to, by method and path template.

use infra_mcp_model::Method;
use percent_encoding::percent_decode_str;
use std::cmp::Reverse;

/// Routes with something of type `T` behind each.
pub(super) struct RouteTable<T> {
    routes: Vec<(Method, Pattern, T)>,
}

/// What a table knows about a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a, T> {
    /// The route, and its percent-decoded path values in the order of the template.
    Route(&'a T, Vec<String>),
    /// The path is known, but only with these methods.
    OtherMethods(Vec<&'static str>),
    Nothing,
}

impl<T> RouteTable<T> {
    /// Templates are written as in OpenAPI: `/machines/{id}/start`.
    pub(super) fn new<P: AsRef<str>>(routes: impl IntoIterator<Item = (Method, P, T)>) -> Self {
        let mut routes: Vec<_> = routes
            .into_iter()
            .map(|(method, template, target)| (method, Pattern::parse(template.as_ref()), target))
            .collect();
        routes.sort_by_key(|(_, pattern, _)| pattern.generality());
        Self { routes }
    }

    pub(super) fn find(&self, method: &str, path: &str) -> Found<'_, T> {
        let mut others = Vec::new();
        for (known, pattern, target) in &self.routes {
            match pattern.values(path) {
                Some(values) if known.as_str() == method => return Found::Route(target, values),
                Some(_) => others.push(known.as_str()),
                None => {}
            }
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }
}

enum Piece {
    Literal(String),
    Parameter,
}

struct Pattern(Vec<Piece>);

impl Pattern {
    fn parse(template: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((literal, (_, after))) =
            rest.split_once('{').and_then(|(literal, tail)| Some((literal, tail.split_once('}')?)))
        {
            pieces.push(Piece::Literal(literal.to_owned()));
            pieces.push(Piece::Parameter);
            rest = after;
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Self(pieces)
    }

    /// Sorts `/whois/default` before `/whois/{id}`: fewer parameters first, then more literal text.
    fn generality(&self) -> (usize, Reverse<usize>) {
        let (mut parameters, mut text) = (0, 0);
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text += literal.len(),
                Piece::Parameter => parameters += 1,
            }
        }
        (parameters, Reverse(text))
    }

    fn values(&self, path: &str) -> Option<Vec<String>> {
        let mut raw = Vec::new();
        matches(&self.0, path, &mut raw)
            .then(|| raw.iter().map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned()).collect())
    }
}

/// A parameter takes at least one character and never a slash; the longest value that fits wins.
fn matches<'p>(pieces: &[Piece], path: &'p str, values: &mut Vec<&'p str>) -> bool {
    match pieces.split_first() {
        None => path.is_empty(),
        Some((Piece::Literal(literal), tail)) => {
            path.strip_prefix(literal.as_str()).is_some_and(|rest| matches(tail, rest, values))
        }
        Some((Piece::Parameter, tail)) => {
            let end = path.find('/').unwrap_or(path.len());
            let known = values.len();
            (1..=end).rev().filter(|&cut| path.is_char_boundary(cut)).any(|cut| {
                values.truncate(known);
                values.push(&path[..cut]);
                matches(tail, &path[cut..], values)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_find_their_route() {
        let table = RouteTable::new([
            (Method::Get, "/whois/{id}", 1),
            (Method::Put, "/whois/default/{id}", 2),
            (Method::Get, "/whois/{id}/usage", 3),
            (Method::Get, "/files/{name}.json", 4),
            (Method::Get, "/whois/list", 5),
        ]);
        let route = |id, values: &[&str]| Found::Route(id, values.iter().map(|value| (*value).to_owned()).collect());
        let cases = [
            ("GET", "/whois/7", route(&1, &["7"])),
            ("GET", "/whois/list", route(&5, &[])),
            ("PUT", "/whois/default/7", route(&2, &["7"])),
            ("GET", "/whois/7/usage", route(&3, &["7"])),
            ("GET", "/whois/a%2Fb", route(&1, &["a/b"])),
            ("GET", "/files/a.b.json", route(&4, &["a.b"])),
            ("POST", "/whois/7", Found::OtherMethods(vec!["GET"])),
            ("GET", "/whois/", Found::Nothing),
            ("GET", "/whois/7/usage/x", Found::Nothing),
            ("GET", "/", Found::Nothing),
        ];
        for (method, path, expected) in cases {
            assert_eq!(table.find(method, path), expected, "{method} {path}");
        }
    }
}
