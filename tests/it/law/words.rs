//! What must hold when words are put in the place of others: lines come and nothing else changes, what came
//! and goes again leaves the file as it was, and a word that is exchanged twice is the same again. A comment
//! is read of the image that it was put beside.

use landwaiter::manifest::{Place, Reword};

use super::file::File;

const KEYS: [&str; 3] = ["law.example.com/a", "law.example.com/b", "law.example.com/c"];

/// Adds annotations to each object with images, exchanges them, and takes them away again.
pub(crate) fn reworded(path: &str, bytes: &[u8], file: &File) {
    let mut places: Vec<Place> = file.objects();
    places.dedup();
    for place in places.iter().take(4) {
        let add = |key: &str, value: &str| Reword::Add { key: key.into(), value: value.into() };
        let remove = |key: &str| Reword::Remove { key: key.into() };
        let Some(added) = file.reworded(place, vec![add(KEYS[0], "it's: \\1"), add(KEYS[1], "true")]) else { continue };
        only_added_to(bytes, &added);
        let with = File::read(path, &added);
        let now: Vec<_> = with.images().into_iter().map(|image| image.reference).collect();
        let before: Vec<_> = file.images().into_iter().map(|image| image.reference).collect();
        assert_eq!(now, before, "annotations change no image");

        let exchange = |key: &str, new_key: &str, value: &str| {
            vec![Reword::Replace { key: key.into(), new_key: new_key.into(), new_value: Some(value.into()) }]
        };
        let exchanged = with.reworded(place, exchange(KEYS[0], KEYS[2], "x")).expect("a word of our own");
        let back = File::read(path, &exchanged).reworded(place, exchange(KEYS[2], KEYS[0], "it's: \\1"));
        let back = File::read(path, &back.expect("a word of our own"));
        // A value that could be written without quotes once goes without them; all else is the same again.
        let gone = |file: &File| file.reworded(place, vec![remove(KEYS[0]), remove(KEYS[1])]);
        assert_eq!(gone(&back), gone(&with), "{}", String::from_utf8_lossy(&exchanged));
        // No mapping is left empty: neither one that was written for this nor one that was there.
        let blank = |byte: &&u8| byte.is_ascii_whitespace();
        let tight: Vec<u8> = bytes.iter().filter(|byte| !blank(byte)).copied().collect();
        if let Some(without) = gone(&with)
            .filter(|_| memchr(&tight, b"annotations:{}").is_none() && memchr(&tight, b"annotations\":{}").is_none())
        {
            assert_eq!(
                String::from_utf8_lossy(&without),
                String::from_utf8_lossy(bytes),
                "{}",
                String::from_utf8_lossy(&added)
            );
        }
    }
}

/// Adds a comment beside each image: it is read there, of that image, and nothing else changes.
pub(crate) fn commented(path: &str, bytes: &[u8], file: &File) {
    for (at, image) in file.images().iter().enumerate().take(4) {
        let Some(added) = file.with_comment(at) else { continue };
        only_added_to(bytes, &added);
        let with = File::read(path, &added);
        if !file.is_marked() && image.refusal.is_none() {
            // To a comment a value that says an image is that image, whatever registry stands beside.
            let is_it = |followed: &[String]| matches!(followed, [one] if image.reference.ends_with(one.as_str()));
            let followed = with.followed_by_comments();
            assert!(is_it(&followed), "{image:?} {followed:?}\n{}", String::from_utf8_lossy(&added));
        }
    }
}

fn memchr(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

/// Everything is still there, and in one place something was added.
fn only_added_to(before: &[u8], after: &[u8]) {
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let behind = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    assert!(after.len() > before.len() && same + behind >= before.len(), "something changed beside what was added");
}
