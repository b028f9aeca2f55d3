//! A `Link` header → the next page of tags. Pure: knows URLs, sends nothing.
//!
//! A header that may hide a next page and cannot be read is an error: to read it as "no more pages"
//! would make a part of the tags pass for all of them.

use url::Url;

/// A `Link` header that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLink {
    #[error("the Link header {0:?} cannot be read, so a page of tags may be missing; this is a fault of the registry")]
    Unreadable(String),
    #[error(
        "the next page of tags is said to be on another host, {0}, and credentials go to the registry's own host only; \
         make the registry (or the proxy before it) send its public address in the Link header"
    )]
    Foreign(String),
    #[error("the Link header names several next pages; this is a fault of the registry")]
    Ambiguous,
}

/// The page after `page` by its `Link` headers; `None` when this was the last one.
///
/// Only the same scheme, host and port are followed. Where the target is a tag list, only its query
/// counts and the path stays: some registries give a path relative to another base
/// (`tags/list?last=x`), or leave out the prefix that a proxy adds.
pub(super) fn next<'a>(headers: impl IntoIterator<Item = &'a str>, page: &Url) -> Result<Option<Url>, BadLink> {
    let mut found: Option<Url> = None;
    for header in headers {
        for target in next_targets(header)? {
            let url = resolve(target, page)?;
            match &found {
                Some(earlier) if *earlier != url => return Err(BadLink::Ambiguous),
                _ => found = Some(url),
            }
        }
    }
    Ok(found)
}

fn resolve(target: &str, page: &Url) -> Result<Url, BadLink> {
    let mut url = page.join(target).map_err(|_| unreadable(target))?;
    // Registries behind a proxy that ends TLS do not know that they are asked over https.
    if page.scheme() == "https" && url.scheme() == "http" {
        url.set_scheme("https").map_err(|()| unreadable(target))?;
    }
    if url.origin() != page.origin() {
        return Err(BadLink::Foreign(url.origin().ascii_serialization().chars().take(140).collect()));
    }
    let mut next = page.clone();
    if !url.path().ends_with("/tags/list") {
        next.set_path(url.path());
    }
    next.set_query(url.query());
    Ok(next)
}

/// The targets with `rel=next` in one header (RFC 8288; the angle brackets may be missing).
fn next_targets(header: &str) -> Result<Vec<&str>, BadLink> {
    let mut targets = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(targets);
        }
        let target;
        (target, rest) = match rest.strip_prefix('<') {
            Some(inner) => inner.split_once('>').ok_or_else(|| unreadable(header))?,
            None => rest.split_at(rest.find([';', ',']).unwrap_or(rest.len())),
        };
        let mut is_next = false;
        loop {
            rest = rest.trim_start();
            let Some(parameter) = rest.strip_prefix(';') else { break };
            let (name, value);
            (name, value, rest) = read_parameter(parameter).ok_or_else(|| unreadable(header))?;
            is_next |= name.eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"));
        }
        if !(rest.is_empty() || rest.starts_with(',')) {
            return Err(unreadable(header));
        }
        if is_next {
            targets.push(target.trim());
        }
    }
}

/// `name=value`, `name="value"` or `name`, and what follows it. `None` for an open quote.
fn read_parameter(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    let (name, rest) = text.split_at(text.find(['=', ';', ',']).unwrap_or(text.len()));
    let Some(value) = rest.strip_prefix('=') else { return Some((name.trim(), "", rest)) };
    let value = value.trim_start();
    let (value, rest) = match value.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => value.split_at(value.find([';', ',']).unwrap_or(value.len())),
    };
    Some((name.trim(), value, rest))
}

fn unreadable(text: &str) -> BadLink {
    BadLink::Unreadable(text.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{BadLink, next};

    const PAGE: &str = "https://r.example/v2/a/b/tags/list?n=2";

    #[track_caller]
    fn check(header: &str, query: Option<&str>) {
        let expected = query.map(|query| format!("https://r.example/v2/a/b/tags/list?{query}"));
        let found = next([header], &Url::parse(PAGE).unwrap()).map(|url| url.map(String::from));
        assert_eq!(found, Ok(expected), "{header}");
    }

    #[track_caller]
    fn check_bad(header: &str, expected: fn(&BadLink) -> bool) {
        let found = next([header], &Url::parse(PAGE).unwrap());
        assert!(found.as_ref().is_err_and(expected), "{header}: {found:?}");
    }

    #[test]
    fn every_form_of_a_target() {
        check(r#"</v2/a/b/tags/list?last=x&n=2>; rel="next""#, Some("last=x&n=2"));
        check(r#"<https://r.example/v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<https://R.Example:443/v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<http://r.example/v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<http://r.example:443/v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<//r.example/v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<?last=x>; rel="next""#, Some("last=x"));
        check(r#"<list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"</v2/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"<https://user:pw@r.example/v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
    }

    #[test]
    fn every_spelling_of_a_header() {
        check("</v2/a/b/tags/list?last=x>; rel=next", Some("last=x"));
        check("</v2/a/b/tags/list?last=x>;rel=next", Some("last=x"));
        check(r#"</v2/a/b/tags/list?last=x>; rel="Next""#, Some("last=x"));
        check(r#"</v2/a/b/tags/list?last=x>; REL = "prefetch next""#, Some("last=x"));
        check(r#"</v2/a/b/tags/list?last=x>; rel="next", "#, Some("last=x"));
        check(r#"</v2/a/b/tags/list?last=x>; title="a, b; c"; rel="next"; crossorigin"#, Some("last=x"));
        check(r#"</v2/a/b/tags/list?last=a,b>; rel="next""#, Some("last=a,b"));
        check(r#"/v2/a/b/tags/list?last=x; rel="next""#, Some("last=x"));
        check(r#"</first>; rel="first", </v2/a/b/tags/list?last=x>; rel="next""#, Some("last=x"));
        check(r#"</first>; rel="first""#, None);
        check("</v2/a/b/tags/list?last=x>", None);
        check("", None);
    }

    #[test]
    fn several_headers_are_one_list() {
        let page = Url::parse(PAGE).unwrap();
        let found = next(["</x>; rel=first", "<?last=x>; rel=next"], &page).unwrap().unwrap();
        assert_eq!(found.query(), Some("last=x"));
        assert_eq!(next(["<?last=x>; rel=next", "<?last=y>; rel=next"], &page), Err(BadLink::Ambiguous));
    }

    #[test]
    fn a_page_elsewhere_on_the_host_is_followed_as_it_stands() {
        let found = next(["</pages/7?k=v>; rel=next"], &Url::parse(PAGE).unwrap()).unwrap().unwrap();
        assert_eq!(found.as_str(), "https://r.example/pages/7?k=v");
    }

    #[test]
    fn another_host_is_never_followed() {
        for header in [
            "<https://evil.example/v2/a/b/tags/list?last=x>; rel=next",
            "<//evil.example/v2/a/b/tags/list?last=x>; rel=next",
            r"<\\evil.example\v2\a\b\tags\list?last=x>; rel=next",
            "<https://r.example:8443/v2/a/b/tags/list?last=x>; rel=next",
            "<http://r.example:8443/v2/a/b/tags/list?last=x>; rel=next",
            "<https://r.example.evil.example/v2/a/b/tags/list>; rel=next",
            "<https://r.example@evil.example/v2/a/b/tags/list>; rel=next",
            "<file:///etc/passwd>; rel=next",
        ] {
            check_bad(header, |bad| matches!(bad, BadLink::Foreign(_)));
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_is_no_last_page() {
        for header in [
            "</v2/a/b/tags/list?last=x; rel=next",
            r#"</v2/a/b/tags/list?last=x>; rel="next"#,
            "</v2/a/b/tags/list?last=x> rel=next",
            "<https://[::1>; rel=next",
        ] {
            check_bad(header, |bad| matches!(bad, BadLink::Unreadable(_)));
        }
    }
}
