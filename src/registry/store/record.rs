//! What is known of a repository and of an image, as records of the store. Pure.
//!
//! Every record opens with its form, so that a newer program can read what an older one wrote, and ends
//! with a checksum. One that cannot be read is no record: it is asked for again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::bytes::{Reader, Writer};
use crate::image::{Digest, Tag};
use crate::registry::belief::{Belief, Doubt, Known};
use crate::registry::listing::{Marks, Page};

/// What opens a record of each sort, in its present form.
const LIST: u8 = 0x11;
const FACTS: u8 = 0x21;
const CONFIG: u8 = 0x31;

/// A repository's list: by what the registry's answers are known again, and what is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registry) struct List {
    pub(in crate::registry) marks: Marks,
    pub(in crate::registry) belief: Belief,
}

/// What is known of the images behind the tags of one repository.
pub(in crate::registry) type Facts = BTreeMap<Tag, Fact>;

/// What is known of the image behind a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::registry) struct Fact {
    /// The digest of the manifest when it was last looked at.
    pub(in crate::registry) digest: Option<Digest>,
    /// What it says of when it was made.
    pub(in crate::registry) created: Option<Created>,
    /// When it was pushed last, where its registry tells that.
    pub(in crate::registry) pushed: Option<Timestamp>,
    /// Whether the tag was away since, so that it has to be looked at again.
    pub(in crate::registry) is_stale: bool,
}

/// When an image was made; `Created(None)` when it is known to say nothing of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::registry) struct Created(pub(in crate::registry) Option<Timestamp>);

/// What an image configuration says. A digest names one content for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::registry) struct Config {
    pub(in crate::registry) created: Option<Timestamp>,
    /// `linux/amd64`, `linux/arm/v7`; empty when it says nothing of that.
    pub(in crate::registry) platform: String,
    /// The label `org.opencontainers.image.source`.
    pub(in crate::registry) source: Option<String>,
    /// The label `org.opencontainers.image.revision`.
    pub(in crate::registry) revision: Option<String>,
}

impl List {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(LIST);
        writer.count(self.marks.pages.len());
        for page in &self.marks.pages {
            writer.text(&page.target);
            writer.maybe_text(page.etag.as_deref());
            writer.maybe_text(page.modified.as_deref());
            writer.raw(&page.hash);
        }
        let Belief { since, tags, doubts, gone } = &self.belief;
        writer.signed(*since);
        writer.names(tags.iter().map(|known| known.tag.as_str()));
        write_times(&mut writer, *since, tags);
        writer.names(doubts.keys().map(Tag::as_str));
        for doubt in doubts.values() {
            writer.byte(u8::from(doubt.is_listed) | u8::from(doubt.is_new) << 1);
            writer.signed(doubt.since - since);
            writer.number(doubt.lists.into());
        }
        writer.names(gone.keys().map(Tag::as_str));
        for gone_since in gone.values() {
            writer.signed(gone_since - since);
        }
        writer.sealed()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = open(bytes, LIST)?;
        let mut pages = Vec::new();
        for _ in 0..reader.count()? {
            pages.push(Page {
                target: reader.text()?.into(),
                etag: reader.maybe_text()?.0.map(Into::into),
                modified: reader.maybe_text()?.0.map(Into::into),
                hash: reader.raw(16)?.try_into().ok()?,
            });
        }
        let since = reader.signed()?;
        let names = reader.names(|name| Tag::parse(name).ok())?;
        let tags = read_times(&mut reader, since, names)?;
        let mut doubts = BTreeMap::new();
        for tag in reader.names(|name| Tag::parse(name).ok())? {
            let flags = reader.byte()?;
            let since = since.checked_add(reader.signed()?)?;
            let lists = u32::try_from(reader.number()?).ok()?;
            doubts.insert(tag, Doubt { is_listed: flags & 1 != 0, is_new: flags & 2 != 0, since, lists });
        }
        let mut gone = BTreeMap::new();
        for tag in reader.names(|name| Tag::parse(name).ok())? {
            gone.insert(tag, since.checked_add(reader.signed()?)?);
        }
        let is_sound = tags.is_sorted_by(|a, b| a.tag < b.tag) && reader.is_at_end();
        let belief = Belief { since, tags, doubts, gone };
        is_sound.then_some(Self { marks: Marks { pages }, belief })
    }
}

/// The times at which tags came are few, and those that came together often stand together: a table of
/// times, and runs of places in it.
fn write_times(writer: &mut Writer, since: i64, tags: &[Known]) {
    let mut times: Vec<i64> = tags.iter().map(|known| known.first_seen).collect();
    times.sort_unstable();
    times.dedup();
    writer.count(times.len());
    let mut before = since;
    for time in &times {
        writer.signed(time - before);
        before = *time;
    }
    for run in tags.chunk_by(|a, b| a.first_seen == b.first_seen) {
        writer.count(run.len());
        writer.count(times.partition_point(|time| *time < run[0].first_seen));
    }
}

fn read_times(reader: &mut Reader<'_>, since: i64, names: Vec<Tag>) -> Option<Vec<Known>> {
    let mut times = Vec::new();
    let mut time = since;
    for _ in 0..reader.count()? {
        time = time.checked_add(reader.signed()?)?;
        times.push(time);
    }
    let mut tags = Vec::with_capacity(names.len());
    let mut names = names.into_iter();
    while names.len() > 0 {
        let length = usize::try_from(reader.number()?).ok()?;
        if length == 0 || length > names.len() {
            return None;
        }
        let first_seen = *times.get(usize::try_from(reader.number()?).ok()?)?;
        tags.extend(names.by_ref().take(length).map(|tag| Known { tag, first_seen }));
    }
    Some(tags)
}

pub(super) fn facts_to_bytes(facts: &Facts) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.byte(FACTS);
    writer.names(facts.keys().map(Tag::as_str));
    for fact in facts.values() {
        let created = match fact.created {
            None => 0,
            Some(Created(None)) => 1,
            Some(Created(Some(_))) => 2,
        };
        let pushed = u8::from(fact.pushed.is_some());
        writer.byte(u8::from(fact.digest.is_some()) | u8::from(fact.is_stale) << 1 | created << 2 | pushed << 4);
        if let Some(digest) = &fact.digest {
            write_digest(&mut writer, digest);
        }
        if let Some(Created(Some(created))) = fact.created {
            write_time(&mut writer, created);
        }
        if let Some(pushed) = fact.pushed {
            write_time(&mut writer, pushed);
        }
    }
    writer.sealed()
}

pub(super) fn facts_from_bytes(bytes: &[u8]) -> Option<Facts> {
    let mut reader = open(bytes, FACTS)?;
    let mut facts = Facts::new();
    for tag in reader.names(|name| Tag::parse(name).ok())? {
        let flags = reader.byte()?;
        let digest = if flags & 1 != 0 { Some(read_digest(&mut reader)?) } else { None };
        if flags >> 5 != 0 {
            return None;
        }
        let created = match flags >> 2 & 3 {
            0 => None,
            1 => Some(Created(None)),
            2 => Some(Created(Some(read_time(&mut reader)?))),
            _ => return None,
        };
        let pushed = if flags & 16 != 0 { Some(read_time(&mut reader)?) } else { None };
        facts.insert(tag, Fact { digest, created, pushed, is_stale: flags & 2 != 0 });
    }
    reader.is_at_end().then_some(facts)
}

impl Config {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(CONFIG);
        writer.byte(u8::from(self.created.is_some()));
        if let Some(created) = self.created {
            write_time(&mut writer, created);
        }
        writer.text(&self.platform);
        writer.maybe_text(self.source.as_deref());
        writer.maybe_text(self.revision.as_deref());
        writer.sealed()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = open(bytes, CONFIG)?;
        let created = if reader.byte()? == 0 { None } else { Some(read_time(&mut reader)?) };
        let platform = reader.text()?.to_owned();
        let source = reader.maybe_text()?.0.map(str::to_owned);
        let revision = reader.maybe_text()?.0.map(str::to_owned);
        reader.is_at_end().then_some(Self { created, platform, source, revision })
    }
}

/// The digest as bytes: the algorithm's, and those that the hex digits stand for.
pub(super) fn digest_to_bytes(digest: &Digest) -> Vec<u8> {
    let mut writer = Writer::default();
    write_digest(&mut writer, digest);
    writer.into_bytes()
}

fn write_digest(writer: &mut Writer, digest: &Digest) {
    let hex = digest.hex().as_bytes();
    writer.byte(u8::from(hex.len() == 128));
    let nibble = |digit: u8| if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
    for pair in hex.chunks_exact(2) {
        writer.byte(nibble(pair[0]) << 4 | nibble(pair[1]));
    }
}

fn read_digest(reader: &mut Reader<'_>) -> Option<Digest> {
    let (algorithm, length) = if reader.byte()? == 0 { ("sha256:", 32) } else { ("sha512:", 64) };
    let mut text = algorithm.to_owned();
    for byte in reader.raw(length)? {
        text.extend([byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
    }
    Digest::parse(&text).ok()
}

fn write_time(writer: &mut Writer, time: Timestamp) {
    writer.signed(time.as_second());
    writer.signed(time.subsec_nanosecond().into());
}

fn read_time(reader: &mut Reader<'_>) -> Option<Timestamp> {
    let second = reader.signed()?;
    Timestamp::new(second, i32::try_from(reader.signed()?).ok()?).ok()
}

fn open(bytes: &[u8], form: u8) -> Option<Reader<'_>> {
    let mut reader = Reader::open(bytes)?;
    (reader.byte()? == form).then_some(reader)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Belief, Config, Created, Doubt, Fact, Facts, Known, List, Marks, Page, digest_to_bytes, facts_from_bytes,
        facts_to_bytes,
    };
    use crate::image::{Digest, Tag};

    fn times() -> impl Strategy<Value = i64> {
        prop_oneof![1_700_000_000..1_700_000_100_i64, 0..4_000_000_000_i64]
    }

    fn tag() -> impl Strategy<Value = Tag> {
        "[a-z0-9_]{1,3}(-[a-f0-9]{0,8})?".prop_map(|text| Tag::parse(&text).unwrap())
    }

    fn belief() -> impl Strategy<Value = Belief> {
        let doubt = (any::<bool>(), any::<bool>(), times(), any::<u32>());
        let doubt = doubt.prop_map(|(is_listed, is_new, since, lists)| Doubt { is_listed, is_new, since, lists });
        let tags = prop::collection::btree_map(tag(), times(), 0..200);
        let doubts = prop::collection::btree_map(tag(), doubt, 0..5);
        let gone = prop::collection::btree_map(tag(), times(), 0..5);
        (times(), tags, doubts, gone).prop_map(|(since, tags, doubts, gone)| {
            let known = |(tag, first_seen)| Known { tag, first_seen };
            Belief { since, tags: tags.into_iter().map(known).collect(), doubts, gone }
        })
    }

    fn page() -> impl Strategy<Value = Page> {
        let text = || prop::option::of(".{0,9}".prop_map(String::into_boxed_str));
        ("[ -~]{0,20}", text(), text(), any::<[u8; 16]>()).prop_map(|(target, etag, modified, hash)| Page {
            target: target.into(),
            etag,
            modified,
            hash,
        })
    }

    fn digest() -> impl Strategy<Value = Digest> {
        prop_oneof!["sha256:[0-9a-f]{64}", "sha512:[0-9a-f]{128}"].prop_map(|text| Digest::parse(&text).unwrap())
    }

    fn created() -> impl Strategy<Value = Option<jiff::Timestamp>> {
        prop::option::of(
            (0..4_000_000_000_i64, 0..1_000_000_000).prop_map(|(s, ns)| jiff::Timestamp::new(s, ns).unwrap()),
        )
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let fact =
            (prop::option::of(digest()), prop::option::of(created().prop_map(Created)), created(), any::<bool>())
                .prop_map(|(digest, created, pushed, is_stale)| Fact { digest, created, pushed, is_stale });
        prop::collection::btree_map(tag(), fact, 0..30)
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_known(
            belief in belief(), pages in prop::collection::vec(page(), 0..3), facts in facts(),
        ) {
            let list = List { marks: Marks { pages }, belief };
            prop_assert_eq!(List::from_bytes(&list.to_bytes()), Some(list));
            prop_assert_eq!(facts_from_bytes(&facts_to_bytes(&facts)), Some(facts));
        }

        #[test]
        fn every_digest_has_bytes_of_its_own(one in digest(), other in digest()) {
            prop_assert_eq!(one == other, digest_to_bytes(&one) == digest_to_bytes(&other));
        }

        #[test]
        fn a_configuration_is_kept(created in created(), platform: String, source: Option<String>, revision: Option<String>) {
            let config = Config { created, platform, source, revision };
            prop_assert_eq!(Config::from_bytes(&config.to_bytes()), Some(config));
        }

        #[test]
        fn nothing_is_read_out_of_anything_else(belief in belief(), cut: prop::sample::Index, facts in facts()) {
            let list = List { marks: Marks::default(), belief }.to_bytes();
            prop_assert_eq!(List::from_bytes(&list[..cut.index(list.len())]), None);
            prop_assert_eq!(List::from_bytes(&facts_to_bytes(&facts)).is_some(), false);
        }
    }

    /// How many bytes a tag takes, of 5,000 with these names, half of which came one by one.
    #[track_caller]
    fn check_size(name: impl Fn(u32) -> String, most: usize) {
        const TAGS: u32 = 5000;
        let known = |number: u32| Known {
            tag: Tag::parse(&name(number)).unwrap(),
            first_seen: 1_700_000_000 + i64::from(number.saturating_sub(TAGS / 2)) * 3600,
        };
        let mut tags: Vec<_> = (0..TAGS).map(known).collect();
        tags.sort_unstable_by(|a, b| a.tag.cmp(&b.tag));
        let belief = Belief { since: 1_700_000_000, tags, doubts: [].into(), gone: [].into() };
        let bytes = List { marks: Marks::default(), belief }.to_bytes().len();
        assert!(bytes <= most * TAGS as usize, "{} bytes for {}", bytes / TAGS as usize, name(TAGS));
    }

    #[test]
    fn a_tag_takes_few_bytes() {
        let hash = |number: u32| format!("{:08x}", number.wrapping_mul(2_654_435_761));
        check_size(|number| format!("1.{}.{}", number / 100, number % 100), 8);
        check_size(|number| format!("v2026.11.{number}-alpine"), 16);
        check_size(|number| format!("main-{}-{}", hash(number), 1_700_000_000 + number), 26);
        check_size(|number| hash(number) + &hash(number + 1), 21);
    }
}
