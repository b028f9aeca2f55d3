//! `Link` headers, as registries write them.

use super::{check_followed, check_held};
use crate::connections::plan_over_tls;
use crate::registry_server::{Act, Server, say};

#[tokio::test]
async fn quirk_01_a_link_of_every_form() {
    for link in [
        r#"<http://HOST/v2/web/tags/list?last=b&n=1000>; rel="next""#,
        r#"</v2/web/tags/list?last=b&n=1000>; rel="next""#,
        r#"<list?last=b>; rel="next""#,
        r#"<?last=b>; rel="next""#,
        r#"<?last=b>; rel="next", "#,
        r#"<//HOST/v2/web/tags/list?last=b>; rel="next""#,
    ] {
        check_followed("web", link).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quirk_02_a_link_that_forgets_tls() {
    for link in [
        "<http://registry.example.com/v2/web/tags/list?last=1.0.0>",
        "<http://registry.example.com:443/v2/web/tags/list?last=1.0.0>",
    ] {
        let header = format!("{link}; rel=\"next\"");
        let server = Server::start(move |seen, _| {
            let is_first = seen.is_list() && !seen.query.contains("last=");
            if is_first { say(200, &[("link", &header)], r#"{"tags":["1.0.0"]}"#) } else { Act::Pass }
        })
        .await;
        server.fill("web", &["1.0.0", "1.1.0"]);
        let ran = plan_over_tls(&server, &["http/1.1"], &["web"]).await;
        assert!(ran.stdout.contains("1.0.0 -> 1.1.0"), "{link}: {ran:?}");
        assert_eq!(server.log().len(), 2);
    }
}

#[tokio::test]
async fn quirk_03_a_link_to_another_host() {
    for link in [
        "<http://internal.example/v2/web/tags/list?last=b>; rel=next",
        "<//internal.example/v2/web/tags/list?last=b>; rel=next",
        "<http://localhost:1/v2/web/tags/list?last=b>; rel=next",
        "<https://HOST/v2/web/tags/list?last=b>; rel=next",
    ] {
        check_held(link, "on another host").await;
    }
}

#[tokio::test]
async fn quirk_04_a_long_link() {
    let long: &'static str =
        Box::leak(format!(r#"<?last=b&next_page={}>; rel="next""#, "x".repeat(6000)).into_boxed_str());
    check_followed("web", long).await;
}

#[tokio::test]
async fn quirk_05_artifactory_leaves_out_the_prefix_of_a_virtual_repository() {
    check_followed("docker-virtual/web", r#"</v2/web/tags/list?last=b&n=1000>; rel="next""#).await;
    check_followed("docker-virtual/web", r#"</artifactory/api/docker/x/v2/web/tags/list?last=b>; rel="next""#).await;
}

#[tokio::test]
async fn every_spelling_of_a_link() {
    for link in [
        "</v2/web/tags/list?last=b>; rel=next",
        r#"</v2/web/tags/list?last=b>;rel="next""#,
        "<tags/list?last=b>; rel=next",
        r#"</first>; rel="first", </v2/web/tags/list?last=b>; rel="next""#,
        "<?last=b&x=1,2>; rel=next",
        r#"<?last=b>; rel="Next""#,
        "?last=b; rel=next",
        r#"<?last=b>; title="a, b; c"; rel="prefetch next""#,
    ] {
        check_followed("web", link).await;
    }
}

#[tokio::test]
async fn a_link_that_cannot_be_read_is_no_end() {
    check_held("<?last=b; rel=next", "cannot be read").await;
    check_held(r#"<?last=b>; rel="next"#, "cannot be read").await;
    check_held("<http://[>; rel=next", "cannot be read").await;
    check_held("<?last=b>; rel=next, <?last=z>; rel=next", "several next pages").await;
}
