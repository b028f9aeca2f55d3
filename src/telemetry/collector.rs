//! Whoever takes the spans: requests over connections of our own, and what the log says of it when they come to
//! nothing. That is one line when it begins and one when it is over, however many requests lie between.
//!
//! It is asked from a thread of its own, with a bounded queue before it: a collector that is dead or slow costs spans
//! and nothing else. It must not know what spans are about.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use reqwest::{Client, redirect};
use tokio::runtime::Handle;
use url::Url;

use crate::connection::ConnectionOptions;
use crate::{host, plain, tls};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// A collector, and how it stands.
#[derive(Debug)]
pub(super) struct Collector {
    exporter: opentelemetry_otlp::SpanExporter,
    /// Its address as it may be shown.
    shown: String,
    last: Arc<Last>,
    /// How many spans were lost since it went wrong; `None` while nothing is wrong.
    lost: Mutex<Option<usize>>,
}

/// Why the last request came to nothing.
#[derive(Debug, Default)]
struct Last(Mutex<Option<String>>);

/// The connections. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    client: Arc<OnceLock<Client>>,
    host: String,
    runtime: Handle,
    last: Arc<Last>,
}

impl Collector {
    /// The collector at this address, which gets nothing before its [`Wire`] is connected. Must be called in a Tokio
    /// runtime, from which the requests are made.
    ///
    /// # Errors
    /// What is wrong with what is set for it.
    pub(super) fn new(url: &Url, timeout: Duration) -> Result<(Self, Wire), String> {
        let (client, last) = (Arc::default(), Arc::<Last>::default());
        let host = url.host_str().unwrap_or_default().to_owned();
        let wire = Wire { client, host, runtime: Handle::current(), last: Arc::clone(&last) };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(url.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(timeout)
            .with_http_client(wire.clone())
            .build()
            .map_err(|error| format!("traces cannot be sent: {error}"))?;
        Ok((Self { exporter, shown: shown(url), last, lost: Mutex::default() }, wire))
    }

    /// Tells the log when it goes wrong and when it is over.
    fn tell(&self, count: usize, result: &OTelSdkResult) {
        let mut lost = locked(&self.lost);
        match (result, lost.take()) {
            (Ok(()), None) => {}
            (Ok(()), Some(lost)) => {
                tracing::info!(lost, "the collector at {} takes traces again", self.shown);
            }
            (Err(error), before) => {
                if before.is_none() {
                    let cause = locked(&self.last.0).clone().unwrap_or_else(|| plain::chain(error));
                    tracing::warn!(
                        "traces cannot be sent to {}: {cause}; they are lost until that works again, and nothing else is",
                        self.shown
                    );
                }
                *lost = Some(before.unwrap_or_default() + count);
            }
        }
    }
}

impl Wire {
    /// Reads the files that are set for the connections, of which the log may have to be told.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn connect(&self, connection: &ConnectionOptions, timeout: Duration) -> Result<(), String> {
        let mut builder = Client::builder()
            .user_agent(concat!("landwaiter/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            // The headers may hold a secret, which is for this collector alone.
            .redirect(redirect::Policy::none())
            .tls_backend_preconfigured(connection.tls(&"the collector of traces")?);
        if host::is_loopback(&self.host) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| format!("no connection for traces: {}", plain::chain(&error)))?;
        // There is one start.
        let _ = self.client.set(client);
        Ok(())
    }
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.exporter.export(batch).await;
        self.tell(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl HttpClient for Wire {
    // As the macro would write it that the trait is made with.
    fn send_bytes<'s, 'f>(&'s self, request: Request<Bytes>) -> BoxFuture<'f, Result<Response<Bytes>, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let client = self.client.get().cloned().ok_or("there is no connection yet")?;
            let host = self.host.clone();
            // Who asks has no runtime, and waits for one of its threads.
            let sent = self.runtime.spawn(async move { send(&client, &host, request).await }).await;
            let sent = sent.unwrap_or_else(|_| Err("Landwaiter stops".to_owned()));
            let trouble = match &sent {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("it answers {}", answer.status())),
                Err(trouble) => Some(trouble.clone()),
            };
            *locked(&self.last.0) = trouble;
            Ok(sent?)
        })
    }
}

async fn send(client: &Client, host: &str, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let failed = |error: reqwest::Error| {
        let refused = tls::refusal(&error, host, None);
        let timed_out = error.is_timeout().then(|| "no answer in time".to_owned());
        refused.or(timed_out).unwrap_or_else(|| plain::chain(&error.without_url()))
    };
    let request = reqwest::Request::try_from(request).map_err(failed)?;
    let mut answer = client.execute(request).await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&part);
        if body.len() > LONGEST {
            return Err(format!("its answer is longer than {LONGEST} bytes"));
        }
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = answer.status();
    // It may say there when to come back.
    *response.headers_mut() = answer.headers().clone();
    Ok(response)
}

/// An address without its query, where a key may stand.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
