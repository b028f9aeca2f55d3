//! What templates say, and what is wrong with those that say nothing.

use super::{InvalidTemplate, Template, Values, samples, words};

/// What a template says of one of the samples.
fn said(source: &str, sample: usize) -> String {
    let sample = samples().into_iter().nth(sample).unwrap();
    let default = words(&sample.rows, false);
    let values = Values::new("org/config", "main", sample.group, &sample.rows, &default);
    let words = Template::parse("t", source).unwrap().render(&values).unwrap();
    format!("{}\n--\n{}", words.subject, words.body)
}

#[track_caller]
fn check(source: &str, sample: usize, expected: &str) {
    assert_eq!(said(source, sample), expected, "{source}");
}

#[track_caller]
fn check_wrong(source: &str, expected: &str) {
    let error: InvalidTemplate = Template::parse("commit.j2", source).unwrap_err();
    assert_eq!(error.to_string(), format!("commit.j2:{expected}"), "{source:.200}");
}

#[test]
fn the_first_line_is_the_subject() {
    check("Deploy {{ updates|length }}\n\nThat is all.\n", 0, "Deploy 1\n--\n\nThat is all.");
    check("\n  Deploy \nmore", 0, "Deploy\n--\nmore");
    check(
        "{{ default.subject }}\n\n{{ default.body }}",
        1,
        "Update report to 2.0.0\n--\n\n-/CronJob/report (apps/report.yaml:14)\n  report: report\n    (no tag) -> 2.0.0\n    semver:*: highest version of 12 matching tags",
    );
}

#[test]
fn every_value_has_its_name() {
    let source = "{{ repository }} {{ branch }} {{ group }} {{ images|map(attribute='short_name')|join(',') }}\n\
        {% for u in updates %}\n\
        {{ u.file }}:{{ u.line }} {{ u.workload }} {{ u.namespace }} {{ u.kind }} {{ u.name }} {{ u.container }} {{ u.image }} {{ u.repository }} {{ u.short_name }} {{ u.from or 'new' }} {{ u.to }} ({{ u.policy }}: {{ u.reason }})\n\
        {% endfor %}";
    let one = "org/config main none web\n--\napps/web.yaml:21 shop/Deployment/web shop Deployment web web ghcr.io/org/web ghcr.io/org/web web 1.4.1 1.4.2 (semver:*: highest version of 12 matching tags)\n";
    check(source, 0, one);
    let none = "org/config main apps/report.yaml report\n--\napps/report.yaml:14 -/CronJob/report none CronJob report report report docker.io/library/report report new 2.0.0 (semver:*: highest version of 12 matching tags)\n";
    check(source, 1, none);
}

#[test]
fn what_is_said_of_many() {
    let source = "chore({{ updates|map(attribute='namespace')|select|unique|join('+') }}): {{ images|length }} images\n\
        {% for file, own in updates|groupby('file') %}\n\
        {{ file }}\n\
        {% for u in own %}\n\
        * {{ u.short_name|upper }} {{ u.to|replace('.', '-') }}{% if not loop.last %},{% endif %}\n\n\
        {% endfor %}\n\
        {% endfor %}";
    let expected = "chore(shop+blue): 3 images\n--\napps/report.yaml\n* REPORT 2-0-0\napps/web.yaml\n* WEB 1-4-2,\n* WEB 1-4-2\nclusters/blue/db.yaml\n* DB 16-3\nclusters/blue/web.yaml\n* WEB 1-4-2\n";
    check(source, 2, expected);
}

#[test]
fn mistakes_have_a_place_and_a_way_out() {
    check_wrong("{{ defualt.subject }}", "1:4: there is no `defualt`; did you mean `default`?");
    check_wrong(
        "x\n\n{% for u in updates %}\n  é {{ u.form }}\n{% endfor %}",
        "4:8: there is no `u.form`; did you mean `from`?",
    );
    check_wrong("{{ updates|lenght }}", "1:12: there is no filter `lenght`; did you mean `length`?");
    check_wrong("{{ updates[0].to|shout }}", "1:18: there is no filter `shout`; did you mean `sort`?");
    check_wrong("{{ updates[0].to is sober }}", "1:21: there is no test `sober`");
    check_wrong("{{ now() }}", "1:4: there is no function `now`");
    check_wrong("{{ range(9) }}", "1:4: there is no function `range`");
    check_wrong("{% for u in updates %}", "1:21: syntax error: unexpected end of input, expected end of block");
    check_wrong("x\n{% include 'a' %}", "2:4: syntax error: unknown statement include");
    check_wrong("x\n{{ updates[3].to }}", "2:11: there is no `updates[3]` where there are fewer: loop instead");
    check_wrong(
        "x {{ 'a' + 1 }}",
        "1:6: invalid operation: tried to use + operator on unsupported types string and number",
    );
    check_wrong("x {{", "1:3: syntax error: unexpected end of input, expected expression");
}

#[test]
fn names_are_checked_where_no_sample_leads() {
    check_wrong(
        "repo {{ branch }}\n{% if updates|length > 99 %}\n  {{ repo.repo }}\n{% endif %}",
        "3:6: there is no `repo`; there are repository, branch, group, updates, images, default",
    );
}

#[test]
fn a_message_has_a_subject() {
    check_wrong(
        "{% for u in updates %}{% endfor %}\n",
        "1:1: it gives no subject: the first line that it writes is the subject",
    );
    check_wrong(
        "{% if updates|length > 1 %}many{% endif %}",
        "1:1: it gives no subject: the first line that it writes is the subject",
    );
}

#[test]
fn what_never_ends_is_ended() {
    let nested = |depth: usize| {
        let opened = "{% for a in 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}".repeat(depth);
        format!("{opened}x{}", "{% endfor %}".repeat(depth))
    };
    check_wrong(&nested(9), "1:1: it does too much: more steps than a message needs");
    check_wrong(&"x".repeat(300 << 10), "1:1: it is larger than 64 KiB");
    check_wrong("{{ 'x' * 400000 }}", "1:1: it writes too much: more than 256 KiB");
    check_wrong(
        &format!("{{{{ {}1{} }}}}", "(".repeat(2000), ")".repeat(2000)),
        "1:78: syntax error: template exceeds maximum recursion limits",
    );
}
