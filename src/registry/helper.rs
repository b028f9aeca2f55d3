//! The `docker-credential-*` protocol: a program that is asked for the credential of a host. Knows
//! no configuration file.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::error::QUOTE_LIMIT;
use crate::plain;
use crate::secret::Secret;

/// What helpers print when they know nothing of a host. Part of the protocol, though a text.
const NOT_FOUND: &str = "credentials not found";

/// The longest answer, in bytes; tokens of clouds have a few thousand.
const PRINTED_LIMIT: usize = 64 << 10;

/// How long the words of a program that has ended may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a helper answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// `<token>` when the secret is an identity token.
    pub(super) user: String,
    pub(super) secret: Secret,
}

/// Why a helper gave no answer, in words that name the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is no such program.
    Missing(String),
    /// It is there, and failed, thought for too long or printed junk.
    Failed(String),
}

impl Trouble {
    pub(super) fn into_words(self) -> String {
        match self {
            Self::Missing(words) | Self::Failed(words) => words,
        }
    }
}

/// Asks `docker-credential-<name>` for `server`; `folders` are searched before `PATH`. `None` when
/// it knows nothing of the server. `patience` is how long the program may think.
///
/// # Errors
/// The program is missing, fails, thinks for too long or prints junk.
pub(super) async fn ask(
    name: &str,
    server: &str,
    folders: &[PathBuf],
    patience: Duration,
) -> Result<Option<Known>, Trouble> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Printed {
        #[serde(default)]
        username: String,
        secret: String,
    }
    let program = format!("docker-credential-{name}");
    let words =
        |problem: String| format!("the credential helper {program} {problem}; try `echo {server} | {program} get`");
    let fail = |problem| Trouble::Failed(words(problem));
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        let problem = "is no name of a credential helper: expected letters, digits, `-`, `_` or `.`";
        return Err(Trouble::Failed(format!("{name:?} {problem}")));
    }
    let path = folders.iter().map(|folder| folder.join(&program)).find(|path| path.is_file());
    let path = path.map_or_else(|| OsString::from(&program), PathBuf::into_os_string);
    let mut child = Command::new(path)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            let words = words(format!("cannot be started ({error}): install it, or take it out of the configuration"));
            if error.kind() == io::ErrorKind::NotFound { Trouble::Missing(words) } else { Trouble::Failed(words) }
        })?;
    let output = tokio::time::timeout(patience, talk(&mut child, server))
        .await
        .map_err(|_| fail(format!("gave no answer within {patience:?}")))?
        .map_err(|error| fail(format!("broke off ({error})")))?;
    if output.stdout.len() > PRINTED_LIMIT {
        return Err(fail(format!("printed more than {PRINTED_LIMIT} bytes, which is no answer")));
    }
    if !output.status.success() {
        let said =
            [&output.stdout, &output.stderr].map(|bytes| plain::line(&String::from_utf8_lossy(bytes), QUOTE_LIMIT));
        if said.iter().any(|said| said.contains(NOT_FOUND)) {
            return Ok(None);
        }
        // Standard output is where the secret would stand, so only the other one is quoted.
        return Err(fail(format!("failed with {}: {}", output.status, said[1])));
    }
    let printed: Printed = serde_json::from_slice(&output.stdout)
        .map_err(|_| fail("printed no JSON with `Username` and `Secret`".to_owned()))?;
    let known = Known { user: printed.username, secret: Secret::new(printed.secret) };
    Ok((!known.secret.expose().is_empty()).then_some(known))
}

/// Says what is asked, and listens until the program ends or has said far too much.
async fn talk(child: &mut Child, server: &str) -> io::Result<Output> {
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that answers without reading closes the pipe; its answer still counts.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = {
        let mut listening = pin!(async { tokio::try_join!(listen(out, &mut stdout), listen(err, &mut stderr)) });
        tokio::select! {
            biased;
            heard = &mut listening => {
                heard?;
                child.wait().await?
            }
            status = child.wait() => {
                // Its words are in the pipe by now. A program that it left behind may hold the pipe open
                // for ever, and nobody waits for that.
                if let Ok(heard) = tokio::time::timeout(LAST_WORDS, &mut listening).await {
                    heard?;
                }
                status?
            }
        }
    };
    Ok(Output { status, stdout, stderr })
}

/// Reads a pipe to its end; or one byte more than anybody has to say, and then the pipe is closed.
async fn listen(pipe: Option<impl AsyncRead + Unpin>, heard: &mut Vec<u8>) -> io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let limit = PRINTED_LIMIT + 1;
    pipe.take(limit as u64).read_to_end(heard).await.map(|_| ())
}
