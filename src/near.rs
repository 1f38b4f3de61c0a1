//! Finds what somebody probably meant by a name that does not exist.

/// Longer names are compared by their letters only, never by edit distance: its cost is quadratic.
const LONGEST_COMPARED: usize = 100;
/// A part of a name says something from this length on: `id` is part of too many.
const SHORTEST_PART: usize = 4;

/// The candidate that `name` most probably stands for, or `None` where none is close.
///
/// Case, `_` and `-` do not count. A candidate that is equal then wins, next the one with the fewest
/// typing mistakes (at most one for every three characters and never more than three), next one that
/// contains the name or is contained in it. Among equals the first wins.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(name);
    candidates
        .filter_map(|candidate| Some((remoteness(&wanted, &letters(candidate))?, candidate)))
        .min_by_key(|(remoteness, _)| *remoteness)
        .map(|(_, candidate)| candidate)
}

fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// How far two names are apart: first by kind of likeness, then by amount. `None`: not alike.
fn remoteness(wanted: &[char], candidate: &[char]) -> Option<(u8, usize)> {
    if wanted.is_empty() || candidate.is_empty() {
        return None;
    }
    if wanted == candidate {
        return Some((0, 0));
    }
    let longer = wanted.len().max(candidate.len());
    if longer > LONGEST_COMPARED {
        return None;
    }
    if let Some(mistakes) = mistakes(wanted, candidate, (longer / 3).min(3)) {
        return Some((1, mistakes));
    }
    let (short, long) = if wanted.len() < candidate.len() { (wanted, candidate) } else { (candidate, wanted) };
    let part = short.len() >= SHORTEST_PART && long.windows(short.len()).any(|window| window == short);
    part.then(|| (2, long.len() - short.len()))
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, if `most` of them do. Whoever
/// asks for names that do not exist has all that do compared, so what is far apart has to be cheap.
fn mistakes(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
        // Every later row comes from these two, and none of its numbers is smaller.
        if before_last.iter().chain(&last).all(|count| *count > most) {
            return None;
        }
    }
    Some(last[b.len()]).filter(|mistakes| *mistakes <= most)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_the_likely_name() {
        let names = ["virtualMachineId", "port", "protocol", "source_detail", "source", "ip"];
        for (given, expected) in [
            ("virtual_machine_id", Some("virtualMachineId")),
            ("VirtualMachineID", Some("virtualMachineId")),
            ("virtual-machine-id", Some("virtualMachineId")),
            ("virtualMachinId", Some("virtualMachineId")),
            ("machineId", Some("virtualMachineId")),
            ("prot", Some("port")),
            ("ports", Some("port")),
            ("sourceDetails", Some("source_detail")),
            ("SOURCE", Some("source")),
            ("id", None),
            ("colour", None),
            ("", None),
            ("__", None),
        ] {
            assert_eq!(nearest(given, names.into_iter()), expected, "{given}");
        }
        assert_eq!(nearest("x", std::iter::empty()), None);
        assert_eq!(nearest(&"port".repeat(10_000), names.into_iter()), None);
    }
}
