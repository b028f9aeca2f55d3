//! What single registries do unlike others. Each is a row of `fixtures/registries/quirks.tsv`, with the
//! name of its test; `docs/registries.md` is made of them.

mod links;
mod login;
mod manifests;
mod names;
mod pages;

use landwaiter::image::Repository;
use landwaiter::registry::Client;

use super::{check_error, client, tags};
use crate::registry_server::{Act, Seen, Server, say};

/// A tag list in two pages, `a b` and `c`, with this `Link` on the first. `HOST` stands for the server.
async fn in_two_pages(path: &'static str, link: &'static str) -> (Server, Repository) {
    let server = Server::start(move |seen: &Seen, address| {
        if seen.path != format!("/v2/{path}/tags/list") {
            return say(404, &[], "");
        }
        if seen.query.contains("last=b") {
            return say(200, &[], r#"{"tags":["c"]}"#);
        }
        let link = link.replace("HOST", &address.to_string());
        say(200, &[("link", &link)], r#"{"tags":["a","b"]}"#)
    })
    .await;
    let repository = server.repository(path);
    (server, repository)
}

/// The whole list is read over this `Link`, in two requests.
async fn check_followed(path: &'static str, link: &'static str) {
    let (server, repository) = in_two_pages(path, link).await;
    match tags(&client(), &repository).await {
        Ok(found) => assert_eq!((found.as_str(), server.log().len()), ("a b c", 2), "{link}"),
        Err(error) => panic!("{link}: {error}"),
    }
}

/// The repository is held because of this `Link`; half of the list is never taken for all of it.
async fn check_held(link: &'static str, reason: &str) {
    let (server, repository) = in_two_pages("web", link).await;
    let error = tags(&client(), &repository).await.unwrap_err();
    check_error(&error, false, &["/v2/web/tags/list: ", reason]);
    assert_eq!(server.log().len(), 1, "{link}");
}

/// The tags of the repository are these.
async fn check_tags(client: &Client, repository: &Repository, expected: &str) {
    match tags(client, repository).await {
        Ok(found) => assert_eq!(found, expected),
        Err(error) => panic!("{error}"),
    }
}

/// Lets everything pass.
fn pass(_: &Seen, _: std::net::SocketAddr) -> Act {
    Act::Pass
}
