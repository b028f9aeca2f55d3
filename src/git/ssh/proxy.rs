//! The way to a server through an HTTP proxy: one `CONNECT`, and then a line that is as good as direct. Knows
//! nothing of what goes over it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::connection::{ConnectionOptions, Proxy};
use crate::plain::{self, causes};
use crate::secret::Secret;

/// The most that a proxy may say before the line begins, in bytes.
const MAX_ANSWER: usize = 8 << 10;

/// A line to a host, the way that is set.
///
/// # Errors
/// Why there is none.
pub(super) async fn line(options: &ConnectionOptions, host: &str, port: u16) -> Result<TcpStream, String> {
    match &options.proxy {
        None | Some(Proxy::Direct) => TcpStream::connect((host, port)).await.map_err(|error| causes(&error)),
        Some(Proxy::Through(proxy)) => {
            let login = options.proxy_login()?.map(|(user, password)| Secret::basic(&user, &password));
            through(proxy, login.as_ref(), host, port).await
        }
    }
}

async fn through(proxy: &Url, login: Option<&Secret>, host: &str, port: u16) -> Result<TcpStream, String> {
    let wrong = |what: &str| format!("the proxy {proxy} {what}");
    let address = (proxy.host_str().unwrap_or_default(), proxy.port_or_known_default().unwrap_or(80));
    let mut stream = TcpStream::connect(address).await.map_err(|error| wrong(&causes(&error)))?;
    let to = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some(login) = login {
        request.push_str("Proxy-Authorization: ");
        request.push_str(login.expose());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| wrong(&causes(&error)))?;
    // Byte by byte: what comes after the answer is the server's already.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= MAX_ANSWER {
            return Err(wrong("says too much; it is perhaps no HTTP proxy"));
        }
        answer.push(stream.read_u8().await.map_err(|_| wrong("hung up; it is perhaps no HTTP proxy"))?);
    }
    let answer = String::from_utf8_lossy(&answer);
    let first = answer.lines().next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).unwrap_or_default();
    match status {
        status if status.len() == 3 && status.starts_with('2') => Ok(stream),
        "407" => Err(wrong("wants a user and a password; name a file with them in --git-proxy-credentials")),
        _ => Err(wrong(&format!("does not lead to {to}: {:?}", plain::line(first, 100)))),
    }
}
