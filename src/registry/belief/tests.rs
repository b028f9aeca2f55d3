//! Lists one after the other, and what is believed then.

use super::{Belief, LISTS, OVER};
use crate::image::Tag;

fn list(text: &str) -> Vec<Tag> {
    let mut tags: Vec<_> = text.split_whitespace().map(|tag| Tag::parse(tag).unwrap()).collect();
    tags.sort_unstable();
    tags
}

/// What is believed: `tag` for what is there, `?tag` for what may have gone, `!tag` for what may be there.
fn shown(belief: &Belief) -> String {
    let show = |known: &super::Known| match belief.doubts.get(&known.tag) {
        None => known.tag.to_string(),
        Some(doubt) if doubt.is_listed => format!("!{}", known.tag),
        Some(_) => format!("?{}", known.tag),
    };
    belief.tags.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// A list a minute, and what is believed after each.
#[track_caller]
fn check(lists: &[(&str, &str)]) -> Belief {
    let mut belief = Belief::new(&list(lists[0].0), 0);
    assert_eq!(shown(&belief), lists[0].1, "the first list");
    for (minute, ((listed, expected), now)) in lists.iter().zip((0..).step_by(60)).enumerate().skip(1) {
        let mut again = belief.clone();
        let news = belief.learn(&list(listed), now);
        assert_eq!(shown(&belief), *expected, "after minute {minute}");
        if *listed == lists[minute - 1].0 {
            assert_eq!(news, again.learn_the_same(now), "minute {minute}: a list that is the same need not be read");
            assert_eq!(belief, again);
        }
        assert!(news.is_changed || !news.matters);
    }
    belief
}

#[test]
fn what_is_there_is_believed_at_once() {
    let belief = check(&[("a b", "a b"), ("a b c", "a b c"), ("a b c", "a b c")]);
    assert_eq!(belief.tags.iter().map(|known| known.first_seen).collect::<Vec<_>>(), [0, 0, 60]);
    check(&[("", ""), ("a", "a")]);
}

#[test]
fn what_is_gone_is_believed_after_some_lists_and_some_time() {
    let gone = ("a c", "?b");
    let missing = ("a c", "a ?b c");
    let belief = check(&[("a b c", "a b c"), missing, missing, missing, missing, missing, ("a c", "a c")]);
    assert_eq!(gone.0, "a c");
    assert_eq!(belief.gone.keys().map(Tag::as_str).collect::<Vec<_>>(), ["b"]);

    let mut belief = Belief::new(&list("a b"), 0);
    for (now, expected) in [(3600, "a ?b"), (7200, "a ?b"), (10_800, "a")] {
        belief.learn(&list("a"), now);
        assert_eq!(shown(&belief), expected, "{LISTS} lists, however long they take");
    }
    let mut belief = Belief::new(&list("a b"), 0);
    for now in 0..OVER {
        belief.learn(&list("a"), now);
    }
    assert_eq!(shown(&belief), "a ?b", "{OVER} seconds, however many lists come meanwhile");
}

#[test]
fn what_comes_back_is_new_and_has_to_stay() {
    let mut lists = vec![("a b", "a b")];
    lists.extend([("a", "a ?b"); 5]);
    lists.extend([("a", "a"), ("a b", "a !b")]);
    lists.extend([("a b", "a !b"); 4]);
    lists.push(("a b", "a b"));
    let belief = check(&lists);
    assert_eq!(belief.tags.iter().map(|known| known.first_seen).collect::<Vec<_>>(), [0, 420]);
    assert!(belief.gone.is_empty());
}

#[test]
fn replicas_that_disagree_are_never_believed_about_what_they_disagree_on() {
    let (with, without) = (("a b c", "a !b c"), ("a c", "a ?b c"));
    let mut lists = vec![("a b c", "a b c")];
    for _ in 0..20 {
        lists.extend([without, with]);
    }
    check(&lists);
    check(&[("a b", "a b"), ("a", "a ?b"), ("a b d", "a !b d"), ("a d", "a ?b d")]);
}

#[test]
fn a_list_that_lost_most_is_not_believed_about_what_is_new_either() {
    let all: Vec<_> = (10..30).map(|number| format!("t{number}")).collect();
    let missing = all.iter().map(|tag| format!("?{tag}")).collect::<Vec<_>>().join(" ");
    let back = all.iter().map(|tag| format!("!{tag}")).collect::<Vec<_>>().join(" ");
    let all = all.join(" ");
    check(&[(&all, &all), ("", &missing), (&all, &back)]);
    check(&[(&all, &all), ("z", &format!("{missing} !z")), (&all, &back)]);
    check(&[("a b", "a b"), ("x y", "?a ?b !x !y")]);
    check(&[("a b c", "a b c"), ("c d", "?a ?b c d")]);

    let mut lists = vec![("a b", "a b")];
    lists.extend([("x y", "?a ?b !x !y"); 5]);
    lists.push(("x y", "x y"));
    let belief = check(&lists);
    assert_eq!(belief.tags.iter().map(|known| known.first_seen).collect::<Vec<_>>(), [60, 60]);
}

#[test]
fn what_is_in_doubt_is_said_in_a_sentence() {
    let said = |belief: &Belief| belief.in_doubt().map(|doubt| doubt.to_string()).unwrap_or_default();
    let mut belief = Belief::new(&list("a b c d e"), 0);
    assert_eq!(said(&belief), "");
    belief.learn(&list("a"), 60);
    assert_eq!(
        said(&belief),
        "4 of 5 tags are missing in the registry's list (`b`, `c`, `d`, …) since 1970-01-01T00:01:00Z, \
         which is believed when 3 lists in a row say so over 5 minutes"
    );
    belief.learn(&list("a b"), 120);
    assert_eq!(
        said(&belief),
        "3 of 5 tags are missing in the registry's list (`c`, `d`, `e`), and 1 of 5 tags came with a list that had \
         lost others, or came back (`b`) since 1970-01-01T00:01:00Z, which is believed when 3 lists in a row say so \
         over 5 minutes"
    );
}

#[test]
fn a_clock_that_is_set_back_makes_no_doubt_last() {
    let mut belief = Belief::new(&list("a b"), 1_000_000);
    for now in [1_000_000, 500_000, 500_060, 500_120, 500_180, 500_240, 500_300] {
        belief.learn(&list("a"), now);
    }
    assert_eq!(shown(&belief), "a");
}

#[test]
fn the_memory_of_what_is_gone_is_bounded() {
    let mut belief = Belief::new(&list("a"), 0);
    for round in 0..30 {
        let tags: Vec<_> = (0..100).map(|number| format!("t{round}-{number:03}")).collect();
        belief.learn(&list(&format!("a {}", tags.join(" "))), round * 1000);
        for more in [100, 200, 500] {
            belief.learn(&list("a"), round * 1000 + more);
        }
    }
    assert_eq!(belief.tags.len(), 1);
    assert!((900..=1000).contains(&belief.gone.len()), "{}", belief.gone.len());
    assert!(belief.gone.keys().all(|tag| tag.as_str() > "t2"), "the latest are kept");
    belief.learn(&list("a b"), 91 * 24 * 60 * 60);
    assert_eq!(belief.gone.len(), 0);
}

#[test]
fn a_hundred_thousand_tags_that_go_at_once_are_no_trouble() {
    let tags: Vec<_> = (0..100_000).map(|number| Tag::parse(&format!("t{number:06}")).unwrap()).collect();
    let mut belief = Belief::new(&tags, 0);
    belief.learn(&[], 1);
    belief.learn_the_same(2);
    let news = belief.learn_the_same(OVER + 1);
    assert_eq!((news.vanished.len(), belief.tags.len()), (100_000, 0));
}
