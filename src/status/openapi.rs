//! The description of the API as OpenAPI 3.1 has it, made of the routes and of the shapes of their answers.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::answer::Refused;
use super::{ENDPOINTS, Endpoint};

/// What can be asked for, and what is answered.
pub(super) fn description() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let described = operation(endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method] = described;
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Landwaiter",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a daemon shows of itself. Fields may be added at any time; none is renamed or removed.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        // On loopback without a token nothing has to be shown.
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let parameters = endpoint.parameters.iter().map(|parameter| {
        let kind = if parameter.name == "limit" {
            json!({"type": "integer", "minimum": 0})
        } else {
            json!({"type": "string"})
        };
        json!({
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.is_required,
            "description": parameter.about,
            "schema": kind,
        })
    });
    let content = |schema: Value| json!({"application/json": {"schema": schema}});
    let good = (endpoint.schema)(generator).to_value();
    let refused = generator.subschema_for::<Refused>().to_value();
    let name = endpoint.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
    json!({
        "operationId": name,
        "summary": endpoint.about,
        "parameters": parameters.collect::<Vec<_>>(),
        "responses": {
            endpoint.status.to_string(): {"description": "The answer.", "content": content(good)},
            "default": {"description": "Why there is none.", "content": content(refused)},
        },
    })
}
