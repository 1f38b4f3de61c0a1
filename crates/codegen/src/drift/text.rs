use super::{Changed, Drift, Exposed, Open, Place, Renamed};
use std::fmt;

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        section(f, "new upstream", &self.new)?;
        section(f, "gone upstream", &self.gone)?;
        section(f, "renamed", &self.renamed)?;
        section(f, "changed", &self.changed)?;
        section(f, "without our words or our review", &self.lacking)?;
        section(f, "unverified", &self.unverified)?;
        section(f, "given to MCP clients otherwise, as decided", &self.exposed)?;
        section(f, "upstream tools without a request", &self.without_request)?;
        if self.is_empty() { writeln!(f, "no drift") } else { Ok(()) }
    }
}

fn section<T: fmt::Display>(f: &mut fmt::Formatter<'_>, title: &str, entries: &[T]) -> fmt::Result {
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}: {}", entries.len())?;
    entries.iter().try_for_each(|entry| writeln!(f, "  {entry}"))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.request)
    }
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {} upstream ({})", self.ours, self.upstream, self.request)
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for difference in &self.differences {
            let name = |side: &str| if side.is_empty() { "nothing".to_owned() } else { side.to_owned() };
            let argument = if difference.argument.is_empty() { "operation" } else { &difference.argument };
            let (upstream, ours) = (name(&difference.upstream), name(&difference.ours));
            write!(f, "\n    {argument}: {}: upstream {upstream}, ours {ours}", difference.fact)?;
        }
        Ok(())
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upstream = if self.upstream.is_empty() { "nothing" } else { &self.upstream };
        write!(f, "{} ({}): upstream {upstream}, ours {}", self.name, self.request, self.ours)
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.what.join(", "))
    }
}
