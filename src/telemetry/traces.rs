//! Whether traces are wanted, and where they go: the variables that OpenTelemetry has for it, and an option of ours
//! before them.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::collector::{Collector, Wire};
use crate::connection::{ClientCertificate, ConnectionOptions};
use crate::{plain, span};

/// Where spans are taken, below the endpoint for everything.
const PATH: &str = "/v1/traces";

/// How long a request may take unless told otherwise, as OpenTelemetry has it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The one protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

/// Traces that are wanted, and can be sent as far as that is known before.
#[derive(Debug)]
pub struct Traces {
    url: Url,
    connection: ConnectionOptions,
    timeout: Duration,
    service_name: Option<String>,
}

/// What makes spans out of the program's own, and sends them as soon as it is connected.
#[derive(Debug)]
pub(super) struct Way {
    provider: SdkTracerProvider,
    wire: Wire,
    connection: ConnectionOptions,
    timeout: Duration,
}

impl Traces {
    /// Traces to `endpoint`, or else to where the environment says; `None` where neither says anything, or the
    /// environment turns them off. `variable` gives the value of an environment variable.
    ///
    /// # Errors
    /// What is wrong with it, for the person who has set it.
    pub fn wanted(endpoint: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let is_off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_elsewhere =
            set("OTEL_TRACES_EXPORTER").is_some_and(|names| !names.split(',').any(|name| name.trim() == "otlp"));
        if is_off || is_elsewhere {
            return Ok(None);
        }
        let Some(url) = url(endpoint, set)? else { return Ok(None) };
        // For all signals, and before that for traces alone.
        let of_traces = |name: &str| {
            let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{name}"), format!("OTEL_EXPORTER_OTLP_{name}")];
            names.into_iter().find_map(|name| set(&name).map(|value| (name, value)))
        };
        if let Some((name, protocol)) = of_traces("PROTOCOL").filter(|(_, protocol)| protocol != PROTOCOL) {
            return Err(format!(
                "{name}={}: traces are sent by {PROTOCOL} alone; set it to that, and the endpoint to the collector's port \
                 for HTTP, which is 4318 as a rule",
                plain::line(&protocol, 40)
            ));
        }
        let timeout = match of_traces("TIMEOUT") {
            None => TIMEOUT,
            Some((name, value)) => {
                let milliseconds = u64::from_str(&value).ok().filter(|milliseconds| *milliseconds > 0);
                let expected = || format!("{name}={}: expected a number of milliseconds", plain::line(&value, 40));
                Duration::from_millis(milliseconds.ok_or_else(expected)?)
            }
        };
        let file = |name: &str| of_traces(name).map(|(_, path)| PathBuf::from(path));
        let client_certificate = match (file("CLIENT_CERTIFICATE"), file("CLIENT_KEY")) {
            (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
            (None, None) => None,
            _ => {
                return Err(
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY belong together: \
                            set both or none"
                        .to_owned(),
                );
            }
        };
        let connection =
            ConnectionOptions { ca_bundle: file("CERTIFICATE"), client_certificate, ..ConnectionOptions::default() };
        Ok(Some(Self { url, connection, timeout, service_name: set("OTEL_SERVICE_NAME") }))
    }

    /// Starts the thread that sends them.
    ///
    /// # Errors
    /// What is wrong with what is set for the collector.
    pub(super) fn start(self) -> Result<Way, String> {
        let Self { url, connection, timeout, service_name } = self;
        let (collector, wire) = Collector::new(&url, timeout)?;
        let processor = BatchSpanProcessor::builder(collector).build();
        let provider = SdkTracerProvider::builder().with_resource(resource(service_name));
        Ok(Way { provider: provider.with_span_processor(processor).build(), wire, connection, timeout })
    }
}

impl Way {
    /// What takes the program's spans.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("landwaiter"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(span::TARGET, Level::INFO))
    }

    /// From here on spans are sent.
    ///
    /// # Errors
    /// What is wrong with what is set for the connections.
    pub(super) fn connect(&self) -> Result<(), String> {
        self.wire.connect(&self.connection, self.timeout)
    }

    /// Sends what is left, which may take so long. It blocks.
    pub(super) fn end(&self, within: Duration) {
        // What is lost has been told, or is not worth a word at the end.
        let _ = self.provider.shutdown_with_timeout(within);
    }
}

/// Where spans are sent, if anywhere.
fn url(endpoint: Option<&str>, set: impl Fn(&str) -> Option<String>) -> Result<Option<Url>, String> {
    let of_traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let of_all = "OTEL_EXPORTER_OTLP_ENDPOINT";
    if let Some(endpoint) = endpoint {
        return parse("--otlp-endpoint", endpoint).map(|url| Some(below(url)));
    }
    if let Some(endpoint) = set(of_traces) {
        return parse(of_traces, &endpoint).map(Some);
    }
    set(of_all).map(|endpoint| parse(of_all, &endpoint).map(below)).transpose()
}

/// The address for spans below the one for everything; whoever gave that for spans meant it so.
fn below(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(PATH).unwrap_or(path);
    let path = format!("{path}{PATH}");
    url.set_path(&path);
    url
}

fn parse(name: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        // It may be one with a password in it that was written wrongly.
        let shown = if text.contains(['@', '?']) { String::new() } else { format!(" {:?}", plain::line(text, 100)) };
        return Err(format!(
            "{name}:{shown} is not a URL to which traces can be sent: expected something like http://collector:4318"
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{name}: a password does not belong into the URL, which is shown in the log; send it as a header by \
             OTEL_EXPORTER_OTLP_HEADERS"
        ));
    }
    Ok(url)
}

/// Who we are. What the environment says of that counts.
fn resource(service_name: Option<String>) -> Resource {
    let ours = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_service_name("landwaiter")
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
    match service_name {
        Some(name) => ours.with_service_name(name),
        None => ours,
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::{Traces, url};

    fn variables<'v>(set: &'v [(&'v str, &'v str)]) -> impl Fn(&str) -> Option<String> + 'v {
        |name| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    }

    #[track_caller]
    fn goes_to(option: Option<&str>, set: &[(&str, &str)], expected: Option<&str>) {
        let found = url(option, variables(set)).unwrap();
        assert_eq!(found.as_ref().map(url::Url::as_str), expected, "{option:?} {set:?}");
    }

    #[track_caller]
    fn refused(option: Option<&str>, set: &[(&str, &str)], expected: &str) {
        assert_eq!(Traces::wanted(option, variables(set)).unwrap_err(), expected, "{option:?} {set:?}");
    }

    #[test]
    fn the_address_is_that_of_the_specification() {
        let (all, traces) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        goes_to(None, &[], None);
        goes_to(None, &[(all, "http://otel:4318")], Some("http://otel:4318/v1/traces"));
        goes_to(None, &[(all, "https://otel.example/otlp/")], Some("https://otel.example/otlp/v1/traces"));
        goes_to(None, &[(all, "http://otel:4318"), (traces, "http://tempo/spans")], Some("http://tempo/spans"));
        goes_to(Some("http://mine:1"), &[(traces, "http://tempo/spans")], Some("http://mine:1/v1/traces"));
        goes_to(Some("http://mine:1/v1/traces"), &[], Some("http://mine:1/v1/traces"));
    }

    #[test]
    fn traces_are_off_unless_somebody_wants_them() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318");
        for (set, expected) in [
            (vec![], false),
            (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], false),
            (vec![endpoint], true),
            (vec![endpoint, ("OTEL_SDK_DISABLED", "TRUE")], false),
            (vec![endpoint, ("OTEL_SDK_DISABLED", "no")], true),
            (vec![endpoint, ("OTEL_TRACES_EXPORTER", "none")], false),
            (vec![endpoint, ("OTEL_TRACES_EXPORTER", "console,otlp")], true),
            (vec![endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], true),
        ] {
            assert_eq!(Traces::wanted(None, variables(&set)).unwrap().is_some(), expected, "{set:?}");
        }
    }

    #[test]
    fn mistakes_are_told_at_the_start() {
        refused(
            Some("collector:4318"),
            &[],
            "--otlp-endpoint: \"collector:4318\" is not a URL to which traces can be sent: expected something like \
             http://collector:4318",
        );
        refused(
            None,
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://bob:hunter2@otel")],
            "OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL to which traces can be sent: expected something like \
             http://collector:4318",
        );
        refused(
            Some("https://bob:hunter2@otel"),
            &[],
            "--otlp-endpoint: a password does not belong into the URL, which is shown in the log; send it as a header by \
             OTEL_EXPORTER_OTLP_HEADERS",
        );
        refused(
            Some("http://otel:4317"),
            &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: traces are sent by http/protobuf alone; set it to that, and the endpoint to \
             the collector's port for HTTP, which is 4318 as a rule",
        );
        refused(
            Some("http://otel:4318"),
            &[("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")],
            "OTEL_EXPORTER_OTLP_TIMEOUT=10s: expected a number of milliseconds",
        );
        refused(
            Some("http://otel:4318"),
            &[("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem")],
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY belong together: set both or none",
        );
    }
}
