//! Sending commits to a server: only if the branch still is where we saw it, and never by force.
//! Must not know why there are commits.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::rc::Rc;

use gix::ObjectId;
use gix::objs::Kind;
use gix::protocol::handshake::Ref;
use gix::protocol::transport::client::blocking_io::Transport as _;
use gix::protocol::transport::client::{MessageKind, WriteMode};
use gix::protocol::transport::{Protocol, Service};
use gix_pack::data::output;

use super::Error;
use super::commit::entries;
use super::fetch::{AGENT, Upstream, handshake};
use super::server::{Call, Server};
use super::snapshot::{CommitId, Snapshot};
use crate::plain::{self, chain};

const MAX_MESSAGES: usize = 50;
const MAX_MESSAGE: usize = 500;
const MAX_REPORT: u64 = 1 << 20;
/// The most commits of one push.
const MAX_CHAIN: usize = 1000;

/// What the other side made of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The branch points to our commit.
    Accepted {
        /// What the server had to say, such as the output of its hooks, a line each.
        messages: Vec<String>,
    },
    /// The branch is no longer where it was when it was fetched, and nothing was changed.
    Stale {
        /// Where it is now; `None` when it is gone.
        actual: Option<CommitId>,
    },
    /// The other side does not want this commit, and nothing was changed.
    Refused {
        /// Why, in its words.
        reason: String,
        /// What else it said, such as the output of its hooks, a line each.
        messages: Vec<String>,
    },
}

/// Whether the other side would let us push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushAccess {
    /// It shows us the side of it that takes pushes.
    Granted,
    /// It does not.
    Refused {
        /// Why, and how to mend it.
        reason: String,
    },
}

/// Begins a push and leaves it at that: the server lets nobody see where its branches are that may not write.
pub(super) fn may_push(server: &Server) -> Result<PushAccess, Error> {
    let mut call = server.call(Protocol::V1, Service::ReceivePack)?;
    match handshake(&mut call, Service::ReceivePack) {
        Ok(_) => Ok(PushAccess::Granted),
        Err(error) => match call.witness.failed("asking whether we may push", &error) {
            refused @ (Error::Unauthorized { .. } | Error::Declined { .. }) => {
                Ok(PushAccess::Refused { reason: refused.to_string() })
            }
            other => Err(other),
        },
    }
}

/// Checks that the way from `commit` leads to `base`, by commits of one parent each.
pub(super) fn check_chain(base: &Snapshot, commit: CommitId) -> Result<(), Error> {
    chain_down(base, commit).map(drop)
}

/// The commits from `commit` down to `base`, without that, each with its tree.
fn chain_down(base: &Snapshot, commit: CommitId) -> Result<Vec<(ObjectId, ObjectId)>, Error> {
    let mut buffer = Vec::new();
    let mut chain = Vec::new();
    let mut next = commit.0;
    while next != base.commit().0 && chain.len() < MAX_CHAIN {
        base.find(next, Kind::Commit, &mut buffer)?;
        let found = base.commit_ref(next, &buffer)?;
        chain.push((next, found.tree()));
        let mut parents = found.parents();
        match (parents.next(), parents.next()) {
            (Some(parent), None) if !base.is_boundary(next) => next = parent,
            _ => break,
        }
    }
    if next == base.commit().0 && !chain.is_empty() {
        return Ok(chain);
    }
    let problem = "the commit was not made from the one it is pushed onto";
    Err(Error::Change { path: commit.short(), commit: base.commit().short(), problem })
}

/// Sends `commit` as the new head of the branch of `base`.
pub(super) fn push(server: &Server, base: &Snapshot, commit: CommitId) -> Result<PushOutcome, Error> {
    let name = format!("refs/heads/{}", base.branch());
    let mut call = server.call(Protocol::V1, Service::ReceivePack)?;
    let handshake = match handshake(&mut call, Service::ReceivePack) {
        Ok(handshake) => handshake,
        Err(error) => return refusal(call.witness.failed("pushing", &error)),
    };
    let actual = handshake.refs.iter().flatten().find_map(|reference| match reference {
        Ref::Direct { full_ref_name, object } if *full_ref_name == name => Some(*object),
        // HEAD is symbolic, and servers may show the branch itself under its own name only.
        Ref::Symbolic { target, object, .. } if *target == name => Some(*object),
        _ => None,
    });
    if actual == Some(commit.0) {
        return Ok(PushOutcome::Accepted { messages: Vec::new() });
    }
    if actual != Some(base.commit().0) {
        return Ok(PushOutcome::Stale { actual: actual.map(CommitId) });
    }

    let offered = |name: &str| handshake.capabilities.contains(name);
    let mut capabilities: Vec<String> =
        ["report-status", "side-band-64k", "quiet"].into_iter().filter(|name| offered(name)).map(Into::into).collect();
    if offered("object-format") {
        capabilities.push("object-format=sha1".into());
    }
    if offered("agent") {
        capabilities.push(format!("agent={AGENT}"));
    }
    let command = format!("{} {commit} {name}\0 {}", base.commit(), capabilities.join(" "));
    let mut body = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
    write_pack(base, commit, &mut body)?;

    let mut messages = String::new();
    let report = send(&mut call, &body, offered("side-band-64k"), &mut messages);
    let messages = lines(&call.witness.scrub(&messages));
    match report.map(|report| read_report(&call.witness.scrub(&String::from_utf8_lossy(&report)), &name)) {
        Ok(Verdict::Taken) => Ok(PushOutcome::Accepted { messages }),
        Ok(Verdict::Turned(reason)) => settle(server, base, commit, Err(reason), messages),
        Ok(Verdict::Silence) => {
            let last = messages.last().map_or("the answer says nothing of the branch", String::as_str).to_owned();
            settle(server, base, commit, Ok(last), messages)
        }
        Err(error) => match call.witness.failed("pushing", &error) {
            // These came instead of any work on the push.
            error @ (Error::Unreachable { .. }
            | Error::Untrusted { .. }
            | Error::Redirected { .. }
            | Error::KeyRefused { .. }
            | Error::Declined { .. }
            | Error::Unauthorized { .. }
            | Error::NotFound { .. }
            | Error::Server { status: 400..=499, .. }) => refusal(error),
            error => settle(server, base, commit, Ok(error.to_string()), messages),
        },
    }
}

/// One request with the command and the pack. Gives the report, and what the server says beside it.
fn send(
    call: &mut Call<'_>,
    body: &[u8],
    has_side_band: bool,
    messages: &mut String,
) -> Result<Vec<u8>, gix::protocol::transport::client::Error> {
    let request = call.transport.request(WriteMode::Binary, MessageKind::Flush, false)?;
    let (mut writer, mut reader) = request.into_parts();
    writer.write_all(body)?;
    drop(writer);
    let aside = Rc::new(RefCell::new(String::new()));
    if has_side_band {
        let aside = Rc::clone(&aside);
        reader.set_progress_handler(Some(Box::new(move |_, text| {
            if aside.borrow().len() < MAX_MESSAGES * MAX_MESSAGE {
                aside.borrow_mut().push_str(&String::from_utf8_lossy(text));
            }
            ControlFlow::Continue(())
        })));
    }
    let mut report = Vec::new();
    let read = reader.take(MAX_REPORT).read_to_end(&mut report);
    messages.push_str(&aside.borrow());
    read?;
    Ok(report)
}

/// Finds out where the branch is, when the answer alone does not tell. `said` is the reason of a
/// refusal as `Err`, and what there was instead of an answer as `Ok`.
fn settle(
    server: &Server,
    base: &Snapshot,
    commit: CommitId,
    said: Result<String, String>,
    messages: Vec<String>,
) -> Result<PushOutcome, Error> {
    let now = Upstream::connect(server).and_then(|mut upstream| upstream.head(Some(base.branch())));
    let actual = match now {
        Ok(head) => Some(CommitId(head.id)),
        Err(Error::NoBranch { .. } | Error::Empty { .. }) => None,
        // The branch is as it was for all we know; a refusal is certain even so.
        Err(_) => Some(base.commit()),
    };
    if actual == Some(commit) {
        return Ok(PushOutcome::Accepted { messages });
    }
    if actual != Some(base.commit()) {
        return Ok(PushOutcome::Stale { actual });
    }
    match said {
        Err(reason) => Ok(PushOutcome::Refused { reason, messages }),
        Ok(cause) => Err(Error::UnknownOutcome {
            url: server.url().to_string(),
            commit: commit.to_string(),
            cause: plain::line(&cause, 300),
        }),
    }
}

/// A server that does not let us write is no error of the conversation.
fn refusal(error: Error) -> Result<PushOutcome, Error> {
    match error {
        Error::Unauthorized { status: 403, .. } | Error::Declined { .. } => {
            Ok(PushOutcome::Refused { reason: error.to_string(), messages: Vec::new() })
        }
        other => Err(other),
    }
}

enum Verdict {
    Taken,
    Turned(String),
    Silence,
}

/// Reads `unpack ok`, `ok REF` and `ng REF REASON`, with or without the lengths of packet lines.
fn read_report(report: &str, name: &str) -> Verdict {
    let mut unpacked = None;
    let mut verdict = Verdict::Silence;
    for line in report.lines() {
        let line = line.trim_start_matches("0000");
        let is_length = |prefix: &str| prefix.len() == 4 && prefix.bytes().all(|b| b.is_ascii_hexdigit());
        let line = line.get(..4).filter(|prefix| is_length(prefix)).map_or(line, |_| &line[4..]);
        if let Some(result) = line.strip_prefix("unpack ") {
            unpacked = Some(result.trim().to_owned());
        } else if line.strip_prefix("ok ").is_some_and(|reference| reference.trim() == name) {
            verdict = Verdict::Taken;
        } else if let Some((reference, reason)) = line.strip_prefix("ng ").and_then(|rest| rest.split_once(' '))
            && reference == name
        {
            verdict = Verdict::Turned(plain::line(reason, MAX_MESSAGE));
        }
    }
    match (unpacked.as_deref(), verdict) {
        (Some("ok"), verdict) => verdict,
        (Some(problem), _) => {
            Verdict::Turned(format!("the server could not unpack it: {}", plain::line(problem, MAX_MESSAGE)))
        }
        (None, _) => Verdict::Silence,
    }
}

/// The lines of a text of the server. A progress bar rewrites its line: its last state counts.
fn lines(text: &str) -> Vec<String> {
    let last_state =
        |line: &str| plain::line(line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default(), MAX_MESSAGE);
    text.split('\n').map(last_state).filter(|line| !line.is_empty()).take(MAX_MESSAGES).collect()
}

/// A pack with just what the commits from `base` to `commit` add to it: we made all of it, so that there is
/// nothing to negotiate.
fn write_pack(base: &Snapshot, commit: CommitId, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut objects = Vec::new();
    let mut pairs = Vec::new();
    let mut below = base.tree();
    for (commit, tree) in chain_down(base, commit)?.into_iter().rev() {
        objects.push((commit, Kind::Commit));
        pairs.push((below, tree));
        below = tree;
    }
    let (mut buffer, mut old_bytes) = (Vec::new(), Vec::new());
    while let Some((old, new)) = pairs.pop() {
        objects.push((new, Kind::Tree));
        base.find(old, Kind::Tree, &mut old_bytes)?;
        base.find(new, Kind::Tree, &mut buffer)?;
        let broken = |id| move || base.damage(id, "a tree that ends too early");
        let before = entries(&old_bytes).ok_or_else(broken(old))?;
        // Our trees have the entries of the old ones, in their order.
        for (old, new) in before.into_iter().zip(entries(&buffer).ok_or_else(broken(new))?) {
            if old.id == new.id {
            } else if new.is_tree() {
                pairs.push((old.id, new.id));
            } else {
                objects.push((new.id, Kind::Blob));
            }
        }
    }
    objects.sort_unstable_by_key(|(id, kind)| (kind.as_bytes() != b"commit", kind.as_bytes() != b"tree", *id));
    objects.dedup();
    let count = u32::try_from(objects.len()).expect("a commit of ours has far fewer objects");
    let mut packed = Vec::with_capacity(objects.len());
    for (id, kind) in objects {
        base.find(id, kind, &mut buffer)?;
        packed.push(entry(id, kind, &buffer).map_err(|error| base.damage(id, &chain(&error)))?);
    }
    let pack = output::bytes::FromEntriesIter::new(
        std::iter::once(Ok(packed)),
        out,
        count,
        gix_pack::data::Version::V2,
        gix::hash::Kind::Sha1,
    );
    for written in pack {
        written.map_err(|error| base.damage(commit.0, &chain(&error)))?;
    }
    Ok(())
}

fn entry(id: ObjectId, kind: Kind, data: &[u8]) -> gix::Result<output::Entry> {
    let count = output::Count::from_data(id, None);
    let data = gix::objs::Data { kind, data, object_hash: gix::hash::Kind::Sha1 };
    output::Entry::from_data(&count, &data, gix::zlib::Compression::BEST_SPEED)
}

#[cfg(test)]
mod tests {
    use super::{Verdict, lines, read_report};

    #[track_caller]
    fn check(report: &str, expected: &str) {
        let verdict = match read_report(report, "refs/heads/main") {
            Verdict::Taken => "taken".to_owned(),
            Verdict::Turned(reason) => reason,
            Verdict::Silence => "silence".to_owned(),
        };
        assert_eq!(verdict, expected, "{report:?}");
    }

    #[test]
    fn reports_of_servers() {
        check("000eunpack ok\n0019ok refs/heads/main\n0000", "taken");
        check("unpack ok\nok refs/heads/main\n", "taken");
        check("000eunpack ok\n0025ng refs/heads/main hook declined\n0000", "hook declined");
        check("unpack index-pack failed\nng refs/heads/main x\n", "the server could not unpack it: index-pack failed");
        check("000eunpack ok\n0019ok refs/heads/other\n0000", "silence");
        check("0019ok refs/heads/main\n0000", "silence");
        check("", "silence");
        check("é", "silence");
    }

    #[test]
    fn messages_are_fit_for_a_log() {
        assert_eq!(lines("a\x1b[31mb\n\n 10%\r 99%\r100%\ndone"), ["a [31mb", "100%", "done"]);
        assert_eq!(lines(&"x\n".repeat(99)).len(), 50);
        assert!(lines(&"x".repeat(9999))[0].chars().count() <= 501);
    }
}
