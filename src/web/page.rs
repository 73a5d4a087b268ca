//! The pages' templates and style, part of the binary. What is written into a page is escaped, whatever it is.

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Value, json};

use super::contract::DESCRIPTION;
use super::visitor::Visitor;

const STYLE: &str = include_str!("assets/style.css");
const ICON: &str = include_str!("assets/icon.svg");
const SCRIPT: &str = include_str!("assets/live.js");
/// By name: `.html` is what makes them escape.
const TEMPLATES: [(&str, &str); 12] = [
    ("base.html", include_str!("assets/base.html")),
    ("home.html", include_str!("assets/home.html")),
    ("identity.html", include_str!("assets/identity.html")),
    ("notebook.html", include_str!("assets/notebook.html")),
    ("notebook_form.html", include_str!("assets/notebook_form.html")),
    ("notebook_log.html", include_str!("assets/notebook_log.html")),
    ("notebook_parts.html", include_str!("assets/notebook_parts.html")),
    ("notebooks.html", include_str!("assets/notebooks.html")),
    ("parts.html", include_str!("assets/parts.html")),
    ("problem.html", include_str!("assets/problem.html")),
    ("profile.html", include_str!("assets/profile.html")),
    ("profiles.html", include_str!("assets/profiles.html")),
];

/// All templates.
pub(super) struct Pages(Environment<'static>);

/// What every page shows.
pub(super) struct Page<'a> {
    pub(super) visitor: Option<&'a Visitor>,
    /// What its forms carry.
    pub(super) csrf: &'a str,
    /// Where it is.
    pub(super) path: &'a str,
    pub(super) trial: bool,
}

impl Pages {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).expect("a test renders each of them");
        }
        Self(environment)
    }

    /// Renders a page.
    pub(super) fn render(&self, template: &str, page: &Page<'_>, data: &Value) -> Result<String, minijinja::Error> {
        let visitor =
            page.visitor.map(|visitor| json!({"user": visitor.user, "groups": visitor.groups, "signOut": visitor.sign_out}));
        let context =
            Context { visitor, csrf: page.csrf, path: page.path, trial: page.trial, version: env!("CARGO_PKG_VERSION"), data };
        self.0.get_template(template)?.render(minijinja::value::Serde(&context))
    }
}

#[derive(Serialize)]
struct Context<'a> {
    visitor: Option<Value>,
    csrf: &'a str,
    path: &'a str,
    trial: bool,
    version: &'static str,
    data: &'a Value,
}

/// The style. Its address does not change with it, so browsers ask again after a while.
pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", STYLE)
}

/// The mark of these pages.
pub(super) async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", ICON)
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "private, max-age=300")], text)
}

/// The script of pages that follow what happens.
pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// What programs can ask for, as `OpenAPI` describes it.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = r#"<script>alert(1)</script>" onmouseover='x' {{ 7 * 7 }} &amp;"#;

    /// Every page, with something evil wherever somebody may write something.
    fn pages() -> Vec<(&'static str, Value)> {
        let quota = json!([{"resource": EVIL, "label": EVIL, "limit": EVIL, "used": EVIL, "free": EVIL, "percent": 40}]);
        let people = json!([{"who": EVIL, "kind": "User", "name": EVIL, "role": EVIL, "by": EVIL, "removable": true}]);
        let row = json!({"name": EVIL, "namespace": EVIL, "owner": EVIL, "role": EVIL, "state": EVIL, "message": EVIL,
            "quota": quota, "notebooks": [{"name": EVIL, "state": EVIL}], "people": people});
        let may = json!({"share": true, "change": true, "delete": true});
        let limits = json!([{"resource": EVIL, "label": EVIL, "default": EVIL, "value": EVIL}]);
        let defaults = json!([{"resource": EVIL, "label": EVIL, "default": EVIL}]);
        [
            ("home.html", json!({"namespaces": [row], "mayCreate": true, "told": EVIL, "seen": EVIL})),
            ("home.html", json!({"namespaces": [], "mayCreate": true, "told": null, "seen": EVIL})),
            (
                "profiles.html",
                json!({"profiles": [row], "mayCreate": true, "all": true, "defaults": defaults, "told": EVIL, "problem": {"message": EVIL, "field": "name", "details": [EVIL], "hints": [EVIL]},
                    "form": {"name": EVIL, "namespace": EVIL, "owner": EVIL, "kind": "Group"}, "limits": limits, "query": EVIL, "search": EVIL, "page": 1, "pages": 3, "count": 1}),
            ),
            ("profile.html", json!({"profile": row, "may": may, "limits": limits, "told": EVIL, "seen": EVIL})),
            (
                "problem.html",
                json!({"problem": {"status": 403, "title": "Forbidden", "message": EVIL, "details": [EVIL], "hints": [EVIL]}, "hints": [[EVIL, EVIL, EVIL]]}),
            ),
            ("identity.html", json!({"users": [EVIL]})),
        ]
        .into_iter()
        .chain(crate::web::notebooks::tests::pages(EVIL))
        .collect()
    }

    fn visitor() -> Visitor {
        Visitor {
            user: EVIL.to_owned(),
            groups: vec![EVIL.to_owned()],
            connection: crate::cluster::Connection::nowhere(),
            origin: String::new(),
            sign_out: EVIL.to_owned(),
        }
    }

    #[tokio::test]
    async fn every_page_escapes_everything() {
        let pages_of = Pages::new();
        let visitor = visitor();
        for (template, data) in pages() {
            let page = Page { visitor: Some(&visitor), csrf: "token", path: "/", trial: true };
            let text = pages_of.render(template, &page, &data).unwrap_or_else(|error| panic!("{template}: {error:#}"));
            for wrong in ["<script>alert", "\" onmouseover", "' onmouseover", "'x'", "49", "style=\"", " onclick"] {
                assert!(!text.contains(wrong), "{template} has {wrong}: {text}");
            }
            if data.to_string().contains("alert") {
                assert!(text.contains("&lt;script&gt;alert(1)"), "{template} does not show it: {text}");
            }
            // Every form that changes something carries the token, and none sends anything elsewhere.
            for form in text.split("<form").skip(1) {
                let form = &form[..form.find("</form>").expect("it ends")];
                let changes = form.contains("method=\"post\"");
                assert!(form.contains("action=\"/"), "{template}: {form}");
                assert_eq!(changes, form.contains("name=\"csrf\" value=\"token\""), "{template}: {form}");
            }
            assert!(text.contains("<html lang=\"en\">") && text.contains("<main") && text.contains("<h1"), "{template}");
            assert_eq!(text.matches("<h1").count(), 1, "{template}");
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for (name, source) in TEMPLATES.into_iter().chain([("style.css", STYLE), ("live.js", SCRIPT)]) {
            // Scripts of ours, and none within a page.
            let source = source.replace("<script src=\"/assets/", "");
            for word in ["http://", "https://", "//cdn", "@import", "url(", "<script", "style=", "|safe", "| safe"] {
                assert!(!source.contains(word), "{name} has {word}");
            }
        }
    }
}
