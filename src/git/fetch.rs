//! Asking a server for the head of a branch and for the commits that we do not have. Knows the wire
//! protocol (version 2, and 0 and 1 of older servers) and writes packs; must not know when to fetch.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::progress::Discard;
use gix::protocol::fetch::response::ShallowUpdate;
use gix::protocol::fetch::{Arguments, Response};
use gix::protocol::handshake::Ref;
use gix::protocol::transport::client::blocking_io::ExtendedBufRead;
use gix::protocol::transport::{Protocol, Service};
use gix::protocol::{Command, Handshake, LsRefsCommand, ls_refs::RefPrefixes};

use super::server::{Call, Server};
use super::{Error, store};
use crate::plain::{self, chain};

/// How we name ourselves inside the protocol.
pub(super) const AGENT: &str = concat!("landwaiter/", env!("CARGO_PKG_VERSION"));

/// How many commits back the first fetch goes. The history is read for our own earlier commits only.
pub(super) const DEPTH: usize = 500;

/// The largest file that is read, in bytes. Servers that can leave out files above it are asked to.
pub(super) const LARGEST_FILE: u64 = 32 << 20;

/// What is wrong with a repository of the other kind.
pub(super) const SHA_256: &str = "names its objects by SHA-256, which is not supported; use a repository with SHA-1";

/// What we do, in an error of [`Upstream::receive`].
const FETCHING: &str = "fetching commits";

/// How many branches an error names.
const SHOWN_BRANCHES: usize = 5;

/// The commit that a branch points to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) branch: String,
    pub(super) id: ObjectId,
}

/// A reference as a server lists it.
struct Listed {
    name: String,
    /// `None` when it points to a branch without a commit.
    id: Option<ObjectId>,
    /// The reference that it stands for.
    target: Option<String>,
}

/// A conversation with the side of a server that gives.
pub(super) struct Upstream<'a> {
    call: Call<'a>,
    handshake: Handshake,
    url: String,
}

impl<'a> Upstream<'a> {
    pub(super) fn connect(server: &'a Server) -> Result<Self, Error> {
        let mut call = server.call(Protocol::V2, Service::UploadPack)?;
        let handshake = handshake(&mut call, Service::UploadPack)
            .map_err(|error| call.witness.failed("reading the repository", &error))?;
        let upstream = Self { call, handshake, url: server.url().to_string() };
        if upstream.handshake.capabilities.capability("object-format").is_some_and(|c| c.value() != Some("sha1".into()))
        {
            return Err(Error::Unsupported { url: upstream.url, what: SHA_256 });
        }
        Ok(upstream)
    }

    /// The head of the branch, or of the main one when none is asked for.
    pub(super) fn head(&mut self, asked: Option<&str>) -> Result<Head, Error> {
        if let Some(branch) = asked {
            let name = format!("refs/heads/{branch}");
            let found = self.list(&name)?.into_iter().find(|listed| listed.name == name);
            return match found.and_then(|listed| listed.id) {
                Some(id) => Ok(Head { branch: branch.to_owned(), id }),
                None => Err(self.no_branch(branch)?),
            };
        }
        let main = self.list("HEAD")?.into_iter().find(|listed| listed.name == "HEAD");
        let Some(Listed { id, target, .. }) = main else {
            // Older servers say nothing of a HEAD that points to no commit.
            let is_empty = self.list("refs/heads/")?.is_empty();
            return Err(if is_empty { self.empty() } else { Error::DetachedHead { url: self.url.clone() } });
        };
        match (id, target.as_deref().and_then(|target| target.strip_prefix("refs/heads/"))) {
            (Some(id), Some(branch)) => Ok(Head { branch: branch.to_owned(), id }),
            (None, Some(branch)) => Err(self.no_branch(branch)?),
            (_, None) => Err(Error::DetachedHead { url: self.url.clone() }),
        }
    }

    /// Brings `want` and everything below it into `repository`; `have` is what it already holds.
    pub(super) fn receive(
        mut self,
        repository: &gix::Repository,
        want: ObjectId,
        have: &[ObjectId],
    ) -> Result<(), Error> {
        let version = self.handshake.server_protocol_version;
        let boundary = repository.common_dir().join("shallow");
        let mut shallow = read_boundary(&boundary)?;
        let (mut arguments, has_side_band) = self.arguments(want, have, &shallow)?;
        if arguments.can_use_filter() {
            let path = repository.common_dir();
            store::set_partial(path).map_err(|error| Error::store(path, "note what is left out", error))?;
        }
        // With `done` at once the server does not discuss what we have: it takes our word.
        let mut reader = match arguments.send(&mut self.call.transport, true) {
            Ok(reader) => reader,
            Err(error) => return Err(self.call.witness.failed(FETCHING, &error)),
        };
        let complaint = Rc::new(RefCell::new(String::new()));
        let response = Response::from_line_reader(version, &mut reader, true, false);
        if has_side_band && response.is_ok() {
            let complaint = Rc::clone(&complaint);
            reader.set_progress_handler(Some(Box::new(move |is_error, text| {
                if is_error {
                    *complaint.borrow_mut() = String::from_utf8_lossy(text).into_owned();
                }
                ControlFlow::Continue(())
            })));
        }
        let stored = response.as_ref().map_or(Ok(()), |_| store_pack(&mut reader, repository, !have.is_empty()));
        drop(reader);
        let witness = &self.call.witness;
        let complaint = plain::line(&witness.scrub(&complaint.borrow()), 300);
        if !complaint.is_empty() && stored.is_err() {
            let cause = format!("the server said: {complaint}");
            return Err(Error::Interrupted { url: self.url, doing: FETCHING, cause });
        }
        let mut response = response.map_err(|error| witness.failed(FETCHING, &error))?;
        stored.map_err(|error| {
            if witness.saw_trouble() {
                return witness.failed(FETCHING, &error);
            }
            if have.is_empty() || is_about_the_disk(&error) {
                return Error::store(repository.common_dir(), "store the fetched commits", chain(&error));
            }
            // New commits build on what is there: that they do not fit is the fault of that.
            Error::Damaged { url: self.url.clone(), cause: chain(&error) }
        })?;
        response.append_v1_shallow_updates(self.handshake.v1_shallow_updates.take());
        for update in response.shallow_updates() {
            match update {
                ShallowUpdate::Shallow(id) => shallow.push(*id),
                ShallowUpdate::Unshallow(id) => shallow.retain(|other| other != id),
            }
        }
        if !response.shallow_updates().is_empty() {
            write_boundary(&boundary, shallow)?;
        }
        Ok(())
    }

    /// What to ask for, and whether the answer has a side band for words.
    fn arguments(&self, want: ObjectId, have: &[ObjectId], shallow: &[ObjectId]) -> Result<(Arguments, bool), Error> {
        let version = self.handshake.server_protocol_version;
        let mut features = Command::Fetch.default_features(version, &self.handshake.capabilities);
        // Before version 2, naming this one already asks for it: the depth would count from what we have.
        features.retain(|(name, _)| *name != "deepen-relative");
        features.push(("agent", Some(AGENT.into())));
        Response::check_required_features(version, &features)
            .map_err(|error| self.call.witness.failed(FETCHING, &error))?;
        let has_side_band = version == Protocol::V2 || features.iter().any(|(name, _)| name.starts_with("side-band"));

        let mut arguments = Arguments::new(version, features, false);
        arguments.add_feature("no-progress");
        arguments.want(want);
        if arguments.can_use_shallow() {
            for id in shallow {
                arguments.shallow(id);
            }
            if have.is_empty() {
                arguments.deepen(DEPTH);
            }
        }
        if arguments.can_use_filter() {
            arguments.filter(&format!("blob:limit={LARGEST_FILE}"));
        }
        for id in have {
            arguments.have(id);
        }
        Ok((arguments, has_side_band))
    }

    /// References whose names begin with `prefix`.
    fn list(&mut self, prefix: &str) -> Result<Vec<Listed>, Error> {
        let refs = if let Some(refs) = &self.handshake.refs {
            refs.clone()
        } else {
            let mut prefixes = RefPrefixes::new();
            prefixes.extend([prefix.into()]);
            LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, ("agent", Some(AGENT.into())))
                .invoke_blocking(&mut self.call.transport, &mut Discard, false)
                .map_err(|error| self.call.witness.failed("listing branches", &error))?
        };
        let refs = refs.into_iter().map(|reference| match reference {
            Ref::Direct { full_ref_name: name, object } | Ref::Peeled { full_ref_name: name, object, .. } => {
                Listed { name: name.to_string(), id: Some(object), target: None }
            }
            Ref::Symbolic { full_ref_name: name, target, object, .. } => {
                Listed { name: name.to_string(), id: Some(object), target: Some(target.to_string()) }
            }
            Ref::Unborn { full_ref_name: name, target } => {
                Listed { name: name.to_string(), id: None, target: Some(target.to_string()) }
            }
        });
        Ok(refs.filter(|listed| listed.name.starts_with(prefix)).collect())
    }

    fn no_branch(&mut self, branch: &str) -> Result<Error, Error> {
        let heads = self.list("refs/heads/")?;
        if heads.is_empty() {
            return Ok(self.empty());
        }
        let names = heads.iter().map(|listed| plain::line(listed.name.trim_start_matches("refs/heads/"), 80));
        let mut others: Vec<String> = names.take(SHOWN_BRANCHES).collect();
        if heads.len() > SHOWN_BRANCHES {
            others.push(format!("and {} more", heads.len() - SHOWN_BRANCHES));
        }
        Ok(Error::NoBranch { url: self.url.clone(), branch: plain::line(branch, 80), others })
    }

    fn empty(&self) -> Error {
        Error::Empty { url: self.url.clone() }
    }
}

/// The opening of a conversation. The credential is in every request already, so that nothing is ever
/// asked for.
pub(super) fn handshake(call: &mut Call<'_>, service: Service) -> gix::Result<Handshake> {
    gix::protocol::handshake(&mut call.transport, service, |_| Ok(None), Vec::new(), &mut Discard)
}

fn store_pack<'a>(
    reader: &mut impl ExtendedBufRead<'a>,
    repository: &gix::Repository,
    may_be_thin: bool,
) -> gix::Result {
    let written = gix_pack::Bundle::write_to_directory(
        &mut *reader,
        Some(&repository.common_dir().join("objects/pack")),
        &mut Discard,
        &AtomicBool::new(false),
        may_be_thin.then(|| repository.objects.clone()),
        gix::hash::Kind::Sha1,
        gix_pack::bundle::write::Options::default(),
    )?;
    // Whatever follows must be read, or else the connection cannot be used again.
    std::io::copy(reader, &mut std::io::sink()).map_err(gix::Error::from_error)?;
    // Nobody else collects garbage here.
    if let Some(keep) = written.keep_path {
        std::fs::remove_file(keep).map_err(gix::Error::from_error)?;
    }
    Ok(())
}

/// Whether a new copy would do no better.
fn is_about_the_disk(error: &gix::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let kind = error.downcast_any_ref::<std::io::Error>().map(std::io::Error::kind);
    kind.is_some_and(|kind| [PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull].contains(&kind))
}

fn read_boundary(path: &std::path::Path) -> Result<Vec<ObjectId>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => text
            .lines()
            .map(|line| ObjectId::from_hex(line.as_bytes()))
            .collect::<Result<_, _>>()
            .map_err(|error| Error::store(path, "read where our history ends", chain(&error))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::store(path, "read where our history ends", error)),
    }
}

fn write_boundary(path: &std::path::Path, mut ids: Vec<ObjectId>) -> Result<(), Error> {
    ids.sort_unstable();
    ids.dedup();
    let text = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let new = path.with_extension("new");
    let result = if ids.is_empty() {
        std::fs::remove_file(path)
    } else {
        std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path))
    };
    result.map_err(|error| Error::store(path, "write where our history ends", error))
}
