//! A real browser: Chromium, driven by `WebDriver`, which is JSON over HTTP. A client crate would bring an asynchronous stack of its own, and has
//! no words for the console's log and for the developer tools, on which these tests rest: what they need of the protocol is less than that.
//! axe-core looks at pages for people who can't see them, or not well; its script comes from Python's package index, as Envoy does.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use kfctl::directories::cache_directory;
use serde_json::{Value, json};

use crate::harness::{answer, free_port, until};
use crate::made::wheel;

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
pub(crate) const TAB: char = '\u{E004}';
pub(crate) const ENTER: char = '\u{E007}';

/// A wheel that has axe-core in it, at the place that follows.
const AXE: &str = "axe-playwright-python==0.1.8 --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8";
const SCRIPT: &str = "axe_playwright_python/axe.min.js";

/// One window, ended with the test.
pub(crate) struct Browser {
    driver: Child,
    /// The address of the session.
    session: String,
    axe: String,
    /// Where pictures are kept, and how many there are.
    pictures: PathBuf,
    taken: Cell<usize>,
}

impl Browser {
    /// `name` is that of the folder in which its pictures are kept, below target/.
    pub(crate) fn start(name: &str) -> Self {
        let port = free_port();
        let mut command = Command::new("chromedriver");
        let command = command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = command.spawn().expect("chromedriver is there: tests/run installs chromium and chromium-driver");
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots").join(name);
        let _ = std::fs::remove_dir_all(&pictures);
        std::fs::create_dir_all(&pictures).expect("target/ can be written");
        let mut browser = Self { driver, session: String::new(), axe: axe(), pictures, taken: Cell::new(0) };
        let server = format!("http://127.0.0.1:{port}");
        until("chromedriver answers", || answer(&format!("{server}/status"), &[]).is_some_and(|(code, _)| code == 200));
        // As root Chromium has no sandbox; what it is shown here is ours.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"];
        // A certificate that a test has made is nobody's.
        let wanted = json!({"browserName": "chrome", "acceptInsecureCerts": true, "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"}});
        let made = request("POST", &format!("{server}/session"), &json!({"capabilities": {"alwaysMatch": wanted}}));
        let made = made.expect("Chromium starts");
        browser.session = format!("{server}/session/{}", made["sessionId"].as_str().expect("a session"));
        browser
    }

    fn ask(&self, path: &str, body: &Value) -> Result<Value, String> {
        request("POST", &format!("{}{path}", self.session), body)
    }

    fn told(&self, path: &str) -> String {
        let told = request("GET", &format!("{}{path}", self.session), &Value::Null).unwrap_or_else(|why| panic!("{path}: {why}"));
        told.as_str().expect("text").to_owned()
    }

    #[track_caller]
    fn done(&self, path: &str, body: &Value) -> Value {
        self.ask(path, body).unwrap_or_else(|why| panic!("{path} {body}: {why}\nat {}: {}", self.address(), self.text()))
    }

    /// A command to the developer tools.
    pub(crate) fn tools(&self, command: &str, parameters: &Value) {
        self.done("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    /// From now on every request has this header, as a gateway adds it; cookies of before are gone.
    pub(crate) fn carry(&self, header: &str, value: &str) {
        self.tools("Network.enable", &json!({}));
        self.tools("Network.clearBrowserCookies", &json!({}));
        self.tools("Network.setExtraHTTPHeaders", &json!({"headers": {header: value}}));
    }

    pub(crate) fn open(&self, address: &str) {
        self.done("/url", &json!({"url": address}));
    }

    pub(crate) fn address(&self) -> String {
        self.told("/url")
    }

    /// What can be read on the page.
    pub(crate) fn text(&self) -> String {
        self.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn script(&self, text: &str) -> Value {
        self.script_with(text, &json!([]))
    }

    /// Runs it with these arguments, and waits for what it promises.
    pub(crate) fn script_with(&self, text: &str, arguments: &Value) -> Value {
        self.ask("/execute/sync", &json!({"script": text, "args": arguments})).unwrap_or_else(|why| panic!("{why}: {text}"))
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let found = self.done("/element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.done(&format!("/element/{element}/click"), &json!({}));
    }

    /// Writes into a field, in place of what is there.
    #[track_caller]
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.done(&format!("/element/{element}/clear"), &json!({}));
        self.done(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Presses keys, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let pressed =
            keys.chars().flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]);
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": pressed.collect::<Vec<_>>()}]});
        self.done("/actions", &actions);
    }

    /// Presses Tab until the focus is there; how often.
    #[track_caller]
    pub(crate) fn tab_to(&self, selector: &str) -> usize {
        let is_there = format!("return document.activeElement.matches({})", json!(selector));
        for count in 1..=60 {
            self.press(&TAB.to_string());
            if self.script(&is_there) == true {
                return count;
            }
        }
        panic!("Tab does not lead to {selector}: {}", self.text());
    }

    /// Fails unless the page has nothing that keeps people out, in a light scheme and in a dark one, and keeps a picture of each.
    pub(crate) fn is_for_everybody(&self, name: &str) {
        for scheme in ["light", "dark"] {
            self.tools("Emulation.setEmulatedMedia", &json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}));
            // What is folded away counts too.
            self.script("document.querySelectorAll('details').forEach(details => details.open = true)");
            let look = format!(
                "{}; return axe.run(document, {{resultTypes: ['violations']}}).then(found => found.violations)",
                self.axe
            );
            let found = self.script(&look);
            let serious = |found: &&Value| matches!(found["impact"].as_str(), Some("serious" | "critical"));
            let serious: Vec<String> = found.as_array().expect("a list").iter().filter(serious).map(described).collect();
            assert!(serious.is_empty(), "{name}, {scheme}: {serious:#?}");
            self.script("document.querySelectorAll('details').forEach(details => details.open = false)");
            self.picture(&format!("{name}-{scheme}"));
        }
        self.tools("Emulation.setEmulatedMedia", &json!({"features": []}));
    }

    /// Keeps a picture of the whole page.
    pub(crate) fn picture(&self, name: &str) {
        let height = self.script("return document.documentElement.scrollHeight");
        let width = self.script("return window.innerWidth");
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tools("Emulation.setDeviceMetricsOverride", &size);
        let picture = base64::engine::general_purpose::STANDARD.decode(self.told("/screenshot")).expect("base64");
        self.tools("Emulation.clearDeviceMetricsOverride", &json!({}));
        self.taken.set(self.taken.get() + 1);
        std::fs::write(self.pictures.join(format!("{:02}-{name}.png", self.taken.get())), picture)
            .expect("target/ can be written");
    }

    /// Fails where the console had something to complain of since the last look, besides what is expected.
    #[track_caller]
    pub(crate) fn is_quiet(&self, expected: &[&str]) {
        let entries = self.done("/se/log", &json!({"type": "browser"}));
        let said = entries
            .as_array()
            .expect("a list")
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        let said: Vec<&str> = said.map(|entry| entry["message"].as_str().unwrap_or_default()).collect();
        let odd: Vec<&&str> = said.iter().filter(|said| !expected.iter().any(|words| said.contains(words))).collect();
        assert!(odd.is_empty(), "the console says {odd:#?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.session.is_empty() {
            let _ = self.ask("/execute/sync", &json!({"script": "return document.body.innerText", "args": []})).map(|text| {
                eprintln!("the page:\n{}", text.as_str().unwrap_or_default());
            });
        }
        // Chromium ends with its session.
        let _ = request("DELETE", &self.session, &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn described(found: &Value) -> String {
    let nodes = found["nodes"].as_array().into_iter().flatten();
    let nodes: Vec<String> = nodes.map(|node| format!("{}: {}", node["html"], node["failureSummary"])).collect();
    format!("{}: {}", found["help"], nodes.join("; "))
}

/// Value of an answer, or why there is none.
fn request(method: &str, address: &str, body: &Value) -> Result<Value, String> {
    let unheard = |error: ureq::Error| error.to_string();
    let mut answer = match method {
        "POST" => ureq::post(address).config().http_status_as_error(false).build().send(body.to_string()).map_err(unheard)?,
        "DELETE" => ureq::delete(address).config().http_status_as_error(false).build().call().map_err(unheard)?,
        _ => ureq::get(address).config().http_status_as_error(false).build().call().map_err(unheard)?,
    };
    let is_good = answer.status().is_success();
    // Pictures are large.
    let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().map_err(unheard)?;
    let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if is_good { Ok(answer["value"].clone()) } else { Err(answer["value"]["message"].to_string()) }
}

/// axe-core's script, taken once.
pub(crate) fn axe() -> String {
    let script = wheel(&cache_directory().expect("a cache"), "axe", AXE, SCRIPT);
    std::fs::read_to_string(script).expect("axe-core is in the wheel")
}
