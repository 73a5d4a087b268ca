//! `kfctl diff` and `kfctl apply --dry-run`: what apply would do. Nothing is written, in the cluster or here.

use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use super::preparation::{Preparation, chosen};
use super::{Session, generate, prune, removal};
use crate::app::App;
use crate::apply::{self, Change, Check, Events, Kept, Planned, Preview, Problem, Settings, Step};
use crate::catalog::Catalog;
use crate::cli;
use crate::difference::Difference;
use crate::error::{Error, ExitStatus, Result};
use crate::object::ObjectId;
use crate::ui::{Output, Printer, listen};

/// `kfctl diff`.
pub(super) async fn run(session: &Session, arguments: &cli::Diff) -> Result<ExitStatus> {
    let (app, catalog) = (session.app()?, session.catalog()?);
    let settings = Settings { timeout: std::time::Duration::ZERO, wait: true, force_conflicts: arguments.force_conflicts };
    let (preview, leaving) = look(session, &app, &catalog, &arguments.components, settings).await?;
    let printer = &session.printer;
    let counts = Counts::of(&preview, &leaving);
    for planned in preview.objects.iter().filter(|planned| planned.change != Change::Unchanged) {
        object(printer, planned);
    }
    for (id, difference) in &leaving.pruned {
        printer.json(&json!({"object": id, "change": "pruned", "fields": difference.fields()}));
        title(printer, &format!("pruned {id} (no longer part of the app)"), difference);
    }
    stays(printer, &leaving.kept);
    let status = if !preview.problems.is_empty() {
        ExitStatus::Failed
    } else if counts.any() {
        ExitStatus::Changes
    } else {
        ExitStatus::Done
    };
    end(printer, &preview.problems, &counts, status);
    match status {
        ExitStatus::Done => printer.done(format!("nothing to change: {} objects are as the app says", counts.unchanged)),
        ExitStatus::Changes => {
            let apply = prune::command("apply k8s", &arguments.components);
            let prune = format!("{apply} --prune=yes");
            let mut next = vec![(apply.as_str(), "do it")];
            if counts.pruned > 0 {
                next.push((&prune, "do it, and delete what is no longer part of the app"));
            }
            printer.next(&next);
        }
        _ => {}
    }
    Ok(status)
}

/// `kfctl apply --dry-run`.
pub(super) async fn dry_run(session: &Session, app: &App, catalog: &Catalog, arguments: &cli::Apply) -> Result<ExitStatus> {
    if !arguments.scope.has_objects() {
        session.printer.note("a dry-run of the platform is not possible; `kfctl generate platform` shows its files");
        return Ok(ExitStatus::Done);
    }
    let settings = arguments.settings();
    let wait = settings.wait;
    let (preview, leaving) = look(session, app, catalog, &arguments.components, settings).await?;
    let printer = &session.printer;
    for (place, tasks) in preview.steps.iter().enumerate() {
        printer.json(&json!({"step": place + 1, "tasks": tasks}));
        printer.heading(format!("Step {}", place + 1));
        for task in tasks {
            printer.line(line(task));
        }
    }
    for (id, _) in &leaving.pruned {
        printer.json(&json!({"leftOver": id}));
        printer.line(format!("no longer part of the app: {id}"));
    }
    stays(printer, &leaving.kept);
    let counts = Counts::of(&preview, &leaving);
    if wait && preview.problems.is_empty() && counts.created + counts.configured > 0 {
        printer.line("Then it waits until everything is ready.");
    }
    let status = if preview.problems.is_empty() { ExitStatus::Done } else { ExitStatus::Failed };
    end(printer, &preview.problems, &counts, status);
    if status == ExitStatus::Done {
        printer.next(&[
            (&prune::command("diff", &arguments.components), "the same field by field"),
            (&prune::command("apply k8s", &arguments.components), "do it"),
        ]);
    }
    Ok(status)
}

/// What left the app.
struct Leaving {
    /// What goes, where pruning is wanted.
    pruned: Vec<(ObjectId, Difference)>,
    /// What stays, and why.
    kept: Vec<Kept>,
}

/// Renders, connects and looks.
async fn look(
    session: &Session,
    app: &App,
    catalog: &Catalog,
    components: &[String],
    settings: Settings,
) -> Result<(Preview, Leaving)> {
    let places = chosen(app, catalog, components)?;
    let render = |names: &[String]| generate::look(session, app, catalog, names);
    let preparation = Preparation::new(session, app, catalog, places, render, None).await?;
    let preview = if session.printer.output == Output::Text {
        let (sender, receiver) = unbounded_channel();
        let listener = tokio::spawn(listen(session.printer.clone(), receiver, session.verbose));
        let preview = apply::preview(&preparation.run(session, &app.file.name, settings, Events::to(sender))).await;
        let _ = listener.await;
        preview?
    } else {
        apply::preview(&preparation.run(session, &app.file.name, settings, Events::nowhere())).await?
    };
    let leaving = prune::look(session, app, catalog, &preparation, &preview.left_over, components).await?;
    let leaving = leaving.map_or_else(
        || Leaving { pruned: Vec::new(), kept: Vec::new() },
        |found| Leaving { pruned: found.differences(), kept: removal::worth_a_word(&found.kept).cloned().collect() },
    );
    Ok((preview, leaving))
}

struct Counts {
    created: usize,
    configured: usize,
    unchanged: usize,
    pruned: usize,
    kept: usize,
}

impl Counts {
    fn of(preview: &Preview, leaving: &Leaving) -> Self {
        let count = |change| preview.objects.iter().filter(|planned| planned.change == change).count();
        Self {
            created: count(Change::Created),
            configured: count(Change::Configured),
            unchanged: count(Change::Unchanged),
            pruned: leaving.pruned.len(),
            kept: leaving.kept.len(),
        }
    }

    fn any(&self) -> bool {
        self.created + self.configured + self.pruned > 0
    }
}

/// What has left the app and would stay.
fn stays(printer: &Printer, kept: &[Kept]) {
    for Kept { object, reason } in kept {
        printer.json(&json!({"object": object, "change": "kept", "reason": reason}));
        printer.line(format!("kept {object} (no longer part of the app): {reason}"));
    }
}

/// The difference of one object.
fn object(printer: &Printer, planned: &Planned) {
    let Planned { object, component, change, difference, taken, left, generated, .. } = planned;
    let mut document = json!({"object": object, "component": component, "change": change, "fields": difference.fields()});
    for (name, fields) in
        [("taken", taken), ("left", left), ("generated", generated)].iter().filter(|(_, fields)| !fields.is_empty())
    {
        document[name] = json!(fields);
    }
    printer.json(&document);
    title(printer, &format!("{} {object} (component {component})", verb(*change)), difference);
    if !generated.is_empty() {
        printer.line(format!("# made in the cluster, and shown nowhere: {}", generated.join(", ")));
    }
    if !taken.is_empty() {
        printer.line(format!("# its values stay; kfctl becomes one of those who keep {}", taken.join(", ")));
    }
    if !left.is_empty() {
        printer.line(format!("# its values stay; kfctl leaves to others {}", left.join(", ")));
    }
}

fn title(printer: &Printer, text: &str, difference: &Difference) {
    printer.heading(text);
    printer.diff(&difference.unified("in the cluster", "after apply"));
}

fn verb(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Configured => "configured",
        Change::Unchanged => "unchanged",
    }
}

/// One task of a step.
fn line(task: &Step) -> String {
    match task {
        Step::Write(Planned { object, change, check, generated, .. }) => {
            let check = match check {
                None => "",
                Some(Check::DryRun) => "  (checked by the server)",
                Some(Check::StandIn) => "  (checked by the server in namespace default; its own comes with this run)",
                Some(Check::Schema) => "  (checked against the definition that comes with this run)",
                Some(Check::AtWrite) => "  (not checked: the server can tell only when it is written)",
            };
            let verb = match change {
                Change::Created => "create",
                Change::Configured => "configure",
                Change::Unchanged => "unchanged",
            };
            let generated = if generated.is_empty() {
                String::new()
            } else {
                format!("  (would be generated in the cluster: {})", generated.join(", "))
            };
            format!("  {verb:<11} {object}{check}{generated}")
        }
        Step::Refused { object } => format!("  {:<11} {object}", "refused"),
        Step::Wait { object, until } => format!("  {:<11} {object}, until {until}", "wait for"),
    }
}

/// Problems and counts.
fn end(printer: &Printer, problems: &[Problem], counts: &Counts, status: ExitStatus) {
    let Counts { created, configured, unchanged, pruned, kept } = counts;
    printer.json(&json!({
        "event": "summary", "exitCode": status as u8, "created": created, "configured": configured, "unchanged": unchanged,
        "leftOver": pruned, "kept": kept, "problems": problems}));
    show(printer, problems);
    let gone = if *pruned > 0 { format!(", {pruned} no longer part of the app") } else { String::new() };
    let stay = if *kept > 0 { format!(", {kept} kept") } else { String::new() };
    let refused = if problems.is_empty() { String::new() } else { format!(", {} refused", problems.len()) };
    printer.note(format!(
        "{created} to create, {configured} to configure, {unchanged} unchanged{gone}{stay}{refused}; nothing was written"
    ));
}

/// Refusals, each with what to do.
pub(super) fn show(printer: &Printer, problems: &[Problem]) {
    for problem in problems {
        let what = format!("{} (component {}): {}", problem.object, problem.component, problem.reason);
        printer.error(&Error::cluster(what).detail(format!("from {}", problem.file)).hint(problem.hint.clone()));
    }
}
