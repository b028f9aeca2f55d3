//! The two ends of a channel as gix wants to read and write them, with the deadline of the conversation, and
//! what the server says beside its answer.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::runtime::Runtime;
use tokio::time::timeout_at;

use super::super::http::locked;
use super::Trouble;
use crate::plain::{self, causes};

/// A channel with a command at its other end.
pub(super) type Open = Channel<Msg>;

/// As much of what a server says beside its answer is kept, in bytes.
const MOST_WORDS: usize = 8 << 10;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a server says beside its answer, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Said {
    words: Vec<u8>,
    status: Option<u32>,
    is_over: bool,
    /// Whether there was any answer.
    pub(super) has_answered: bool,
}

impl Said {
    /// On one line; what the exit status says when there are no words.
    pub(super) fn words(&self) -> String {
        let words = plain::line(&String::from_utf8_lossy(&self.words), 300);
        match self.status {
            Some(status) if words.is_empty() && status != 0 => format!("exit status {status}"),
            _ => words,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

/// What the server answers.
pub(super) struct Reader {
    half: ChannelReadHalf,
    left: bytes::Bytes,
    line: Line,
    said: Arc<Mutex<Said>>,
}

/// What the server is told. It says goodbye when it is dropped: a Git service that is just left complains
/// in the log of its server.
pub(super) struct Writer {
    half: ChannelWriteHalf<Msg>,
    line: Line,
    said: Arc<Mutex<Said>>,
}

/// What both ends share.
#[derive(Clone)]
struct Line {
    runtime: &'static Runtime,
    deadline: Instant,
    trouble: Arc<Mutex<Option<Trouble>>>,
}

pub(super) fn split(
    channel: Open,
    runtime: &'static Runtime,
    deadline: Instant,
    trouble: Arc<Mutex<Option<Trouble>>>,
    said: Arc<Mutex<Said>>,
) -> (Reader, Writer) {
    let line = Line { runtime, deadline, trouble };
    let (reader, writer) = channel.split();
    let reader = Reader { half: reader, left: bytes::Bytes::new(), line: line.clone(), said: Arc::clone(&said) };
    (reader, Writer { half: writer, line, said })
}

impl Line {
    fn give_up(&self, trouble: Trouble) -> io::Error {
        *locked(&self.trouble) = Some(trouble);
        io::Error::other("the ssh connection failed")
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            if locked(&self.said).is_over {
                return Ok(0);
            }
            let deadline = self.line.deadline.into();
            let next = self.line.runtime.block_on(async { timeout_at(deadline, self.half.wait()).await });
            let Ok(next) = next else { return Err(self.line.give_up(Trouble::TimedOut)) };
            let mut said = locked(&self.said);
            match next {
                Some(ChannelMsg::Data { data }) => {
                    said.has_answered |= !data.is_empty();
                    self.left = data;
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = MOST_WORDS.saturating_sub(said.words.len()).min(data.len());
                    said.words.extend_from_slice(&data[..room]);
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => said.status = Some(exit_status),
                // The last words and the exit status come behind the end of the answer.
                Some(ChannelMsg::Close) => said.is_over = true,
                None => {
                    drop(said);
                    return Err(self.line.give_up(Trouble::Broken("the connection broke off".into())));
                }
                Some(_) => {}
            }
        }
        let count = self.left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.left.split_to(count));
        Ok(count)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sending = self.half.data_bytes(bytes.to_vec());
        let deadline = self.line.deadline.into();
        match self.line.runtime.block_on(async { timeout_at(deadline, sending).await }) {
            Ok(Ok(())) => Ok(bytes.len()),
            // Why the server does not listen any more is in what it says.
            Ok(Err(_)) if locked(&self.said).is_over => Err(io::ErrorKind::BrokenPipe.into()),
            Ok(Err(error)) => Err(self.line.give_up(Trouble::Broken(plain::line(&causes(&error), 300)))),
            Err(_) => Err(self.line.give_up(Trouble::TimedOut)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let is_over = locked(&self.said).is_over || locked(&self.line.trouble).is_some();
        let farewell = async {
            if !is_over {
                // An empty request ends a conversation in every version of the protocol.
                self.half.data_bytes(&b"0000"[..]).await?;
                self.half.eof().await?;
            }
            self.half.close().await
        };
        let said = self.line.runtime.block_on(async { tokio::time::timeout(FAREWELL, farewell).await });
        if !matches!(said, Ok(Ok(()))) {
            tracing::debug!("a server did not wait for our farewell");
        }
    }
}
