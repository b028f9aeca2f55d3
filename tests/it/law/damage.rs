//! What the tools of this field do to the files that they edit, row by row, and what is right: the
//! original bytes with the value changed, or a refusal that says why.
//!
//! In the text of a row `«old|new»` marks what changes. What stands there before and after is taken
//! from these marks alone; nothing of ours has a part in it.

mod argo;
mod files;
mod kustomize;
mod markers;
mod pods;
mod values;

use super::file::File;

/// One file and what a new tag does to it.
struct Row {
    name: &'static str,
    path: &'static str,
    tag: &'static str,
    text: String,
    refused: Vec<(&'static str, &'static str)>,
    stays: Vec<&'static str>,
    told: Vec<&'static str>,
}

/// A file in which every image gets the tag.
fn row(name: &'static str, tag: &'static str, text: impl Into<String>) -> Row {
    Row { name, path: "a.yaml", tag, text: text.into(), refused: Vec::new(), stays: Vec::new(), told: Vec::new() }
}

/// A Pod with one container, whose image is written so.
fn pod(image: &str) -> String {
    format!("kind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - name: c\n    {image}")
}

impl Row {
    /// The file has another name than `a.yaml`.
    fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// The image of this container is refused, and the reason says this.
    fn refuses(mut self, container: &'static str, why: &'static str) -> Self {
        self.refused.push((container, why));
        self
    }

    /// Nobody wants to change the image of this container.
    fn spares(mut self, container: &'static str) -> Self {
        self.stays.push(container);
        self
    }

    /// Something is said about the file, and it says this.
    fn tells(mut self, what: &'static str) -> Self {
        self.told.push(what);
        self
    }

    /// The text before and after, and how many places are marked.
    fn marked(&self) -> (String, String, usize) {
        let (mut before, mut after, mut marks) = (String::new(), String::new(), 0);
        let mut rest = self.text.as_str();
        while let Some((text, behind)) = rest.split_once('«') {
            let (mark, behind) = behind.split_once('»').unwrap();
            let (old, new) = mark.split_once('|').unwrap();
            before.extend([text, old]);
            after.extend([text, new]);
            marks += 1;
            rest = behind;
        }
        (before + rest, after + rest, marks)
    }

    fn check(&self) {
        let name = self.name;
        let (before, after, marks) = self.marked();
        let file = File::read(self.path, before.as_bytes());
        let images = file.images();
        assert_eq!(file.with_tags(&[]).bytes, before.as_bytes(), "{name}: no change, other bytes");

        for what in &self.told {
            let problems = file.problems();
            assert!(problems.iter().any(|problem| problem.contains(what)), "{name}: {problems:?}");
        }

        let wanted: Vec<usize> =
            (0..images.len()).filter(|&at| !self.stays.contains(&images[at].container.as_str())).collect();
        assert_eq!(images.len() - wanted.len(), self.stays.len(), "{name}: {images:?}");
        let tags: Vec<(usize, &str)> = wanted.iter().map(|&at| (at, self.tag)).collect();
        let changed = file.with_tags(&tags);
        assert_eq!(String::from_utf8_lossy(&changed.bytes), after, "{name}: {:?}", changed.refused);
        let refused: Vec<(&str, &str)> =
            changed.refused.iter().map(|(at, why)| (images[*at].container.as_str(), why.as_str())).collect();
        assert_eq!(refused.len(), self.refused.len(), "{name}: {refused:?}");
        for ((container, why), (expected, part)) in refused.iter().zip(&self.refused) {
            assert!(container == expected && why.contains(part), "{name}: {container}: {why}");
            assert!(why.starts_with(self.path), "{name}: {why}: without its place");
        }
        // Every mark is a place where an image was found, unless several images share it.
        assert!(wanted.len() - refused.len() >= marks, "{name}: {marks} marks, {images:?}");

        let again = File::read(self.path, &changed.bytes);
        for (at, image) in again.images().iter().enumerate() {
            let stays = !wanted.contains(&at) || changed.refused.iter().any(|(refused, _)| *refused == at);
            let tag = format!("{}:{}", image.name, self.tag);
            assert_eq!(&image.reference, if stays { &images[at].reference } else { &tag }, "{name}: read again");
        }
        assert_eq!(again.images().len(), images.len(), "{name}: read again");
        assert_eq!(again.with_tags(&tags).bytes, changed.bytes, "{name}: a second run changes something");
    }
}

fn check(rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        row.check();
    }
}
