//! The outside world in one process: an authority that issues certificates, and a proxy behind which
//! every host is a plain server of a test with TLS before it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{Acceptor, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

/// Who issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, ready to serve.
pub(crate) type Certificate = Arc<ServerConfig>;

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The certificate of the authority itself.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A good certificate for `name`.
    pub(crate) fn issue(&self, name: &str) -> Certificate {
        self.sign(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    /// A good one, by a server that offers these protocols, `h2` or `http/1.1`.
    pub(crate) fn issue_speaking(&self, name: &str, protocols: &[&str]) -> Certificate {
        let mut config = (*self.issue(name)).clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// A good one, by a server that lets nobody in without a certificate of this authority.
    pub(crate) fn issue_for_members(&self, name: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let members = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(members.unwrap())
            .with_single_cert(vec![certificate.der().clone()], private(&key))
            .unwrap();
        Arc::new(config)
    }

    /// The certificate of a member, and its key, in PEM.
    pub(crate) fn member(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// One for `name` that was good in 2019.
    pub(crate) fn expired(&self, name: &str) -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
        self.sign(&params)
    }

    /// One that names nobody but in its common name, as many in-house servers have it.
    pub(crate) fn nameless(&self, name: &str) -> Certificate {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(&params)
    }

    /// The authority's own certificate, as `openssl req -x509` makes them for servers.
    pub(crate) fn own(name: &str) -> (Certificate, String) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pem = certificate.pem();
        (serving(vec![certificate.der().clone()], &key), pem)
    }

    fn sign(&self, params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        serving(vec![certificate.der().clone()], &key)
    }
}

fn serving(chain: Vec<rustls::pki_types::CertificateDer<'static>>, key: &KeyPair) -> Certificate {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private(key))
        .unwrap();
    Arc::new(config)
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

#[derive(Clone)]
enum Host {
    /// TLS with this certificate, and behind it the plain server on this port of this machine.
    Tls(Certificate, u16),
    /// A plain server where TLS is expected.
    Plain(u16),
}

/// A proxy that knows some hosts; there is no way to any other.
pub(crate) struct Proxy {
    address: SocketAddr,
    hosts: Arc<Mutex<HashMap<String, Host>>>,
    log: Arc<Mutex<Vec<String>>>,
    /// The `Proxy-Authorization` without which nobody is led anywhere.
    login: Arc<Mutex<Option<String>>>,
}

impl Proxy {
    /// Starts on the runtime of the caller.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, hosts: Arc::default(), log: Arc::default(), login: Arc::default() };
        let (known, seen, login) = (Arc::clone(&proxy.hosts), Arc::clone(&proxy.log), Arc::clone(&proxy.login));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that hangs up, because of our certificate or because it is done, is no fault.
                let login = login.lock().unwrap().clone();
                tokio::spawn(serve(stream, Arc::clone(&known), Arc::clone(&seen), login));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on only who sends this `Proxy-Authorization` is led anywhere.
    pub(crate) fn require(&self, authorization: &str) {
        *self.login.lock().unwrap() = Some(authorization.to_owned());
    }

    /// From now on `host` has this certificate, before the server on `port`.
    pub(crate) fn lead(&self, host: &str, certificate: Certificate, port: u16) {
        self.hosts.lock().unwrap().insert(host.to_owned(), Host::Tls(certificate, port));
    }

    /// From now on `host` is the server on `port` itself.
    pub(crate) fn lead_plainly(&self, host: &str, port: u16) {
        self.hosts.lock().unwrap().insert(host.to_owned(), Host::Plain(port));
    }

    /// What came, each once and sorted: the first line of requests to the proxy, as
    /// `CONNECT host:port HTTP/1.1`, and `HELLO name alpn,alpn` for each beginning of TLS.
    pub(crate) fn log(&self) -> Vec<String> {
        let mut log = self.log.lock().unwrap().clone();
        log.sort();
        log.dedup();
        log
    }
}

async fn serve(
    stream: TcpStream,
    hosts: Arc<Mutex<HashMap<String, Host>>>,
    log: Arc<Mutex<Vec<String>>>,
    login: Option<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while stream.read_line(&mut request).await? > 2 {}
    let first = request.lines().next().unwrap_or_default().to_owned();
    log.lock().unwrap().push(first.clone());
    let host = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(':').next()).unwrap_or_default();
    let shown = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim().to_owned())
    });
    if login.is_some() && shown != login {
        return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await;
    }
    let Some(host) = hosts.lock().unwrap().get(host).cloned() else {
        return stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await;
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    match host {
        Host::Plain(port) => {
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            copy_bidirectional(&mut stream, &mut server).await?;
        }
        Host::Tls(certificate, port) => {
            let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
            let name = hello.client_hello().server_name().unwrap_or_default().to_owned();
            let offers: Vec<_> =
                hello.client_hello().alpn().into_iter().flatten().map(String::from_utf8_lossy).collect();
            log.lock().unwrap().push(format!("HELLO {name} {}", offers.join(",")));
            let mut stream = hello.into_stream(certificate).await?;
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            copy_bidirectional(&mut stream, &mut server).await?;
        }
    }
    Ok(())
}
