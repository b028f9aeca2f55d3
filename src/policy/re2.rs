//! Regular expressions as Go reads them, which is what the other tools are written in, put into the
//! words of the [`regex`](mod@regex) crate, for tags.
//!
//! The two are nearly one language. Where the same text means something else here, or is refused there,
//! it is written anew or refused. What both refuse is left as it is, for the crate to say why. Tags are
//! ASCII, so it makes no difference that classes such as `\d` are wider in one of the two. Knows nothing
//! of patterns and policies.

use std::collections::HashSet;
use std::iter::Peekable;
use std::str::CharIndices;

/// The most that Go repeats, nested repetitions multiplied.
const MOST_REPEATED: u32 = 1000;

/// What can stand in `[[:…:]]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// A regular expression of Go, as the `regex` crate has to be given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    /// The same expression in the other language.
    pub(super) text: String,
    /// Whether a group is named as in `(?<name>…)`, which Go reads since version 1.22.
    pub(super) has_short_names: bool,
}

/// What Go refuses in an expression that the `regex` crate would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(pub(super) &'static str);

/// Translates an expression, or says why Go refuses it.
pub(super) fn translate(text: &str) -> Result<Translated, Refused> {
    let mut translator = Translator {
        text,
        rest: text.char_indices().peekable(),
        out: String::with_capacity(text.len() + 8),
        has_short_names: false,
        names: HashSet::new(),
        groups: Vec::new(),
        inner: 1,
        atom: 1,
    };
    translator.run()?;
    Ok(Translated { text: translator.out, has_short_names: translator.has_short_names })
}

/// How often at least and, behind a comma, at most.
type Counts<'t> = (&'t str, Option<&'t str>);

struct Translator<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    out: String,
    has_short_names: bool,
    /// The names of groups so far.
    names: HashSet<&'t str>,
    /// What is repeated how often inside of each open group.
    groups: Vec<u32>,
    /// How often the innermost part is repeated, in the group that is read.
    inner: u32,
    /// The same for the last thing that can be repeated.
    atom: u32,
}

impl<'t> Translator<'t> {
    fn run(&mut self) -> Result<(), Refused> {
        let mut repeated = false;
        while let Some((at, c)) = self.rest.next() {
            let was_repeated = std::mem::take(&mut repeated);
            match c {
                '*' | '+' | '?' => {
                    repeated = true;
                    self.out.push(c);
                }
                '{' => match self.repetition(at) {
                    Some((counts, end)) => {
                        repeated = true;
                        self.count(counts)?;
                        self.out.push_str(&self.text[at..end]);
                        self.skip_to(end);
                    }
                    None => self.literal('{'),
                },
                '(' => self.open()?,
                ')' => {
                    let inside = self.inner.max(self.atom);
                    self.inner = self.groups.pop().unwrap_or(1).max(inside);
                    self.atom = inside;
                    self.out.push(')');
                }
                '[' => self.class(at)?,
                '\\' => self.escape(),
                '^' | '$' | '.' | '|' => {
                    self.next_atom();
                    self.out.push(c);
                }
                c => self.literal(c),
            }
            if repeated {
                if was_repeated {
                    return Err(Refused("repeats a repetition"));
                }
                if let Some((_, '?')) = self.rest.peek() {
                    self.rest.next();
                    self.out.push('?');
                }
            }
        }
        Ok(())
    }

    fn next_atom(&mut self) {
        self.inner = self.inner.max(self.atom);
        self.atom = 1;
    }

    fn literal(&mut self, c: char) {
        self.next_atom();
        push_literal(&mut self.out, c);
    }

    fn skip_to(&mut self, end: usize) {
        while self.rest.next_if(|(at, _)| *at < end).is_some() {}
    }

    /// `{2}`, `{2,}` or `{2,3}` at this place, and where it ends; anything else is no repetition.
    fn repetition(&self, at: usize) -> Option<(Counts<'t>, usize)> {
        let end = at + self.text[at..].find('}')?;
        let inside = &self.text[at + 1..end];
        let (least, most) = match inside.split_once(',') {
            Some((least, most)) => (least, Some(most)),
            None => (inside, None),
        };
        let number = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'))
        };
        let good = number(least) && most.is_none_or(|most| most.is_empty() || number(most));
        good.then_some(((least, most), end + 1))
    }

    fn count(&mut self, (least, most): Counts<'t>) -> Result<(), Refused> {
        const TOO_MANY: Refused = Refused("repeats more than 1000 times");
        let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= MOST_REPEATED).ok_or(TOO_MANY);
        let least_times = number(least)?;
        let most_times = match most {
            None => least_times,
            Some("") => least_times.max(1),
            Some(most) => number(most)?,
        };
        if most_times < least_times {
            return Err(Refused("repeats at most less often than at least"));
        }
        self.atom = self.atom.saturating_mul(most_times.max(1));
        if self.atom > MOST_REPEATED { Err(TOO_MANY) } else { Ok(()) }
    }

    /// What stands behind a `(`.
    fn open(&mut self) -> Result<(), Refused> {
        self.next_atom();
        self.groups.push(self.inner);
        self.inner = 1;
        self.out.push('(');
        if self.rest.next_if(|(_, c)| *c == '?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        match self.rest.peek() {
            Some((_, 'P')) => {}
            Some((at, '<')) => self.has_short_names |= !self.text[at + 1..].starts_with(['=', '!']),
            _ => {
                while let Some((_, c)) = self.rest.peek().copied() {
                    match c {
                        'x' | 'u' | 'R' => return Err(Refused("sets a flag that Go does not have")),
                        'i' | 'm' | 's' | 'U' | '-' => self.out.push(c),
                        ')' => {
                            // Flags for what follows open no group.
                            self.inner = self.groups.pop().unwrap_or(1);
                            self.out.push(c);
                            self.rest.next();
                            return Ok(());
                        }
                        // A look-around is what neither of the two has.
                        ':' | '=' | '!' => {
                            self.out.push(c);
                            self.rest.next();
                            return Ok(());
                        }
                        _ => break,
                    }
                    self.rest.next();
                }
                return Ok(());
            }
        }
        // The name is no part of the expression. Go lets two groups have one, and the first counts.
        let begin = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        let end = self.text[begin..].find(['>', ')']).map_or(self.text.len(), |end| begin + end + 1);
        let name = &self.text[begin..end];
        if name.ends_with('>') && !self.names.insert(name.trim_start_matches('P')) {
            self.out.pop();
            self.skip_to(end);
            return Ok(());
        }
        let shown = name.strip_suffix(')').unwrap_or(name);
        self.out.push_str(shown);
        self.skip_to(begin + shown.len());
        Ok(())
    }

    /// What stands behind a `\`.
    fn escape(&mut self) {
        self.next_atom();
        let Some((at, c)) = self.rest.next() else { return self.out.push('\\') };
        match c {
            'Q' => {
                let quoted = &self.text[at + 1..];
                let end = quoted.find(r"\E");
                for c in quoted[..end.unwrap_or(quoted.len())].chars() {
                    push_literal(&mut self.out, c);
                }
                self.skip_to(end.map_or(self.text.len(), |end| at + 1 + end + 2));
            }
            '0'..='7' if c == '0' || self.text[at + 1..].starts_with(|c| matches!(c, '0'..='7')) => {
                let octal = self.octal(at);
                push_literal(&mut self.out, octal);
            }
            c if c.is_ascii_punctuation() => push_literal(&mut self.out, c),
            'p' | 'P' | 'x' if self.text[at + 1..].starts_with('{') => {
                let end = self.text[at..].find('}').map_or(self.text.len(), |end| at + end + 1);
                self.out.push('\\');
                self.out.push_str(&self.text[at..end]);
                self.skip_to(end);
            }
            c => {
                self.out.push('\\');
                self.out.push(c);
            }
        }
    }

    /// Up to three octal digits from here on.
    fn octal(&mut self, at: usize) -> char {
        let end = at + self.text[at..].bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
        self.skip_to(end);
        u32::from_str_radix(&self.text[at..end], 8).ok().and_then(char::from_u32).unwrap_or('\0')
    }

    /// A class, whose members are all written out: the crate knows sets and nested classes, Go does not.
    fn class(&mut self, at: usize) -> Result<(), Refused> {
        self.next_atom();
        self.out.push('[');
        if self.rest.next_if(|(_, c)| *c == '^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        while let Some((here, c)) = self.rest.next() {
            if c == ']' && !first {
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let named = self.text[here..].strip_prefix("[:").and_then(|name| name.find(":]"));
            if let Some(length) = named {
                if !CLASSES.contains(&self.text[here + 2..here + 2 + length].trim_start_matches('^')) {
                    return Err(Refused("names a class that does not exist"));
                }
                let end = here + 2 + length + 2;
                self.out.push_str(&self.text[here..end]);
                self.skip_to(end);
                continue;
            }
            if !self.member(here, c) {
                continue;
            }
            let ranges = self.rest.peek().is_some_and(|(dash, c)| *c == '-' && !self.text[dash + 1..].starts_with(']'));
            if ranges && self.text.len() > here + 2 {
                self.rest.next();
                if let Some((high, c)) = self.rest.next() {
                    self.out.push('-');
                    self.member(high, c);
                }
            }
        }
        // Never closed: the crate is to say so, with the text as it was.
        self.out.push_str(&self.text[at + 1..]);
        Ok(())
    }

    /// One member of a class; whether it can begin a range.
    fn member(&mut self, at: usize, c: char) -> bool {
        if c != '\\' {
            push_member(&mut self.out, c);
            return true;
        }
        match self.rest.next() {
            Some((next, '0'..='7')) if next > at => {
                let octal = self.octal(next);
                push_member(&mut self.out, octal);
                true
            }
            Some((_, c)) if c.is_ascii_punctuation() => {
                push_member(&mut self.out, c);
                true
            }
            Some((start, kind @ ('p' | 'P'))) => {
                let name = &self.text[start + 1..];
                let braced = name.strip_prefix('{').and_then(|inside| inside.find('}')).map(|end| end + 2);
                let end = start + 1 + braced.or_else(|| name.chars().next().map(char::len_utf8)).unwrap_or(0);
                self.out.push('\\');
                self.out.push(kind);
                self.out.push_str(&self.text[start + 1..end]);
                self.skip_to(end);
                false
            }
            Some((start, 'x')) if self.text[start + 1..].starts_with('{') => {
                let end = self.text[start..].find('}').map_or(self.text.len(), |end| start + end + 1);
                self.out.push('\\');
                self.out.push_str(&self.text[start..end]);
                self.skip_to(end);
                true
            }
            Some((_, c)) => {
                self.out.push('\\');
                self.out.push(c);
                if c == 'x' {
                    for _ in 0..2 {
                        if let Some((_, digit)) = self.rest.next_if(|(_, c)| c.is_ascii_hexdigit()) {
                            self.out.push(digit);
                        }
                    }
                }
                !matches!(c, 'd' | 'D' | 's' | 'S' | 'w' | 'W')
            }
            None => {
                self.out.push('\\');
                false
            }
        }
    }
}

/// A sign that means itself. A comma is put so that it separates nothing in a list.
fn push_literal(out: &mut String, c: char) {
    if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | ',') {
        out.push('\\');
    }
    out.push(c);
}

/// A sign that means itself in a class.
fn push_member(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && !matches!(c, '<' | '>' | '_') {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests;
