//! Promises about ownership: who an alert belongs to, and by which of its words.

use super::*;
use crate::fingerprint::Fingerprint;
use crate::incident::IncidentId;
use crate::policy::parse;
use crate::signal::Alert;

const POLICY: &str = r#"
version: 1
people: { ana: { contacts: [{ sms: +15550100 }] } }
teams:
  shop: { members: [ana], escalation: all }
  data: { members: [ana], escalation: all }
escalations: { all: { steps: [{ notify: [person:ana], wait: 5m }] } }
catch_all: { escalation: all }
services:
  checkout: { team: shop, alerts: ['namespace="checkout"', 'cluster=~"pay-.*", env="prod"'] }
  search: { team: data }
owners:
  - { path: "*", team: shop }
  - { path: /etl/, team: data }
  - { path: /etl/vendored/ }
integrations:
  pd: { kind: pagerduty, secret: "ssm:/a/b", service: search }
  hook: { kind: standard_webhooks, secret: "ssm:/a/b" }
"#;

fn incident(integration: &str, service: Option<&str>, labels: &[(&str, &str)]) -> Incident {
    let mut incident = Incident::expected(IncidentId { fingerprint: Fingerprint::of("pd", "k"), generation: 1 });
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    incident.alert = Alert { service: service.map(str::to_owned), labels: labels.collect(), ..Alert::default() };
    integration.clone_into(&mut incident.integration);
    incident
}

/// The integration, the alert's own service, its labels; then the service, the team and a word of how it was found.
type Case<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)], Option<&'a str>, Option<&'a str>, &'a str);

#[test]
fn the_alert_its_tags_the_catalogue_the_integration_and_the_code_say_whose_it_is_in_this_order() {
    let (policy, _) = parse(POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let table: &[Case<'_>] = &[
        ("hook", Some("checkout"), &[("service", "search")], Some("checkout"), Some("shop"), "names its service"),
        ("hook", Some("unknown"), &[("service", "search")], Some("search"), Some("data"), "label `service`"),
        ("hook", None, &[("watchkeeper:service", "search"), ("job", "checkout")], Some("search"), Some("data"), "tag"),
        ("pd", None, &[("namespace", "checkout")], Some("checkout"), Some("shop"), "{namespace=\"checkout\"}"),
        ("hook", None, &[("cluster", "pay-1"), ("env", "prod")], Some("checkout"), Some("shop"), "the catalogue"),
        ("hook", None, &[("cluster", "pay-1"), ("env", "dev")], None, None, "nothing"),
        ("pd", None, &[("namespace", "other"), ("team", "shop")], Some("search"), Some("data"), "default service"),
        ("hook", None, &[("watchkeeper:team", "data"), ("owner", "shop")], None, Some("data"), "watchkeeper:team"),
        ("hook", Some("unknown"), &[("owner", "shop")], Some("unknown"), Some("shop"), "label `owner`"),
        ("hook", None, &[("team", "nobody")], None, None, "nothing"),
        ("hook", None, &[("code.file.path", "etl/load/a.py")], None, Some("data"), "`/etl/` covers"),
        ("hook", None, &[("path", "/web/a.js")], None, Some("shop"), "`*` covers"),
        ("hook", None, &[("path", "etl/vendored/x.c")], None, None, "nothing"),
        ("hook", None, &[], None, None, "nothing"),
    ];
    for (integration, named, labels, service, team, from) in table {
        let found = of(&incident(integration, *named, labels), &policy);
        assert_eq!((found.service.as_deref(), found.team.as_deref()), (*service, *team), "{labels:?}");
        assert!(found.from.contains(from), "{labels:?}: {}", found.from);
    }
}

#[test]
fn a_pattern_covers_what_github_says_it_does() {
    // The examples of GitHub's "About code owners", and what follows from its rules.
    let table = [
        ("*", "a/b/c.rs", true),
        ("*.js", "deep/down/a.js", true),
        ("*.js", "a.jsx", false),
        ("/build/logs/", "build/logs/today/a.txt", true),
        ("/build/logs/", "other/build/logs/a.txt", false),
        ("/build/logs/", "build/logs", false),
        ("docs/*", "docs/getting-started.md", true),
        ("docs/*", "docs/build-app/troubleshooting.md", false),
        ("docs/*", "x/docs/a.md", false),
        ("apps/", "x/apps/y/z.go", true),
        ("apps/", "apps", false),
        ("/docs/", "docs/a.md", true),
        ("/scripts", "scripts/run.sh", true),
        ("/scripts", "scripts", true),
        ("**/logs", "build/logs/a", true),
        ("**/logs", "deeply/nested/logs/a", true),
        ("**/logs", "catalogs/a", false),
        ("/apps/github", "apps/github/x", true),
        ("/apps/**/x.rs", "apps/x.rs", true),
        ("/apps/**/x.rs", "apps/a/b/x.rs", true),
        ("/apps/**/x.rs", "apps/a/b/y.rs", false),
        ("a?c", "x/abc", true),
        ("a?c", "x/ac", false),
        ("/", "a", true),
        ("", "a", false),
        ("**", "a/b", true),
    ];
    for (pattern, path, covered) in table {
        assert_eq!(covers(pattern, path), covered, "{pattern} {path}");
    }
}

#[test]
fn l09_a_pattern_of_stars_does_not_take_forever() {
    assert!(!covers(&format!("{}z", "a*".repeat(400)), &"a".repeat(4000)));
    assert!(!covers(&format!("{}z", "**/a/".repeat(100)), &"a/b/".repeat(50)));
    assert!(!covers("*", &"a/".repeat(100_000)), "a path that no file has");
}
