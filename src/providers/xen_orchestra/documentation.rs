//! The public documentation of Xen Orchestra as text.

use nanohtml2text::html2text;

use super::Answer;
use crate::executor::Steps;
use crate::generated::composites::xen_orchestra::SearchDocumentation;
use crate::generated::composites::xen_orchestra::requests::ReadDocumentation;

/// The longest text that is answered, in characters.
const LONGEST: usize = 20_000;

pub(super) async fn search_documentation(
    arguments: SearchDocumentation,
    steps: Steps<'_, SearchDocumentation>,
) -> Answer {
    let page = steps.send(ReadDocumentation { topic: arguments.topic.clone().into() }).await?;
    let sections = sections(&page.body);
    let query = arguments.query.unwrap_or_default();
    let found = matching(&sections, &query);
    if found.is_empty() {
        let headings: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).take(40).collect();
        let topic = &arguments.topic;
        return Ok(format!(
            "Nothing on the page `{topic}` holds {query:?}. Its sections: {}. Try other words or another topic.",
            headings.join("; ")
        )
        .into());
    }
    Ok(bounded(&found.join("\n\n")).into())
}

/// The text of a page, a piece for each heading. Navigation around the content is left out where the page says which
/// is which.
fn sections(html: &str) -> Vec<String> {
    let content = between(html, "<article", "</article>").or_else(|| between(html, "<main", "</main>")).unwrap_or(html);
    let starts = content.match_indices("<h").map(|(place, _)| place).filter(|place| is_heading(&content[*place..]));
    let mut places: Vec<usize> = std::iter::once(0).chain(starts).chain([content.len()]).collect();
    places.dedup();
    let texts = places.windows(2).map(|pair| readable(&content[pair[0]..pair[1]]));
    texts.filter(|text| !text.is_empty()).collect()
}

/// Whether a heading begins here: `<h1>` to `<h6>`.
fn is_heading(html: &str) -> bool {
    let bytes = html.as_bytes();
    matches!(bytes.get(2), Some(b'1'..=b'6')) && bytes.get(3).is_some_and(|byte| !byte.is_ascii_alphanumeric())
}

/// What stands between the first opening and the last closing tag.
fn between<'h>(html: &'h str, open: &str, close: &str) -> Option<&'h str> {
    let start = html.find(open)?;
    let end = html.rfind(close)?;
    html.get(start..end)
}

/// Text without markup, empty lines and what icons leave behind.
fn readable(html: &str) -> String {
    let text = html2text(html);
    let lines = text.lines().map(str::trim_end).filter(|line| line.chars().any(char::is_alphanumeric));
    lines.collect::<Vec<_>>().join("\n")
}

/// The sections that hold all words of the query; where none does, those that hold one. All of them for no words.
fn matching<'s>(sections: &'s [String], query: &str) -> Vec<&'s str> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let holding = |least: usize| -> Vec<&'s str> {
        let holds = |section: &&String| {
            let text = section.to_lowercase();
            words.iter().filter(|word| text.contains(word.as_str())).count() >= least
        };
        sections.iter().filter(holds).map(String::as_str).collect()
    };
    match holding(words.len()) {
        none if none.is_empty() => holding(1),
        found => found,
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => {
            format!("{}\n\n[The page goes on. Ask again with `query` for the part that matters.]", &text[..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head><title>T</title><script>var x = '<h2>no</h2>';</script></head><body><nav>Menu</nav>\
        <main><article><h1 id=a>Backups</h1><p>Kept <b>safe</b> &amp; sound.</p><header>x</header>\
        <h2>Full</h2><ul><li>one</li><li>two</li></ul><h3>Delta copies</h3><p>Only what changed.</p></article></main>\
        <footer>Imprint</footer></body></html>";

    #[test]
    fn a_page_is_its_content_by_heading() {
        let sections = sections(PAGE);
        let first: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).collect();
        assert_eq!(first, ["Backups", "Full", "Delta copies"]);
        let text = sections.join("\n");
        assert!(text.contains("Kept safe & sound."), "{text}");
        for stranger in ["Menu", "Imprint", "var x", "<"] {
            assert!(!text.contains(stranger), "{stranger}: {text}");
        }
    }

    #[test]
    fn sections_are_found_by_their_words() {
        let sections = sections(PAGE);
        for (query, expected) in [
            ("", &["Backups", "Full", "Delta copies"][..]),
            ("DELTA changed", &["Delta copies"]),
            ("delta two", &["Full", "Delta copies"]),
            ("nothing-like-it", &[]),
        ] {
            let found: Vec<&str> =
                matching(&sections, query).into_iter().filter_map(|section| section.lines().next()).collect();
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn a_long_page_is_cut_and_says_so() {
        let text = bounded(&"é".repeat(LONGEST + 1));
        assert!(text.starts_with('é') && text.contains("The page goes on"));
        assert_eq!(bounded("short"), "short");
    }

    #[test]
    fn a_page_of_no_html_is_text() {
        assert_eq!(sections("just\n\nwords"), ["just words"]);
        assert_eq!(sections(""), Vec::<String>::new());
    }
}
