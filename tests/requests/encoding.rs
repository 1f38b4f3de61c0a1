//! Percent-encoding of paths and queries (RFC 3986, RFC 6570).

/// RFC 6570 section 3.2.1: everything but unreserved characters is percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    text.bytes().for_each(|byte| push_encoded(&mut out, byte));
    out
}

fn push_encoded(out: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        out.push(byte.into());
    } else {
        out.push_str(&format!("%{byte:02X}"));
    }
}

/// Brings a received path or query to the spelling of [`encoded`], leaving `delimiters` alone:
/// a delimiter and its encoded form mean different things.
pub(crate) fn canonical(raw: &str, delimiters: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = raw.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let digits = tail.get(..2).and_then(|d| std::str::from_utf8(d).ok());
            let decoded = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
            push_encoded(&mut out, decoded.ok_or_else(|| format!("a stray % in {raw}"))?);
            rest = &tail[2..];
        } else if delimiters.as_bytes().contains(&byte) {
            out.push(byte.into());
        } else if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) {
            push_encoded(&mut out, byte);
        } else {
            return Err(format!("byte {byte:#04x} may not stand in {raw}"));
        }
    }
    Ok(out)
}

/// The pairs of a received query ordered by name; those of one name keep their order. A bare `+`
/// stays apart from both `%20` and `%2B`, since readers disagree about it.
pub(crate) fn pairs(raw: &str) -> Result<Vec<String>, String> {
    let canonical = canonical(raw, "&=,+")?;
    let mut pairs: Vec<String> = canonical.split('&').map(str::to_owned).collect();
    pairs.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    Ok(pairs)
}

/// The name of a `name=value` pair.
pub(crate) fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}
