//! The rules that problems break: a name for each kind of mistake, to be counted and switched by.
//!
//! Knows names and what they mean; where a mistake is found, and how bad it is there, is not known here.

use std::fmt;

use super::Severity;

/// Declares the rules, each with its name, how bad it mostly is, and one sentence.
macro_rules! rules {
    ($($rule:ident $name:literal $usual:ident $meaning:literal)*) => {
        /// A kind of mistake. The order is that of the names in `docs/lint.md`: files, keys and values,
        /// policies, images, links.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $meaning] $rule,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// Its name, `unknown-key` for example. A name stays what it is once people have switched it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            /// How bad it is where nothing makes it better or worse. Each problem says how bad it is itself.
            #[must_use]
            pub const fn usual(self) -> Severity {
                match self { $(Self::$rule => Severity::$usual,)* }
            }

            /// What it means, as one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$rule => $meaning,)* }
            }
        }
    };
}

rules! {
    UnreadableFile "unreadable-file" Error "A file cannot be read, or is no YAML or JSON, so that nothing in it is followed."
    Template "template" Warning "A file or an image is a template, which is never expanded and never changed."
    Untouchable "untouchable" Error "Something is asked for in a file or object that is never changed: encrypted files, secrets, images to look at."
    DoubledKey "doubled-key" Error "A key stands twice in one mapping, and readers differ in which one counts."
    Alias "alias" Warning "Annotations, containers or entries stand behind a YAML alias or a merge key, where they are not read."

    UnknownKey "unknown-key" Error "An annotation is under a known prefix, and nobody knows its key."
    UnknownContainer "unknown-container" Warning "An annotation speaks about a container or an image that is not there."
    UnnamedContainer "unnamed-container" Error "A container has no name or shares it, so that no policy can be meant for it."
    InvalidValue "invalid-value" Error "The value of an annotation or a key is not one that it can have."
    UnquotedValue "unquoted-value" Warning "The value of an annotation is not quoted, and Kubernetes takes no other than strings."
    StrayBlank "stray-blank" Error "A value has blanks, tabs or line ends around it or in it, which other readers take for a part of it."
    UnclearWording "unclear-wording" Hint "It is taken for what it seems to mean, and there is a clearer way to write it."
    Contradiction "contradiction" Warning "Two annotations or comments say different things about one thing."
    Unheard "unheard" Warning "An annotation stands where nobody reads it: on a label, a pod template, an object without images or `automated`."
    IgnoredByFlux "ignored-by-flux" Hint "It works here, and Flux itself would not hear it: told by `lint` alone."
    NotSupported "not-supported" Error "What is asked for is known, and not supported yet."

    InvalidPattern "invalid-pattern" Error "A pattern, or an order, extract or exclude that goes with it, cannot be read."
    EverythingPattern "everything-pattern" Warning "A pattern takes the newest of all tags, whatever kind of tag that is."
    NumberAsVersion "number-as-version" Warning "A date or a build number counts as a version here, as it does in Flux."
    MissingPolicy "missing-policy" Error "A policy or an object is named that is not there, or there more than once."
    BrokenPolicy "broken-policy" Error "A named policy or an object of Flux cannot be followed, and nobody who names it is."
    UnusedPolicy "unused-policy" Hint "No marker names an `ImagePolicy` of Flux."
    UncoveredMarker "uncovered-marker" Warning "A marker stands where no `ImageUpdateAutomation` of Flux writes."
    Marker "marker" Error "A comment looks like a marker, and says or marks nothing that can be followed."

    NoImage "no-image" Warning "Automation is asked for, and there is no image that it could follow."
    InvalidImage "invalid-image" Error "What stands in place of an image is none."
    ImagePath "image-path" Warning "An annotation says where an image stands, and none is there."
    ImageRefused "image-refused" Warning "The tag of an image cannot be changed in the way it is written."
    ReplacedImage "replaced-image" Warning "An image is replaced elsewhere, or by nobody who should, so that it is not followed here."
    OwnersDisagree "owners-disagree" Error "Two workloads, comments or kustomizations want different things of one image."

    Kustomization "kustomization" Warning "An entry under `images` of a kustomization cannot be followed."
    Values "values" Warning "The values of a chart cannot be read, so that no image below them is followed."
    Link "link" Warning "A path leads to no file, or out of the repository."
    UnclearTag "unclear-tag" Error "The tag that stands here does not say which ones are meant, and no pattern says it."
    UnlistedRepository "unlisted-repository" Warning "The registry does not list the tags of a repository, or does not know it (`--online`)."
    NoMatch "no-match" Error "A policy fits none of the tags that there are, or what is excluded leaves none (`--online`)."
    MissingTag "missing-tag" Warning "The tag that stands here is not in the registry (`--online`)."
    TagNotAdmitted "tag-not-admitted" Hint "The policy would not take the tag that stands here (`--online`)."

    LintFile "lint-file" Error "The file that switches rules has a mistake, and what is wrong in it switches nothing."
    OutsidePaths "outside-paths" Warning "A file lies outside of the paths that Landwaiter was told to look in."
}

impl Rule {
    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Rule;

    #[test]
    fn rules_have_names_of_their_own_and_one_sentence() {
        let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for &rule in Rule::ALL {
            let (name, meaning) = (rule.name(), rule.meaning());
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(meaning.ends_with('.') && !meaning.contains(". ") && !meaning.contains('|'), "{name}: {meaning}");
            assert_eq!(Rule::named(name), Some(rule));
        }
        assert_eq!(Rule::named("unknown"), None);
    }
}
