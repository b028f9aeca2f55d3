//! What an import prints: a row for each container, and what is to be known beside it.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::output::{BOLD, DIM, GREEN, ProblemOutput, YELLOW, counted, problem_outputs, table};
use crate::image::Tag;
use crate::manifest::{Place, Problem};
use crate::plan::Change;
use crate::plan::import::{Agreement, Import, Native, Ours, Remainder, Row};
use crate::plan::message::one_line;
use crate::policy::PeerChoice;

/// What `import` prints for scripts.
#[derive(Debug, Serialize)]
pub(super) struct ImportOutput<'a> {
    containers: Vec<RowOutput<'a>>,
    leftovers: Vec<LeftoverOutput<'a>>,
    objects: Vec<ObjectOutput<'a>>,
    changes: Vec<&'a str>,
    problems: Vec<ProblemOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct RowOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    workload: &'a str,
    container: &'a str,
    image: &'a str,
    current: Option<&'a str>,
    dialect: &'static str,
    tool: &'static str,
    setting: &'a str,
    theirs: Option<TheirsOutput<'a>>,
    ours: Option<OursOutput<'a>>,
    /// `null` where it cannot be told.
    same: Option<bool>,
    why: Option<&'a str>,
    native: NativeOutput<'a>,
}

#[derive(Debug, Serialize)]
struct TheirsOutput<'a> {
    kind: &'static str,
    tag: Option<&'a str>,
    among: Vec<&'a str>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct OursOutput<'a> {
    kind: &'static str,
    tag: Option<&'a str>,
    hold: Option<&'static str>,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct NativeOutput<'a> {
    kind: &'static str,
    annotations: Vec<AnnotationOutput<'a>>,
    comment: Option<&'a str>,
    why: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct AnnotationOutput<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Debug, Serialize)]
struct LeftoverOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    dialect: &'static str,
    setting: &'a str,
    value: &'a str,
    why: &'a str,
}

/// An object of another tool that is left in place.
#[derive(Debug, Serialize)]
struct ObjectOutput<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    object: &'a str,
}

impl<'a> ImportOutput<'a> {
    pub(super) fn new(import: &'a Import, changes: &'a [Change], problems: &'a [Problem]) -> Self {
        let leftover = |leftover: &'a Remainder| LeftoverOutput {
            file: leftover.place.file.as_str(),
            line: leftover.place.line,
            column: leftover.place.column,
            dialect: leftover.dialect.name(),
            setting: &leftover.key,
            value: &leftover.value,
            why: &leftover.why,
        };
        let object = |(object, place): &'a (String, Place)| ObjectOutput {
            file: place.file.as_str(),
            line: place.line,
            column: place.column,
            object,
        };
        Self {
            containers: import.rows.iter().map(RowOutput::from).collect(),
            leftovers: import.leftovers.iter().map(leftover).collect(),
            objects: import.objects.iter().map(object).collect(),
            changes: changes.iter().map(|change| change.path.as_str()).collect(),
            problems: problem_outputs(problems),
        }
    }
}

impl<'a> From<&'a Row> for RowOutput<'a> {
    fn from(row: &'a Row) -> Self {
        let (same, why) = match &row.agreement {
            Agreement::Same => (Some(true), None),
            Agreement::Differs(why) => (Some(false), Some(why.as_str())),
            Agreement::Unknown(why) => (None, Some(why.as_str())),
        };
        Self {
            file: row.place.file.as_str(),
            line: row.place.line,
            column: row.place.column,
            workload: &row.workload,
            container: &row.container,
            image: row.image.name(),
            current: row.image.tag().map(Tag::as_str),
            dialect: row.dialect.name(),
            tool: row.dialect.tool(),
            setting: &row.setting,
            theirs: row.theirs.as_ref().map(TheirsOutput::from),
            ours: row.ours.as_ref().map(OursOutput::from),
            same,
            why,
            native: NativeOutput::from(&row.native),
        }
    }
}

impl<'a> From<&'a PeerChoice> for TheirsOutput<'a> {
    fn from(choice: &'a PeerChoice) -> Self {
        let empty = |kind| Self { kind, tag: None, among: Vec::new(), reason: None };
        match choice {
            PeerChoice::Tag(tag) => Self { tag: Some(tag.as_str()), ..empty("update") },
            PeerChoice::Stays(why) => Self { reason: Some(why.clone()), ..empty("stays") },
            PeerChoice::Fails(why) => Self { reason: Some(why.clone()), ..empty("fails") },
            PeerChoice::Unclear { why, among } => {
                let among = among.iter().map(Tag::as_str).collect();
                Self { among, reason: Some((*why).to_owned()), ..empty("unclear") }
            }
            PeerChoice::NeedsCreated { .. } => Self { reason: Some(choice.to_string()), ..empty("unknown") },
        }
    }
}

impl<'a> From<&'a Ours> for OursOutput<'a> {
    fn from(ours: &'a Ours) -> Self {
        match ours {
            Ours::Update { to, reason } => Self { kind: "update", tag: Some(to.as_str()), hold: None, reason },
            Ours::Stays { hold, reason } => Self { kind: "hold", tag: None, hold: Some(hold), reason },
        }
    }
}

impl<'a> From<&'a Native> for NativeOutput<'a> {
    fn from(native: &'a Native) -> Self {
        let annotations = |words: &'a [(String, String)]| {
            words.iter().map(|(key, value)| AnnotationOutput { key, value: value.trim_end() }).collect()
        };
        let (kind, words, comment, why) = match native {
            Native::Annotations(words) => ("annotations", words.as_slice(), None, None),
            Native::Comment(text) => ("comment", &[][..], Some(text.as_str()), None),
            Native::ByHand { why, words } => ("by-hand", words.as_slice(), None, Some(why.as_str())),
        };
        Self { kind, annotations: annotations(words), comment, why }
    }
}

/// Prints the containers, one to a line, and below them what is to be known.
pub(super) fn print(out: &mut dyn Write, import: &Import, changes: &[Change], is_offline: bool) -> io::Result<()> {
    if !import.rows.is_empty() {
        let header =
            ["WORKLOAD", "CONTAINER", "IMAGE", "CURRENT", "TOOL", "SETTING", "THEIRS", "OURS", "SAME", "PLACE"];
        let mut rows = table(&header);
        for row in &import.rows {
            rows.add_row(cells(row));
        }
        writeln!(out, "{}", rows.trim_fmt())?;
        if is_offline {
            writeln!(out, "{DIM}--offline: no tags are known, so nothing is chosen and nothing compared.{DIM:#}")?;
        }
    }
    let differing = import.rows.iter().filter_map(|row| match &row.agreement {
        Agreement::Differs(why) => Some((row, why)),
        Agreement::Unknown(why) if !is_offline => Some((row, why)),
        _ => None,
    });
    section(out, "What differs:", differing.map(|(row, why)| (of(row), one_line(why))))?;
    let native = import.rows.iter().filter_map(|row| match &row.native {
        Native::Annotations(words) if !words.is_empty() => Some((of(row), told(words))),
        Native::Comment(text) => Some((of(row), one_line(text))),
        _ => None,
    });
    section(out, if changes.is_empty() { "In native words:" } else { "What becomes of it:" }, native)?;
    let by_hand = import.rows.iter().filter_map(|row| match &row.native {
        Native::ByHand { why, words } if words.is_empty() => Some((of(row), one_line(why))),
        Native::ByHand { why, words } => Some((of(row), format!("{}; by hand: {}", one_line(why), told(words)))),
        _ => None,
    });
    section(out, "What stays as it is:", by_hand)?;
    let leftovers = import.leftovers.iter().map(|leftover| {
        let value = if leftover.value.is_empty() { String::new() } else { format!(" `{}`", one_line(&leftover.value)) };
        (format!("{}: {}{value}", leftover.place, one_line(&leftover.key)), one_line(&leftover.why))
    });
    section(out, "Settings without an equivalent:", leftovers)?;
    let objects = import.objects.iter().map(|(object, place)| {
        (place.to_string(), format!("{} is left in place: delete it when nothing needs it any more", one_line(object)))
    });
    section(out, "Objects of other tools:", objects)
}

/// Prints the sums, tool by tool.
pub(super) fn print_summary(out: &mut dyn Write, import: &Import, changes: &[Change], written: bool) -> io::Result<()> {
    let mut tools: Vec<&str> = import.rows.iter().map(|row| row.dialect.tool()).collect();
    tools.sort_unstable();
    tools.dedup();
    writeln!(out)?;
    for tool in &tools {
        let of_tool = || import.rows.iter().filter(|row| row.dialect.tool() == *tool);
        let leftovers = import.leftovers.iter().filter(|leftover| leftover.dialect.tool() == *tool).count();
        writeln!(out, "{BOLD}{tool}{BOLD:#}: {}", sums(of_tool(), leftovers))?;
    }
    if tools.len() != 1 {
        writeln!(out, "{}", sums(import.rows.iter(), import.leftovers.len()))?;
    }
    match (changes.len(), written) {
        (0, _) => Ok(()),
        (count, true) => writeln!(out, "{GREEN}{} rewritten{GREEN:#}", counted(count, "file")),
        (count, false) => writeln!(out, "{YELLOW}{} to rewrite: --write{YELLOW:#}", counted(count, "file")),
    }
}

fn sums<'a>(rows: impl Iterator<Item = &'a Row>, leftovers: usize) -> String {
    let (mut all, mut same, mut differ, mut by_hand) = (0, 0, 0, 0);
    for row in rows {
        all += 1;
        same += usize::from(row.agreement == Agreement::Same);
        differ += usize::from(matches!(row.agreement, Agreement::Differs(_)));
        by_hand += usize::from(matches!(row.native, Native::ByHand { .. }));
    }
    let leftovers = counted(leftovers, "setting");
    format!(
        "{}, {same} the same, {differ} differ, {by_hand} by hand, {leftovers} without equivalent",
        counted(all, "container")
    )
}

fn cells(row: &Row) -> [String; 10] {
    let theirs = match &row.theirs {
        None => String::new(),
        Some(PeerChoice::Tag(tag)) => tag.to_string(),
        Some(PeerChoice::Stays(_)) => "stays".to_owned(),
        Some(PeerChoice::Fails(_)) => "fails".to_owned(),
        Some(PeerChoice::Unclear { .. }) => "unclear".to_owned(),
        Some(PeerChoice::NeedsCreated { .. }) => "?".to_owned(),
    };
    let ours = match &row.ours {
        None => String::new(),
        Some(Ours::Update { to, .. }) => to.to_string(),
        Some(Ours::Stays { hold, .. }) => (*hold).to_owned(),
    };
    let same = match &row.agreement {
        Agreement::Same => "same".to_owned(),
        Agreement::Differs(_) => "differs".to_owned(),
        Agreement::Unknown(_) => String::new(),
    };
    [
        one_line(&row.workload),
        one_line(&row.container),
        row.image.name().to_owned(),
        row.image.tag().map_or_else(String::new, ToString::to_string),
        row.dialect.name().to_owned(),
        one_line(&row.setting),
        theirs,
        ours,
        same,
        row.place.to_string(),
    ]
}

fn of(row: &Row) -> String {
    format!("{} {}", one_line(&row.workload), one_line(&row.container))
}

fn told(words: &[(String, String)]) -> String {
    let told: Vec<String> = words.iter().map(|(key, value)| format!("{key}: {}", one_line(value.trim_end()))).collect();
    told.join(", ")
}

/// Lines under a heading, where there are any.
fn section(out: &mut dyn Write, heading: &str, lines: impl Iterator<Item = (String, String)>) -> io::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}{heading}{BOLD:#}")?;
    for (about, text) in lines {
        writeln!(out, "  {BOLD}{about}{BOLD:#}: {text}")?;
    }
    Ok(())
}
