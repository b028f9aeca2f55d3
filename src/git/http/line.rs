//! The pair of wires that gix talks through: its requests in, the answers of the server out. Knows how
//! gix wants to read and write; what a failure means is noted in [`State`].

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use gix::error::{ErrorExt, message};
use gix::protocol::transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use reqwest::blocking::{Client, Response};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{State, Trouble, locked};

/// What gix takes for its HTTP client.
pub(in crate::git) struct Line {
    pub(super) client: Client,
    pub(super) state: Arc<State>,
}

impl Http for Line {
    type Headers = Cursor<Vec<u8>>;
    type ResponseBody = Answer;
    type PostBody = Outbox;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let service = url.rsplit_once("service=").map_or("", |(_, service)| service);
        let may_remember = service == "git-upload-pack";
        let remembered = if may_remember { locked(&self.state.advertisement).clone() } else { None };
        let advertisement = match remembered {
            Some(advertisement) => advertisement,
            None => self
                .state
                .advertise(&self.client, url, &header_map(headers), service)
                .map_err(|error| error.and_raise(message("no advertisement")))?,
        };
        if may_remember && speaks_version_2(&advertisement.body) {
            *locked(&self.state.advertisement) = Some(advertisement.clone());
        }
        *locked(&self.state.redirected) = advertisement.base;
        Ok(GetResponse {
            headers: content_type_line(&advertisement.content_type),
            body: Answer::Memory(Cursor::new(advertisement.body)),
        })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let url = Url::parse(url).map_err(|error| error.and_raise(message("no address")))?;
        let service = url.path().rsplit('/').next().unwrap_or_default();
        let expected = format!("application/x-{service}-result");
        let outbox = Outbox::default();
        Ok(PostResponse {
            // The answer checks its type itself once it is there.
            headers: content_type_line(&expected),
            body: Answer::Pending(Box::new(Pending {
                client: self.client.clone(),
                state: Arc::clone(&self.state),
                url,
                headers: header_map(headers),
                outbox: outbox.clone(),
                expected,
            })),
            post_body: outbox,
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        locked(&self.state.redirected).clone()
    }
}

/// A request body on its way. It is kept in memory, so that it goes out with its length: some servers
/// and proxies take no chunked requests, and what we send is small.
#[derive(Clone, Default)]
pub(in crate::git) struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        locked(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A response body. gix writes all of a request before it reads, so the first read sends it.
pub(in crate::git) enum Answer {
    Memory(Cursor<Arc<[u8]>>),
    Pending(Box<Pending>),
    Streaming(Box<BufReader<Response>>, Arc<State>),
    Over,
}

pub(in crate::git) struct Pending {
    client: Client,
    state: Arc<State>,
    url: Url,
    headers: HeaderMap,
    outbox: Outbox,
    expected: String,
}

impl Pending {
    fn send(self) -> io::Result<Answer> {
        let body = Bytes::from(std::mem::take(&mut *locked(&self.outbox.0)));
        let tail = self.url.path().rfind('/').map_or("", |at| &self.url.path()[at..]).to_owned();
        let asked = self.url.clone();
        let (response, url) = self.state.ask(&self.client, self.url, &tail, &self.headers, Some(&body))?;
        if url != asked {
            // The repository was renamed since it told what it can; the next conversation begins at its new name.
            *locked(&self.state.advertisement) = None;
        }
        let response = self.state.accept(response, &self.expected)?;
        Ok(Answer::Streaming(Box::new(BufReader::with_capacity(1 << 16, response)), self.state))
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Answer {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if matches!(self, Self::Pending(_))
            && let Self::Pending(pending) = std::mem::replace(self, Self::Over)
        {
            *self = pending.send()?;
        }
        match self {
            Self::Memory(bytes) => bytes.fill_buf(),
            Self::Streaming(response, state) => {
                if Instant::now() >= state.deadline {
                    return Err(state.give_up(Trouble::TimedOut));
                }
                response.fill_buf().map_err(|error| state.broken(&error))
            }
            Self::Pending(_) | Self::Over => Ok(&[]),
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            Self::Memory(bytes) => bytes.consume(count),
            Self::Streaming(response, _) => response.consume(count),
            Self::Pending(_) | Self::Over => {}
        }
    }
}

/// Whether an advertisement offers independent commands: the line `version 2`, at the start or behind
/// the announcement of the service.
fn speaks_version_2(body: &[u8]) -> bool {
    let line = b"000eversion 2\n";
    body.starts_with(line)
        || body.windows(4 + line.len()).take(64).any(|at| at.starts_with(b"0000") && at.ends_with(line))
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in lines {
        // gix names itself; the client names us.
        if let Some((name, value)) = line.as_ref().split_once(':')
            && !name.eq_ignore_ascii_case("user-agent")
            && let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.trim()))
        {
            map.append(name, value);
        }
    }
    map
}

fn content_type_line(value: &str) -> Cursor<Vec<u8>> {
    Cursor::new(format!("content-type: {value}\n").into_bytes())
}
