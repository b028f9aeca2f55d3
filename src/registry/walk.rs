//! Which page of a tag list is asked next, and whether the pages so far are all there are. Pure: knows
//! URLs and answers, sends nothing.
//!
//! Not every registry says with a `Link` that there is more. Where a list ends just where a page is full,
//! without any such word, the registry is tried once: asked for one tag less, does it say that there is one
//! more? If it does, its silence is the end from then on, and a list is one page. If not, such a list is
//! asked for what comes after its last tag, each time.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use url::Url;

use super::page;

/// More pages than any registry needs. Reaching it is a failure, never the end of the list.
pub(super) const MAX_PAGES: usize = 1000;

/// Full pages of registries that give less than they are asked for.
const USUAL_PAGES: [usize; 8] = [50, 100, 200, 250, 500, 1000, 2000, 5000];

/// Smaller pages to ask for, when a registry refuses and does not say how many it gives.
const SMALLER: [usize; 3] = [1000, 100, 50];

/// How a registry pages, as far as it is known. Kept between lists, so that its limits are met once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    /// Tags per page.
    pub(super) size: usize,
    pub(super) silence: Silence,
}

/// What it means when a registry does not say that there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nobody knows yet.
    Untried,
    /// The end: it was seen to say that there is more.
    End,
    /// Nothing.
    Nothing {
        /// Whether it gives fewer tags when fewer are asked for.
        obeys: bool,
    },
}

/// A walk through the pages of one list.
#[derive(Debug)]
pub(super) struct Walk {
    list: Url,
    paging: Paging,
    page: Url,
    phase: Phase,
    /// The last tag of the last page.
    last: String,
    seen: HashSet<Url>,
}

/// What the page that is asked for now is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Tags.
    Paging,
    /// Whether there is anything after a page that seems full. The page before: its content, and how much it was.
    Beyond { before: u64, names: usize },
    /// What the registry says when one tag fewer is asked for than there are. The page before: its content, and
    /// how much it was.
    Trial { before: u64, names: usize },
}

impl Walk {
    /// `list` is the address of the list, without a query.
    pub(super) fn new(list: Url, paging: Paging) -> Self {
        let page = with_query(&list, paging.size, None);
        Self { list, paging, page, phase: Phase::Paging, last: String::new(), seen: HashSet::new() }
    }

    /// The page to ask for.
    pub(super) fn page(&self) -> &Url {
        &self.page
    }

    /// Whether the page is asked for to see how the registry pages, so that it may well be one again that came
    /// already.
    pub(super) fn is_probing(&self) -> bool {
        self.phase != Phase::Paging
    }

    /// Whether the page is asked for to see how the registry pages, and is no part of the list.
    pub(super) fn is_trial(&self) -> bool {
        matches!(self.phase, Phase::Trial { .. })
    }

    /// How the registry pages, by now.
    pub(super) fn paging(&self) -> Paging {
        self.paging
    }

    /// How many pages were read.
    pub(super) fn pages(&self) -> usize {
        self.seen.len()
    }

    /// The size of a page that this refusal of one asks for; `None` when it is about something else.
    pub(super) fn smaller(&self, status: u16, body: &[u8]) -> Option<usize> {
        /// What Amazon, Quay and distribution say.
        const WORDS: [&str; 3] = ["value less than or equal to ", "max is ", "PAGINATION_NUMBER_INVALID"];
        if !matches!(status, 400 | 405 | 413 | 416 | 422) {
            return None;
        }
        let body = String::from_utf8_lossy(body);
        let (_, rest) = WORDS.iter().find_map(|words| body.split_once(words))?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let smaller = |size: &usize| (1..self.paging.size).contains(size);
        digits.parse().ok().filter(smaller).or_else(|| SMALLER.into_iter().find(smaller))
    }

    /// Takes in the page that was asked for: its `Link` headers and its names. Gives whether there is
    /// another one to ask for.
    ///
    /// # Errors
    /// Why the pages are not the whole list, in words.
    pub(super) fn turn<'a>(
        &mut self,
        links: impl IntoIterator<Item = &'a str>,
        names: &[String],
    ) -> Result<bool, String> {
        self.seen.insert(self.page.clone());
        let linked = page::next(links, &self.page).map_err(|bad| bad.to_string())?;
        if linked.is_some() {
            self.paging.silence = Silence::End;
        }
        let content = content(names);
        match self.phase {
            Phase::Trial { .. } if linked.is_some() => return Ok(false),
            Phase::Trial { before, names: all } => {
                self.paging.silence = Silence::Nothing { obeys: names.len() < all };
                return self.go_beyond(before, all);
            }
            Phase::Beyond { before, names } if before == content && linked.is_none() => {
                // It does not page. It gave all it has, unless it cuts lists as we ask.
                if self.paging.silence == (Silence::Nothing { obeys: true }) {
                    return Err(format!(
                        "the tag list has just {names} tags, no word of a next page, and asking for what comes after the \
                         last one gives the same again, so some may be missing; this is a fault of the registry"
                    ));
                }
                return Ok(false);
            }
            Phase::Beyond { .. } | Phase::Paging => {}
        }
        if let Some(next) = linked {
            self.phase = Phase::Paging;
            return self.go(next).map(|()| true);
        }
        let (Some(last), true) = (names.last(), self.may_be_cut(names.len())) else { return Ok(false) };
        last.clone_into(&mut self.last);
        if self.paging.silence == Silence::Untried && names.len() > 1 {
            self.phase = Phase::Trial { before: content, names: names.len() };
            return self.go(with_query(&self.list, names.len() - 1, None)).map(|()| true);
        }
        self.go_beyond(content, names.len())
    }

    /// To what comes after the last tag.
    fn go_beyond(&mut self, before: u64, names: usize) -> Result<bool, String> {
        self.phase = Phase::Beyond { before, names };
        self.go(with_query(&self.list, self.paging.size, Some(&self.last))).map(|()| true)
    }

    /// Whether a last page with so many names may be followed by another one all the same.
    fn may_be_cut(&self, names: usize) -> bool {
        let is_usual = match self.phase {
            // As full as the one before, whatever that is.
            Phase::Beyond { names: before, .. } => names == before,
            _ => names < self.paging.size && USUAL_PAGES.contains(&names),
        };
        self.paging.silence != Silence::End && names > 0 && (names == self.paging.size || is_usual)
    }

    fn go(&mut self, next: Url) -> Result<(), String> {
        if self.seen.contains(&next) {
            return Err("the pages of the tag list lead in a circle, so the list has no end; this is a fault of the \
                        registry"
                .to_owned());
        }
        if self.seen.len() >= MAX_PAGES {
            return Err(format!(
                "the tag list has more than {MAX_PAGES} pages and was not read to its end; delete old tags"
            ));
        }
        self.page = next;
        Ok(())
    }
}

fn with_query(list: &Url, size: usize, after: Option<&str>) -> Url {
    let mut url = list.clone();
    url.query_pairs_mut().append_pair("n", &size.to_string()).extend_pairs(after.map(|tag| ("last", tag)));
    url
}

fn content(names: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use url::Url;

    use super::{Paging, Silence, Walk};

    /// How a registry of these tests answers.
    #[derive(Debug, Clone, Copy, Default)]
    struct Registry {
        tags: usize,
        /// The most it gives.
        cap: Option<usize>,
        ignores_n: bool,
        ignores_last: bool,
        links: bool,
    }

    impl Registry {
        fn answer(self, page: &Url) -> (Vec<String>, Option<String>) {
            let asked = |name| page.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            let names: Vec<String> = (0..self.tags).map(|number| format!("t{number:05}")).collect();
            let last = asked("last").filter(|_| !self.ignores_last).unwrap_or_default();
            let rest: Vec<String> = names.into_iter().filter(|name| *name > last).collect();
            let size = asked("n").filter(|_| !self.ignores_n).map_or(usize::MAX, |n| n.parse().unwrap());
            let page: Vec<String> = rest.iter().take(size.min(self.cap.unwrap_or(usize::MAX))).cloned().collect();
            let link = (self.links && page.len() < rest.len())
                .then(|| format!("<?n={size}&last={}>; rel=next", page.last().unwrap()));
            (page, link)
        }
    }

    /// How many requests it takes to get all tags, or what is wrong.
    fn walk(registry: Registry, size: usize) -> Result<usize, String> {
        let list = Url::parse("https://r.example/v2/web/tags/list").unwrap();
        let mut walk = Walk::new(list, Paging { size, silence: Silence::Untried });
        let mut found = BTreeSet::new();
        for requests in 1.. {
            let (names, link) = registry.answer(walk.page());
            let is_trial = walk.is_trial();
            let more = walk.turn(link.as_deref(), &names)?;
            found.extend(names.into_iter().filter(|_| !is_trial));
            if !more {
                assert_eq!(found.len(), registry.tags, "{registry:?}");
                return Ok(requests);
            }
        }
        unreachable!()
    }

    #[track_caller]
    fn check(registry: Registry, size: usize, requests: usize) {
        assert_eq!(walk(registry, size), Ok(requests), "{registry:?}");
    }

    #[test]
    fn a_registry_that_links_its_pages_is_believed_when_it_does_not() {
        for (tags, requests) in [(0, 1), (1, 1), (999, 1), (1001, 2), (2000, 2), (2500, 3)] {
            check(Registry { tags, links: true, ..Registry::default() }, 1000, requests);
        }
        // Nothing was linked yet.
        check(Registry { tags: 1000, links: true, ..Registry::default() }, 1000, 2);
        check(Registry { tags: 250, cap: Some(100), links: true, ..Registry::default() }, 1000, 3);
    }

    #[test]
    fn a_registry_without_links_is_asked_for_what_comes_next() {
        for (tags, requests) in [(0, 1), (999, 1), (1000, 3), (1001, 3), (2000, 4), (2500, 4)] {
            check(Registry { tags, ..Registry::default() }, 1000, requests);
        }
    }

    #[test]
    fn a_cap_below_what_was_asked_for_is_noticed() {
        for (tags, requests) in [(99, 1), (100, 3), (101, 3), (1088, 12)] {
            check(Registry { tags, cap: Some(100), ..Registry::default() }, 1000, requests);
        }
    }

    #[test]
    fn a_registry_that_does_not_page_gives_all_at_once() {
        let unpaged = |tags| Registry { tags, ignores_n: true, ignores_last: true, ..Registry::default() };
        for (tags, requests) in [(5, 1), (100, 3), (1000, 3), (1088, 1), (5000, 1)] {
            check(unpaged(tags), 1000, requests);
        }
    }

    #[test]
    fn a_list_that_is_cut_and_cannot_be_continued_is_no_list() {
        let cut = Registry { tags: 1088, ignores_last: true, ..Registry::default() };
        let problem = walk(cut, 1000).unwrap_err();
        assert!(problem.starts_with("the tag list has just 1000 tags, no word of a next page"), "{problem}");
        let problem = walk(Registry { cap: Some(1000), ..cut }, 10_000).unwrap_err();
        assert!(problem.starts_with("the tag list has just 1000 tags, no word of a next page"), "{problem}");
    }

    #[track_caller]
    fn check_smaller(size: usize, status: u16, body: &str, expected: Option<usize>) {
        let list = Url::parse("https://r.example/v2/web/tags/list").unwrap();
        let walk = Walk::new(list, Paging { size, silence: Silence::Untried });
        assert_eq!(walk.smaller(status, body.as_bytes()), expected, "{body}");
    }

    #[test]
    fn a_page_that_is_too_large_is_made_smaller() {
        let amazon = r#"{"errors":[{"code":"UNSUPPORTED","message":"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'"}]}"#;
        check_smaller(10_000, 405, amazon, Some(1000));
        check_smaller(1000, 405, amazon, Some(100));
        check_smaller(100, 405, amazon, Some(50));
        check_smaller(50, 405, amazon, None);
        check_smaller(10_000, 404, amazon, None);
        let quay = r#"{"errors":[{"code":"TOO_MANY_TAGS_REQUESTED","message":"Too many tags requested; requested limit 1000 is too high, max is 100"}]}"#;
        check_smaller(1000, 413, quay, Some(100));
        let distribution = r#"{"errors":[{"code":"PAGINATION_NUMBER_INVALID","message":"invalid number of results requested","detail":{"n":1000}}]}"#;
        check_smaller(1000, 400, distribution, Some(100));
        check_smaller(1000, 405, r#"{"errors":[{"code":"UNSUPPORTED","message":"no"}]}"#, None);
        check_smaller(1000, 413, "<html>max is 0</html>", Some(100));
    }
}
