//! What a daemon shows of itself under `/api/v1/`, to whoever may ask, and the way to wake it.
//!
//! Floor 7. It reads the [`Board`] and changes nothing but for [`Board::sync`]. Everything that is asked for here is
//! known already: no answer waits for a registry or for Git. The routes and their description are made of one list,
//! `ENDPOINTS`.

mod access;
pub mod answer;
mod gather;
mod image;
mod openapi;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde::Deserialize;

pub use access::Access;

use crate::daemon::Board;
use crate::http::refusal;

/// The most that is told of an image's tags at once.
const MOST_TAGS: usize = 10_000;

/// One thing that can be asked for.
struct Endpoint {
    path: &'static str,
    /// `get` or `post`.
    method: &'static str,
    about: &'static str,
    parameters: &'static [Parameter],
    /// The status of a good answer.
    status: u16,
    schema: fn(&mut SchemaGenerator) -> Schema,
    handler: fn() -> MethodRouter<Board>,
}

struct Parameter {
    name: &'static str,
    /// `path` or `query`.
    place: &'static str,
    about: &'static str,
    is_required: bool,
}

const fn query(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, place: "query", about, is_required: false }
}

const NAME: Parameter =
    Parameter { name: "name", place: "path", about: "The config repository, as `status` names it.", is_required: true };

/// Everything that can be asked for.
const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/api/v1/status",
        method: "get",
        about: "How each config repository stands.",
        parameters: &[],
        status: 200,
        schema: SchemaGenerator::subschema_for::<answer::Status>,
        handler: || get(status),
    },
    Endpoint {
        path: "/api/v1/repositories/{name}/workloads",
        method: "get",
        about: "The verdict for every container of a config repository, by the last pass that came to a plan.",
        parameters: &[
            NAME,
            query("workload", "Only workloads with this in their name (`namespace/Kind/name`)."),
            query("image", "Only images with this in their name."),
            query("hold", "Only containers that are held for this reason, such as `locked` or `unseen`."),
        ],
        status: 200,
        schema: SchemaGenerator::subschema_for::<answer::Workloads>,
        handler: || get(workloads),
    },
    Endpoint {
        path: "/api/v1/repositories/{name}/problems",
        method: "get",
        about: "What people got wrong in a config repository, by place.",
        parameters: &[NAME],
        status: 200,
        schema: SchemaGenerator::subschema_for::<answer::Problems>,
        handler: || get(problems),
    },
    Endpoint {
        path: "/api/v1/registries",
        method: "get",
        about: "What is known of each host that registries made us ask.",
        parameters: &[],
        status: 200,
        schema: SchemaGenerator::subschema_for::<answer::Registries>,
        handler: || get(registries),
    },
    Endpoint {
        path: "/api/v1/images",
        method: "get",
        about: "The tags of an image that somebody follows, and what each policy makes of them.",
        parameters: &[
            Parameter {
                name: "image",
                place: "query",
                about: "The image; its tag, if it has one, is ignored.",
                is_required: true,
            },
            query("workload", "Explain only for workloads with this in their name."),
            query("container", "Explain only for containers of this name."),
            query("limit", "How many tags and candidates are told, the latest and best first. Default: 100."),
        ],
        status: 200,
        schema: SchemaGenerator::subschema_for::<answer::Image>,
        handler: || get(image),
    },
    Endpoint {
        path: "/api/v1/commits",
        method: "get",
        about: "The last commits that were pushed since the start, the latest first; fifty for each config repository.",
        parameters: &[query("repository", "Only those of this config repository.")],
        status: 200,
        schema: SchemaGenerator::subschema_for::<answer::Commits>,
        handler: || get(commits),
    },
    Endpoint {
        path: "/api/v1/sync",
        method: "post",
        about: "Asks Git and registries for news now, whatever the intervals. Needs `Content-Type: application/json`, or a \
                token.",
        parameters: &[query("repository", "This config repository alone, with every image that is followed.")],
        status: 202,
        schema: SchemaGenerator::subschema_for::<answer::Synced>,
        handler: || post(sync),
    },
    Endpoint {
        path: "/api/v1/openapi.json",
        method: "get",
        about: "This description.",
        parameters: &[],
        status: 200,
        schema: |_| schemars::json_schema!({"type": "object", "description": "An OpenAPI 3.1 document."}),
        handler: || get(async || Json(openapi::description())),
    },
];

/// What is asked for under `/api/v1/`, with the guard before it.
pub fn routes(board: Board, access: Access) -> Router {
    let routes = ENDPOINTS.iter().fold(Router::new(), |routes, one| routes.route(one.path, (one.handler)()));
    access.guarding(routes.with_state(board))
}

/// Why there is no answer.
struct Refusal(StatusCode, String);

type Answer<T> = Result<Json<T>, Refusal>;

impl Refusal {
    fn unknown_repository(name: &str, board: &Board) -> Self {
        let names: Vec<_> = board.standings().iter().map(|standing| standing.name().to_owned()).collect();
        let there = if names.is_empty() { "none yet".to_owned() } else { names.join(", ") };
        Self(StatusCode::NOT_FOUND, format!("there is no config repository {name:?}; there are: {there}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refusal(self.0, &self.1)
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Containers {
    workload: Option<String>,
    image: Option<String>,
    hold: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRepository {
    repository: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneImage {
    image: String,
    workload: Option<String>,
    container: Option<String>,
    limit: Option<usize>,
}

type Asked<T> = Result<Query<T>, QueryRejection>;

async fn status(State(board): State<Board>, asked: Asked<Nothing>) -> Answer<answer::Status> {
    asked?;
    Ok(Json(gather::status(&board, Timestamp::now())))
}

async fn workloads(
    State(board): State<Board>,
    Path(name): Path<String>,
    asked: Asked<Containers>,
) -> Answer<answer::Workloads> {
    let Query(Containers { workload, image, hold }) = asked?;
    let standing = gather::standing(&board, &name).ok_or_else(|| Refusal::unknown_repository(&name, &board))?;
    let is_meant = |one: &answer::Container| {
        workload.as_ref().is_none_or(|part| one.workload.contains(part))
            && image.as_ref().is_none_or(|part| one.image.contains(part))
            && hold.as_ref().is_none_or(|hold| one.hold.as_ref() == Some(hold))
    };
    Ok(Json(gather::workloads(&standing, is_meant)))
}

async fn problems(
    State(board): State<Board>,
    Path(name): Path<String>,
    asked: Asked<Nothing>,
) -> Answer<answer::Problems> {
    asked?;
    let standing = gather::standing(&board, &name).ok_or_else(|| Refusal::unknown_repository(&name, &board))?;
    Ok(Json(gather::problems(&standing)))
}

async fn registries(State(board): State<Board>, asked: Asked<Nothing>) -> Answer<answer::Registries> {
    asked?;
    Ok(Json(gather::registries(&board, Timestamp::now())))
}

async fn image(State(board): State<Board>, asked: Asked<OneImage>) -> Answer<answer::Image> {
    let Query(OneImage { image, workload, container, limit }) = asked?;
    let bad = |error: &dyn std::fmt::Display| Refusal(StatusCode::BAD_REQUEST, error.to_string());
    let reference: crate::image::Reference = image.parse().map_err(|error| bad(&error))?;
    let scope = image::Scope { workload, container, limit: limit.unwrap_or(100).min(MOST_TAGS) };
    let known = image::gather(&board, reference.repository(), scope, Timestamp::now()).await;
    known.map(Json).ok_or_else(|| {
        let words =
            format!("no container with a policy uses {}; see workloads for those that are", reference.repository());
        Refusal(StatusCode::NOT_FOUND, words)
    })
}

async fn commits(State(board): State<Board>, asked: Asked<OneRepository>) -> Answer<answer::Commits> {
    let Query(OneRepository { repository }) = asked?;
    if let Some(name) = repository.as_ref().filter(|name| gather::standing(&board, name).is_none()) {
        return Err(Refusal::unknown_repository(name, &board));
    }
    Ok(Json(gather::commits(&board, repository.as_deref())))
}

async fn sync(
    State(board): State<Board>,
    asked: Asked<OneRepository>,
) -> Result<(StatusCode, Json<answer::Synced>), Refusal> {
    let Query(OneRepository { repository }) = asked?;
    let repositories = board.sync(repository.as_deref(), Timestamp::now());
    match repository {
        Some(name) if repositories == 0 => Err(Refusal::unknown_repository(&name, &board)),
        _ => Ok((StatusCode::ACCEPTED, Json(answer::Synced { repositories }))),
    }
}
