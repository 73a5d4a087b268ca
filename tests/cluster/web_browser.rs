//! The web UI as people meet it: a real browser, by mouse and by keyboard, with scripts and without, in light and in dark.
//!
//! What each may see and do, `web` and `web_attacks` show without a browser. Here it is that the pages lead there, that nobody is kept out,
//! and that the browser has nothing to complain of. Pictures of all pages are kept in target/screenshots/web.

use serde_json::json;

use crate::browser::{Browser, ENTER, TAB};
use crate::profile_lifecycle::{ABE, BOB, JANE, Profiles};
use crate::web_rig::{CHANGER, Issuer, Web, bearer, deploy, grant, make_changer, people};

const VIC: &str = "vic@foo.com";
const ANN: &str = "ann@foo.com";

/// A browser, and what it looks at.
struct Visit<'a> {
    test: &'a Profiles,
    web: &'a Web,
    issuer: &'a Issuer,
    browser: Browser,
}

impl Visit<'_> {
    /// From now on this is who is logged in.
    fn becomes(&self, user: &str) {
        self.browser.carry("authorization", &bearer(&self.issuer.token(user, &json!({}))));
    }

    fn open(&self, path: &str) {
        self.browser.open(&format!("http://127.0.0.1:{}{path}", self.web.port));
    }

    /// Opens a page anew until it says, or says no longer, what is waited for.
    #[track_caller]
    fn until(&self, path: &str, words: &str, is_there: bool) {
        self.test.cluster.until(&format!("{path} says {words}: {is_there}"), || {
            self.open(path);
            self.browser.text().contains(words) == is_there
        });
    }

    /// Opens what is folded around the form that is sent there.
    #[track_caller]
    fn unfold(&self, action: &str) {
        self.browser.click(&format!("details:has(form[action='{action}']) > summary"));
    }

    /// Waits until the page says so: a click does not wait for what comes of it.
    #[track_caller]
    fn says(&self, words: &str) {
        self.test.cluster.until(&format!("the page says {words}"), || self.browser.text().contains(words));
    }

    /// Waits until the browser has got there.
    #[track_caller]
    fn is_at(&self, end: &str) {
        self.test.cluster.until(&format!("it is at {end}"), || self.browser.address().ends_with(end));
    }
}

#[test]
fn e2e_a_browser_goes_the_whole_way() {
    let test = Profiles::start();
    let issuer = Issuer::new();
    deploy(&test, &issuer);
    for (name, owner) in [("jane", JANE), ("plans", JANE), ("bob", BOB)] {
        test.create(name, owner);
    }
    let web = Web::start(&test, &[]);
    let visit = Visit { test: &test, web: &web, issuer: &issuer, browser: Browser::start("web") };
    grant(&test, VIC, &["profile-creator"]);
    make_changer(&test);
    grant(&test, ANN, &["profile-creator", "profile-viewer", "profile-deleter", CHANGER]);
    test.cluster.until("all are known", || people(&test) == [ANN, BOB, JANE, VIC]);

    a_new_user_makes_a_namespace_without_scripts(&visit);
    what_is_used_shows(&visit);
    jane_shares_by_keyboard(&visit);
    bob_sees_that_and_nothing_else(&visit);
    jane_takes_it_back(&visit);
    an_admin_gives_it_away_and_deletes_it(&visit);
    for_trying_out_people_choose(&visit);
}

fn a_new_user_makes_a_namespace_without_scripts(visit: &Visit) {
    let browser = &visit.browser;
    visit.becomes(VIC);
    visit.open("/");
    visit.is_at("/profiles#new");
    browser.is_for_everybody("make-a-namespace");
    browser.tools("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    visit.open("/");
    // The browser itself sends no name that can't be one.
    browser.fill("#name", "Vic");
    browser.click("form[action='/profiles'] button.main");
    visit.is_at("/profiles#new");
    browser.is_quiet(&[]);
    browser.fill("#name", "jane");
    browser.fill("#limit-2", "2");
    browser.click("form[action='/profiles'] button.main");
    visit.says("Profile jane exists already");
    browser.is_quiet(&["status of 422"]);
    browser.fill("#name", "vic");
    browser.click("form[action='/profiles'] button.main");
    visit.is_at("/profiles/vic?done=made");
    visit.says("It is made: this is your namespace.");
    visit.until("/", "of 2 used", true);
    visit.says("kubeflow-vic");
    browser.is_quiet(&[]);
    browser.tools("Emulation.setScriptExecutionDisabled", &json!({"value": false}));
}

fn what_is_used_shows(visit: &Visit) {
    let requests = json!({"cpu": "12", "memory": "120Gi"});
    let limits = json!({"cpu": "12", "memory": "120Gi"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "busy", "namespace": "kubeflow-jane"},
        "spec": {"containers": [{"name": "busy", "image": "busy", "resources": {"requests": requests, "limits": limits}}]}});
    visit.becomes(JANE);
    visit.until("/", "32 free", true);
    visit.test.admin(&["create", "-f", &visit.test.app.write("busy.json", &pod.to_string())]);
    // The page is not loaded anew: it follows.
    visit.says("12 of 32 used, 20 free");
    let bars = "return [...document.querySelectorAll('section')].find(it => it.innerText.includes('kubeflow-jane')).querySelectorAll('meter')[0].value";
    assert_eq!(visit.browser.script(bars), 38);
    visit.browser.is_for_everybody("my-namespaces");
    for path in ["/", "/profiles", "/profiles/jane"] {
        let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        visit.browser.tools("Emulation.setDeviceMetricsOverride", &phone);
        visit.open(path);
        let width = visit.browser.script("return document.documentElement.scrollWidth");
        assert!(width.as_u64() <= Some(390), "{path} is {width} wide on a phone");
        visit.browser.picture(&format!("phone{}", path.replace('/', "-")));
    }
    visit.browser.is_quiet(&[]);
}

fn jane_shares_by_keyboard(visit: &Visit) {
    let browser = &visit.browser;
    visit.open("/profiles/jane");
    browser.press(&TAB.to_string());
    assert_eq!(browser.script("return document.activeElement.className"), "skip");
    browser.press(&ENTER.to_string());
    assert_eq!(browser.script("return document.activeElement.id"), "main");
    browser.tab_to("details:has(form[action='/profiles/jane/share']) > summary");
    browser.press(" ");
    assert!(browser.tab_to("#share-kind") == 1 && browser.tab_to("#share-who") == 1);
    browser.press(BOB);
    browser.press(&ENTER.to_string());
    visit.is_at("/profiles/jane?done=share");
    visit.says("It is shared.");
    visit.says(BOB);
    browser.is_quiet(&[]);
}

fn bob_sees_that_and_nothing_else(visit: &Visit) {
    visit.becomes(BOB);
    visit.until("/", "kubeflow-jane", true);
    visit.says("kubeflow-bob");
    visit.browser.is_quiet(&[]);
    for path in ["/", "/profiles", "/profiles?q=plans", "/profiles/jane", "/profiles/bob"] {
        visit.open(path);
        let source = visit.browser.script("return document.documentElement.outerHTML").to_string();
        assert!(!source.contains("kubeflow-plans"), "{path}: {source}");
    }
    // Neither is he offered what would be refused.
    visit.open("/profiles/jane");
    assert_eq!(visit.browser.script("return document.querySelectorAll('main form').length"), 0);
    visit.browser.is_quiet(&[]);
    visit.open("/profiles/plans");
    visit.says("There is no such profile, or you have no part in it");
    visit.browser.is_for_everybody("problem");
    visit.browser.is_quiet(&["status of 404"]);
}

fn jane_takes_it_back(visit: &Visit) {
    visit.becomes(JANE);
    visit.open("/profiles/jane");
    visit.browser.click(&format!("button[aria-label='Remove {BOB}']"));
    visit.is_at("/profiles/jane?done=unshare");
    visit.browser.is_quiet(&[]);
    visit.becomes(BOB);
    visit.until("/", "kubeflow-jane", false);
    visit.says("kubeflow-bob");
    // What the API server has said of him is believed for a few seconds.
    visit.until("/profiles/jane", "There is no such profile", true);
    visit.browser.is_quiet(&["status of 404"]);
}

fn an_admin_gives_it_away_and_deletes_it(visit: &Visit) {
    let browser = &visit.browser;
    visit.becomes(ANN);
    visit.until("/profiles", "kubeflow-plans", true);
    browser.is_for_everybody("all-profiles");
    visit.open("/profiles/jane");
    browser.is_for_everybody("one-profile");
    let give = |confirm: &str| {
        visit.unfold("/profiles/jane/transfer");
        browser.fill("#transfer-who", ABE);
        browser.fill("#transfer-confirm", confirm);
        browser.click("form[action='/profiles/jane/transfer'] button");
    };
    give("Jane");
    visit.says("Type the profile's name to go on");
    browser.is_quiet(&["status of 422"]);
    visit.open("/profiles/jane");
    give("jane");
    visit.is_at("/profiles/jane?done=transfer");
    visit.until("/profiles/jane", ABE, true);
    visit.unfold("/profiles/jane/delete");
    browser.fill("#delete-confirm", "jane");
    browser.click("form[action='/profiles/jane/delete'] button");
    visit.is_at("/profiles?done=deleted&name=jane");
    visit.says("Jane is being deleted");
    visit.test.cluster.until("it is gone, or going", || {
        let profile = visit.test.get(&["-n", "kubeflow-system", "get", "profile", "jane"]);
        profile.is_none_or(|profile| profile["metadata"].get("deletionTimestamp").is_some())
    });
    browser.is_quiet(&[]);
}

fn for_trying_out_people_choose(visit: &Visit) {
    let trial = Web::start(visit.test, &["--trial"]);
    visit.browser.carry("x-nothing", "");
    visit.browser.open(&format!("http://127.0.0.1:{}/", trial.port));
    visit.is_at("/identity");
    visit.browser.is_for_everybody("who-are-you");
    visit.browser.click(&format!("button[value='{BOB}']"));
    visit.says("For trying out");
    visit.says("kubeflow-bob");
    visit.browser.is_for_everybody("for-trying-out");
    visit.browser.is_quiet(&[]);
}
