//! Notebooks in a real browser: spawned with what is wrong said at its field, and followed while the page stays open.

use serde_json::json;

use crate::browser::Browser;
use crate::kubelet::Kubelet;
use crate::profile_lifecycle::JANE;
use crate::web_notebooks::Rig;
use crate::web_rig::bearer;

const ONE: &str = "/jupyter/kubeflow-jane/first";

struct Visit<'a> {
    rig: &'a Rig,
    browser: Browser,
}

impl Visit<'_> {
    fn open(&self, path: &str) {
        self.browser.open(&format!("http://127.0.0.1:{}{path}", self.rig.web.port));
    }

    /// Waits until the page that is open says so.
    #[track_caller]
    fn says(&self, words: &str) {
        self.rig.test.cluster.until(&format!("the page says {words}"), || self.browser.text().contains(words));
    }

    #[track_caller]
    fn is_at(&self, end: &str) {
        self.rig.test.cluster.until(&format!("it is at {end}"), || self.browser.address().ends_with(end));
    }

    /// What jane does elsewhere.
    fn annotate(&self, annotation: &str) {
        self.rig.test.admin(&["-n", "kubeflow-jane", "annotate", "--overwrite", "notebook", "first", annotation]);
    }
}

#[test]
fn e2e_a_browser_spawns_and_follows() {
    let rig = Rig::start();
    let kubelet = Kubelet::start(&rig.test);
    kubelet.say("Serving notebooks\n");
    let visit = Visit { rig: &rig, browser: Browser::start("notebooks") };
    visit.browser.carry("authorization", &bearer(&rig.issuer.token(JANE, &json!({}))));
    it_is_spawned(&visit);
    pages_follow(&visit, &kubelet);
    it_fits_a_phone(&visit);
    all_of_it_works_without_scripts(&visit);
}

fn it_is_spawned(visit: &Visit) {
    let browser = &visit.browser;
    visit.open("/jupyter");
    visit.says("There is no notebook in kubeflow-jane yet");
    browser.is_for_everybody("none");
    browser.click("a[href='/jupyter/new?namespace=kubeflow-jane']");
    visit.is_at("/jupyter/new?namespace=kubeflow-jane");
    browser.fill("#name", "first");
    browser.fill("#cpu", "64");
    browser.is_for_everybody("spawner");
    browser.click("form[action='/jupyter/new'] > details > summary");
    browser.click("#workspace-mode option[value='none']");
    browser.is_quiet(&[]);
    browser.click("form[action='/jupyter/new'] button.main");
    visit.says("CPU: 64 asked for, and the quota is 32");
    assert_eq!(browser.script("return document.querySelector('#name').value"), "first", "what was typed is there");
    assert_eq!(browser.script("return document.querySelector('#workspace-mode').value"), "none");
    browser.is_for_everybody("refused");
    browser.is_quiet(&["status of 422"]);
    browser.fill("#cpu", "1");
    browser.click("form[action='/jupyter/new'] button.main");
    visit.is_at("/jupyter/kubeflow-jane/first?done=made&name=first");
}

fn pages_follow(visit: &Visit, kubelet: &Kubelet) {
    let browser = &visit.browser;
    browser.script("window.isTheSamePage = true");
    visit.says("running");
    visit.annotate("kubeflow-resource-stopped=2026-01-01T00:00:00Z");
    visit.says("stopped");
    assert_eq!(browser.script("return window.isTheSamePage"), true, "nobody has loaded it anew");
    browser.is_for_everybody("one");
    visit.open("/jupyter?namespace=kubeflow-jane");
    visit.says("stopped");
    browser.script("window.isTheSamePage = true; document.querySelector('#switch-first').focus()");
    visit.annotate("kubeflow-resource-stopped-");
    visit.says("running");
    assert_eq!(browser.script("return window.isTheSamePage"), true);
    assert_eq!(browser.script("return document.activeElement.id"), "switch-first", "the focus stays where it was");
    browser.is_for_everybody("list");
    browser.is_quiet(&[]);
    visit.open(&format!("{ONE}/log"));
    visit.says("Serving notebooks");
    kubelet.say("<b>the last word</b>\n");
    visit.says("<b>the last word</b>");
    browser.is_for_everybody("log");
    browser.is_quiet(&[]);
}

fn it_fits_a_phone(visit: &Visit) {
    let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
    for (path, name) in
        [("/jupyter", "list"), ("/jupyter/new", "spawner"), (ONE, "one"), ("/jupyter/kubeflow-jane/first/log", "log")]
    {
        visit.browser.tools("Emulation.setDeviceMetricsOverride", &phone);
        visit.open(path);
        let width = visit.browser.script("return document.documentElement.scrollWidth");
        assert!(width.as_u64() <= Some(390), "{path} is {width} wide on a phone");
        visit.browser.picture(&format!("phone-{name}"));
    }
    visit.browser.is_quiet(&[]);
}

fn all_of_it_works_without_scripts(visit: &Visit) {
    let browser = &visit.browser;
    browser.tools("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    visit.open(&format!("{ONE}/log"));
    visit.says("the last word");
    visit.open("/jupyter");
    browser.click("#switch-first");
    visit.is_at("/jupyter?namespace=kubeflow-jane&done=stop&name=first");
    visit.rig.test.cluster.until("it is stopped", || {
        visit.open(ONE);
        browser.text().contains("stopped")
    });
    browser.click("#edit");
    visit.is_at("/jupyter/kubeflow-jane/first/edit");
    browser.fill("#memory", "3Gi");
    browser.click(&format!("form[action='{ONE}/edit'] > details > summary"));
    browser.fill("#memoryLimit", "none");
    browser.click(&format!("form[action='{ONE}/edit'] button.main"));
    visit.is_at("?done=edit&name=first");
    visit.says("3Gi");
    browser.click("details:has(#delete-confirm) > summary");
    browser.fill("#delete-confirm", "first");
    browser.click(&format!("form[action='{ONE}/delete'] button.main"));
    visit.is_at("/jupyter?namespace=kubeflow-jane&done=delete&name=first");
    visit.says("first is being deleted");
    visit.rig.test.cluster.until("it is gone", || visit.rig.test.of_jane("notebook", "first").is_none());
    browser.is_quiet(&[]);
    browser.tools("Emulation.setScriptExecutionDisabled", &json!({"value": false}));
}
