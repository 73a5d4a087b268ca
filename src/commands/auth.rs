//! `kfctl auth`: who may log in by Dex. The users are Dex's static passwords in Secret `dex-users`, since Dex's documentation wants
//! nobody's hands on the objects of its own store. Dex reads them when it starts, so a change starts it again, one pod after the other.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Session, platform};
use crate::apply::{Password, identity};
use crate::catalog::is_email;
use crate::cli::{Auth, AuthUser};
use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, ExitStatus, Result, quoted};
use crate::labels::{SECRETS_FIELD_MANAGER, USERS_VERSION};
use crate::ui::{Table, typed_in};
use crate::yaml;

const SECRET: &str = "/api/v1/namespaces/auth/secrets/dex-users";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/auth/deployments/dex";
const KEY: &str = "users.yaml";
/// Writes that another one came before.
const TRIES: usize = 5;

/// Dex's list, with the fields that we know and those that we don't.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Users {
    #[serde(default)]
    static_passwords: Vec<User>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    email: String,
    hash: String,
    #[serde(rename = "userID")]
    id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("email", &self.email).finish_non_exhaustive()
    }
}

pub(super) async fn run(session: &Session, command: &Auth) -> Result<ExitStatus> {
    match command {
        Auth::RotatePassword { email, password_stdin } => rotate(session, email.as_deref(), *password_stdin).await?,
        Auth::Test(asked) => return super::access::run(session, asked).await,
        Auth::User(AuthUser::Add { email, groups, password_stdin }) => add(session, email, groups, *password_stdin).await?,
        Auth::User(AuthUser::List) => list(session).await?,
        Auth::User(AuthUser::Remove { email }) => remove(session, email).await?,
    }
    Ok(ExitStatus::Done)
}

async fn add(session: &Session, email: &str, groups: &[String], password_stdin: bool) -> Result<()> {
    if !is_email(email) {
        return Err(Error::usage(format!("{email:?} is no e-mail address")).expected("an e-mail address such as jane@acme.com"));
    }
    let made = new_password(session, email, password_stdin)?;
    let (hash, id) = (made.hash().map_err(Error::environment)?, identity().map_err(Error::environment)?);
    let store = Store::open(session).await?;
    store
        .change(|users| {
            if let Some(known) = users.iter().find(|user| user.email.eq_ignore_ascii_case(email)) {
                return Err(Error::cluster(format!("{} is a user already", known.email))
                    .hint(format!("give them a new password: `kfctl auth rotate-password {}`", quoted(&known.email))));
            }
            let more = serde_json::Map::from_iter([("username".to_owned(), Value::from(email))]);
            users.push(User { email: email.to_owned(), hash: hash.clone(), id: id.clone(), groups: groups.to_vec(), more });
            Ok(())
        })
        .await?;
    session.printer.json(&json!({"user": email, "change": "added"}));
    session.printer.done(format!("{email} may log in, once Dex has started again"));
    show(session, &made, password_stdin);
    let profile = format!("kfctl profile create NAME --user {}", quoted(email));
    session.printer.next(&[(&profile, "a namespace of their own"), ("kfctl auth user list", "who may log in")]);
    Ok(())
}

async fn rotate(session: &Session, email: Option<&str>, password_stdin: bool) -> Result<()> {
    let store = Store::open(session).await?;
    let (users, _) = store.read().await?;
    let email = match (email, users.static_passwords.as_slice()) {
        (Some(email), users) => named(users, email)?.email.clone(),
        (None, [user]) => user.email.clone(),
        (None, users) => {
            let names: Vec<&str> = users.iter().map(|user| user.email.as_str()).collect();
            return Err(Error::usage(format!("whose password? There are {} users", names.len()))
                .hint(format!("name one of {}", names.join(", "))));
        }
    };
    let made = new_password(session, &email, password_stdin)?;
    let hash = made.hash().map_err(Error::environment)?;
    store
        .change(|users| {
            named(users, &email)?;
            users.iter_mut().filter(|user| user.email == email).for_each(|user| user.hash.clone_from(&hash));
            Ok(())
        })
        .await?;
    session.printer.json(&json!({"user": email, "change": "rotated"}));
    session.printer.done(format!("{email} has a new password, once Dex has started again"));
    show(session, &made, password_stdin);
    Ok(())
}

async fn list(session: &Session) -> Result<()> {
    let (users, _) = Store::open(session).await?.read().await?;
    let mut table = Table::new(&["USER", "GROUPS", "ID"]);
    for user in &users.static_passwords {
        session.printer.json(&json!({"user": user.email, "groups": user.groups, "id": user.id}));
        table.row([user.email.clone(), user.groups.join(", "), user.id.clone()]);
    }
    session.printer.table(&table);
    Ok(())
}

async fn remove(session: &Session, email: &str) -> Result<()> {
    let store = Store::open(session).await?;
    let (users, _) = store.read().await?;
    let email = named(&users.static_passwords, email)?.email.clone();
    let question = format!("let {email} log in no more? Their profile and its data stay");
    if !session.printer.confirm(&question)? {
        session.printer.note("nothing was changed");
        return Ok(());
    }
    store
        .change(|users| {
            users.retain(|user| user.email != email);
            Ok(())
        })
        .await?;
    session.printer.json(&json!({"user": email, "change": "removed"}));
    session.printer.done(format!("{email} may log in no more, once Dex has started again"));
    session.printer.note("a login that is under way ends with its token: parameter tokenDuration of auth says when");
    Ok(())
}

/// The user of this e-mail address, which Dex takes in any case of its letters.
fn named<'a>(users: &'a [User], email: &str) -> Result<&'a User> {
    users.iter().find(|user| user.email.eq_ignore_ascii_case(email)).ok_or_else(|| {
        Error::cluster(format!("there is no user {email}")).nearest(email, users.iter().map(|user| user.email.as_str()))
    })
}

/// A password that somebody will know: typed in, or made and shown.
fn new_password(session: &Session, user: &str, password_stdin: bool) -> Result<Password> {
    if password_stdin {
        let password = typed_in().map_err(|error| Error::environment(format!("cannot read standard input: {error}")))?;
        // bcrypt takes no more than 72 bytes into account.
        if !(8..=72).contains(&password.len()) || password.chars().any(char::is_control) {
            return Err(Error::usage("that can't be a password").field("--password-stdin").expected("8 to 72 bytes on one line"));
        }
        return Ok(Password { user: user.to_owned(), password });
    }
    if !session.printer.can_show_secrets() {
        return Err(Error::usage("a new password is shown once, on a terminal, and there is none")
            .hint("bring one of your own: --password-stdin"));
    }
    Password::make(user).map_err(Error::environment)
}

fn show(session: &Session, made: &Password, password_stdin: bool) {
    if !password_stdin {
        // Asked about before anything was written.
        let _ = session.printer.secret(&format!("password of {}", made.user), &made.password);
    }
}

/// Where the users are.
struct Store {
    connection: Connection,
}

impl Store {
    /// In an app's directory, in the app's cluster.
    async fn open(session: &Session) -> Result<Self> {
        let target = match session.app() {
            Ok(app) => platform::target(session, &app, &session.catalog()?)?,
            Err(_) => session.target.clone(),
        };
        Ok(Self { connection: Connection::open(&target).await? })
    }

    /// The users, and the version of the Secret they are in.
    async fn read(&self) -> Result<(Users, Value)> {
        let secret = self.connection.read(SECRET).await.map_err(|failure| self.explain(&failure, "read"))?;
        let encoded = secret["data"][KEY].as_str().unwrap_or_default();
        let text = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).ok();
        let users = text.and_then(|text| yaml::from_str(&String::from_utf8(text).ok()?, std::path::Path::new(KEY)).ok());
        // What is wrong with it would quote what is in it.
        let users = users.ok_or_else(|| {
            Error::cluster(format!("key {KEY} of Secret auth/dex-users holds no list of users that Dex would take")).hint(
                "delete the Secret and apply again: `kubectl -n auth delete secret dex-users`, then `kfctl apply k8s -c auth`",
            )
        })?;
        Ok((users, secret["metadata"]["resourceVersion"].clone()))
    }

    /// Changes the list, whoever else does at the same time, and lets Dex read it.
    async fn change(&self, change: impl Fn(&mut Vec<User>) -> Result<()>) -> Result<()> {
        for attempt in 1.. {
            let (mut users, version) = self.read().await?;
            change(&mut users.static_passwords)?;
            let text = yaml::to_string(&serde_json::to_value(&users).expect("users are plain data"));
            let patch = json!({"metadata": {"resourceVersion": version}, "stringData": {KEY: text}});
            match self.merge(SECRET, &patch).await {
                Ok(secret) => {
                    let version = &secret["metadata"]["resourceVersion"];
                    let restart = json!({"spec": {"template": {"metadata": {"annotations": {USERS_VERSION: version}}}}});
                    self.merge(DEPLOYMENT, &restart).await.map_err(|failure| {
                        self.explain(&failure, "restart Dex, which")
                            .hint("it has to: `kubectl -n auth rollout restart deployment dex`")
                    })?;
                    return Ok(());
                }
                Err(failure) if failure.class == Class::Busy && attempt < TRIES => {}
                Err(failure) => return Err(self.explain(&failure, "change")),
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn merge(&self, path: &str, patch: &Value) -> Result<Value, Failure> {
        let path = format!("{path}?fieldManager={SECRETS_FIELD_MANAGER}");
        let body = ("application/merge-patch+json", patch.to_string().into_bytes());
        Ok(self.connection.request(Method::PATCH, &path, "application/json", Some(body)).await?.body)
    }

    fn explain(&self, failure: &Failure, verb: &str) -> Error {
        match failure.class {
            Class::NotFound | Class::NoMatch => {
                Error::cluster(format!("the cluster at {} has no users of Dex", self.connection.server))
                    .hint("they come with component auth and its parameter login=dex: `kfctl component enable auth`, then `kfctl apply k8s`")
            }
            _ => self.connection.explain(failure, &format!("{verb} the users in namespace auth")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dex_knows_beyond_us_stays() {
        let text = "staticPasswords:\n- {email: Jane@acme.com, hash: h, userID: i, username: jane, preferredUsername: j}\n";
        let users: Users = yaml::from_str(text, std::path::Path::new(KEY)).unwrap();
        assert_eq!(named(&users.static_passwords, "jane@acme.com").unwrap().email, "Jane@acme.com");
        let again = serde_json::to_value(&users).unwrap();
        assert_eq!(
            again,
            json!({"staticPasswords": [{"email": "Jane@acme.com", "hash": "h", "userID": "i", "username": "jane", "preferredUsername": "j"}]})
        );
        assert!(!format!("{users:?}").contains("\"h\""));
    }
}
