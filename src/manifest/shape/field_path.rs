//! The way to a field as people write it in annotations: `spec.jobs[0].image`.
//!
//! Knows how such a way is written and walked; must not know what stands at its end.

use super::super::yaml::{Kind, NodeRef};

/// How long a path may be, in bytes, and how many steps it may have. No object of the field comes near.
const LONGEST: usize = 1000;
const MOST_STEPS: usize = 50;

/// How many keys are listed where one is missing.
const MOST_KEYS: usize = 20;

/// A path to a field: keys with dots between them, `spec.template.image`.
///
/// - An item of a list: `jobs[0]` or `jobs.0` by its number, `containers[web]`, `containers.web` or
///   `containers[name=web]` by what it says.
/// - A key that holds a dot: `a\.b`, `["a.b"]`, or plain `a.b` where there is no `b` in `a`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) struct FieldPath {
    text: String,
    steps: Vec<Step>,
}

/// Why a path leads nowhere, from where it got lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) struct DeadEnd {
    /// How many steps could be made.
    pub(in crate::manifest) depth: usize,
    /// Whether values below these are hidden from here on: by a list, a single value, an alias, or a
    /// merge, which may bring what is missing.
    pub(in crate::manifest) hides: bool,
    /// What is missing where.
    pub(in crate::manifest) message: String,
    /// What is there instead.
    pub(in crate::manifest) mend: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    means: Means,
    /// Where the step ends in the text of the path.
    end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Means {
    /// A key, or an item of a list by number or name: `a`.
    Word(String),
    /// The same in brackets, which belongs to no longer key: `[a]`.
    Bracketed(String),
    /// A key and nothing else: `["a"]`.
    Key(String),
    /// An item of a list that says so: `[name=web]`.
    Item { key: String, value: String },
}

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, and how to mend it.
    pub(in crate::manifest) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it has {} bytes, and {LONGEST} is the most a path can have", text.len()));
        }
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let means;
            (means, rest) = if rest.starts_with('[') { bracket(rest)? } else { word(rest, steps.is_empty())? };
            steps.push(Step { means, end: text.len() - rest.len() });
            if rest.is_empty() {
                break;
            }
            rest = match rest.strip_prefix('.') {
                Some("") => return Err("it ends with a dot; remove the dot".to_owned()),
                Some(behind) => behind,
                None if rest.starts_with('[') => rest,
                None => return Err("behind a `]` something stands without a dot; write `.` between them".to_owned()),
            };
        }
        if steps.len() > MOST_STEPS {
            return Err(format!("it has {} steps, and {MOST_STEPS} is the most a path can have", steps.len()));
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// The path that leads from one node to another below it; `None` where no path does: through aliases, and
    /// through keys that are no texts.
    pub(in crate::manifest) fn to(root: NodeRef<'_>, node: NodeRef<'_>) -> Option<Self> {
        let mut steps = Vec::new();
        let mut at = root;
        while at.id() != node.id() {
            let is_around = |child: &NodeRef<'_>| (child.id()..child.next_id()).contains(&node.id());
            let (means, next) = if at.kind() == Kind::Sequence {
                let (number, item) = at.items().enumerate().find(|(_, item)| is_around(item))?;
                (Means::Bracketed(number.to_string()), item)
            } else {
                let (key, value) = at.entries().find(|(_, value)| is_around(value))?;
                (Means::Key(key.text()?.to_owned()), value)
            };
            steps.push(Step { means, end: 0 });
            at = next;
        }
        (steps.len() <= MOST_STEPS).then(|| Self { text: String::new(), steps })
    }

    /// The node at the end of the path. Aliases and merges on the way are not followed; the last node may
    /// be an alias.
    ///
    /// # Errors
    /// [`DeadEnd`] says how far the path leads and what is there.
    pub(in crate::manifest) fn look<'a>(&self, root: NodeRef<'a>) -> Result<NodeRef<'a>, DeadEnd> {
        self.walk(root).map_err(|(node, depth)| {
            let hides = node.kind() != Kind::Mapping || node.get("<<").is_some() || leads_through_a_list(root, node);
            self.dead_end(node, depth, hides)
        })
    }

    /// The path one step shorter; `None` for a path of one step.
    pub(in crate::manifest) fn parent(&self) -> Option<Self> {
        let (_, steps) = self.steps.split_last()?;
        let end = steps.last()?.end;
        Some(Self { text: self.text[..end].to_owned(), steps: steps.to_vec() })
    }

    /// The words of the path: a key, or the number or name of an item; `None` for an item that says so.
    pub(in crate::manifest) fn words(&self) -> impl Iterator<Item = Option<&str>> {
        self.steps.iter().map(|step| match &step.means {
            Means::Word(word) | Means::Bracketed(word) | Means::Key(word) => Some(word.as_str()),
            Means::Item { .. } => None,
        })
    }

    /// The last step, where that is a key.
    pub(in crate::manifest) fn last_key(&self) -> Option<&str> {
        match &self.steps.last()?.means {
            Means::Word(key) | Means::Bracketed(key) | Means::Key(key) => Some(key),
            Means::Item { .. } => None,
        }
    }

    /// The end of the path, or the last node on the way with the number of steps up to there.
    fn walk<'a>(&self, root: NodeRef<'a>) -> Result<NodeRef<'a>, (NodeRef<'a>, usize)> {
        let mut deepest = (root, 0);
        // No node is entered twice, since the ways to it are one text.
        let mut waiting = vec![(root, 0)];
        let mut found = Vec::new();
        while let Some((node, depth)) = waiting.pop() {
            if depth == self.steps.len() {
                return Ok(node);
            }
            if depth > deepest.1 {
                deepest = (node, depth);
            }
            found.clear();
            self.step(node, depth, &mut found);
            // The shortest key is tried first.
            found.sort_by_key(|(steps, _)| std::cmp::Reverse(*steps));
            waiting.extend(found.iter().map(|&(steps, node)| (node, depth + steps)));
        }
        Err(deepest)
    }

    /// Where one step leads from here, and where several do that are one key with dots.
    fn step<'a>(&self, node: NodeRef<'a>, depth: usize, found: &mut Vec<(usize, NodeRef<'a>)>) {
        let by_number = |text: &str| text.parse().ok().and_then(|number| node.items().nth(number));
        let by_name = |key: &str, value: &str| {
            let mut namesakes = node.items().filter(|item| item.get_text(key) == Some(value));
            namesakes.next().filter(|_| namesakes.next().is_none())
        };
        let is_list = node.kind() == Kind::Sequence;
        match &self.steps[depth].means {
            Means::Word(text) | Means::Bracketed(text) if is_list => {
                found.extend(by_number(text).or_else(|| by_name("name", text)).map(|node| (1, node)));
            }
            Means::Word(_) => {
                for (key, value) in node.entries() {
                    let steps = key.text().and_then(|key| self.words_in(key, depth));
                    found.extend(steps.map(|steps| (steps, value)));
                }
            }
            Means::Bracketed(key) | Means::Key(key) => found.extend(node.get(key).map(|node| (1, node))),
            Means::Item { key, value } => found.extend(by_name(key, value).map(|node| (1, node))),
        }
    }

    /// How many words from here on are, with dots between them, this key.
    fn words_in(&self, key: &str, depth: usize) -> Option<usize> {
        let mut rest = key;
        for (count, step) in self.steps[depth..].iter().enumerate() {
            let Means::Word(word) = &step.means else { return None };
            if count > 0 {
                rest = rest.strip_prefix('.')?;
            }
            rest = rest.strip_prefix(word.as_str())?;
            if rest.is_empty() {
                return Some(count + 1);
            }
        }
        None
    }

    fn dead_end(&self, node: NodeRef<'_>, depth: usize, hides: bool) -> DeadEnd {
        let here = match depth.checked_sub(1).and_then(|last| self.steps.get(last)) {
            Some(step) => format!("`{}`", &self.text[..step.end]),
            None => "the top".to_owned(),
        };
        let wanted = self.steps.get(depth).map_or("", |step| self.text[..step.end].trim_start_matches('.'));
        let from = depth.checked_sub(1).map_or(0, |last| self.steps[last].end);
        let wanted = wanted.get(from..).unwrap_or(wanted).trim_start_matches('.');
        let (message, mend) = match node.kind() {
            Kind::Mapping => {
                let keys: Vec<&str> = node.entries().filter_map(|(key, _)| key.text()).take(MOST_KEYS + 1).collect();
                let more = if keys.len() > MOST_KEYS { ", …" } else { "" };
                let listed = keys[..keys.len().min(MOST_KEYS)].join(", ");
                let mend =
                    if keys.is_empty() { "it is empty".to_owned() } else { format!("there are: {listed}{more}") };
                (format!("{here} has no `{wanted}`"), mend)
            }
            Kind::Sequence => {
                let count = node.items().count();
                let mend = "name an item by its number, the first is `[0]`, or by its name, if that is its own";
                (format!("{here} is a list of {count} without a `{wanted}` of its own"), mend.to_owned())
            }
            Kind::Scalar(_) => {
                (format!("{here} is a single value and has no `{wanted}`"), "correct the path".to_owned())
            }
            Kind::Alias(_) => {
                let message = format!("{here} is an alias, and a path does not lead through aliases");
                (message, "write the values out where the path leads".to_owned())
            }
        };
        DeadEnd { depth, hides, message, mend }
    }
}

/// Whether a list stands on the way from one node to another.
pub(in crate::manifest) fn leads_through_a_list(root: NodeRef<'_>, node: NodeRef<'_>) -> bool {
    let mut at = Some(root);
    while let Some(here) = at.filter(|here| here.id() != node.id()) {
        if here.kind() == Kind::Sequence {
            return true;
        }
        at = here.entries().map(|(_, value)| value).find(|child| (child.id()..child.next_id()).contains(&node.id()));
    }
    false
}

/// A word up to the next dot or bracket, and what comes behind it.
fn word(text: &str, is_first: bool) -> Result<(Means, &str), String> {
    let mut word = String::new();
    let mut letters = text.char_indices();
    let mut end = text.len();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '.' | '[' => {
                end = at;
                break;
            }
            '\\' => word.push(letters.next().ok_or("it ends with a backslash; remove the backslash")?.1),
            ']' => return Err("it has a `]` without `[`; remove it".to_owned()),
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        return Ok((Means::Word(word), &text[end..]));
    }
    Err(match (text.is_empty(), is_first) {
        (true, _) => "it is empty; write keys with dots between them, such as `spec.image`".to_owned(),
        (false, true) => "it begins with a dot; remove the dot".to_owned(),
        (false, false) => "it has two dots in a row; remove one of them".to_owned(),
    })
}

/// What stands in brackets, and what comes behind them.
fn bracket(text: &str) -> Result<(Means, &str), String> {
    let unclosed = || "it has a `[` without `]`; close the bracket".to_owned();
    let inside = &text[1..];
    if let Some(quote) = inside.chars().next().filter(|letter| matches!(letter, '"' | '\'')) {
        let (key, rest) = inside[1..].split_once(quote).ok_or_else(unclosed)?;
        let rest = rest.strip_prefix(']').ok_or_else(unclosed)?;
        return Ok((Means::Key(key.to_owned()), rest));
    }
    let (inside, rest) = inside.split_once(']').ok_or_else(unclosed)?;
    let means = match inside.split_once('=') {
        _ if inside.is_empty() || inside == "*" => {
            return Err(format!("`[{inside}]` names no item; write its number or its name, one path for each image"));
        }
        Some((key, value)) => {
            let value = value.trim_matches(|letter| matches!(letter, '"' | '\''));
            Means::Item { key: key.to_owned(), value: value.to_owned() }
        }
        None => Means::Bracketed(inside.to_owned()),
    };
    Ok((means, rest))
}

#[cfg(test)]
mod tests;
