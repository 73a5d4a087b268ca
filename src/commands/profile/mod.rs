//! `kfctl profile`: what `kubectl` can do with profiles as well, in fewer words. All of it is done with the caller's own rights.

mod change;
mod import;
mod quota;
mod read;
mod share;

use serde_json::Value;

use super::{Session, platform};
use crate::api::profile::{Subject, SubjectKind};
use crate::cli::{Place, Profile, Who};
use crate::cluster::{Class, Connection, Failure};
use crate::error::{Error, ExitStatus, Result, quoted};
use crate::profiles::{
    PROFILES, Profiles, SYSTEM_NAMESPACE, is_segment, named, names_in, namespace_of, person, ready, service_account, text,
};

pub(super) async fn run(session: &Session, command: &Profile) -> Result<ExitStatus> {
    match command {
        Profile::Create { name, owner, namespace, quota, dry_run } => {
            let access = Access::open(session, *dry_run).await?;
            change::create(&access, name, owner, namespace.as_deref(), quota).await?;
        }
        Profile::List => read::list(&Access::open(session, false).await?).await?,
        Profile::Show { name } => read::show(&Access::open(session, false).await?, name).await?,
        Profile::Share { place, who, role, dry_run } => {
            let access = Access::open(session, *dry_run).await?;
            match role {
                Some(role) => share::member(&access, &place.name, who, *role).await?,
                None => share::share(&access, place, who).await?,
            }
        }
        Profile::Unshare { place, who, dry_run } => share::unshare(&Access::open(session, *dry_run).await?, place, who).await?,
        Profile::Transfer { name, owner, dry_run } => {
            return change::transfer(&Access::open(session, *dry_run).await?, name, owner).await;
        }
        Profile::Delete { name, dry_run } => return change::delete(&Access::open(session, *dry_run).await?, name).await,
        Profile::Import { file, confirm_definition, timeout, dry_run } => {
            let settings =
                import::Settings { file, confirmed: confirm_definition.as_deref(), timeout: *timeout, dry_run: *dry_run };
            return import::run(session, &settings).await;
        }
        Profile::Quota { place, changes, dry_run } => {
            let access = Access::open(session, *dry_run).await?;
            if changes.is_empty() { quota::show(&access, place).await? } else { quota::set(&access, place, changes).await? }
        }
    }
    Ok(ExitStatus::Done)
}

/// The way to the profiles of a cluster.
pub(super) struct Access<'a> {
    pub(super) session: &'a Session,
    pub(super) profiles: Profiles,
}

impl<'a> Access<'a> {
    /// In an app's directory this is the app's cluster.
    pub(super) async fn open(session: &'a Session, dry_run: bool) -> Result<Self> {
        let target = match session.app() {
            Ok(app) => platform::target(session, &app, &session.catalog()?)?,
            Err(_) => session.target.clone(),
        };
        Ok(Self { session, profiles: Profiles { connection: Connection::open(&target).await?, dry_run } })
    }

    async fn profile(&self, name: &str) -> Result<Value> {
        match self.profiles.get(segment(name)?).await {
            Ok(profile) => Ok(profile),
            Err(failure) => Err(self.explain(&failure, "read", name).await),
        }
    }

    /// Where the profile's namespace is. Its owner need not be allowed to read the profile: then it has the usual name.
    async fn namespace(&self, place: &Place) -> Result<String> {
        if let Some(namespace) = &place.namespace {
            return Ok(segment(namespace)?.to_owned());
        }
        match self.profiles.get(segment(&place.name)?).await {
            Ok(profile) => Ok(namespace_of(&profile)),
            Err(failure) if failure.class == Class::Forbidden => Ok(format!("kubeflow-{}", place.name)),
            Err(failure) => Err(self.explain(&failure, "read", &place.name).await),
        }
    }

    /// What was done, said as it is: real, or as if.
    pub(super) fn done(&self, text: &str) {
        self.session.printer.done(if self.profiles.dry_run {
            format!("{text} (dry-run: nothing was written)")
        } else {
            text.to_owned()
        });
    }

    pub(super) fn next(&self, commands: &[(&str, &str)]) {
        if !self.profiles.dry_run {
            self.session.printer.next(commands);
        }
    }

    /// A failed request about a profile, and who can help.
    async fn explain(&self, failure: &Failure, verb: &str, name: &str) -> Error {
        match failure.class {
            Class::NoMatch => Error::cluster(format!(
                "the cluster at {} has no profiles: their definition is not there",
                self.profiles.connection.server
            ))
            .hint("deploy it, in the app's directory: `kfctl apply k8s -c profiles`"),
            Class::NotFound => {
                let known = self.profiles.connection.get(PROFILES).await.unwrap_or_default();
                Error::cluster(format!("there is no profile {name}")).nearest(name, names_in(&known))
            }
            Class::Exists => {
                Error::cluster(format!("profile {name} exists already")).hint(format!("look at it: `kfctl profile show {name}`"))
            }
            Class::Forbidden => {
                let user = self.user().await;
                let error = Error::cluster(format!("{user} may not {verb} profile {name}")).detail(failure.message.clone());
                match ROLES.iter().find(|(verbs, _)| verbs.contains(&verb)) {
                    Some((_, role)) => error.hint(format!(
                        "an admin can allow it: `kubectl -n {SYSTEM_NAMESPACE} create rolebinding NAME --role={role} --user={}`",
                        quoted(&user)
                    )),
                    None => error.hint("an admin of the cluster can do it"),
                }
            }
            Class::Invalid => Error::cluster(format!("the server refuses profile {name}")).detail(failure.message.clone()),
            _ => self.profiles.connection.explain(failure, &format!("{verb} profile {name}")),
        }
    }

    /// The caller, as the server knows them.
    pub(super) async fn user(&self) -> String {
        self.profiles.user().await.unwrap_or_else(|| "YOU".to_owned())
    }
}

/// The roles in kubeflow-system that allow something.
const ROLES: [(&[&str], &str); 3] =
    [(&["create"], "profile-creator"), (&["delete"], "profile-deleter"), (&["read", "list"], "profile-viewer")];

/// A name that stays in its place in a path; the server says what else is wrong with it.
pub(super) fn segment(name: &str) -> Result<&str> {
    if is_segment(name) {
        Ok(name)
    } else {
        Err(Error::usage(format!("{name:?} is no name")).expected("lower-case letters, digits and '-', such as jane"))
    }
}

impl Who {
    fn subject(&self) -> Result<Subject> {
        match self {
            Self { user: Some(name), .. } => Ok(person(SubjectKind::User, name)),
            Self { group: Some(name), .. } => Ok(person(SubjectKind::Group, name)),
            Self { serviceaccount, .. } => {
                let account = serviceaccount.as_deref().unwrap_or_default();
                service_account(account).ok_or_else(|| {
                    Error::usage(format!("{account:?} names no service account"))
                        .field("--serviceaccount")
                        .expected("NAMESPACE:NAME, such as team:ci")
                })
            }
        }
    }
}
